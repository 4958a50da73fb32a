/**
 * Sends what is finished, in the order in which it was begun. Runs in every tab and in the service worker: a lock
 * lets one of them send at a time, and the id of each form is its Idempotency-Key, so an answer that was lost on the
 * way is simply asked for again. A service that is away holds up its own forms and no others.
 */
import { forms, signedInSubject, step, type Form, type Mistake, type Outcome as Told } from "./kept";
import { body, path } from "./orders";

const LOCK = "serumpun-sending";
const NEWS = "serumpun-field";
const SECONDS_MAX = 20;
/** What says "not now": the same form is sent again later, by the same key. */
const LATER = [408, 425, 429];
const LATER_CODES = ["request_in_progress", "unavailable"];

export type Outcome = "done" | "offline" | "signed-out";

/** Tell every tab, and hear what others tell. */
export function listen(heard: () => void): () => void {
  const channel = new BroadcastChannel(NEWS);
  channel.onmessage = heard;
  return () => channel.close();
}

export function tell(): void {
  const channel = new BroadcastChannel(NEWS);
  channel.postMessage("changed");
  channel.close();
}

/** Send all that waits of whoever is signed in; whoever comes while another sends has nothing to do. */
export async function send(): Promise<Outcome> {
  return navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    const by = lock ? await signedInSubject() : "";
    return by ? sendAll(by) : "done";
  });
}

async function sendAll(by: string): Promise<Outcome> {
  const away = new Set<string>();
  let end: Outcome = "done";
  for (;;) {
    const ready = (await forms(by)).filter((one) => (one.state === "stored" || one.state === "sent") && !away.has(serviceOf(one)));
    const first = ready.sort((a, b) => (a.id < b.id ? -1 : 1))[0];
    if (!first) return end;
    const outcome = await sendOne(first);
    tell();
    if (outcome === "later" || outcome === "not-allowed") {
      away.add(serviceOf(first));
      end = outcome === "later" ? "offline" : "signed-out";
    } else if (outcome !== "done") return outcome;
  }
}

function serviceOf(form: Form): string {
  return path(form).split("/")[1] ?? "";
}

/** Send one form; its service may say "later", or that it takes nothing of this session: another one may all the same. */
async function sendOne(form: Form): Promise<Outcome | "later" | "not-allowed"> {
  const now = await step(form.id, (one) => (one.state === "stored" || one.state === "sent" ? { ...one, state: "sent", tries: one.tries + 1 } : undefined));
  if (!now) return "done";
  tell();
  let answer: Response;
  let told: Record<string, unknown>;
  try {
    answer = await fetch(path(now), {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json", "Serumpun-Page": "1", "Idempotency-Key": now.id },
      body: JSON.stringify(body(now)),
      signal: AbortSignal.timeout(SECONDS_MAX * 1000),
    });
    told = (await answer.json()) as Record<string, unknown>;
  } catch (fault) {
    if (fault instanceof SyntaxError) return "later"; // an answer, but none of the service: of whatever stands before it
    return "offline"; // or cut on the way: it may have been carried out, and the same key will say so
  }
  if (answer.status === 401) return "signed-out";
  if (answer.status === 403) return "not-allowed";
  if (answer.ok) {
    await step(now.id, (one) => ({ ...one, state: "accepted", number: String(told["number"] ?? ""), outcomes: outcomes(told), mistakes: [] }));
    return "done";
  }
  const code = String(told["code"] ?? "other");
  if (answer.status >= 500 || LATER.includes(answer.status) || LATER_CODES.includes(code)) return "later";
  const mistakes = (told["errors"] as Mistake[] | undefined) ?? [{ pointer: "", code, detail: String(told["detail"] ?? told["title"]), members: told }];
  await step(now.id, (one) => ({ ...one, state: "refused", mistakes }));
  return "done";
}

/** What became of each scan, where that was told. */
function outcomes(told: Record<string, unknown>): Told[] {
  const all = (told["outcomes"] ?? told["scans"] ?? []) as { id: string; outcome: string; code?: string | null }[];
  return all.map(({ id, outcome, code }) => ({ id, outcome, code: code ?? "" }));
}
