/** Moments as people in the province read them: WIB, in the form of their language. */
import type { Language } from "./words";

const LOCALES = { id: "id-ID", en: "en-GB" } as const;

export function moment(text: string, language: Language): string {
  const format = new Intl.DateTimeFormat(LOCALES[language], {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZone: "Asia/Jakarta",
  });
  return `${format.format(new Date(text))} WIB`;
}

/** A day without an hour, such as "2026-11-28". */
export function day(text: string, language: Language): string {
  const format = new Intl.DateTimeFormat(LOCALES[language], { dateStyle: "full", timeZone: "UTC" });
  return format.format(new Date(`${text}T00:00:00Z`));
}

/** The day in the province, such as "2026-11-28"; "sv-SE" writes days so. */
export function today(): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Jakarta" }).format(new Date());
}

/** This minute in the province, as a field for time has it: "2026-11-28T09:30". */
export function thisMinute(): string {
  return new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short", timeZone: "Asia/Jakarta" }).format(new Date()).replace(" ", "T");
}

/** The instant of a minute in WIB, as a field for time gives it: "2026-11-28T09:30". */
export function instant(minute: string): string {
  return `${minute}:00+07:00`;
}
