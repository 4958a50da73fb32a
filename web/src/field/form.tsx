import { useContext, useEffect, useState } from "preact/hooks";
import { Alert, Empty, Heading, Sharing, useWords, Waiting } from "../ui";
import { written } from "../numbers";
import { forms, step, type Form, type Line, type Lists, type Mistake } from "./kept";
import { mistakesOf, unusual, usuals } from "./rules";
import { spoken } from "./spoken";
import { fieldWords } from "./words";

const PROGRAMMES = ["free-masks", "handwashing", "cheap-market", "training"] as const;
const SOURCES = ["supplier", "donation", "production"] as const;
const LINES_MAX = 20;

/** One form, in one tab at a time; every letter is kept, and `done` is called when it is finished or left. */
export function FormPage({ id, by, lists, done }: { id: string; by: string; lists: Lists | undefined; done: () => void }) {
  const { language } = useContext(Sharing);
  const say = fieldWords[language];
  const [form, setForm] = useState<Form>();
  const [standing, setStanding] = useState<"waiting" | "mine" | "elsewhere">("waiting");

  useEffect(() => {
    let leave = () => {};
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    void navigator.locks.request(`serumpun-form-${id}`, { ifAvailable: true }, async (lock) => {
      setStanding(lock ? "mine" : "elsewhere");
      if (!lock) return;
      // A refused form is a draft again, with what was wrong beside its fields.
      setForm(await step(id, (now) => (now.state === "draft" || now.state === "refused" ? { ...now, state: "draft" } : undefined)));
      await left;
    });
    return leave;
  }, [id]);

  if (standing === "elsewhere") return <Empty title={say.elsewhere} help={say.lead} />;
  if (!form) return <Waiting what={say.loading} />;
  return <Fields key={id} first={form} by={by} lists={lists} done={done} />;
}

