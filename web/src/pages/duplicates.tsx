import { useState } from "preact/hooks";
import { get, post, Trouble, type Registered } from "../api";
import { written } from "../numbers";
import { duplicateWords } from "../office/duplicates-words";
import { Choice, More, Page, Refused, Said, Shown, Step, Table, useAged, useList, useOffice, useOrders, type Carrying } from "../office/parts";
import { who } from "../session";
import { moment } from "../time";
import { Link, useWords } from "../ui";

type Case = Registered["CaseView"];
type Business = Registered["BusinessView"];
type Taken = NonNullable<Registered["MergeBusinesses"]["take"]>[number];
type Done = "same" | "different" | "merge" | "undo";
type Pair = { one: Case; sides: (Business | undefined)[] };

const STATES = ["open", "same", "different", "merged", "undone"] as const;
const TAKEABLE: Taken[] = ["name", "sector", "kbli", "nib", "workers", "investment_rupiah", "annual_sales_rupiah", "address"];
/** What may be decided next, as the service has it. */
const NEXT: Record<Case["state"], string[]> = {
  open: ["same", "different", "merge"], same: ["different", "merge"], different: ["same"], merged: ["undo"], undone: ["same", "different", "merge"],
};

/** Pairs that may be one business: the list, or with `?kasus=` one of them side by side. */
export default function Duplicates() {
  const chosen = new URLSearchParams(location.search).get("kasus");
  return chosen ? <Compared id={chosen} /> : <List />;
}

function List() {
  const say = useOffice();
  const words = duplicateWords[say.language];
  const { working } = useWords();
  const [state, setState] = useState("open");
  return (
    <Page title={working["/ganda"] ?? ""} lead={words.lead}>
      <Choice id="state" label={say.state} value={state} set={setState} options={STATES.map((one) => [one, words.states[one] ?? one])} />
      <Pairs key={state} state={state} />
    </Page>
  );
}

function Pairs({ state }: { state: string }) {
  const say = useOffice();
  const words = duplicateWords[say.language];
  const list = useList((cursor) => get("/registration/duplicates", { query: { state, ...(cursor ? { cursor } : {}) } }));
  return (
    <>
      <Shown asked={list}>
        {(found) => (
          <Table
            label={words.list} rows={found.items} name={(one) => one.id} empty={{ title: words.empty, help: words.emptyHelp }}
            columns={[
              { title: words.pair, show: (one) => <Link to={`/ganda?kasus=${one.id}`}>{one.businesses.map((side) => side.name).join(" / ")}</Link> },
              { title: say.region, show: (one) => [...new Set(one.businesses.map((side) => side.region))].join(", ") },
              { title: words.kind, show: (one) => words.kinds[one.kind] },
              { title: say.score, figure: true, show: (one) => one.score },
              { title: say.since, show: (one) => moment(one.opened_at, say.language) },
            ]}
          />
        )}
      </Shown>
      <More list={list} />
    </>
  );
}

async function pair(id: string): Promise<Pair> {
  const one = await get("/registration/duplicates/{case_id}", { path: { case_id: id } });
  const sides = await Promise.all(one.businesses.map((side) => business(side.business_id)));
  return { one, sides };
}

/** A business of the pair, undefined where it is of a region that the caller does not see. */
async function business(id: string): Promise<Business | undefined> {
  try {
    return await get("/registration/businesses/{business_id}", { path: { business_id: id } });
  } catch (fault) {
    if (fault instanceof Trouble && fault.status === 404) return undefined;
    throw fault;
  }
}

function Compared({ id }: { id: string }) {
  const say = useOffice();
  const words = duplicateWords[say.language];
  const asked = useAged(() => pair(id));
  const [said, setSaid] = useState<Done>();
  const orders = useOrders<Done>((done) => { setSaid(done); asked.again(); });
  const mayDecide = who()?.role !== "auditor";
  return (
    <Page title={words.caseTitle} lead={words.caseLead} back="/ganda">
      <Said words={said ? words.done[said] : ""} />
      <Shown asked={asked}>
        {(found) => (
          <>
            <p>
              <strong>{words.states[found.one.state]}</strong>
              {found.one.decided_at && `. ${words.decided(found.one.decided_by ?? "", moment(found.one.decided_at, say.language), found.one.reason ?? "")}`}
            </p>
            <Sides found={found} />
            <Why one={found.one} />
            {mayDecide && <Decisions found={found} orders={orders} />}
          </>
        )}
      </Shown>
      <Refused orders={orders} />
    </Page>
  );
}

/** What stands in each field of a business, as one reads it. */
function useFields(): (one: Business) => Record<string, string> {
  const say = useOffice();
  const words = duplicateWords[say.language];
  const number = (value: number | null) => (value === null ? "" : written(value, say.language));
  return (one) => ({
    name: one.name, owner: one.owner.name, nik: one.owner.nik ?? "", phone: one.owner.phone ?? "", region: one.region, sector: say.sectors[one.sector] ?? one.sector,
    kbli: one.kbli ? `${one.kbli.code} (${one.kbli.edition})` : "", nib: one.nib ?? "", workers: number(one.workers), investment_rupiah: number(one.investment_rupiah),
    address: one.address ?? "", state: words.businessStates[one.state] ?? one.state, registered_at: moment(one.registered_at, say.language),
  });
}

