import { useState } from "preact/hooks";
import { get, patch, post, type Aided } from "../api";
import { written } from "../numbers";
import { who } from "../session";
import { moment } from "../time";
import { allocationWords } from "./allocation-words";
import { Bars, Digits, Page, Refused, Said, Shown, Step, Table, useAged, useOffice, useOrders, type Carrying } from "./parts";
import { plans } from "./working";

type PlanView = Aided["PlanView"];
type Line = Aided["LineView"];
type Done = "change" | "confirm" | "discard";

const PERMILLE_OF_PERCENT = 10;

/** One plan: what each region is given and why, changed by people, confirmed once. */
export function Plan({ id }: { id: string }) {
  const say = useOffice();
  const words = allocationWords[say.language];
  const asked = useAged(() => get("/aid/allocation-plans/{plan_id}", { path: { plan_id: id } }));
  const [said, setSaid] = useState<Done>();
  const orders = useOrders<Done>((done) => { setSaid(done); asked.again(); });
  const found = asked.found?.told;
  return (
    <Page title={found ? words.planOf(found.item, found.from_place) : words.list} lead={words.oneLead} back="/alokasi">
      <Said words={said ? words.done[said] : ""} />
      <Shown asked={asked}>
        {(plan) => (
          <>
            <Summary plan={plan} />
            <Shares plan={plan} />
            {plan.state === "draft" && plans(who()) && <Decisions plan={plan} orders={orders} />}
          </>
        )}
      </Shown>
      <Refused orders={orders} />
    </Page>
  );
}

function Summary({ plan }: { plan: PlanView }) {
  const say = useOffice();
  const words = allocationWords[say.language];
  const number = (value: number) => written(value, say.language);
  return (
    <>
      <p>
        <strong>{words.states[plan.state] ?? plan.state}</strong>. {words.summary(number(plan.supply), number(plan.needed), number(plan.allocated), number(plan.left))}
        {plan.left_out.expired + plan.left_out.held > 0 && ` ${words.leftOut(number(plan.left_out.expired), number(plan.left_out.held))}`}
      </p>
      {plan.settled_at && <p>{words.settled(plan.settled_by ?? "", moment(plan.settled_at, say.language))}{plan.reason && `: ${plan.reason}`}</p>}
    </>
  );
}

function Shares({ plan }: { plan: PlanView }) {
  const say = useOffice();
  const words = allocationWords[say.language];
  const number = (value: number) => written(value, say.language);
  return (
    <>
      <Bars label={words.lines} bars={plan.lines.map((line) => ({ name: line.region_name, value: line.quantity, said: number(line.quantity) }))} />
      <Table
        label={words.lines} rows={plan.lines} name={(line) => line.region}
        columns={[
          { title: say.region, show: (line) => line.region_name },
          { title: words.need, figure: true, show: (line) => number(line.need) },
          { title: words.fair, figure: true, show: (line) => number(line.fair_quantity) },
          { title: words.given, figure: true, show: (line) => <strong>{number(line.quantity)}</strong> },
          { title: words.share, figure: true, show: (line) => line.share_permille !== null && `${written(line.share_permille / PERMILLE_OF_PERCENT, say.language, 1)} %` },
          { title: words.why, show: (line) => <Why line={line} /> },
        ]}
      />
    </>
  );
}

function Why({ line }: { line: Line }) {
  const say = useOffice();
  const words = allocationWords[say.language];
  const number = (value: number) => written(value, say.language);
  return (
    <>
      {line.explanation[say.language]}
      {line.overrides.map((one) => <p key={one.at}><strong>{words.changed(number(one.from_quantity), number(one.to_quantity), one.actor, one.reason)}</strong></p>)}
      {line.transfer_id && ` (${words.transfer})`}
    </>
  );
}

function Decisions({ plan, orders }: { plan: PlanView; orders: Carrying<Done> }) {
  const words = allocationWords[useOffice().language];
  const path = { plan_id: plan.id };
  const { version } = plan;
  return (
    <div class="tools">
      {plan.lines.map((line) => <Change key={line.region} plan={plan} line={line} orders={orders} />)}
      <Step label={words.confirm} ask={words.confirmAsk(plan.lines.filter((line) => line.quantity > 0).length)} kind="" orders={orders}
        take={() => orders.carry(`confirm ${version}`, (key) => post("/aid/allocation-plans/{plan_id}/confirmation", { version }, { path, key }), "confirm")} />
      <Step label={words.discard} ask={words.discardAsk} reason kind="grave" orders={orders}
        take={(reason) => orders.carry(`discard ${version} ${reason}`, (key) => post("/aid/allocation-plans/{plan_id}/discard", { reason }, { path, key }), "discard")} />
    </div>
  );
}

function Change({ plan, line, orders }: { plan: PlanView; line: Line; orders: Carrying<Done> }) {
  const say = useOffice();
  const words = allocationWords[say.language];
  const [quantity, setQuantity] = useState(String(line.quantity));
  const [tried, setTried] = useState(false);
  const path = { plan_id: plan.id, region: line.region };
  async function change(reason: string): Promise<boolean> {
    setTried(true);
    if (!quantity) return false;
    const order = { quantity: Number(quantity), reason };
    return orders.carry(JSON.stringify([plan.version, line.region, order]), () => patch("/aid/allocation-plans/{plan_id}/lines/{region}", order, { path, version: plan.version }), "change");
  }

  return (
    <Step label={words.change(line.region_name)} ask={words.changeAsk} reason orders={orders} take={change}>
      <Digits id={`quantity-${line.region}`} label={words.newQuantity} value={quantity} set={setQuantity} wrong={tried && !quantity ? say.mistakeCodes["missing"] : ""} />
    </Step>
  );
}
