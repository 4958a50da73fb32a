/**
 * Whether somebody is signed in here. The session itself is a cookie that no script sees; what is kept beside it says
 * only that there is one, and that it is to be ended as soon as there is a signal.
 */
import { post } from "./api";

const SIGNED_IN_UNTIL = "serumpun.signed-in-until";
const TO_BE_ENDED = "serumpun.to-be-ended";

export function isSignedIn(): boolean {
  if (localStorage.getItem(TO_BE_ENDED)) return false;
  return localStorage.getItem(SIGNED_IN_UNTIL) !== null;
}

export function signedIn(until: string): void {
  localStorage.removeItem(TO_BE_ENDED);
  localStorage.setItem(SIGNED_IN_UNTIL, until);
}

/** The server takes the session no more, so nothing of it stays. */
export async function forget(): Promise<void> {
  const language = localStorage.getItem("serumpun.language");
  localStorage.clear();
  sessionStorage.clear();
  if (language) localStorage.setItem("serumpun.language", language);
  for (const name of (await globalThis.caches?.keys()) ?? []) await caches.delete(name);
}

/** Sign out; tells whether the server knows already. Without a signal it is told later, and nothing is shown till then. */
export async function signOut(): Promise<boolean> {
  await forget();
  localStorage.setItem(TO_BE_ENDED, "1");
  return endWhatIsToBeEnded();
}

export async function endWhatIsToBeEnded(): Promise<boolean> {
  if (!localStorage.getItem(TO_BE_ENDED)) return true;
  try {
    await post("/notifications/sign-in/sessions/end", undefined);
  } catch {
    return false;
  }
  localStorage.removeItem(TO_BE_ENDED);
  return true;
}
