import { useState } from "preact/hooks";
import { get } from "../api";
import { Broadcast } from "../office/broadcast";
import { Compose } from "../office/broadcast-form";
import { broadcastWords } from "../office/broadcasts-words";
import { Choice, More, Page, Shown, Table, useList, useOffice } from "../office/parts";
import { written } from "../numbers";
import { who } from "../session";
import { moment } from "../time";
import { Link, useWords } from "../ui";

/** Who works with people writes to them; others see and halt. */
const WRITERS = ["regency_officer", "province_staff"];

/** Broadcasts: the list, with `?siaran=` one of them, with `?siaran=baru` a new one. */
export default function Broadcasts() {
  const chosen = new URLSearchParams(location.search).get("siaran");
  if (chosen === "baru") return <Compose />;
  return chosen ? <Broadcast id={chosen} /> : <List />;
}

function List() {
  const say = useOffice();
  const words = broadcastWords[say.language];
  const { working } = useWords();
  const [state, setState] = useState("");
  return (
    <Page title={working["/siaran"] ?? ""} lead={words.lead}>
      <div class="tools">{WRITERS.includes(who()?.role ?? "") && <Link to="/siaran?siaran=baru" kind="button">{words.compose}</Link>}</div>
      <Choice id="state" label={say.state} value={state} set={setState} options={[["", say.all], ...Object.entries(words.states)]} />
      <Listed key={state} state={state} />
    </Page>
  );
}

function Listed({ state }: { state: string }) {
  const say = useOffice();
  const words = broadcastWords[say.language];
  const list = useList((cursor) => get("/notifications/broadcasts", { query: { ...(state ? { state } : {}), ...(cursor ? { cursor } : {}) } }));
  return (
    <>
      <Shown asked={list}>
        {(found) => (
          <Table
            label={words.list} rows={found.items} name={(one) => one.id} empty={{ title: words.empty, help: words.emptyHelp }}
            columns={[
              { title: words.title, show: (one) => <Link to={`/siaran?siaran=${one.id}`}>{say.language === "id" ? one.title_id : one.title_en}</Link> },
              { title: say.state, show: (one) => words.states[one.state] },
              { title: words.recipients, figure: true, show: (one) => one.recipients !== null && written(one.recipients, say.language) },
              { title: words.told, figure: true, show: (one) => written(one.told, say.language) },
              { title: words.until, show: (one) => moment(one.expires_at, say.language) },
            ]}
          />
        )}
      </Shown>
      <More list={list} />
    </>
  );
}
