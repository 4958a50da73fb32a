/** Codes that the services have signed (Ed25519), read and checked without a signal. */
import { fromLetters, toUuid, type Bytes } from "./bytes";

const COUPON_HEADER = '{"alg":"Ed25519","typ":"coupon"}';
const ID_BYTES = 16;
const SIGNATURE_BYTES = 64;
const ENTRY_FORM = 1;
const ENTRY_BYTES = 1 + 2 * ID_BYTES + SIGNATURE_BYTES;

/** `genuine` is undefined where it cannot be told: without the key, or in a browser that knows no such signatures. */
export type Checked<T> = T & { genuine: boolean | undefined };
export type Coupon = { market: string; id: string; serial: number; packages: number };
export type Entry = { training: string; ticket: string };

/** Read what the QR code of a coupon says; nothing for what is no coupon. */
export async function readCoupon(token: string, key: string): Promise<Checked<Coupon> | undefined> {
  const [header = "", words = "", signature = "", ...more] = token.split(".");
  const parts = [header, words, signature].map(fromLetters);
  const [head, said, signed] = parts;
  if (more.length > 0 || !head || !said || !signed || text(head) !== COUPON_HEADER) return undefined;
  const coupon = couponOf(text(said));
  return coupon && { ...coupon, genuine: await isSigned(key, signed, new TextEncoder().encode(`${header}.${words}`)) };
}

function couponOf(words: string): Coupon | undefined {
  try {
    const { m, c, n, p } = JSON.parse(words) as Record<string, unknown>;
    const [market, id] = [m, c].map((one) => fromLetters(String(one)));
    if (market?.length !== ID_BYTES || id?.length !== ID_BYTES || typeof n !== "number" || typeof p !== "number") return undefined;
    return { market: toUuid(market), id: toUuid(id), serial: n, packages: p };
  } catch {
    return undefined;
  }
}

/** Read the code that a participant shows at the door; nothing for what is no such code. */
export async function readEntry(code: string, key: string): Promise<Checked<Entry> | undefined> {
  const raw = fromLetters(code);
  if (raw?.length !== ENTRY_BYTES || raw[0] !== ENTRY_FORM) return undefined;
  const said = raw.slice(0, -SIGNATURE_BYTES);
  const [training, ticket] = [said.slice(1, 1 + ID_BYTES), said.slice(1 + ID_BYTES)];
  return { training: toUuid(training), ticket: toUuid(ticket), genuine: await isSigned(key, raw.slice(-SIGNATURE_BYTES), said) };
}

async function isSigned(key: string, signature: Bytes, said: Bytes): Promise<boolean | undefined> {
  if (!key) return undefined;
  try {
    const publicKey = await crypto.subtle.importKey("jwk", { kty: "OKP", crv: "Ed25519", x: key }, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", publicKey, signature, said);
  } catch {
    return undefined; // the server looks at every code once more
  }
}

function text(raw: Bytes): string {
  return new TextDecoder().decode(raw);
}
