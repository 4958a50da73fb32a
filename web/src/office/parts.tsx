/** What the working pages of an office share: a frame that says how old it is, tables, fields, bars, and steps that are asked about. */
import type { ComponentChildren, JSX } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { newKey, Trouble } from "../api";
import { useQuestion } from "../focus";
import { moment } from "../time";
import { Alert, Empty, Heading, isOver, Link, Sharing, told, useAsked, useWords, Waiting } from "../ui";
import { officeWords } from "./words";

const MINUTE_MILLISECONDS = 60_000;

export function useOffice() {
  const { language } = useContext(Sharing);
  return { ...officeWords[language], language };
}

/** How old the figures are, growing while one looks. */
export function Age({ askedAt }: { askedAt: Date }) {
  const say = useOffice();
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    setNow(Date.now());
    const timer = window.setInterval(() => setNow(Date.now()), MINUTE_MILLISECONDS / 4);
    return () => window.clearInterval(timer);
  }, [askedAt]);
  const minutes = Math.max(0, Math.floor((now - askedAt.getTime()) / MINUTE_MILLISECONDS));
  return <span><time dateTime={askedAt.toISOString()}>{say.asOf(moment(askedAt.toISOString(), say.language))}</time> ({say.age(minutes)})</span>;
}

export type Aged<T> = { told: T; askedAt: Date };

/** As `useAsked`, with the moment of the question beside the answer. */
export function useAged<T>(ask: () => Promise<T>) {
  return useAsked<Aged<T>>(async () => {
    const askedAt = new Date();
    return { told: await ask(), askedAt };
  });
}

/** What went wrong, in words for an office. */
export function useWhy(): (fault: unknown) => string {
  const say = useOffice();
  const common = useWords();
  return (fault) => (fault instanceof Trouble && say.refusals[fault.code]) || told(fault, common);
}

type Asked<T> = ReturnType<typeof useAged<T>>;

/** What was asked for, with its age; or that it is waited for, or what went wrong. */
export function Shown<T>({ asked, children }: { asked: Asked<T>; children: (found: T) => ComponentChildren }) {
  const say = useOffice();
  const common = useWords();
  const why = useWhy();
  const { found, fault, again } = asked;
  return (
    <>
      {found && (
        <div class="age">
          <Age askedAt={found.askedAt} />
          <button type="button" class="quiet" onClick={again}>{say.refresh}</button>
        </div>
      )}
      {fault !== undefined && (
        <Alert>
          <p>{why(fault)}</p>
          <button type="button" onClick={again}>{common.tryAgain}</button>
        </Alert>
      )}
      {!found && fault === undefined && <Waiting what={say.loading} />}
      {found && children(found.told)}
    </>
  );
}

/** The frame of a working page: its name, what it is for, and the way back. */
export function Page({ title, lead, back = "/ringkasan", children }: { title: string; lead: string; back?: string; children: ComponentChildren }) {
  const say = useOffice();
  return (
    <div class="wide">
      <Heading>{title}</Heading>
      <p>{lead}</p>
      <Link to={back} kind="second">{back === "/ringkasan" ? say.toOverview : say.toList}</Link>
      {children}
    </div>
  );
}

export type Column<T> = { title: string; figure?: boolean; show: (row: T) => ComponentChildren };

