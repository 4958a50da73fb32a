/** The parts that forms are made of: each with its label, and with what is wrong beside it. */
import { createContext, type ComponentChildren } from "preact";
import { useContext, useEffect, useRef } from "preact/hooks";
import { written } from "../numbers";
import { moment } from "../time";
import { useWords } from "../ui";
import type { Form, Line, Lists, Mistake, Scan } from "./kept";
import { spoken } from "./spoken";
import { fieldWords } from "./words";

const LINES_MAX = 20;

/** The form that is being filled; `change` keeps what was changed, `hold` keeps it from being finished until whoever holds it lets go. */
export type Filled = {
  form: Form;
  lists: Lists | undefined;
  mistakes: Mistake[];
  change: (changes: Partial<Form>) => void;
  /** Show what was kept in a way of its own. */
  showScans: (scans: Scan[]) => void;
  showPhoto: (digest: string) => void;
  hold: (by: string, held: boolean) => void;
};
export const Filling = createContext<Filled | undefined>(undefined);

export function useFilling() {
  const filled = useContext(Filling);
  if (!filled) throw new Error("a field stands in a form");
  const { language } = useWords();
  const { form, change, lists } = filled;
  const say = fieldWords[language];
  return {
    ...filled,
    language,
    say,
    tell: (name: string, value: string) => change({ told: { ...form.told, [name]: value } }),
    unitOf: (code: string) => {
      const name = lists?.items.find((one) => one.code === code)?.unit ?? "piece";
      return say.units[name] ?? name;
    },
    itemName: (code: string) => lists?.items.find((one) => one.code === code)?.name ?? code,
    /** A moment that the telephone has noted, by the clock of the server as far as it is known. */
    when: (at: number) => moment(new Date(at + (lists?.aheadMilliseconds ?? 0)).toISOString(), language),
    placeName: (code: string) => lists?.places.find((one) => one.code === code)?.name ?? code,
  };
}

export function fieldId(pointer: string): string {
  return `field${pointer.replaceAll("/", "-")}`;
}

export function said(mistake: Mistake, words: Record<string, string>): string {
  return words[mistake.code] ?? `${words["other"]}: ${mistake.detail}`;
}

type At = { at: string; label: string };

function useMistake(at: string) {
  const { mistakes, say } = useFilling();
  const found = mistakes.filter((one) => one.pointer === at);
  const wrong = found.length > 0;
  return {
    about: { id: fieldId(at), "aria-invalid": wrong, "aria-describedby": wrong ? `${fieldId(at)}-wrong` : undefined },
    told: wrong && <p class="wrong" id={`${fieldId(at)}-wrong`}>{found.map((one) => said(one, say.mistakes)).join(" ")}</p>,
  };
}

/** One of several; what was chosen stays to be seen when the lists do not have it any more. */
export function Choice({ at, label, value, options, named, chosen }: At & { value: string; options: { code: string; name: string }[]; named?: string | undefined; chosen: (code: string) => void }) {
  const { say } = useFilling();
  const { about, told } = useMistake(at);
  const known = !value || options.some((one) => one.code === value);
  return (
    <>
      <label for={about.id}>{label}</label>
      <select {...about} value={value} onChange={(event) => chosen(event.currentTarget.value)}>
        <option value="">{say.choose}</option>
        {[...options, ...(known ? [] : [{ code: value, name: named ?? value }])].map((one) => <option key={one.code} value={one.code}>{one.name}</option>)}
      </select>
      {told}
    </>
  );
}

/** A whole number, said in words beside it. */
export function Quantity({ at, label, value, unit, typed }: At & { value: string; unit: string; typed: (text: string) => void }) {
  const { language } = useWords();
  const { about, told } = useMistake(at);
  const whole = /^\d{1,9}$/.test(value.trim());
  return (
    <>
      <label for={about.id}>{label}</label>
      <input {...about} inputMode="numeric" autocomplete="off" value={value} onInput={(event) => typed(event.currentTarget.value)} />
      <p class="hint" aria-live="polite">{whole && `${written(Number(value), language)} ${unit} (${spoken(Number(value), language)})`}</p>
      {told}
    </>
  );
}

