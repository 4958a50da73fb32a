import { useEffect, useRef, useState } from "preact/hooks";
import { post } from "../../api";
import { moment } from "../../time";
import { Waiting } from "../../ui";
import type { Line } from "../kept";
import { Fixed, Goods, Moment, Paper, Place, useFilling } from "../fields";
import { formWords } from "./words";

/** Goods at a place were counted: as they come, or against what the book says when the counting begins. */
export function Count() {
  const { form, say, placeName } = useFilling();
  const [asking, setAsking] = useState(false);
  // While the book is asked, neither the place nor what was counted may become another one.
  return (
    <>
      <div class="part" inert={asking}>
        {form.told["snapshot"] ? <Fixed label={say.place}>{placeName(form.place)}</Fixed> : <Place label={say.place} />}
      </div>
      <Snapshot asking={asking} setAsking={setAsking} />
      <div class="part" inert={asking}>
        {!form.told["snapshot"] && <Moment />}
        <Goods label={say.counted} />
        <Paper />
      </div>
    </>
  );
}

/**
 * What the book says is not shown to whoever counts: only which goods and lots are to be counted. What moves until
 * the count is sent is then found by the server, which refuses to take the count for what was there.
 */
function Snapshot({ asking, setAsking }: { asking: boolean; setAsking: (now: boolean) => void }) {
  const { form, language, change, hold } = useFilling();
  const words = formWords[language];
  const [failed, setFailed] = useState(false);
  const here = useRef(true);
  useEffect(() => hold("snapshot", asking), [asking]);
  useEffect(() => () => void (here.current = false), []);

  async function begin(): Promise<void> {
    if (asking) return;
    setAsking(true);
    setFailed(false);
    try {
      const taken = await post("/aid/snapshots", { place: form.place });
      if (!here.current) return;
      const lines = counted(form.lines, taken.lines.map((one) => ({ item: one.item, lot: one.lot ?? "" })));
      change({ told: { snapshot: taken.id, takenAt: String(Date.parse(taken.taken_at) + 1) }, ...(lines.length > 0 ? { lines } : {}) });
    } catch {
      setFailed(true);
    } finally {
      setAsking(false);
    }
  }

  if (!form.place) return null;
  return (
    <>
      {form.told["takenAt"] && <p class="hint" role="status">{words.snapshotOf(moment(new Date(Number(form.told["takenAt"])).toISOString(), language))}</p>}
      {asking && <Waiting what={words.snapshotWait} />}
      {failed && <p class="wrong" role="alert">{words.snapshotFailed}</p>}
      <button type="button" class="second" aria-disabled={asking} onClick={() => void begin()}>{form.told["snapshot"] ? words.snapshotAgain : words.snapshot}</button>
    </>
  );
}

/** The goods of the book with what was counted of them, and after them whatever else was counted. */
function counted(before: Line[], book: { item: string; lot: string }[]): Line[] {
  const left = before.filter((one) => one.quantity.trim());
  const known = book.map(({ item, lot }) => {
    const at = left.findIndex((one) => one.item === item && (one.lot ?? "") === lot);
    const found = at === -1 ? undefined : left.splice(at, 1)[0];
    return { item, lot, quantity: found?.quantity ?? "" };
  });
  return [...known, ...left];
}
