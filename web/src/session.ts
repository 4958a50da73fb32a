/**
 * Whether somebody is signed in here. The session itself is a cookie that no script sees; what is kept beside it says
 * only that there is one, and that it is to be ended as soon as there is a signal.
 */
import { post } from "./api";
import { SHELL } from "./field/kept";
import { wipe } from "./field/store";

const SIGNED_IN_UNTIL = "serumpun.signed-in-until";
const WHO = "serumpun.who";
const TO_BE_ENDED = "serumpun.to-be-ended";

export function isSignedIn(): boolean {
  if (localStorage.getItem(TO_BE_ENDED)) return false;
  return localStorage.getItem(SIGNED_IN_UNTIL) !== null;
}

/** Who of an office is signed in; an owner is nobody here. */
export type Who = { subject: string; role: string; regions: string[] };

export function signedIn(until: string, who?: Who): void {
  localStorage.removeItem(TO_BE_ENDED);
  localStorage.setItem(SIGNED_IN_UNTIL, until);
  if (who) localStorage.setItem(WHO, JSON.stringify(who));
  else localStorage.removeItem(WHO);
}

export function who(): Who | undefined {
  const kept = isSignedIn() ? localStorage.getItem(WHO) : null;
  return kept ? (JSON.parse(kept) as Who) : undefined;
}

const POSTS = ["regency_officer", "province_staff", "operator"];

/** Tells whether somebody may post what happened in the field. */
export function mayPost(one: Who | undefined): boolean {
  return one !== undefined && POSTS.includes(one.role);
}

/** Where somebody begins: an owner with messages, a regency officer in the field, the others with the overview. */
export function home(): string {
  const one = who();
  if (!one || one.role === "turnover_reader") return "/";
  return one.role === "regency_officer" ? "/lapangan" : "/ringkasan";
}

/** The server takes the session no more, so nothing of it stays; only the shell of the pages does, which is the same for all. */
export async function forget(): Promise<void> {
  const language = localStorage.getItem("serumpun.language");
  localStorage.clear();
  sessionStorage.clear();
  if (language) localStorage.setItem("serumpun.language", language);
  for (const name of (await globalThis.caches?.keys()) ?? []) if (!name.startsWith(SHELL)) await caches.delete(name);
}

/** Sign out; tells whether the server knows already. Without a signal it is told later, and nothing is shown till then. */
export async function signOut(): Promise<boolean> {
  await forget();
  await wipe();
  localStorage.setItem(TO_BE_ENDED, "1");
  return endWhatIsToBeEnded();
}

export async function endWhatIsToBeEnded(): Promise<boolean> {
  if (!localStorage.getItem(TO_BE_ENDED)) return true;
  try {
    // Each service has to be told; the last takes the cookie away, so what fails before it is simply begun again.
    await post("/registration/sessions/end", undefined);
    await post("/aid/sessions/end", undefined);
    await post("/notifications/sign-in/sessions/end", undefined);
  } catch {
    return false;
  }
  localStorage.removeItem(TO_BE_ENDED);
  return true;
}
