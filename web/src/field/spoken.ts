/** Whole numbers in words, so that one digit too many is seen. */
import type { Language } from "../words";

const ID = ["nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan", "sepuluh", "sebelas"];
const EN = [
  "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
  "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
];
const EN_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

export function spoken(number: number, language: Language): string {
  return language === "id" ? indonesian(number) : english(number);
}

function indonesian(number: number): string {
  if (number < 12) return ID[number] ?? "";
  if (number < 20) return `${indonesian(number - 10)} belas`;
  if (number < 100) return joined(`${indonesian(Math.floor(number / 10))} puluh`, number % 10, indonesian);
  if (number < 200) return joined("seratus", number - 100, indonesian);
  if (number < 1_000) return joined(`${indonesian(Math.floor(number / 100))} ratus`, number % 100, indonesian);
  if (number < 2_000) return joined("seribu", number - 1_000, indonesian);
  if (number < 1_000_000) return joined(`${indonesian(Math.floor(number / 1_000))} ribu`, number % 1_000, indonesian);
  return joined(`${indonesian(Math.floor(number / 1_000_000))} juta`, number % 1_000_000, indonesian);
}

function english(number: number): string {
  if (number < 20) return EN[number] ?? "";
  if (number < 100) return joined(EN_TENS[Math.floor(number / 10)] ?? "", number % 10, english, "-");
  if (number < 1_000) return joined(`${english(Math.floor(number / 100))} hundred`, number % 100, english);
  if (number < 1_000_000) return joined(`${english(Math.floor(number / 1_000))} thousand`, number % 1_000, english);
  return joined(`${english(Math.floor(number / 1_000_000))} million`, number % 1_000_000, english);
}

function joined(head: string, rest: number, say: (number: number) => string, between = " "): string {
  return rest === 0 ? head : head + between + say(rest);
}
