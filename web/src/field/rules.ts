/** What can be said of a form without the server: all mistakes at once, by the same pointers as the server has. */
import type { Form, Kind, Line, Lists, Mistake, Scan } from "./kept";

const QUANTITY_MAX = 1_000_000;
const USUAL_TIMES = 3;
const MINUTE_LENGTH = 16;
const SECOND_LENGTH = 19;
const MILLILITRES = 1_000;
const WIB_MILLISECONDS = 7 * 3_600_000;
/** As many as one order may carry to the server. */
export const SCANS_MAX = 500;
/** A reference that an office has made of a family card. */
const FAMILY = /^[A-Za-z0-9_-]{16,64}$/;
/** How the sixteen digits of a family card or of a NIK are parted where somebody writes them down. */
const STROKES = /[-_. ]/g;

/** The fields that a form shows, by the pointers of what is sent: a mistake in one of them is told beside it. */
export function pointers(form: Form): string[] {
  const lines = form.lines.flatMap((_, index) => ["item", "quantity"].map((name) => `/lines/${index}/${name}`));
  const placed = ["/place", "/occurred_at", ...lines, "/document"];
  if (form.kind === "distribution") return ["/programme", ...placed, "/recipients/public"];
  if (form.kind === "receipt") return ["/source", ...placed];
  if (form.kind === "count") return placed;
  if (form.kind === "transfer") return ["/about", "/occurred_at", ...form.lines.flatMap((_, index) => ["accepted", "reason"].map((name) => `/lines/${index}/${name}`)), "/document"];
  if (form.kind === "visit") return ["/about", "/occurred_at", "/state", "/repaired", "/water_before_millilitre", "/soap_before_millilitre", "/refill/water_millilitre", "/refill/soap_millilitre", "/refill/from_place", ...lines.map((one) => `/refill${one}`), "/document"];
  return form.kind === "attendance" ? ["/about", "/session", "/scans"] : ["/about", "/counter", "/scans"];
}

export function mistakesOf(form: Form, lists: Lists | undefined): Mistake[] {
  const found = new Found();
  if (form.kind === "transfer") transfer(form, found);
  else if (form.kind === "visit") visit(form, found, lists);
  else if (form.kind === "attendance" || form.kind === "sales") scanned(form, found);
  else posted(form, found);
  if (isOfPerson(form.document)) found.say("/document", "person_number");
  return found.mistakes;
}

class Found {
  readonly mistakes: Mistake[] = [];

  say(pointer: string, code: string): void {
    this.mistakes.push({ pointer, code, detail: "" });
  }

  need(pointer: string, value: string | undefined): void {
    if (!value) this.say(pointer, "missing");
  }

  number(pointer: string, text = "", least = 0, most = QUANTITY_MAX): void {
    const told = text.trim();
    if (!told) this.say(pointer, "missing");
    else if (!/^\d{1,9}$/.test(told)) this.say(pointer, "not_a_number");
    else if (Number(told) < least) this.say(pointer, "too_small");
    else if (Number(told) > most) this.say(pointer, most === QUANTITY_MAX ? "too_large" : "above_capacity");
  }

  goods(pointer: string, lines: Line[], least: number): void {
    lines.forEach((line, index) => {
      this.need(`${pointer}/${index}/item`, line.item);
      if (!isLeftOut(line)) this.number(`${pointer}/${index}/quantity`, line.quantity, least);
      const before = lines.findIndex((other) => line.item !== "" && other.item === line.item && (other.lot ?? "") === (line.lot ?? ""));
      if (before !== -1 && before < index) this.say(`${pointer}/${index}/item`, "duplicate");
    });
  }
}

/** Tells whether a line that came from the book was not counted. */
function isLeftOut(line: Line): boolean {
  return line.lot !== undefined && line.sent === undefined && line.quantity.trim() === "";
}

/**
 * Give a form as it is finished: a count without the goods that were not counted, and against the book at this very
 * moment, so that whatever has moved since the book was looked at is found.
 */
export function finished(form: Form, lists: Lists | undefined): Form {
  if (form.kind !== "count") return form;
  const takenAt = Number(form.told["takenAt"] ?? 0);
  const occurred = takenAt ? wib(Math.max(takenAt, Date.now() + (lists?.aheadMilliseconds ?? 0))).slice(0, -1) : form.occurred;
  return { ...form, occurred, lines: form.lines.filter((line) => !isLeftOut(line)) };
}

function posted(form: Form, found: Found): void {
  if (form.kind === "distribution") found.need("/programme", form.programme);
  if (form.kind === "receipt") found.need("/source", form.source);
  found.need("/place", form.place);
  found.need("/occurred_at", form.occurred);
  if (form.kind === "count" && form.lines.every(isLeftOut)) found.say("/lines", "nothing_counted");
  found.goods("/lines", form.lines, form.kind === "count" ? 0 : 1);
  if (form.kind === "distribution") found.number("/recipients/public", form.people, 1);
}

