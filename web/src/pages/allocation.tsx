import { useState } from "preact/hooks";
import { get } from "../api";
import { Plan } from "../office/allocation-plan";
import { Make } from "../office/allocation-form";
import { allocationWords } from "../office/allocation-words";
import { Choice, More, Page, Shown, Table, useList, useOffice } from "../office/parts";
import { written } from "../numbers";
import { plans } from "../office/working";
import { who } from "../session";
import { moment } from "../time";
import { Link, useWords } from "../ui";

/** Allocation plans: the list, with `?rencana=` one of them, with `?rencana=baru` a new one. */
export default function Allocation() {
  const chosen = new URLSearchParams(location.search).get("rencana");
  if (chosen === "baru") return <Make />;
  return chosen ? <Plan id={chosen} /> : <List />;
}

function List() {
  const say = useOffice();
  const words = allocationWords[say.language];
  const { working } = useWords();
  const [state, setState] = useState("");
  return (
    <Page title={working["/alokasi"] ?? ""} lead={words.lead}>
      <div class="tools">{plans(who()) && <Link to="/alokasi?rencana=baru" kind="button">{words.make}</Link>}</div>
      <Choice id="state" label={say.state} value={state} set={setState} options={[["", say.all], ...Object.entries(words.states)]} />
      <Listed key={state} state={state} />
    </Page>
  );
}

function Listed({ state }: { state: string }) {
  const say = useOffice();
  const words = allocationWords[say.language];
  const list = useList((cursor) => get("/aid/allocation-plans", { query: { ...(state ? { state } : {}), ...(cursor ? { cursor } : {}) } }));
  return (
    <>
      <Shown asked={list}>
        {(found) => (
          <Table
            label={words.list} rows={found.items} name={(one) => one.id} empty={{ title: words.empty, help: words.emptyHelp }}
            columns={[
              { title: words.plan, show: (one) => <Link to={`/alokasi?rencana=${one.id}`}>{words.planOf(one.item, one.from_place)}</Link> },
              { title: say.state, show: (one) => words.states[one.state] ?? one.state },
              { title: words.supply, figure: true, show: (one) => written(one.supply, say.language) },
              { title: words.allocated, figure: true, show: (one) => written(one.allocated, say.language) },
              { title: words.made, show: (one) => `${one.created_by}, ${moment(one.created_at, say.language)}` },
            ]}
          />
        )}
      </Shown>
      <More list={list} />
    </>
  );
}
