import { Evidence } from "../evidence";
import { Choice, Goods, Moment, Paper, Place, Quantity, useFilling } from "../fields";

const PROGRAMMES = ["free-masks", "handwashing", "cheap-market", "training"] as const;

/** Aid was handed out to the public. */
export function Distribution() {
  const { form, say, change } = useFilling();
  return (
    <>
      <Choice at="/programme" label={say.programme} value={form.programme} options={PROGRAMMES.map((code) => ({ code, name: say.programmes[code] }))} chosen={(programme) => change({ programme })} />
      <Place label={say.place} />
      <Moment />
      <Goods label={say.quantity} />
      <Quantity at="/recipients/public" label={say.people} value={form.people} unit={say.peopleUnit} typed={(people) => change({ people })} />
      <Paper />
      <Evidence />
    </>
  );
}
