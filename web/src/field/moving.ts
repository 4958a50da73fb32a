/**
 * The queue of a telephone as an encrypted file, for when the telephone is broken: another one takes it in and sends
 * each form by the key that it was begun with, so that it is posted once, also where both telephones send it.
 */
import type { Bytes } from "./bytes";
import { who } from "../session";
import { forms, keep, photoOf, type Form } from "./kept";
import { FORM } from "./store";

const MARK = new TextEncoder().encode("SRMPQUE1");
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
/** PBKDF2 with SHA-256: the least that OWASP's cheat sheet on storing passwords asks for (2023). */
const ROUNDS = 600_000;
export const PASSPHRASE_LENGTH_MIN = 12;

type Queue = { by: string; forms: Form[]; photos: { id: string; letters: string }[] };
export type Taken = { fresh: number; known: number } | "wrong" | "of-another" | "full";

/** Give what is not accepted yet, and its photos; undefined where nothing is. */
export async function exported(by: string, passphrase: string): Promise<Blob | undefined> {
  const waiting = (await forms(by)).filter((one) => one.state !== "accepted");
  if (waiting.length === 0) return undefined;
  const photos: Queue["photos"] = [];
  for (const { id, photo } of waiting) {
    const kept = photo ? await photoOf(id) : undefined;
    if (kept) photos.push({ id, letters: await lettersOf(kept) });
  }
  return seal(passphrase, { by, forms: waiting, photos });
}

/** Take a file in: forms that are here already stay as they are, and those of somebody else are not taken. */
export async function imported(by: string, passphrase: string, file: Blob): Promise<Taken> {
  const queue = await unseal(passphrase, new Uint8Array(await file.arrayBuffer()));
  if (!queue) return "wrong";
  if (who()?.subject !== by || queue.by !== by || queue.forms.some((one) => one.by !== by)) return "of-another";
  const photos = queue.photos.map(({ id, letters }) => ({ id, photo: pictureOf(letters) }));
  const fresh = await keep(by, queue.forms.map((one) => ({ ...FORM, ...one })), photos);
  return fresh < 0 ? "full" : { fresh, known: queue.forms.length - fresh };
}

async function seal(passphrase: string, queue: Queue): Promise<Blob> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const plain = new TextEncoder().encode(JSON.stringify(queue));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: MARK }, await keyOf(passphrase, salt), plain);
  return new Blob([MARK, salt, nonce, sealed], { type: "application/octet-stream" });
}

async function unseal(passphrase: string, raw: Bytes): Promise<Queue | undefined> {
  const salt = raw.slice(MARK.length, MARK.length + SALT_BYTES);
  const nonce = raw.slice(MARK.length + SALT_BYTES, MARK.length + SALT_BYTES + NONCE_BYTES);
  const sealed = raw.slice(MARK.length + SALT_BYTES + NONCE_BYTES);
  if (sealed.length === 0 || MARK.some((byte, at) => raw[at] !== byte)) return undefined;
  try {
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce, additionalData: MARK }, await keyOf(passphrase, salt), sealed);
    return JSON.parse(new TextDecoder().decode(plain)) as Queue;
  } catch {
    return undefined; // another passphrase, or a file that was changed: the two cannot be told apart
  }
}

async function keyOf(passphrase: string, salt: Bytes): Promise<CryptoKey> {
  const typed = await crypto.subtle.importKey("raw", new TextEncoder().encode(passphrase.normalize("NFKC")), "PBKDF2", false, ["deriveKey"]);
  return crypto.subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS }, typed, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

async function lettersOf(photo: Blob): Promise<string> {
  const pieces: string[] = [];
  for (const byte of new Uint8Array(await photo.arrayBuffer())) pieces.push(String.fromCharCode(byte));
  return btoa(pieces.join(""));
}

function pictureOf(letters: string): Blob {
  return new Blob([Uint8Array.from(atob(letters), (one) => one.charCodeAt(0))], { type: "image/jpeg" });
}