function Sides({ found }: { found: Pair }) {
  const say = useOffice();
  const words = duplicateWords[say.language];
  const fields = useFields();
  const [first, second] = found.sides.map((side) => side && fields(side));
  const names = Object.keys(first ?? second ?? { name: "", region: "" });
  const shown = (index: 0 | 1, name: string) => {
    const side = index === 0 ? first : second;
    const known = found.one.businesses[index];
    if (side) return side[name] || "–";
    return name === "name" ? known?.name : name === "region" ? known?.region : words.elsewhere;
  };
  const differs = (name: string) => Boolean(first && second && first[name] !== second[name]);
  const marked = (index: 0 | 1, name: string) => <span class={differs(name) ? "differs" : undefined}>{shown(index, name)}</span>;
  return (
    <Table
      label={words.sides} rows={names} name={(name) => name}
      columns={[
        { title: words.what, show: (name) => <>{words.fields[name]}{differs(name) && ` (${words.differs})`}</> },
        { title: words.first, show: (name) => marked(0, name) },
        { title: words.second, show: (name) => marked(1, name) },
      ]}
    />
  );
}

function Why({ one }: { one: Case }) {
  const say = useOffice();
  const words = duplicateWords[say.language];
  return (
    <section aria-labelledby="why">
      <h2 id="why">{words.scoreTitle(one.score)}</h2>
      <p>{words.scoreLead(one.rule)}</p>
      <Table
        label={words.scoreTitle(one.score)} rows={Object.entries(one.points)} name={([name]) => name}
        columns={[
          { title: words.because, show: ([name]) => words.pointNames[name] ?? name },
          { title: say.points, figure: true, show: ([, points]) => written(points, say.language) },
        ]}
      />
    </section>
  );
}

function Decisions({ found: { one, sides }, orders }: { found: Pair; orders: Carrying<Done> }) {
  const words = duplicateWords[useOffice().language];
  const path = { case_id: one.id };
  const next = NEXT[one.state];
  const decide = (decision: "same" | "different") => (reason: string) =>
    orders.carry(`${decision} ${one.decided_at} ${reason}`, (key) => post("/registration/duplicates/{case_id}/decision", { decision, reason }, { path, key }), decision);
  const undo = (reason: string) =>
    orders.carry(`undo ${one.decided_at} ${reason}`, (key) => post("/registration/duplicates/{case_id}/undoing", { reason }, { path, key }), "undo");
  return (
    <section aria-labelledby="decide">
      <h2 id="decide">{words.decide}</h2>
      <div class="tools">
        {next.includes("same") && <Step label={words.same} ask={words.sameAsk} reason orders={orders} take={decide("same")} />}
        {next.includes("different") && <Step label={words.different} ask={words.differentAsk} reason orders={orders} take={decide("different")} />}
        {next.includes("merge") && sides[0] && sides[1] && <Merge one={one} sides={[sides[0], sides[1]]} orders={orders} />}
        {next.includes("undo") && <Step label={words.undo} ask={words.undoAsk} reason kind="grave" orders={orders} take={undo} />}
      </div>
    </section>
  );
}

function Merge({ one, sides, orders }: { one: Case; sides: [Business, Business]; orders: Carrying<Done> }) {
  const words = duplicateWords[useOffice().language];
  const fields = useFields();
  const [survivor, setSurvivor] = useState(sides[0].id);
  const [take, setTake] = useState<Taken[]>([]);
  const [mine, other] = survivor === sides[0].id ? sides : [sides[1], sides[0]];
  const [here, there] = [fields(mine), fields(other)];
  const offered = TAKEABLE.filter((name) => (name === "annual_sales_rupiah" ? other.annual_sales_on !== null : there[name] && there[name] !== here[name]));
  const taken = take.filter((name) => offered.includes(name));
  const merge = (reason: string) =>
    orders.carry(
      JSON.stringify(["merge", one.decided_at, survivor, taken, reason]),
      (key) => post("/registration/duplicates/{case_id}/merge", { survivor, reason, take: taken }, { path: { case_id: one.id }, key }),
      "merge",
    );
  return (
    <Step label={words.merge} ask={words.mergeAsk} reason kind="" orders={orders} take={merge}>
      <Choice id="survivor" label={words.survivor} value={survivor} set={setSurvivor} options={sides.map((side, index) => [side.id, `${index === 0 ? words.first : words.second}: ${side.name}`])} />
      {offered.length > 0 && <p>{words.take}</p>}
      {offered.map((name) => (
        <label class="tick" key={name}>
          <input type="checkbox" checked={take.includes(name)} onChange={(event) => setTake(event.currentTarget.checked ? [...take, name] : take.filter((known) => known !== name))} />
          {words.fields[name]}{there[name] && `: ${there[name]}`}
        </label>
      ))}
    </Step>
  );
}
