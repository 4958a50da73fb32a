import type { Aided } from "../api";
import { written } from "../numbers";
import { Table, useOffice } from "./parts";
import { productionWords } from "./production-words";

const PERMILLE_OF_PERCENT = 10;
const SCORE_UNIT = 1_000_000;

/** Businesses in the order of their scores, each score with the figures that it is the product of. */
export function Ranked({ label, rows }: { label: string; rows: Aided["CandidateView"][] }) {
  const say = useOffice();
  const words = productionWords[say.language];
  const number = (value: number) => written(value, say.language);
  const percent = (permille: number) => `${written(permille / PERMILLE_OF_PERCENT, say.language, 1)} %`;
  return (
    <Table
      label={label} rows={rows} name={(one) => one.business_id}
      columns={[
        { title: words.business, show: (one) => `${one.name} (${one.region})` },
        { title: words.rank, figure: true, show: (one) => one.rank },
        { title: words.why, show: (one) => words.explained(percent(one.decline_permille), number(one.capacity_per_week), percent(one.not_yet_served_permille), written(one.score / SCORE_UNIT, say.language, 1)) },
        { title: words.share, figure: true, show: (one) => number(one.share) },
        { title: words.has, figure: true, show: (one) => number(one.held) },
        { title: words.proposed, figure: true, show: (one) => (one.left_out ? (words.leftOut[one.left_out] ?? one.left_out) : <strong>{number(one.proposed)}</strong>) },
      ]}
    />
  );
}