function transfer(form: Form, found: Found): void {
  found.need("/about", form.about);
  found.need("/occurred_at", form.occurred);
  form.lines.forEach((line, index) => {
    found.number(`/lines/${index}/accepted`, line.quantity);
    const difference = (line.sent ?? 0) - Number(line.quantity);
    if (difference < 0) found.say(`/lines/${index}/accepted`, "more_than_sent");
    if (difference > 0) found.need(`/lines/${index}/reason`, line.reason);
  });
}

function visit(form: Form, found: Found, lists: Lists | undefined): void {
  const { told } = form;
  const station = lists?.stations.find((one) => one.id === form.about);
  const [waterMost, soapMost] = [station ? Math.floor(station.waterMillilitre / MILLILITRES) : QUANTITY_MAX, station?.soapMillilitre ?? QUANTITY_MAX];
  found.need("/about", form.about);
  found.need("/occurred_at", form.occurred);
  found.need("/state", told["state"]);
  found.number("/water_before_millilitre", told["water"], 0, waterMost);
  found.number("/soap_before_millilitre", told["soap"], 0, soapMost);
  found.number("/refill/water_millilitre", told["addedWater"] || "0", 0, waterMost - Number(told["water"] || 0));
  found.number("/refill/soap_millilitre", told["addedSoap"] || "0", 0, soapMost - Number(told["soap"] || 0));
  if (found.mistakes.length === 0) {
    const usable = Number(told["water"]) > 0 && Number(told["soap"]) > 0;
    if (told["state"] === "working" && !usable) found.say("/state", "is_dry");
    if (told["state"] === "dry" && usable) found.say("/state", "is_not_dry");
  }
  if (form.lines.length > 0) found.need("/refill/from_place", form.place);
  found.goods("/refill/lines", form.lines, 1);
}

function scanned(form: Form, found: Found): void {
  found.need("/about", form.about);
  if (form.kind === "attendance") found.need("/session", form.told["session"]);
  else found.need("/counter", form.told["counter"]?.trim());
  if (isOfPerson(form.told["counter"] ?? "")) found.say("/counter", "person_number");
  if (form.scans.length === 0) found.say("/scans", "nothing_scanned");
}

/** The lists without the transfers that a form of this telephone has taken in already. */
export function stillOpen(lists: Lists | undefined, known: Form[]): Lists | undefined {
  const taken = known.filter((one) => one.kind === "transfer" && one.state !== "draft" && one.state !== "refused").map((one) => one.about);
  return lists && { ...lists, transfers: lists.transfers.filter((one) => !taken.includes(one.id)) };
}

/** Tells whether letters are the reference of a family, and not the number of its card. */
export function isFamily(letters: string): boolean {
  return FAMILY.test(letters) && !isOfPerson(letters);
}

/** Tells whether letters are the number of a family card or a NIK, however they are written. */
function isOfPerson(letters: string): boolean {
  return /^\d{16}$/.test(letters.replace(STROKES, ""));
}

/** How much of an item was handed out by several scans. */
export function takenOf(item: string, scans: Scan[]): number {
  return scans.flatMap((one) => one.lines).reduce((sum, line) => sum + (line.item === item ? line.quantity : 0), 0);
}

/** The lines that hold at least three times what is usual of their item. */
export function unusual(form: Form, usuals: Record<string, number>): { line: Line; usual: number }[] {
  return form.lines.flatMap((line) => {
    const usual = usuals[line.item];
    return usual && Number(line.quantity) >= usual * USUAL_TIMES ? [{ line, usual }] : [];
  });
}

/**
 * What is usual of each item: of distributions as the office has them, of receipts and refills as this telephone has
 * sent them. A count finds what is there, and of a transfer no more is accepted than was sent.
 */
export function usuals(kind: Kind, lists: Lists | undefined, known: Form[]): Record<string, number> {
  if (kind === "distribution") return lists?.usual ?? {};
  if (kind !== "receipt" && kind !== "visit") return {};
  const accepted = known.filter((one) => one.kind === kind && one.state === "accepted");
  return medians(accepted.flatMap((one) => one.lines).map(({ item, quantity }) => ({ item, quantity: Number(quantity) })));
}

export function medians(lines: { item: string; quantity: number }[]): Record<string, number> {
  const byItem = new Map<string, number[]>();
  for (const { item, quantity } of lines) byItem.set(item, [...(byItem.get(item) ?? []), quantity]);
  return Object.fromEntries([...byItem].map(([item, all]) => [item, all.sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0]));
}

/** The present minute in WIB, by the clock of the server as far as it is known. */
export function minuteNow(lists: Lists | undefined): string {
  return wib(Date.now() + (lists?.aheadMilliseconds ?? 0)).slice(0, MINUTE_LENGTH);
}

function wib(milliseconds: number): string {
  return new Date(milliseconds + WIB_MILLISECONDS).toISOString();
}

/** Give the moment that stands in a form, which may be told to the minute, in the way of the services. */
export function momentOf({ occurred }: Form): string {
  return `${occurred.padEnd(SECOND_LENGTH, ":00")}+07:00`;
}
