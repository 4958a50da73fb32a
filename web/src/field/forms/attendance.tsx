import { useState } from "preact/hooks";
import { day } from "../../time";
import { Empty } from "../../ui";
import { Choice, Fixed, useFilling } from "../fields";
import { uuid7 } from "../ids";
import { addScan, type Scan } from "../kept";
import { SCANS_MAX } from "../rules";
import { Scans } from "../scans";
import { ScanField } from "../scanning";
import { readEntry } from "../signed";
import { formWords } from "./words";

type Words = (typeof formWords)["id"];

/** Who was there at a session, by the signed codes that they show; nobody is named on the telephone. */
export function Attendance() {
  const { form, lists, language, change, tell, showScans, when } = useFilling();
  const words = formWords[language];
  // What was said is looked up at each drawing, for whoever changes the language meanwhile.
  const [told, setTold] = useState<{ said: (words: Words) => string; wrong: boolean }>({ said: () => "", wrong: false });
  const tellOf = (said: (words: Words) => string, wrong = true) => setTold({ said, wrong });
  const trainings = lists?.trainings ?? [];
  const training = trainings.find((one) => one.id === form.about);
  const sessions = (training?.sessions ?? []).map((one) => ({ code: String(one.no), name: `${one.no} · ${day(one.day, language)}` }));
  const named = (one: { title: string; venue: string }) => `${one.title} · ${one.venue}`;
  const session = form.told["session"] ?? "";

  function choose(id: string): void {
    const found = trainings.find((one) => one.id === id);
    change({ about: id, told: found ? { name: named(found) } : {} });
  }

  async function take(code: string): Promise<void> {
    const entry = await readEntry(code, lists?.entryKey ?? "");
    if (!entry || entry.genuine === false) return tellOf((say) => say.notGenuine);
    if (entry.training !== form.about) return tellOf((say) => say.otherTraining);
    const at = Date.now();
    const scan: Scan = { id: uuid7(at), key: `${session}/${entry.ticket}`, code, label: entry.ticket.slice(-4), at, lines: [] };
    const { form: next, before } = await addScan(form.id, scan, (all) => all.length > 0);
    if (before) return tellOf((say) => say.thereAlready(when(before.at)));
    if (!next) return;
    showScans(next.scans);
    tellOf((say) => `${say.participant(scan.label)} ${entry.genuine ? say.genuine : say.unchecked}`, false);
  }

  if (trainings.length === 0 && !form.about) return <Empty title={words.noTrainings} help={words.noTrainingsHelp} />;
  const begun = form.scans.length > 0;
  return (
    <>
      {begun ? <Fixed label={words.training}>{form.told["name"]}</Fixed> : <Choice at="/about" label={words.training} value={form.about} named={form.told["name"]} options={trainings.map((one) => ({ code: one.id, name: named(one) }))} chosen={choose} />}
      {begun ? <Fixed label={words.session}>{sessions.find((one) => one.code === session)?.name ?? session}</Fixed> : <Choice at="/session" label={words.session} value={session} options={sessions} chosen={(one) => tell("session", one)} />}
      {form.about && session && form.scans.length < SCANS_MAX && <ScanField label={words.entryCode} taken={(code) => void take(code)} told={told.said(words)} wrong={told.wrong} />}
      <Scans title={words.participants(form.scans.length)} named={(one) => words.participant(one.label)} />
    </>
  );
}
