/** What can be said of a form without the server: all mistakes at once, by the same pointers as the server has. */
import type { Form, Kind, Line, Lists, Mistake } from "./kept";

const QUANTITY_MAX = 1_000_000;
const USUAL_TIMES = 3;
const MINUTE_LENGTH = 16;
const WIB_MILLISECONDS = 7 * 3_600_000;

export function mistakesOf(form: Form): Mistake[] {
  const found: Mistake[] = [];
  const need = (pointer: string, value: string) => {
    if (!value) found.push({ pointer, code: "missing", detail: "" });
  };
  if (form.kind === "distribution") need("/programme", form.programme);
  if (form.kind === "receipt") need("/source", form.source);
  need("/place", form.place);
  need("/occurred_at", form.occurred);
  form.lines.forEach((line, index) => {
    need(`/lines/${index}/item`, line.item);
    number(found, `/lines/${index}/quantity`, line.quantity, form.kind === "count" ? 0 : 1);
    const before = form.lines.findIndex((other) => line.item !== "" && other.item === line.item);
    if (before !== -1 && before < index) found.push({ pointer: `/lines/${index}/item`, code: "duplicate", detail: "" });
  });
  if (form.kind === "distribution") number(found, "/recipients/public", form.people, 1);
  return found;
}

function number(found: Mistake[], pointer: string, text: string, least: number): void {
  const code = !text.trim() ? "missing" : !/^\d{1,9}$/.test(text.trim()) ? "not_a_number" : Number(text) < least ? "too_small" : Number(text) > QUANTITY_MAX ? "too_large" : "";
  if (code) found.push({ pointer, code, detail: "" });
}

/** The lines that hold at least three times what is usual of their item. */
export function unusual(form: Form, usuals: Record<string, number>): { line: Line; usual: number }[] {
  return form.lines.flatMap((line) => {
    const usual = usuals[line.item];
    return usual && Number(line.quantity) >= usual * USUAL_TIMES ? [{ line, usual }] : [];
  });
}

/** What is usual of each item: of distributions as the office has them, of receipts as this telephone has sent them. */
export function usuals(kind: Kind, lists: Lists | undefined, known: Form[]): Record<string, number> {
  if (kind === "distribution") return lists?.usual ?? {};
  if (kind === "count") return {};
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
  return new Date(Date.now() + (lists?.aheadMilliseconds ?? 0) + WIB_MILLISECONDS).toISOString().slice(0, MINUTE_LENGTH);
}
