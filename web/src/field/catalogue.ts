/** The lists that forms choose from, fetched while there is a signal and kept for when there is none; no person is in them. */
import { all, get } from "../api";
import { who as whoNow, type Who } from "../session";
import { keepLists, lists, type Lists, type Market, type Station, type Training, type Transfer } from "./kept";
import { medians } from "./rules";

const PAGE_ITEMS = "500";
const RECENT = "50";
const OVER = ["cancelled", "settled"];

/** Fetch anew; whoever asks has checked that there may be a signal. Nothing is kept for somebody who has signed out meanwhile. */
export async function fetchLists(who: Who): Promise<Lists> {
  const kept = await lists(who.subject);
  const [aheadMilliseconds, places, items, recent, transfers, stations, markets, trainings, couponKey, entryKey] = await Promise.all([
    ahead(),
    all((cursor) => get("/aid/places", { query: { limit: PAGE_ITEMS, ...(cursor ? { cursor } : {}) } })),
    all((cursor) => get("/aid/items", { query: { limit: PAGE_ITEMS, ...(cursor ? { cursor } : {}) } })),
    get("/aid/distributions", { query: { limit: RECENT } }),
    transfersComing(),
    stationsHere(),
    marketsNow(),
    // Another service, which may be away: what is known of it stays.
    trainingsNow().catch(() => kept?.trainings ?? []),
    get("/aid/coupon-key"),
    get("/registration/entry-key").catch(() => ({ x: kept?.entryKey ?? "" })),
  ]);
  const fresh: Lists = {
    by: who.subject,
    places: places.filter((one) => one.kind !== "virtual" && one.kind !== "reserved").map(({ code, name, kind }) => ({ code, name, kind })),
    items: items.map(({ code, name, unit }) => ({ code, name, unit })),
    transfers,
    stations,
    markets,
    trainings,
    couponKey: couponKey.x,
    entryKey: entryKey.x,
    usual: medians(recent.items.flatMap((one) => one.lines)),
    fetchedAt: Date.now(),
    aheadMilliseconds,
  };
  if (whoNow()?.subject === who.subject) await keepLists(fresh);
  return fresh;
}

async function transfersComing(): Promise<Transfer[]> {
  const query = { state: "in_transit", direction: "coming", limit: RECENT };
  const found = await all((cursor) => get("/aid/transfers", { query: { ...query, ...(cursor ? { cursor } : {}) } }), 200);
  return found.map((one) => ({
    id: one.id,
    number: one.number,
    from: one.from_place,
    to: one.to_place,
    lines: one.lines.map((line) => ({ item: line.item, lot: line.lot ?? "", sent: line.dispatched })),
  }));
}

async function stationsHere(): Promise<Station[]> {
  const found = await all((cursor) => get("/aid/stations", { query: { limit: RECENT, ...(cursor ? { cursor } : {}) } }), 500);
  return found.map((one) => ({
    id: one.id,
    name: one.name,
    siteName: one.site_name,
    waterMillilitre: one.capacity_water_millilitre,
    soapMillilitre: one.capacity_soap_millilitre,
  }));
}

async function marketsNow(): Promise<Market[]> {
  const found = await get("/aid/markets", { query: { limit: RECENT } });
  return found.items
    .filter((one) => !OVER.includes(one.state))
    .map((one) => ({
      id: one.id,
      number: one.number,
      place: one.place,
      model: one.model,
      items: one.items.map(({ item, price_rupiah, limit_per_family }) => ({ item, price: price_rupiah, limit: limit_per_family })),
    }));
}

async function trainingsNow(): Promise<Training[]> {
  const found = await get("/registration/trainings", { query: { limit: RECENT } });
  return found.items
    .filter((one) => !OVER.includes(one.state))
    .map((one) => ({
      id: one.id,
      title: one.title,
      venue: one.venue,
      sessions: one.sessions.filter((session) => !session.cancelled_at).map((session) => ({ no: session.no, day: session.held_on })),
    }));
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
