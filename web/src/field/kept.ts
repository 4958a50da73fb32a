/**
 * What the field app keeps on the telephone: forms from the first letter to the receipt number, and lists to choose
 * from. Every step of a form is one transaction of the store, so two tabs, a double tap or a browser that dies leave
 * it either before the step or after it.
 */
import type { Who } from "../session";

/** The name of each kept shell begins so; it holds no data, and stays when somebody signs out. */
export const SHELL = "serumpun-shell-";
const STORE = "serumpun-field";
const VERSION = 1;
const FORMS_MAX = 500;
const SHOWN_DAYS = 30;
const DAY_MILLISECONDS = 86_400_000;

export type Kind = "distribution" | "receipt" | "count";
/** draft: being written; stored: finished, to be sent; sent: on its way, answer not here yet; accepted: with its number. */
export type State = "draft" | "stored" | "sent" | "accepted" | "refused";
export type Line = { item: string; quantity: string };
export type Mistake = { pointer: string; code: string; detail: string; members?: Record<string, unknown> };

/** A form; `id` is made with the draft and is the key by which the server carries it out once. */
export type Form = {
  id: string;
  by: string;
  kind: Kind;
  state: State;
  place: string;
  programme: string;
  source: string;
  document: string;
  /** As it stands in the field: a moment in WIB, "2026-11-28T14:05". */
  occurred: string;
  people: string;
  lines: Line[];
  mistakes: Mistake[];
  number: string;
  changedAt: number;
  tries: number;
};

export type Lists = {
  by: string;
  places: { code: string; name: string; kind: string }[];
  items: { code: string; name: string; unit: string }[];
  /** What is usual of an item in one posting: the median of the last ones. */
  usual: Record<string, number>;
  fetchedAt: number;
  /** How far the clock of the server is ahead of the telephone's. */
  aheadMilliseconds: number;
};

let opened: Promise<IDBDatabase> | undefined;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(STORE, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("forms", { keyPath: "id" });
      request.result.createObjectStore("lists", { keyPath: "by" });
      request.result.createObjectStore("session", { keyPath: "id" });
    };
    request.onsuccess = () => {
      request.result.onversionchange = () => {
        request.result.close(); // somebody signs out in another tab
        opened = undefined;
      };
      resolve(request.result);
    };
    request.onerror = () => {
      opened = undefined;
      reject(request.error ?? new Error("the telephone keeps nothing"));
    };
  });
  return opened;
}

/** Carry out one transaction; gives what `task` found, once all of it is on the telephone. */
async function within<T>(store: "forms" | "lists" | "session", mode: IDBTransactionMode, task: (rows: IDBObjectStore, found: (value: T) => void) => void): Promise<T> {
  const database = await open();
  return new Promise((resolve, reject) => {
    // Strict: what is said to be kept is kept, also when the battery dies in this moment.
    const transaction = database.transaction(store, mode, { durability: "strict" });
    let result: T;
    transaction.oncomplete = () => resolve(result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error ?? new Error("the telephone keeps nothing"));
    task(transaction.objectStore(store), (value) => {
      result = value;
    });
  });
}

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

/** Begin a form; gives false where so many wait already that the first of them must be sent. */
export async function begin(form: Form): Promise<boolean> {
  const known = await forms(form.by);
  const old = known.filter((one) => one.state === "accepted" && one.changedAt < Date.now() - SHOWN_DAYS * DAY_MILLISECONDS);
  if (known.length - old.length >= FORMS_MAX) return false;
  await within<void>("forms", "readwrite", (rows) => {
    for (const one of old) rows.delete(one.id);
    rows.add(form);
  });
  return true;
}

/** Throw a draft or a refused form away; what is on its way cannot be taken back so. */
export function discard(id: string): Promise<void> {
  return within<void>("forms", "readwrite", (rows) => {
    const request = rows.get(id);
    request.onsuccess = () => {
      const state = (request.result as Form | undefined)?.state;
      if (state === "draft" || state === "refused") rows.delete(id);
    };
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

/** Take everything away, without a signal too. */
export async function wipe(): Promise<void> {
  if (!("indexedDB" in globalThis)) return;
  const before = opened;
  opened = undefined;
  if (before) (await before.catch(() => undefined))?.close();
  await new Promise<void>((resolve) => {
    const request = indexedDB.deleteDatabase(STORE);
    request.onsuccess = request.onerror = request.onblocked = () => resolve();
  });
}

/** How many forms of somebody are not with the server yet. */
export async function waiting(who: Who | undefined): Promise<number> {
  if (!who || !("indexedDB" in globalThis)) return 0;
  return (await forms(who.subject)).filter((one) => one.state !== "accepted").length;
}
