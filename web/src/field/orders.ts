/** What is sent of each kind of form, and where to: the same each time it is sent, so that its key stands for it. */
import type { CountStock, PostDistribution, ReceiveStock, ReceiveTransfer, RecordSales, RecordScans, VisitStation } from "../api";
import type { Form, Kind } from "./kept";
import { momentOf } from "./rules";

const MILLILITRES = 1_000;
const PLACED = { distribution: "/aid/distributions", receipt: "/aid/receipts", count: "/aid/counts" };

type Body = PostDistribution | ReceiveStock | CountStock | ReceiveTransfer | VisitStation | RecordScans | RecordSales;
const BODIES: Record<Kind, (form: Form) => Body> = { distribution, receipt, count, transfer, visit, attendance, sales };

export function body(form: Form): Body {
  return BODIES[form.kind](form);
}

export function path({ kind, about }: Form): string {
  if (kind === "transfer") return `/aid/transfers/${about}/receipt`;
  if (kind === "visit") return `/aid/stations/${about}/visits`;
  if (kind === "attendance") return `/registration/trainings/${about}/scans`;
  if (kind === "sales") return `/aid/markets/${about}/sales`;
  return PLACED[kind];
}

function distribution(form: Form): PostDistribution {
  const { photo, position } = form;
  const shown = { ...(photo ? { photo_reference: photoReference(form) } : {}), ...(position ? { position } : {}) };
  return {
    ...dated(form),
    place: form.place,
    programme: form.programme as PostDistribution["programme"],
    lines: goods(form),
    recipients: { public: Number(form.people) },
    ...(photo || position ? { evidence: shown } : {}),
  };
}

/** The photo is kept as this file, elsewhere; its digest shows that it is the same one. */
export function photoReference({ id, photo }: Form): string {
  return `foto-${id}.jpg sha256:${photo}`;
}

function receipt(form: Form): ReceiveStock {
  return { ...dated(form), place: form.place, source: form.source as ReceiveStock["source"], lines: goods(form) };
}

function count(form: Form): CountStock {
  const { snapshot } = form.told;
  const lines = form.lines.map(({ item, lot, quantity }) => ({ item, ...(lot ? { lot } : {}), quantity: Number(quantity) }));
  return { ...dated(form), place: form.place, lines, ...(snapshot ? { snapshot } : {}) };
}

function transfer(form: Form): ReceiveTransfer {
  const lines = form.lines.map(({ item, lot, sent = 0, quantity, reason }) => {
    const rejected = sent - Number(quantity);
    const why = reason as ReceiveTransfer["lines"][number]["reason"];
    return { item, ...(lot ? { lot } : {}), accepted: Number(quantity), rejected, ...(rejected && why ? { reason: why } : {}) };
  });
  return { ...dated(form), lines };
}

function visit(form: Form): VisitStation {
  const { told } = form;
  const [water, soap] = [Number(told["addedWater"] ?? 0) * MILLILITRES, Number(told["addedSoap"] ?? 0)];
  const taken = form.lines.length > 0 ? { from_place: form.place, lines: goods(form) } : {};
  const filled = water > 0 || soap > 0 || form.lines.length > 0;
  return {
    ...dated(form),
    state: told["state"] as VisitStation["state"],
    water_before_millilitre: Number(told["water"]) * MILLILITRES,
    soap_before_millilitre: Number(told["soap"]),
    repaired: told["state"] === "broken" && told["repaired"] === "yes",
    ...(filled ? { refill: { water_millilitre: water, soap_millilitre: soap, ...taken } } : {}),
  };
}

function attendance(form: Form): RecordScans {
  const session = Number(form.told["session"]);
  return { scans: form.scans.map(({ id, code, at }) => ({ id, code, session, scanned_at: moment(at) })) };
}

/** By `sent_at`, new each time, the server puts moments right that a wrong clock has told; it is no part of what the key stands for. */
function sales(form: Form): RecordSales {
  const against = form.told["model"] === "distributor_price" ? "family" : "coupon";
  const entries = form.scans.map(({ id, code, at, lines }) => ({ id, sold_at: moment(at), [against]: code, lines }));
  return { counter: (form.told["counter"] ?? "").trim(), sent_at: moment(Date.now()), entries };
}

function dated(form: Form): { occurred_at: string; document?: string } {
  const document = form.document.trim();
  return { occurred_at: momentOf(form), ...(document ? { document } : {}) };
}

function goods(form: Form): { item: string; quantity: number }[] {
  return form.lines.map(({ item, quantity }) => ({ item, quantity: Number(quantity) }));
}

function moment(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