export function Letters({ at, label, value, typed }: At & { value: string; typed: (text: string) => void }) {
  const { about, told } = useMistake(at);
  return (
    <>
      <label for={about.id}>{label}</label>
      <input {...about} autocomplete="off" maxLength={60} value={value} onInput={(event) => typed(event.currentTarget.value)} />
      {told}
    </>
  );
}

export function Tick({ label, value, ticked }: { label: string; value: boolean; ticked: (now: boolean) => void }) {
  return (
    <label class="tick">
      <input type="checkbox" checked={value} onChange={(event) => ticked(event.currentTarget.checked)} />
      {label}
    </label>
  );
}

export function Place({ at = "/place", label }: { at?: string; label: string }) {
  const { form, lists, change } = useFilling();
  return <Choice at={at} label={label} value={form.place} options={lists?.places ?? []} chosen={(place) => change({ place })} />;
}

export function Moment() {
  const { form, say, change } = useFilling();
  const { about, told } = useMistake("/occurred_at");
  return (
    <>
      <label for={about.id}>{say.occurred}</label>
      <input {...about} type="datetime-local" value={form.occurred} onInput={(event) => change({ occurred: event.currentTarget.value })} />
      {told}
    </>
  );
}

export function Paper() {
  const { form, say, change } = useFilling();
  return <Letters at="/document" label={say.document} value={form.document} typed={(text) => change({ document: text })} />;
}

/** Goods, line by line; a line that came with its lot is of goods that are known. */
export function Goods({ at = "/lines", least = 1, label }: { at?: string; least?: number; label: (unit: string) => string }) {
  const { form, lists, say, change, unitOf, itemName } = useFilling();
  const changeLine = (index: number, changes: Partial<Line>) => change({ lines: form.lines.map((line, place) => (place === index ? { ...line, ...changes } : line)) });
  const add = useRef<HTMLButtonElement>(null);
  const removed = useRef(false);
  useEffect(() => {
    if (removed.current) add.current?.focus(); // what was pressed is gone with its line
    removed.current = false;
  }, [form.lines.length]);

  function remove(index: number): void {
    removed.current = true;
    change({ lines: form.lines.filter((_, place) => place !== index) });
  }

  return (
    <>
      {form.lines.map((line, index) => (
        <fieldset key={index}>
          <legend>{line.lot === undefined ? say.goods(index + 1) : [itemName(line.item), line.lot].filter(Boolean).join(" · ")}</legend>
          {line.lot === undefined && <Choice at={`${at}/${index}/item`} label={say.item} value={line.item} options={lists?.items ?? []} chosen={(item) => changeLine(index, { item })} />}
          <Quantity at={`${at}/${index}/quantity`} label={label(unitOf(line.item))} value={line.quantity} unit={unitOf(line.item)} typed={(quantity) => changeLine(index, { quantity })} />
          {form.lines.length > least && (
            <button type="button" class="second" onClick={() => remove(index)}>{say.removeLine(index + 1)}</button>
          )}
        </fieldset>
      ))}
      {form.lines.length < LINES_MAX && (
        <button type="button" ref={add} class="second" onClick={() => change({ lines: [...form.lines, { item: "", quantity: "" }] })}>{say.addLine}</button>
      )}
    </>
  );
}

/** What cannot be changed any more, said where its field was. */
export function Fixed({ label, children }: { label: string; children: ComponentChildren }) {
  return <p><strong>{label}:</strong> {children}</p>;
}

/** What is wrong with something that has no field of its own. */
export function Wrong({ at }: { at: string }) {
  const { about, told } = useMistake(at);
  return <div id={about.id} tabIndex={-1}>{told}</div>;
}
