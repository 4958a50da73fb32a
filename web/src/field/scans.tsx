import { useRef } from "preact/hooks";
import { useFilling, Wrong } from "./fields";
import { formWords } from "./forms/words";
import { step, type Scan } from "./kept";
import { SCANS_MAX } from "./rules";

/** What was scanned in this form, the last first; a mistake is taken out again before it is sent. */
export function Scans({ title, named }: { title: string; named: (one: Scan) => string }) {
  const { form, language, showScans, when } = useFilling();
  const say = formWords[language];
  const heading = useRef<HTMLHeadingElement>(null);

  async function remove(id: string): Promise<void> {
    const next = await step(form.id, (now) => (now.state === "draft" ? { ...now, scans: now.scans.filter((one) => one.id !== id) } : undefined));
    if (next) showScans(next.scans);
    heading.current?.focus(); // the button that was pressed goes with its scan
  }

  return (
    <>
      <h2 tabIndex={-1} ref={heading}>{title}</h2>
      <Wrong at="/scans" />
      {form.scans.length >= SCANS_MAX && <p class="wrong" role="alert">{say.fullForm}</p>}
      <ol class="messages" reversed>
        {form.scans.toReversed().map((one) => (
          <li key={one.id} class="card">
            <p>{named(one)} · {when(one.at)}</p>
            <button type="button" class="second" onClick={() => void remove(one.id)}>{say.removeScan(named(one))}</button>
          </li>
        ))}
      </ol>
    </>
  );
}
