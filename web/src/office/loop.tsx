import { useState } from "preact/hooks";
import { all, get, type Item } from "../api";
import { who } from "../session";
import { Link } from "../ui";
import { rowsOf } from "./addresses";
import { latest } from "./decline";
import { useFurther } from "./further-said";
import { Choice, Shown, Table, useAged, useOffice } from "./parts";
import { auditsOnly } from "./working";

type Step = { name: string; said: string; to: string };
type Told = Awaited<ReturnType<typeof ask>>;

const PAGE_ITEMS = "500";
const TAKEN = ["accepted", "delivered", "short"];

async function ask(item: Item, programme: string) {
  const [surveys, trainings, orders, board] = await Promise.all([
    get("/registration/surveys"),
    get("/registration/trainings", { query: { limit: PAGE_ITEMS } }),
    all((cursor) => get("/aid/production-orders", { query: { limit: PAGE_ITEMS, ...(cursor ? { cursor } : {}) } })),
    get("/aid/equity", { query: { item: item.code, programme } }),
  ]);
  const wave = latest(surveys.items);
  const effect = wave?.follows ? await get("/registration/surveys/{survey_id}/effect", { path: { survey_id: wave.id } }) : undefined;
  return { wave, trainings: trainings.items, orders: orders.filter((one) => one.item === item.code && TAKEN.includes(one.state)), board, effect };
}

/** One programme drawn from the survey to its effect, with the rows behind each of its steps. */
export function Loop({ item }: { item: Item }) {
  const say = useFurther();
  const office = useOffice();
  const [programme, setProgramme] = useState("free-masks");
  return (
    <section aria-labelledby="loop">
      <h2 id="loop">{say.loopTitle}</h2>
      <Choice id="programme" label={office.programme} value={programme} set={setProgramme} options={Object.entries(office.programmes)} />
      <Steps key={programme} item={item} programme={programme} />
    </section>
  );
}

function Steps({ item, programme }: { item: Item; programme: string }) {
  const say = useFurther();
  const asked = useAged(() => ask(item, programme));
  const sum = (values: number[]) => say.number(values.reduce((total, one) => total + one, 0));

  function steps({ wave, trainings, orders, board, effect }: Told): Step[] {
    const helped = effect?.items.find((one) => one.group === "orders");
    return [
      { name: say.steps.hit, said: say.number(wave?.answered ?? 0), to: auditsOnly(who()) ? "" : rowsOf("needs", {}) },
      { name: say.steps.trained, said: sum(trainings.filter((one) => one.state !== "cancelled").map((one) => one.seats_taken)), to: "#seats" },
      { name: say.steps.ordered, said: sum(orders.map((one) => one.quantity)), to: "/produksi" },
      { name: say.steps.delivered, said: sum(orders.map((one) => one.accepted)), to: "/produksi" },
      { name: say.steps.paid, said: sum(orders.map((one) => one.paid_rupiah)), to: "/produksi" },
      { name: say.steps.handedOut, said: sum(board.items.map((one) => one.quantity)), to: "#equity" },
      { name: say.steps.cameBack, said: helped?.difference == null ? say.tooFew : say.percent(helped.difference), to: "#decline" },
    ];
  }

  return (
    <Shown asked={asked}>
      {(found) => (
        <>
          <ol class="chain" aria-hidden="true">{steps(found).map((one) => <li key={one.name}><strong>{one.said}</strong> {one.name}</li>)}</ol>
          <Table
            label={say.loopTable(item.name)} rows={steps(found)} name={(one) => one.name}
            columns={[
              { title: say.step, show: (one) => <Name step={one} /> },
              { title: say.figure, figure: true, show: (one) => one.said },
            ]}
          />
          <p class="hint">{say.loopHint}</p>
        </>
      )}
    </Shown>
  );
}

/** The name of a step as the way to its rows, where one may see them. */
function Name({ step }: { step: Step }) {
  if (!step.to) return <>{step.name}</>;
  return step.to.startsWith("#") ? <a href={step.to}>{step.name}</a> : <Link to={step.to}>{step.name}</Link>;
}
