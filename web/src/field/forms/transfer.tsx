import { written } from "../../numbers";
import { Empty } from "../../ui";
import { Choice, Moment, Paper, Quantity, useFilling } from "../fields";
import type { Line, Transfer as Sent } from "../kept";
import { formWords } from "./words";

const REASONS = ["damaged", "lost", "expired", "recount", "other"] as const;

/** What was sent has arrived: all of it, or with a difference that has a reason. */
export function Transfer() {
  const { form, lists, language, change, itemName, placeName, unitOf } = useFilling();
  const told = formWords[language];
  const coming = lists?.transfers ?? [];
  const named = (one: Sent) => `${one.number} · ${placeName(one.from)} → ${placeName(one.to)}`;

  function choose(id: string): void {
    const found = coming.find((one) => one.id === id);
    const lines = found?.lines.map(({ item, lot, sent }) => ({ item, lot, sent, quantity: String(sent) })) ?? [];
    change({ about: id, place: found?.to ?? "", told: found ? { name: named(found) } : {}, lines });
  }

  const changeLine = (index: number, changes: Partial<Line>) => change({ lines: form.lines.map((line, at) => (at === index ? { ...line, ...changes } : line)) });

  if (coming.length === 0 && !form.about) return <Empty title={told.noTransfers} help={told.noTransfersHelp} />;
  return (
    <>
      <Choice at="/about" label={told.transfer} value={form.about} named={form.told["name"]} options={coming.map((one) => ({ code: one.id, name: named(one) }))} chosen={choose} />
      <Moment />
      {form.lines.map((line, index) => {
        const difference = (line.sent ?? 0) - Number(line.quantity);
        return (
          <fieldset key={index}>
            <legend>{itemName(line.item)}{line.lot && ` · ${told.lot(line.lot)}`}</legend>
            <p class="hint">{told.sent(written(line.sent ?? 0, language), unitOf(line.item))}</p>
            <Quantity at={`/lines/${index}/accepted`} label={told.accepted(unitOf(line.item))} value={line.quantity} unit={unitOf(line.item)} typed={(quantity) => changeLine(index, { quantity })} />
            {difference > 0 && (
              <>
                <p><strong>{told.difference(written(difference, language), unitOf(line.item))}</strong></p>
                <Choice at={`/lines/${index}/reason`} label={told.reason} value={line.reason ?? ""} options={REASONS.map((code) => ({ code, name: told.reasons[code] }))} chosen={(reason) => changeLine(index, { reason })} />
              </>
            )}
          </fieldset>
        );
      })}
      {form.lines.length > 0 && <Paper />}
    </>
  );
}
