/** A live feed as it goes on: the browser takes it up again where it broke. */

const AGAIN_SECONDS = [1, 2, 5, 10, 30];

/** Follow until the returned function is called; `standing` is told when the stream breaks and when it goes on. */
export function follow(address: string, types: string[], heard: (data: string) => void, standing: (live: boolean) => void): () => void {
  let source: EventSource | undefined;
  let timer = 0;
  let after = "";
  let failures = 0;

  function open(): void {
    source = new EventSource(address + (after && `${address.includes("?") ? "&" : "?"}after=${after}`));
    source.onopen = () => {
      failures = 0;
      standing(true);
    };
    for (const type of types) {
      source.addEventListener(type, (event: MessageEvent<string>) => {
        after = event.lastEventId;
        heard(event.data);
      });
    }
    source.onerror = () => {
      standing(false);
      if (source?.readyState !== EventSource.CLOSED) return; // it comes back by itself, with Last-Event-ID
      window.clearTimeout(timer);
      timer = window.setTimeout(open, (AGAIN_SECONDS[Math.min(failures++, AGAIN_SECONDS.length - 1)] ?? 30) * 1000);
    };
  }

  function now(): void {
    if (source?.readyState !== EventSource.CLOSED) return;
    window.clearTimeout(timer);
    open();
  }

  open();
  window.addEventListener("online", now);
  return () => {
    window.removeEventListener("online", now);
    window.clearTimeout(timer);
    source?.close();
  };
}
