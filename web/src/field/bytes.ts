/** Bytes as letters, as codes and keys have them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Read base64url without padding; nothing for what is written otherwise, even where it would mean the same. */
export function fromLetters(letters: string): Bytes | undefined {
  try {
    const raw = Uint8Array.from(atob(letters.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
    return toLetters(raw) === letters ? raw : undefined;
  } catch {
    return undefined;
  }
}

export function toLetters(raw: Bytes): string {
  const pieces: string[] = [];
  for (const byte of raw) pieces.push(String.fromCharCode(byte));
  return btoa(pieces.join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function toHex(raw: Bytes): string {
  return [...raw].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function toUuid(raw: Bytes): string {
  const hex = toHex(raw);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
