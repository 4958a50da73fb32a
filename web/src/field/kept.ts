/**
 * What the field app keeps on the telephone: forms from the first letter to the receipt number, and lists to choose
 * from. Every step of a form is one transaction of the store, so two tabs, a double tap or a browser that dies leave
 * it either before the step or after it.
 */
import type { Who } from "../session";
import { within } from "./store";

/** The name of each kept shell begins so; it holds no data, and stays when somebody signs out. */
export const SHELL = "serumpun-shell-";
const FORMS_MAX = 500;
const SHOWN_DAYS = 30;
const DAY_MILLISECONDS = 86_400_000;

export type Kind = "distribution" | "receipt" | "count" | "transfer" | "visit" | "attendance" | "sales";
/** draft: being written; stored: finished, to be sent; sent: on its way, answer not here yet; accepted: with its number. */
export type State = "draft" | "stored" | "sent" | "accepted" | "refused";
/** Goods; of a transfer also the lot, how much was sent, and why not all of it was accepted. */
export type Line = { item: string; quantity: string; lot?: string; sent?: number; reason?: string };
/** A code that was scanned; the same thing shown again has the same `key`, and `at` is the telephone's own clock. */
export type Scan = { id: string; key: string; code: string; label: string; at: number; lines: { item: string; quantity: number }[] };
/** What the server has made of one scan. */
export type Outcome = { id: string; outcome: string; code: string };
export type Mistake = { pointer: string; code: string; detail: string; members?: Record<string, unknown> };
export type Position = { latitude_microdegrees: number; longitude_microdegrees: number; accuracy_metres: number };

/** A form; `id` is made with the draft and is the key by which the server carries it out once. */
export type Form = {
  id: string;
  by: string;
  kind: Kind;
  state: State;
  /** Which transfer, station, training or market it is about; `told["name"]` is how people call that. */
  about: string;
  place: string;
  programme: string;
  source: string;
  document: string;
  /** As it stands in the field: a moment in WIB, "2026-11-28T14:05". */
  occurred: string;
  people: string;
  lines: Line[];
  /** What only one kind of form asks, by the name of its field. */
  told: Record<string, string>;
  scans: Scan[];
  outcomes: Outcome[];
  /** SHA-256 of its photo, which is kept beside it; empty without one. */
  photo: string;
  position: Position | null;
  mistakes: Mistake[];
  number: string;
  changedAt: number;
  tries: number;
};

export type Transfer = { id: string; number: string; from: string; to: string; lines: { item: string; lot: string; sent: number }[] };
export type Station = { id: string; name: string; siteName: string; waterMillilitre: number; soapMillilitre: number };
export type Market = { id: string; number: string; place: string; model: string; items: { item: string; price: number; limit: number }[] };
export type Training = { id: string; title: string; venue: string; sessions: { no: number; day: string }[] };

export type Lists = {
  by: string;
  places: { code: string; name: string; kind: string }[];
  items: { code: string; name: string; unit: string }[];
  /** What is on its way to the places of these regions. */
  transfers: Transfer[];
  stations: Station[];
  markets: Market[];
  trainings: Training[];
  /** The public keys with which coupons and entry codes are checked without a signal. */
  couponKey: string;
  entryKey: string;
  /** What is usual of an item in one posting: the median of the last ones. */
  usual: Record<string, number>;
  fetchedAt: number;
  /** How far the clock of the server is ahead of the telephone's. */
  aheadMilliseconds: number;
};

/** The forms of somebody, the last changed first. */
export async function forms(by: string): Promise<Form[]> {
  const all = await within<Form[]>("forms", "readonly", (rows, found) => {
    const request = rows.getAll();
    request.onsuccess = () => found(request.result as Form[]);
  });
  return all.filter((one) => one.by === by).sort((a, b) => b.changedAt - a.changedAt);
}

/** Change a form from what it is now; where `change` gives nothing, or there is no such form, nothing changes. */
export function step(id: string, change: (now: Form) => Form | undefined): Promise<Form | undefined> {
  return within<Form | undefined>("forms", "readwrite", (rows, found) => {
    const request = rows.get(id);
    request.onsuccess = () => {
      const now = request.result as Form | undefined;
      const next = now && change(now);
      if (next) rows.put({ ...next, changedAt: Date.now() });
      found(next);
    };
  });
}

/**
 * Write a scan into a draft, unless `refuse` says no to what any form about the same thing has of the same key; a scan
 * that is in the draft by its id already stays there once.
 */
