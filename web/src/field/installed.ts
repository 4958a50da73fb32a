/** The service worker, where the browser has one: it keeps the shell, and sends when the page is closed. */

const SYNC = "serumpun-send";
type Syncing = ServiceWorkerRegistration & { sync?: { register(tag: string): Promise<void> } };

export async function install(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register("/sw.js", { scope: "/" }).catch(() => undefined); // without one, only the shell is missing
}

/** Ask the browser to send once there is a signal, also when the page is closed by then; not every browser does. */
export async function waken(): Promise<void> {
  const known: Syncing | undefined = await navigator.serviceWorker?.getRegistration();
  await known?.sync?.register(SYNC).catch(() => undefined);
}
