/** Numbers as they are written in the language: 1.250 in Indonesian, 1,250 in English. */
import type { Language } from "./words";

export function written(number: number, language: Language, digits = 0): string {
  const format = new Intl.NumberFormat(language === "id" ? "id-ID" : "en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return format.format(number);
}