export function addScan(id: string, scan: Scan, refuse: (before: Scan[]) => boolean): Promise<{ form?: Form; before?: Scan }> {
  return within<{ form?: Form; before?: Scan }>("forms", "readwrite", (rows, found) => {
    const request = rows.getAll();
    request.onsuccess = () => {
      const all = request.result as Form[];
      const now = all.find((one) => one.id === id);
      if (now?.state !== "draft") return found({});
      if (now.scans.some((one) => one.id === scan.id)) return found({ form: now });
      const others = all.filter((one) => one.by === now.by && one.kind === now.kind && one.about === now.about);
      const before = others.flatMap((one) => one.scans).filter((one) => one.key === scan.key);
      if (refuse(before)) return found(before[0] ? { before: before[0] } : {});
      const form = { ...now, scans: [...now.scans, scan], changedAt: Date.now() };
      rows.put(form);
      found({ form });
    };
  });
}

/** Begin a form; gives false where so many wait already that the first of them must be sent. */
export async function begin(form: Form): Promise<boolean> {
  return (await keep(form.by, [form], [])) === 1;
}

/**
 * Keep forms that are not here yet, all or none, with their photos; gives how many were new, and -1 where too many are
 * not accepted yet. What was accepted makes room for them, the oldest first.
 */
export function keep(by: string, fresh: Form[], photos: { id: string; photo: Blob }[]): Promise<number> {
  return within<number>(["forms", "photos"], "readwrite", (rows, found) => {
    const pictures = rows.transaction.objectStore("photos");
    const request = rows.getAll();
    request.onsuccess = () => {
      const known = (request.result as Form[]).filter((one) => one.by === by);
      const accepted = known.filter((one) => one.state === "accepted").sort((a, b) => b.changedAt - a.changedAt);
      const missing = fresh.filter((one) => !known.some((other) => other.id === one.id));
      const room = FORMS_MAX - (known.length - accepted.length) - missing.length;
      if (room < 0) return found(-1);
      const old = accepted.filter((one, at) => at >= room || one.changedAt < Date.now() - SHOWN_DAYS * DAY_MILLISECONDS);
      for (const one of old) {
        rows.delete(one.id);
        pictures.delete(one.id);
      }
      for (const one of missing) rows.add(one);
      for (const one of photos) if (missing.some((other) => other.id === one.id)) pictures.put(one);
      found(missing.length);
    };
  });
}

/** Throw a draft or a refused form away; what is on its way cannot be taken back so. */
export function discard(id: string): Promise<void> {
  return within<void>(["forms", "photos"], "readwrite", (rows) => {
    const request = rows.get(id);
    request.onsuccess = () => {
      const state = (request.result as Form | undefined)?.state;
      if (state !== "draft" && state !== "refused") return;
      rows.delete(id);
      rows.transaction.objectStore("photos").delete(id);
    };
  });
}

/** Keep the photo of a draft and its digest together, or take both away. */
export function keepPhoto(id: string, photo: Blob | undefined, digest: string): Promise<void> {
  return within<void>(["forms", "photos"], "readwrite", (rows) => {
    const pictures = rows.transaction.objectStore("photos");
    const request = rows.get(id);
    request.onsuccess = () => {
      const now = request.result as Form | undefined;
      if (now?.state !== "draft") return;
      rows.put({ ...now, photo: digest, changedAt: Date.now() });
      if (photo) pictures.put({ id, photo });
      else pictures.delete(id);
    };
  });
}

export function photoOf(id: string): Promise<Blob | undefined> {
  return within<Blob | undefined>("photos", "readonly", (rows, found) => {
    const request = rows.get(id);
    request.onsuccess = () => found((request.result as { photo: Blob } | undefined)?.photo);
  });
}

export function keepLists(lists: Lists): Promise<void> {
  return within<void>("lists", "readwrite", (rows) => void rows.put(lists));
}

export function lists(by: string): Promise<Lists | undefined> {
  return within<Lists | undefined>("lists", "readonly", (rows, found) => {
    const request = rows.get(by);
    request.onsuccess = () => found(request.result as Lists | undefined);
  });
}

/** Say whose session the cookie is of, for the service worker too: nobody's forms are sent as another one. */
export async function nowSignedIn(subject: string): Promise<void> {
  if (!("indexedDB" in globalThis)) return;
  await within<void>("session", "readwrite", (rows) => void rows.put({ id: "now", subject }));
}

export function signedInSubject(): Promise<string> {
  return within<string>("session", "readonly", (rows, found) => {
    const request = rows.get("now");
    request.onsuccess = () => found((request.result as { subject: string } | undefined)?.subject ?? "");
  });
}

/** How many forms of somebody are not with the server yet. */
export async function waiting(who: Who | undefined): Promise<number> {
  if (!who || !("indexedDB" in globalThis)) return 0;
  return (await forms(who.subject)).filter((one) => one.state !== "accepted").length;
}
