import type { FunctionComponent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { toHeading } from "../focus";
import { written } from "../numbers";
import { Alert, Empty, Heading, useWords, Waiting } from "../ui";
import { fieldId, Filling, said } from "./fields";
import { Attendance } from "./forms/attendance";
import { Count } from "./forms/count";
import { Distribution } from "./forms/distribution";
import { Receipt } from "./forms/receipt";
import { Sales } from "./forms/sales";
import { Transfer } from "./forms/transfer";
import { Visit } from "./forms/visit";
import { forms, step, type Form, type Kind, type Line, type Lists, type Mistake, type Scan } from "./kept";
import { finished, mistakesOf, pointers, unusual, usuals } from "./rules";
import { fieldWords } from "./words";

const FIELDS: Record<Kind, FunctionComponent> = {
  distribution: Distribution, receipt: Receipt, count: Count, transfer: Transfer, visit: Visit, attendance: Attendance, sales: Sales,
};

/** One form, in one tab at a time; every letter is kept, and `done` is called when it is finished or left. */
export function FormPage({ id, by, lists, done }: { id: string; by: string; lists: Lists | undefined; done: () => void }) {
  const { language } = useWords();
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
  const { language } = useWords();
  const say = fieldWords[language];
  const [form, setForm] = useState(first);
  const [mistakes, setMistakes] = useState<Mistake[]>(first.mistakes);
  const [asking, setAsking] = useState<{ line: Line; usual: number }[]>([]);
  const [busy, setBusy] = useState(false);
  const [holders, setHolders] = useState<string[]>([]);
  const held = holders.length > 0;
  const sure = useRef<HTMLButtonElement>(null);
  useEffect(() => sure.current?.focus(), [asking]); // the button that was pressed has given way to the question

  function change(changes: Partial<Form>): void {
    setForm((now) => ({ ...now, ...changes }));
    setAsking([]);
    void step(first.id, (now) => (now.state === "draft" ? { ...now, ...changes } : undefined));
  }

  async function finish(sure: boolean): Promise<void> {
    const found = mistakesOf(form, lists);
    setMistakes(found);
    if (found.length > 0) return document.getElementById(fieldId(found[0]?.pointer ?? ""))?.focus();
    if (!sure) {
      const odd = unusual(form, usuals(form.kind, lists, await forms(by)));
      setAsking(odd);
      if (odd.length > 0) return;
    }
    setBusy(true);
    // From a draft only, in one transaction: a second tap finds it finished already. Scans and photo are kept as they come.
    await step(form.id, (now) => (now.state === "draft" ? { ...finished(form, lists), scans: now.scans, photo: now.photo, state: "stored", mistakes: [] } : undefined));
    done();
  }

  function hold(by: string, on: boolean): void {
    setHolders((now) => [...now.filter((one) => one !== by), ...(on ? [by] : [])]);
  }

  const shown = pointers(form);
  const others = mistakes.filter((one) => !shown.includes(one.pointer));
  const nameOf = (code: string) => lists?.items.find((one) => one.code === code)?.name ?? code;
  const Kind = FIELDS[form.kind];
  const show = (kept: Partial<Form>) => setForm((now) => ({ ...now, ...kept }));
  const showScans = (scans: Scan[]) => {
    show({ scans });
    setMistakes((now) => now.filter((one) => one.pointer !== "/scans"));
  };
  const filled = { form, lists, mistakes, change, hold, showScans, showPhoto: (photo: string) => show({ photo }) };

  return (
    <Filling.Provider value={filled}>
      <form noValidate onSubmit={(event) => { event.preventDefault(); if (!busy && !held) void finish(false); }}>
        <Heading>{say.kinds[form.kind]}</Heading>
        {mistakes.length > 0 && (
          <Alert>
            <p>{say.wrongCount(mistakes.length)}</p>
            {others.length > 0 && <ul>{others.map((one) => <li key={one.pointer + one.code}>{said(one, say.mistakes)}</li>)}</ul>}
          </Alert>
        )}
        <Kind />
        {asking.length > 0 && (
          <div class="alert" role="alert">
            <p><strong>{say.usualTitle}</strong></p>
            {asking.map(({ line, usual }) => (
              <p key={line.item}>{say.usual(nameOf(line.item), written(Number(line.quantity), language), written(usual, language))}</p>
            ))}
            <div class="tools">
              <button type="button" ref={sure} disabled={busy} onClick={() => void finish(true)}>{say.usualYes}</button>
              <button type="button" class="second" onClick={() => { setAsking([]); toHeading(); }}>{say.usualNo}</button>
            </div>
          </div>
        )}
        {asking.length === 0 && !held && <button type="submit" disabled={busy}>{say.save}</button>}
        <button type="button" class="second" onClick={done}>{say.back}</button>
      </form>
    </Filling.Provider>
  );
}
