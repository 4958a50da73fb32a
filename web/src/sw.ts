/** Keeps the shell of the pages for when there is no signal, and sends forms when the page is closed. */
import pages from "../pages.json";
import { SHELL } from "./field/kept";
import { send } from "./field/sending";

declare const FILES: string[];
/** Made by the build: it changes with every file of the shell. */
declare const BUILD: string;

type Extending = Event & { waitUntil(work: Promise<unknown>): void };
type Fetching = Extending & { request: Request; respondWith(answer: Promise<Response>): void };
type Worker = { addEventListener(name: string, heard: (event: never) => void): void };

const worker = self as unknown as Worker;
const NAME = SHELL + BUILD;
const DOCUMENT = "/";

worker.addEventListener("install", (event: Extending) => {
  event.waitUntil(keep());
});

worker.addEventListener("activate", (event: Extending) => {
  event.waitUntil(forgetOthers());
});

worker.addEventListener("fetch", (event: Fetching) => {
  const address = new URL(event.request.url);
  if (event.request.method !== "GET" || address.origin !== location.origin) return;
  if (event.request.mode === "navigate" && pages.includes(address.pathname)) event.respondWith(kept(event.request, DOCUMENT));
  else if (FILES.includes(address.pathname)) event.respondWith(kept(event.request, address.pathname));
});

worker.addEventListener("sync", (event: Extending) => {
  event.waitUntil(sendOrAgain());
});

async function keep(): Promise<void> {
  const shell = await caches.open(NAME);
  await shell.addAll([DOCUMENT, ...FILES]);
}

async function forgetOthers(): Promise<void> {
  for (const name of await caches.keys()) if (name.startsWith(SHELL) && name !== NAME) await caches.delete(name);
}

/** A shell is of one build as a whole: what is kept is given first, and a new build comes once no tab shows the old one. */
async function kept(request: Request, path: string): Promise<Response> {
  return (await (await caches.open(NAME)).match(path)) ?? fetch(request);
}

/** The browser calls again later where this fails. */
async function sendOrAgain(): Promise<void> {
  if ((await send()) === "offline") throw new Error("there is no signal yet");
}
