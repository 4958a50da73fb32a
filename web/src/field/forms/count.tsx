import { useState } from "preact/hooks";
import { post } from "../../api";
import { moment } from "../../time";
import { Waiting } from "../../ui";
import { Fixed, Goods, Moment, Paper, Place, useFilling } from "../fields";
import { formWords } from "./words";

/** Goods at a place were counted: as they come, or against what the book says when the counting begins. */
export function Count() {
  const { form, say, placeName } = useFilling();
  return (
    <>
      {form.told["snapshot"] ? <Fixed label={say.place}>{placeName(form.place)}</Fixed> : <Place label={say.place} />}
      <Snapshot />
      {!form.told["snapshot"] && <Moment />}
      <Goods label={say.counted} />
      <Paper />
    </>
  );
}

/**
 * What the book says is not shown to whoever counts: only which goods and lots are to be counted. What moves until
 * the count is sent is then found by the server, which refuses to take the count for what was there.
 */
function Snapshot() {
  const { form, language, change } = useFilling();
  const words = formWords[language];
  const [state, setState] = useState<"" | "asking" | "failed">("");

  async function begin(): Promise<void> {
    setState("asking");
    try {
      const taken = await post("/aid/snapshots", { place: form.place });
      const quantity = (item: string, lot: string) => form.lines.find((one) => one.item === item && (one.lot ?? "") === lot)?.quantity ?? "";
      const lines = taken.lines.map((one) => ({ item: one.item, lot: one.lot ?? "", quantity: quantity(one.item, one.lot ?? "") }));
      change({ told: { snapshot: taken.id, takenAt: String(Date.parse(taken.taken_at) + 1) }, ...(lines.length > 0 ? { lines } : {}) });
      setState("");
    } catch {
      setState("failed");
    }
  }

  if (!form.place) return null;
  return (
    <>
      {form.told["takenAt"] && <p class="hint" role="status">{words.snapshotOf(moment(new Date(Number(form.told["takenAt"])).toISOString(), language))}</p>}
      {state === "asking" && <Waiting what={words.snapshotWait} />}
      {state === "failed" && <p class="wrong" role="alert">{words.snapshotFailed}</p>}
      <button type="button" class="second" disabled={state === "asking"} onClick={() => void begin()}>{form.told["snapshot"] ? words.snapshotAgain : words.snapshot}</button>
    </>
  );
}
