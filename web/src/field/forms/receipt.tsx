import { Choice, Goods, Moment, Paper, Place, useFilling } from "../fields";

const SOURCES = ["supplier", "donation", "production"] as const;

/** Goods have come in from outside. */
export function Receipt() {
  const { form, say, change } = useFilling();
  return (
    <>
      <Choice at="/source" label={say.source} value={form.source} options={SOURCES.map((code) => ({ code, name: say.sources[code] }))} chosen={(source) => change({ source })} />
      <Place label={say.placeOfReceipt} />
      <Moment />
      <Goods label={say.quantity} />
      <Paper />
    </>
  );
}
