import { useEffect, useState } from "preact/hooks";
import { get, post, type Registered } from "../api";
import { follow } from "../live";
import { written } from "../numbers";
import { Link } from "../ui";
import { importWords } from "./imports-words";
import { Bars, More, Page, Refused, Said, Shown, Step, Table, useAged, useList, useOffice, useOrders, type Carrying } from "./parts";

type ImportView = Registered["ImportView"];
type Done = "start" | "cancel";

const COUNTS = ["new", "changed", "unchanged", "refused"] as const;
const AT_WORK = ["uploaded", "previewing", "importing"];
const MAY_END = ["uploaded", "previewing", "previewed", "importing"];

/** Something is known of its rows; of a file that is no table nothing is. */
function isLookedThrough(one: ImportView): boolean {
  return one.rows_total > 0 && one.state !== "uploaded" && one.state !== "previewing";
}

function goesOn(one: ImportView): boolean {
  return AT_WORK.includes(one.state) || one.to_compare > 0;
}

/** One import, of businesses or of answers to a survey: its progress as it happens, what would become of the rows, what is wrong in which cell, and the decision. */
export function Import({ id }: { id: string }) {
  const say = useOffice();
  const words = importWords[say.language];
  const path = { import_id: id };
  const asked = useAged(() => get("/registration/imports/{import_id}", { path }));
  const [said, setSaid] = useState<Done>();
  const [live, setLive] = useState(true);
  const orders = useOrders<Done>((done) => { setSaid(done); asked.again(); });
  const found = asked.found?.told;
  const moving = found !== undefined && goesOn(found);

  useEffect(() => {
    if (!moving) return;
    const stop = follow(`/registration/imports/${encodeURIComponent(id)}/progress`, ["progress"], (data) => {
      const told = JSON.parse(data) as ImportView;
      asked.set({ told, askedAt: new Date() });
      if (!goesOn(told)) stop(); // the stream ends there, and would only be asked for again
    }, setLive);
    return stop;
  }, [moving]);

  return (
    <Page title={found?.name ?? words.list} lead={words.oneLead} back="/impor">
      <Said words={said ? words.done[said] : ""} />
      <Shown asked={asked}>
        {(one) => (
          <>
            <Standing one={one} moving={moving} live={live} />
            {isLookedThrough(one) && <Rows one={one} />}
            {isLookedThrough(one) && <Errors key={one.state} one={one} />}
            <Decisions one={one} orders={orders} />
          </>
        )}
      </Shown>
      <Refused orders={orders} />
    </Page>
  );
}

function Standing({ one, moving, live }: { one: ImportView; moving: boolean; live: boolean }) {
  const say = useOffice();
  const words = importWords[say.language];
  const number = (value: number) => written(value, say.language);
  const because = words.failures[one.failure ?? ""] ?? one.failure_detail;
  const total = Math.max(one.rows_total, one.position);
  return (
    <>
      <p role="status"><strong>{words.states[one.state]}</strong>{because && `. ${words.why(because)}`}</p>
      {moving && <p class="standing"><span class={live ? "live" : "lost"}>{live ? words.live : words.lost}</span></p>}
      {AT_WORK.includes(one.state) && (
        <>
          <label for="progress">{words.progress(number(one.position), number(total))}</label>
          <progress id="progress" max={Math.max(1, total)} value={one.position} />
        </>
      )}
      {one.to_compare > 0 && <p>{words.comparing(number(one.to_compare))}</p>}
      {one.read_as && <p class="about">{words.readAs(one.read_as)}</p>}
      {one.ignored_columns.length > 0 && <p class="notice">{words.ignored(one.ignored_columns.join(", "))}</p>}
    </>
  );
}

function Rows({ one }: { one: ImportView }) {
  const say = useOffice();
  const words = importWords[say.language];
  const title = one.state === "done" ? words.became : words.willBe;
  const named = one.about === "survey_answers" ? words.answerCounts : words.counts;
  const counts = COUNTS.map((name) => ({ name: named[name] ?? name, value: one[name], said: written(one[name], say.language) }));
  return (
    <section aria-label={title}>
      <div class="beside">
        <Bars label={title} bars={counts} />
        <Table label={title} rows={counts} name={(row) => row.name} columns={[{ title: say.what, show: (row) => row.name }, { title: words.rows, figure: true, show: (row) => row.said }]} />
      </div>
      <details>
        <summary>{words.columns}</summary>
        <Table
          label={words.columns} rows={one.columns} name={(column) => column.heading}
          columns={[{ title: words.heading, show: (column) => column.heading }, { title: words.meaning, show: (column) => column.field }]}
        />
      </details>
    </section>
  );
}

function Errors({ one }: { one: ImportView }) {
  const say = useOffice();
  const words = importWords[say.language];
  const list = useList((cursor) => get("/registration/imports/{import_id}/errors", { path: { import_id: one.id }, query: cursor ? { cursor } : {} }));
  return (
    <section aria-labelledby="errors">
      <h2 id="errors">{words.errors}</h2>
      <Shown asked={list}>
        {(found) => (
          <Table
            label={words.errors} rows={found.items} name={(cell) => `${cell.row} ${cell.column} ${cell.code}`} empty={{ title: words.noErrors, help: words.noErrorsHelp }}
            columns={[
              { title: words.row, show: (cell) => cell.row },
              { title: words.column, show: (cell) => cell.heading || cell.column },
              { title: words.value, show: (cell) => cell.value },
              { title: words.mistake, show: (cell) => `${words.mistakes[cell.code] ?? cell.detail}${cell.refuses ? "" : ` (${words.note})`}` },
            ]}
          />
        )}
      </Shown>
      <More list={list} />
      <a class="button" href={`/registration/imports/${one.id}/file`} download>{words.fileBack}</a>
    </section>
  );
}

function Decisions({ one, orders }: { one: ImportView; orders: Carrying<Done> }) {
  const say = useOffice();
  const words = importWords[say.language];
  const path = { import_id: one.id };
  const start = (mode: "all_or_nothing" | "good_rows") => () =>
    orders.carry(`${mode} ${one.version}`, (key) => post("/registration/imports/{import_id}/start", { mode }, { path, key }), "start");
  const some = one.new + one.changed + one.unchanged > 0;
  return (
    <div class="tools">
      {one.state === "previewed" && one.refused === 0 && <Step label={words.startAll} ask={words.startAllAsk} kind="" orders={orders} take={start("all_or_nothing")} />}
      {one.state === "previewed" && one.refused > 0 && some && <Step label={words.startGood} ask={words.startGoodAsk(written(one.refused, say.language))} kind="" orders={orders} take={start("good_rows")} />}
      {MAY_END.includes(one.state) && (
        <Step label={words.cancel} ask={words.cancelAsk} reason kind="grave" orders={orders}
          take={(reason) => orders.carry(`cancel ${reason}`, (key) => post("/registration/imports/{import_id}/cancellation", { reason }, { path, key }), "cancel")} />
      )}
      {one.state === "done" && one.about === "businesses" && <Link to="/ganda" kind="second">{words.toDuplicates}</Link>}
    </div>
  );
}
