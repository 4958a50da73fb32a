/** The store of the telephone: opened once, changed by whole transactions, taken away when somebody signs out. */
const STORE = "serumpun-field";
const VERSION = 2;
const SECOND = 2;

export type Name = "forms" | "lists" | "session" | "photos";
/** What every form has beside what it was begun with; forms and lists of an older app get the rest of it. */
export const FORM = { about: "", told: {}, scans: [], outcomes: [], photo: "", position: null };
const LISTS = { transfers: [], stations: [], markets: [], trainings: [], couponKey: "", entryKey: "" };

let opened: Promise<IDBDatabase> | undefined;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(STORE, VERSION);
    request.onupgradeneeded = ({ oldVersion }) => upgrade(request, oldVersion);
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

function upgrade(request: IDBOpenDBRequest, oldVersion: number): void {
  const database = request.result;
  if (oldVersion < 1) {
    database.createObjectStore("forms", { keyPath: "id" });
    database.createObjectStore("lists", { keyPath: "by" });
    database.createObjectStore("session", { keyPath: "id" });
  } else if (oldVersion < SECOND && request.transaction) {
    complete(request.transaction.objectStore("forms"), FORM);
    complete(request.transaction.objectStore("lists"), LISTS);
  }
  if (oldVersion < SECOND) database.createObjectStore("photos", { keyPath: "id" });
}

/** Give every row what it does not have yet. */
function complete(rows: IDBObjectStore, missing: object): void {
  const request = rows.openCursor();
  request.onsuccess = () => {
    const at = request.result;
    if (!at) return;
    at.update({ ...missing, ...(at.value as object) });
    at.continue();
  };
}

/** Carry out one transaction; `task` gets the first of the stores, and what it finds is given once all of it is kept. */
export async function within<T>(stores: Name | [Name, ...Name[]], mode: IDBTransactionMode, task: (rows: IDBObjectStore, found: (value: T) => void) => void): Promise<T> {
  const database = await open();
  return new Promise((resolve, reject) => {
    // Strict: what is said to be kept is kept, also when the battery dies in this moment.
    const transaction = database.transaction(stores, mode, { durability: "strict" });
    let result: T;
    transaction.oncomplete = () => resolve(result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error ?? new Error("the telephone keeps nothing"));
    task(transaction.objectStore(typeof stores === "string" ? stores : stores[0]), (value) => {
      result = value;
    });
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