/** A table whose first column names its rows; a region of its own to be scrolled by the keyboard. Empty, it says what to do. */
export function Table<T>({ label, columns, rows, name, empty }: {
  label: string; columns: Column<T>[]; rows: T[]; name: (row: T) => string; empty?: { title: string; help: string };
}) {
  if (rows.length === 0 && empty) return <Empty {...empty} />;
  return (
    <div class="rows" tabIndex={0} role="group" aria-label={label}>
      <table>
        <caption>{label}</caption>
        <thead><tr>{columns.map((one) => <th key={one.title} scope="col" class={one.figure ? "figure" : undefined}>{one.title}</th>)}</tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={name(row)}>
              {columns.map((one, index) => {
                const kind = one.figure ? "figure" : undefined;
                return index === 0 ? <th key={one.title} scope="row" class={kind}>{one.show(row)}</th> : <td key={one.title} class={kind}>{one.show(row)}</td>;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

type Bar = { name: string; value: number; said: string };

/** Bars on one scale; the same figures stand in the table beside them. */
export function Bars({ label, bars }: { label: string; bars: Bar[] }) {
  const most = Math.max(1, ...bars.map((one) => Math.abs(one.value)));
  return (
    <figure class="bars" role="img" aria-label={`${label}: ${bars.map((one) => `${one.name} ${one.said}`).join("; ")}`}>
      {bars.map((one) => (
        <div key={one.name} aria-hidden="true">
          <span>{one.name}</span>
          <span class="bar"><span class={one.value < 0 ? "less" : undefined} style={{ width: `${(100 * Math.abs(one.value)) / most}%` }} /></span>
          <span class="figure">{one.said}</span>
        </div>
      ))}
    </figure>
  );
}

type Mistake = { pointer: string; code: string; detail: string };

/** What a service says of one field of an order that it refused; "" where nothing is wrong with it. */
export function wrongAt(fault: unknown, pointer: string, known: Record<string, string>): string {
  if (!(fault instanceof Trouble)) return "";
  const mistakes = (fault.members["errors"] ?? []) as Mistake[];
  return mistakes.filter((one) => one.pointer === pointer || one.pointer.startsWith(`${pointer}/`)).map((one) => known[one.code] ?? one.detail).join(" ");
}

type Framed = { id: string; label: string; hint?: string | undefined; wrong?: string | undefined };

function Frame({ id, label, hint, wrong, children }: Framed & { children: ComponentChildren }) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children}
      {hint && <p class="hint" id={`${id}-hint`}>{hint}</p>}
      {wrong && <p class="wrong" id={`${id}-wrong`} role="alert">{wrong}</p>}
    </div>
  );
}

function described({ id, hint, wrong }: Framed) {
  const by = [wrong && `${id}-wrong`, hint && `${id}-hint`].filter(Boolean).join(" ");
  return { "aria-invalid": Boolean(wrong), ...(by ? { "aria-describedby": by } : {}) };
}

type Written = Framed & { value: string; set: (value: string) => void };

/** A line to be filled in, with its name, a hint and what is wrong with it. */
export function Field({ label, hint, wrong, set, ...input }: Written & Omit<JSX.InputHTMLAttributes, "label" | "value" | "id">) {
  const framed = { id: input.id, label, hint, wrong };
  return <Frame {...framed}><input {...input} {...described(framed)} onInput={(event) => set(event.currentTarget.value)} /></Frame>;
}

/** A number without a fraction; whatever is no figure is not taken, points between thousands neither. */
export function Digits({ id, label, hint, wrong, value, set }: Written) {
  const framed = { id, label, hint, wrong };
  const take = (input: HTMLInputElement) => {
    input.value = input.value.replaceAll(/\D/g, "");
    set(input.value);
  };
  return <Frame {...framed}><input id={id} inputMode="numeric" maxLength={12} value={value} {...described(framed)} onInput={(event) => take(event.currentTarget)} /></Frame>;
}

/** A file of one's own. */
export function Attached({ id, label, hint, wrong, accept, take }: Framed & { accept: string; take: (file: File | undefined) => void }) {
  const framed = { id, label, hint, wrong };
  return <Frame {...framed}><input id={id} type="file" accept={accept} {...described(framed)} onChange={(event) => take(event.currentTarget.files?.[0])} /></Frame>;
}

/** A text of several lines. */
export function Passage({ id, label, hint, wrong, value, set }: Written) {
  const framed = { id, label, hint, wrong };
  return <Frame {...framed}><textarea id={id} rows={4} value={value} {...described(framed)} onInput={(event) => set(event.currentTarget.value)} /></Frame>;
}

/** One of several; the options are pairs of what is kept and what is shown. */
export function Choice({ id, label, hint, wrong, value, set, options }: Written & { options: (readonly [string, string])[] }) {
  const framed = { id, label, hint, wrong };
  return (
    <Frame {...framed}>
      <select id={id} value={value} {...described(framed)} onChange={(event) => set(event.currentTarget.value)}>
        {options.map(([kept, shown]) => <option key={kept} value={kept}>{shown}</option>)}
      </select>
    </Frame>
  );
}

/** Some of several, each with a tick. */
export function Ticks({ legend, options, chosen, set, wrong }: { legend: string; options: (readonly [string, string])[]; chosen: string[]; set: (kept: string[]) => void; wrong: string }) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      {options.map(([kept, shown]) => (
        <label class="tick" key={kept}>
          <input type="checkbox" checked={chosen.includes(kept)} onChange={(event) => set(event.currentTarget.checked ? [...chosen, kept] : chosen.filter((one) => one !== kept))} />
          {shown}
        </label>
      ))}
      {wrong && <p class="wrong" role="alert">{wrong}</p>}
    </fieldset>
  );
}

export type Carrying<Done extends string = string> = ReturnType<typeof useOrders<Done>>;

/**
 * Carries orders out, each once: who asks for the same thing again after an answer that was lost asks by the same key.
 * The name of an order holds what it is based on: the same words are another order once something has happened between.
 * `done` is told what was done by its name, since the words for it are those of the language at the time.
 */
