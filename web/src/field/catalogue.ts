/** The lists that forms choose from, fetched while there is a signal and kept for when there is none. */
import { all, get } from "../api";
import type { Who } from "../session";
import { keepLists, lists, type Lists } from "./kept";
import { medians } from "./rules";

const PAGE_ITEMS = "500";
const RECENT = "50";

/** Fetch anew; whoever asks has checked that there may be a signal. */
export async function fetchLists(who: Who): Promise<Lists> {
  const [aheadMilliseconds, places, items, recent] = await Promise.all([
    ahead(),
    all((cursor) => get("/aid/places", { query: { limit: PAGE_ITEMS, ...(cursor ? { cursor } : {}) } })),
    all((cursor) => get("/aid/items", { query: { limit: PAGE_ITEMS, ...(cursor ? { cursor } : {}) } })),
    get("/aid/distributions", { query: { limit: RECENT } }),
  ]);
  const fresh: Lists = {
    by: who.subject,
    places: places.filter((one) => one.kind !== "virtual" && one.kind !== "reserved").map(({ code, name, kind }) => ({ code, name, kind })),
    items: items.map(({ code, name, unit }) => ({ code, name, unit })),
    usual: medians(recent.items.flatMap((one) => one.lines)),
    fetchedAt: Date.now(),
    aheadMilliseconds,
  };
  await keepLists(fresh);
  return fresh;
}

export function keptLists(who: Who): Promise<Lists | undefined> {
  return lists(who.subject);
}

/** How far the server's clock is ahead: a telephone that is two days off still proposes the right moment. */
async function ahead(): Promise<number> {
  const answer = await fetch("/favicon.svg", { method: "HEAD", cache: "no-store" });
  const told = Date.parse(answer.headers.get("Date") ?? "");
  return Number.isNaN(told) ? 0 : told - Date.now();
}
