/** The figures of the overview, all asked for together. */
import { all, get, type Board, type Cover, type Exception, type Item, type Place, type StockAlert } from "../api";

const PAGE_ITEMS = "500";
const LISTED_MAX = "50";

export type Shelf = { place: Place; onHand: number; available: number; cover: Cover; alert: "low" | "out" | undefined };
export type Figures = { item: Item; shelves: Shelf[]; board: Board; alerts: StockAlert[]; exceptions: Exception[]; askedAt: Date };

export function items(): Promise<Item[]> {
  return all((cursor) => get("/aid/items", { query: { limit: PAGE_ITEMS, ...(cursor ? { cursor } : {}) } }));
}

export async function figures(item: Item): Promise<Figures> {
  const askedAt = new Date();
  const [places, board, alerts, exceptions] = await Promise.all([
    all((cursor) => get("/aid/places", { query: { limit: PAGE_ITEMS, ...(cursor ? { cursor } : {}) } })),
    get("/aid/equity", { query: { item: item.code } }),
    get("/aid/alerts", { query: { state: "open", limit: LISTED_MAX } }),
    get("/aid/exceptions", { query: { state: "open", limit: LISTED_MAX } }),
  ]);
  const warehouses = places.filter((one) => one.kind === "warehouse");
  const covers = await Promise.all(warehouses.map((one) => get("/aid/cover", { query: { place: one.code, item: item.code } })));
  const shelves = warehouses.flatMap((place, index) => {
    const cover = covers[index];
    if (!cover) return [];
    const kinds = alerts.items.filter((one) => one.place === place.code && one.item === item.code).map((one) => one.kind);
    const alert = kinds.includes("out") ? ("out" as const) : kinds.includes("low") ? ("low" as const) : undefined;
    return [{ place, onHand: cover.on_hand, available: cover.available, cover, alert }];
  });
  return { item, shelves, board, alerts: alerts.items, exceptions: exceptions.items, askedAt };
}
