import { Goods, Moment, Paper, Place, useFilling } from "../fields";

/** Goods at a place were counted. */
export function Count() {
  const { say } = useFilling();
  return (
    <>
      <Place label={say.place} />
      <Moment />
      <Goods label={say.counted} />
      <Paper />
    </>
  );
}