export function useOrders<Done extends string>(done: (what: Done) => void) {
  const { leave } = useContext(Sharing);
  const keys = useRef(new Map<string, string>());
  const underWay = useRef(false);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<unknown>();

  async function carry(order: string, send: (key: string) => Promise<unknown>, what: Done): Promise<boolean> {
    if (underWay.current) return false;
    underWay.current = true;
    const key = keys.current.get(order) ?? newKey();
    keys.current.set(order, key);
    setBusy(true);
    setFault(undefined);
    try {
      await send(key);
      keys.current.clear();
      done(what);
      return true;
    } catch (reason) {
      if (isOver(reason)) leave("over");
      else setFault(reason);
      if (reason instanceof Trouble && reason.status >= 400 && reason.status < 500 && reason.code !== "request_in_progress") keys.current.delete(order);
      return false;
    } finally {
      underWay.current = false;
      setBusy(false);
    }
  }

  return { busy, fault, carry };
}

/** Why an order was not carried out, in words that say what to do; mistakes of fields stand with their fields. */
export function Refused({ orders }: { orders: Pick<Carrying, "busy" | "fault"> }) {
  const say = useOffice();
  const common = useWords();
  const why = useWhy();
  const { fault, busy } = orders;
  if (busy) return <Waiting what={common.sending} />;
  if (fault === undefined) return null;
  const mistakes = fault instanceof Trouble && fault.code === "invalid" ? ((fault.members["errors"] ?? []) as Mistake[]) : [];
  return (
    <div class="wrong" role="alert">
      <p>{mistakes.length > 0 ? say.mistakes : why(fault)}</p>
      {mistakes.length > 0 && <ul>{mistakes.map((one) => <li key={one.pointer + one.code}>{`${one.pointer.slice(1)}: ${say.mistakeCodes[one.code] ?? one.detail}`}</li>)}</ul>}
    </div>
  );
}

/** A step that is asked about before it is taken, with a reason where one is kept on record. */
export function Step({ label, ask, reason, kind = "second", orders, take, children }: {
  label: string; ask: string; reason?: boolean; kind?: "second" | "grave" | ""; orders: Pick<Carrying, "busy">; take: (reason: string) => Promise<boolean>; children?: ComponentChildren;
}) {
  const say = useOffice();
  const id = `step-${label.replaceAll(/\W+/g, "-")}`;
  const [asking, setAsking] = useState(false);
  const [why, setWhy] = useState("");
  const [tried, setTried] = useState(false);
  const { whole, opener } = useQuestion<HTMLFieldSetElement>(asking);

  async function yes(): Promise<void> {
    setTried(true);
    if (orders.busy || (reason && !why.trim())) return;
    if (await take(why.trim())) {
      setAsking(false);
      setWhy("");
      setTried(false);
    }
  }

  // A button that is disabled under somebody's finger loses the focus, so those of a question stay and do nothing.
  if (!asking) return <button ref={opener} type="button" class={kind} disabled={orders.busy} onClick={() => setAsking(true)}>{label}</button>;
  return (
    <fieldset ref={whole}>
      <legend>{label}</legend>
      <p>{ask}</p>
      {children}
      {reason && <Field id={id} label={say.reason} value={why} set={setWhy} maxLength={200} wrong={tried && !why.trim() ? say.reasonNeeded : ""} />}
      <button type="button" class={kind === "grave" ? "grave" : ""} aria-disabled={orders.busy} onClick={() => void yes()}>{say.yes(label)}</button>
      <button type="button" class="second" aria-disabled={orders.busy} onClick={() => { if (!orders.busy) setAsking(false); }}>{say.back}</button>
    </fieldset>
  );
}

/** A list that is read page by page. */
export function useList<T>(ask: (cursor?: string) => Promise<{ items: T[]; next?: string | null }>) {
  const asked = useAged(() => ask());
  const { leave } = useContext(Sharing);
  const [fault, setFault] = useState<unknown>();
  const more = () => {
    const known = asked.found;
    if (!known?.told.next) return;
    setFault(undefined);
    ask(known.told.next).then(
      (page) => asked.set({ ...known, told: { items: [...known.told.items, ...page.items], next: page.next ?? null } }),
      (reason: unknown) => (isOver(reason) ? leave("over") : setFault(reason)),
    );
  };
  const again = () => {
    setFault(undefined);
    asked.again();
  };
  return { ...asked, fault: fault ?? asked.fault, again, more };
}

export function More({ list }: { list: { found: Aged<{ next?: string | null }> | undefined; more: () => void } }) {
  const say = useOffice();
  return list.found?.told.next ? <button type="button" class="second" onClick={list.more}>{say.more}</button> : null;
}

/** What an order came to, said where everybody hears it. */
export function Said({ words }: { words: string }) {
  return <div role="status">{words && <p class="notice">{words}</p>}</div>;
}
