/** The condition of the services, as they tell it themselves; a service that is not ready answers so, and that is no failure. */
import { get, Trouble, type Registered } from "../api";

export type Lane = { source: string; partition: number; position: number; last: number; lag: number; behind_seconds: number; error: string };
export type Report = {
  service: string; ready: boolean; checks: Record<string, string>; lag: number; parked: Record<string, number>; oldest_unsent_seconds: number; lanes: Lane[];
};
/** `copies` is how many are ready of each, where a front door stands before several. */
export type Condition = { ready: boolean; reports: Report[]; copies: Record<string, number> };

type Told = { ready: boolean; services?: Report[]; copies_ready?: Record<string, number> };

const SECONDS_MAX = 20;
const NOT_READY = 503;

async function ask(address: string): Promise<Told> {
  let answer: Response;
  try {
    answer = await fetch(address, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(SECONDS_MAX * 1000) });
  } catch {
    throw new Trouble("offline", 0, "offline", 0, {});
  }
  if (!answer.ok && answer.status !== NOT_READY) throw new Trouble("unavailable", answer.status, "unavailable", 0, {});
  return (await answer.json()) as Told;
}

/** Ask the one process; at a front door, one copy of each service. */
export async function condition(): Promise<Condition> {
  const told = await ask("/readyz");
  if (told.services) return { ready: told.ready, reports: told.services, copies: {} };
  const copies = told.copies_ready ?? {};
  const each = await Promise.all(Object.keys(copies).map((name) => ask(`/readyz/${name}`)));
  return { ready: told.ready, reports: each.flatMap((one) => one.services ?? []), copies };
}

/** An event that waits, and in which service. */
export type Waiting = { service: string; event: Registered["ParkedEvent"] };

/** What is parked in each service, so much of it as one page holds; `more` where there is more. */
export async function parked(): Promise<{ waiting: Waiting[]; more: boolean }> {
  const [registration, aid, notifications] = await Promise.all([
    get("/registration/parked-events"), get("/aid/parked-events"), get("/notifications/parked-events"),
  ]);
  const pages = { registration, aid_distribution: aid, notifications };
  return {
    waiting: Object.entries(pages).flatMap(([service, page]) => page.items.map((event) => ({ service, event }))),
    more: Object.values(pages).some((page) => page.next !== null),
  };
}