function Fields({ first, by, lists, done }: { first: Form; by: string; lists: Lists | undefined; done: () => void }) {
  const { language } = useContext(Sharing);
  const say = fieldWords[language];
  const [form, setForm] = useState(first);
  const [mistakes, setMistakes] = useState<Mistake[]>(first.mistakes);
  const [asking, setAsking] = useState<{ line: Line; usual: number }[]>([]);
  const [busy, setBusy] = useState(false);

  function change(changes: Partial<Form>): void {
    setForm((now) => ({ ...now, ...changes }));
    setAsking([]);
    void step(first.id, (now) => (now.state === "draft" ? { ...now, ...changes } : undefined));
  }

  const changeLine = (index: number, changes: Partial<Line>) => change({ lines: form.lines.map((line, at) => (at === index ? { ...line, ...changes } : line)) });

  async function finish(sure: boolean): Promise<void> {
    const found = mistakesOf(form);
    setMistakes(found);
    if (found.length > 0) return document.getElementById(fieldId(found[0]?.pointer ?? ""))?.focus();
    if (!sure) {
      const odd = unusual(form, usuals(form.kind, lists, await forms(by)));
      setAsking(odd);
      if (odd.length > 0) return;
    }
    setBusy(true);
    // From a draft only, in one transaction: a second tap finds it finished already.
    await step(form.id, (now) => (now.state === "draft" ? { ...form, state: "stored", mistakes: [] } : undefined));
    done();
  }

  const unit = (code: string) => {
    const name = lists?.items.find((one) => one.code === code)?.unit ?? "piece";
    return say.units[name] ?? name;
  };
  const nameOf = (code: string) => lists?.items.find((one) => one.code === code)?.name ?? code;
  const wrong = (pointer: string) => {
    const found = mistakes.filter((one) => one.pointer === pointer);
    if (found.length === 0) return null;
    return <p class="wrong" id={`${fieldId(pointer)}-wrong`}>{found.map((one) => said(one, say.mistakes)).join(" ")}</p>;
  };
  const about = (pointer: string) => {
    const invalid = mistakes.some((one) => one.pointer === pointer);
    return { id: fieldId(pointer), "aria-invalid": invalid, "aria-describedby": invalid ? `${fieldId(pointer)}-wrong` : undefined };
  };
  const beside = new Set(["/programme", "/source", "/place", "/occurred_at", "/recipients/public", "/document", ...form.lines.flatMap((_, index) => [`/lines/${index}/item`, `/lines/${index}/quantity`])]);
  const others = mistakes.filter((one) => !beside.has(one.pointer));
  const known = (value: string, options: { code: string; name: string }[]) => (value && !options.some((one) => one.code === value) ? [...options, { code: value, name: value }] : options);

  return (
    <form noValidate onSubmit={(event) => { event.preventDefault(); if (!busy) void finish(false); }}>
      <Heading>{say.kinds[form.kind]}</Heading>
      {mistakes.length > 0 && (
        <Alert>
          <p>{say.wrongCount(mistakes.length)}</p>
          {others.length > 0 && <ul>{others.map((one) => <li key={one.pointer + one.code}>{said(one, say.mistakes)}</li>)}</ul>}
        </Alert>
      )}
      {form.kind === "distribution" && (
        <>
          <label for={fieldId("/programme")}>{say.programme}</label>
          <select {...about("/programme")} value={form.programme} onChange={(event) => change({ programme: event.currentTarget.value })}>
            <option value="">{say.choose}</option>
            {PROGRAMMES.map((one) => <option key={one} value={one}>{say.programmes[one]}</option>)}
          </select>
          {wrong("/programme")}
        </>
      )}
      {form.kind === "receipt" && (
        <>
          <label for={fieldId("/source")}>{say.source}</label>
          <select {...about("/source")} value={form.source} onChange={(event) => change({ source: event.currentTarget.value })}>
            <option value="">{say.choose}</option>
            {SOURCES.map((one) => <option key={one} value={one}>{say.sources[one]}</option>)}
          </select>
          {wrong("/source")}
        </>
      )}
      <label for={fieldId("/place")}>{form.kind === "receipt" ? say.placeOfReceipt : say.place}</label>
      <select {...about("/place")} value={form.place} onChange={(event) => change({ place: event.currentTarget.value })}>
        <option value="">{say.choose}</option>
        {known(form.place, lists?.places ?? []).map((one) => <option key={one.code} value={one.code}>{one.name}</option>)}
      </select>
      {wrong("/place")}
      <label for={fieldId("/occurred_at")}>{say.occurred}</label>
      <input {...about("/occurred_at")} type="datetime-local" value={form.occurred} onInput={(event) => change({ occurred: event.currentTarget.value })} />
      {wrong("/occurred_at")}
      {form.lines.map((line, index) => (
        <fieldset key={index}>
          <legend>{say.goods(index + 1)}</legend>
          <label for={fieldId(`/lines/${index}/item`)}>{say.item}</label>
          <select {...about(`/lines/${index}/item`)} value={line.item} onChange={(event) => changeLine(index, { item: event.currentTarget.value })}>
            <option value="">{say.choose}</option>
            {known(line.item, lists?.items ?? []).map((one) => <option key={one.code} value={one.code}>{one.name}</option>)}
          </select>
          {wrong(`/lines/${index}/item`)}
          <label for={fieldId(`/lines/${index}/quantity`)}>{form.kind === "count" ? say.counted(unit(line.item)) : say.quantity(unit(line.item))}</label>
          <input {...about(`/lines/${index}/quantity`)} inputMode="numeric" autocomplete="off" value={line.quantity} onInput={(event) => changeLine(index, { quantity: event.currentTarget.value })} />
          <Spoken text={line.quantity} unit={unit(line.item)} />
          {wrong(`/lines/${index}/quantity`)}
          {form.lines.length > 1 && (
            <button type="button" class="second" onClick={() => change({ lines: form.lines.filter((_, at) => at !== index) })}>{say.removeLine(index + 1)}</button>
          )}
        </fieldset>
      ))}
      {form.lines.length < LINES_MAX && (
        <button type="button" class="second" onClick={() => change({ lines: [...form.lines, { item: "", quantity: "" }] })}>{say.addLine}</button>
      )}
      {form.kind === "distribution" && (
        <>
          <label for={fieldId("/recipients/public")}>{say.people}</label>
          <input {...about("/recipients/public")} inputMode="numeric" autocomplete="off" value={form.people} onInput={(event) => change({ people: event.currentTarget.value })} />
          <Spoken text={form.people} unit={say.peopleUnit} />
          {wrong("/recipients/public")}
        </>
      )}
      <label for={fieldId("/document")}>{say.document}</label>
      <input {...about("/document")} autocomplete="off" maxLength={60} value={form.document} onInput={(event) => change({ document: event.currentTarget.value.trim() })} />
      {wrong("/document")}
      {asking.length > 0 ? (
        <div class="alert" role="alert">
          <p><strong>{say.usualTitle}</strong></p>
          {asking.map(({ line, usual }) => (
            <p key={line.item}>
              {say.usual(nameOf(line.item), written(Number(line.quantity), language), written(usual, language))}
            </p>
          ))}
          <div class="tools">
            <button type="button" disabled={busy} onClick={() => void finish(true)}>{say.usualYes}</button>
            <button type="button" class="second" onClick={() => setAsking([])}>{say.usualNo}</button>
          </div>
        </div>
      ) : (
        <button type="submit" disabled={busy}>{say.save}</button>
      )}
      <button type="button" class="second" onClick={done}>{say.back}</button>
    </form>
  );
}

/** A number as it is read aloud, with its unit. */
function Spoken({ text, unit }: { text: string; unit: string }) {
  const { language } = useWords();
  const whole = /^\d{1,9}$/.test(text.trim());
  return <p class="hint" aria-live="polite">{whole && `${written(Number(text), language)} ${unit} (${spoken(Number(text), language)})`}</p>;
}

function fieldId(pointer: string): string {
  return `field${pointer.replaceAll("/", "-")}`;
}

function said(mistake: Mistake, words: Record<string, string>): string {
  return words[mistake.code] ?? `${words["other"]}: ${mistake.detail}`;
}
