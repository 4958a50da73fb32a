import { useEffect, useRef } from "preact/hooks";
import { condition, parked, type Condition, type Lane, type Report } from "../office/condition";
import { Page, Shown, Table, useAged, useOffice } from "../office/parts";
import { systemWords } from "../office/system-words";
import { written } from "../numbers";
import { moment } from "../time";
import { useWords } from "../ui";

const AGAIN_MILLISECONDS = 10_000;
const COMMANDS = ["serumpun parked show", "serumpun parked replay", "serumpun parked drop"];

/** The condition of the system for who runs it: readiness by progress, and what is parked. */
export default function System() {
  const words = systemWords[useOffice().language];
  const { working } = useWords();
  const asked = useAged(condition);
  useEffect(() => {
    const timer = window.setInterval(asked.anew, AGAIN_MILLISECONDS);
    return () => window.clearInterval(timer);
  }, []);
  return (
    <Page title={working["/sistem"] ?? ""} lead={words.lead}>
      <Shown asked={asked}>
        {(found) => (
          <>
            <p role="status" class={found.ready ? "notice" : "wrong"}>{found.ready ? words.ready : words.notReady}</p>
            <Services found={found} />
            <Parked reports={found.reports} />
            <Lanes reports={found.reports} />
          </>
        )}
      </Shown>
    </Page>
  );
}

function Services({ found }: { found: Condition }) {
  const say = useOffice();
  const words = systemWords[say.language];
  return (
    <>
      <Table
        label={words.services} rows={found.reports} name={(one) => one.service}
        columns={[
          { title: words.service, show: (one) => one.service },
          { title: say.state, show: (one) => (one.ready ? words.isReady : <strong>{words.isNotReady}</strong>) },
          { title: words.checks, show: (one) => Object.entries(one.checks).map(([name, told]) => `${name}: ${told}`).join(", ") },
          { title: words.lag, figure: true, show: (one) => written(one.lag, say.language) },
          { title: words.unsent, figure: true, show: (one) => words.seconds(written(one.oldest_unsent_seconds, say.language, 1)) },
          { title: words.parked, figure: true, show: (one) => written(Object.values(one.parked).reduce((sum, count) => sum + count, 0), say.language) },
        ]}
      />
      {Object.entries(found.copies).map(([name, count]) => <p key={name}>{name}: {words.copies(written(count, say.language))}</p>)}
    </>
  );
}

/** What waits, each with its reason: asked for apart, so that readiness is shown also where this is not. */
function Parked({ reports }: { reports: Report[] }) {
  const say = useOffice();
  const words = systemWords[say.language];
  const asked = useAged(parked);
  const count = reports.flatMap((one) => Object.values(one.parked)).reduce((sum, one) => sum + one, 0);
  const listed = useRef(count);
  useEffect(() => {
    if (listed.current === count) return;
    listed.current = count;
    asked.anew();
  }, [count]);
  return (
    <section aria-labelledby="parked">
      <h2 id="parked">{words.parkedTitle}</h2>
      <Shown asked={asked}>
        {(found) => (
          <>
            <Table
              label={words.parkedTitle} rows={found.waiting} name={(row) => `${row.service} ${row.event.at}`}
              empty={{ title: words.emptyParked, help: words.emptyParkedHelp }}
              columns={[
                { title: words.parkedAt, show: (row) => `${row.service} ← ${row.event.at}` },
                { title: words.parkedWhat, show: (row) => `${row.event.type || words.unreadable} ${row.event.subject}` },
                { title: words.parkedWhy, show: (row) => words.reasons[row.event.reason] },
                { title: words.error, show: (row) => row.event.error || say.none },
                { title: words.attempts, figure: true, show: (row) => written(row.event.attempts, say.language) },
                { title: words.nextTry, show: (row) => (row.event.due_at ? moment(row.event.due_at, say.language) : say.none) },
              ]}
            />
            {found.more && <p>{words.moreParked}</p>}
          </>
        )}
      </Shown>
      <p>{words.parkedHow}</p>
      <ul>{COMMANDS.map((one) => <li key={one}><code>{one}</code></li>)}</ul>
    </section>
  );
}

function Lanes({ reports }: { reports: Report[] }) {
  const say = useOffice();
  const words = systemWords[say.language];
  const rows = reports.flatMap((one) => one.lanes.map((lane) => ({ service: one.service, lane })));
  const name = (service: string, lane: Lane) => `${service} ← ${lane.source} / ${lane.partition}`;
  return (
    <Table
      label={words.lanes} rows={rows} name={(row) => name(row.service, row.lane)} empty={{ title: words.emptyLanes, help: words.emptyLanesHelp }}
      columns={[
        { title: words.lane, show: (row) => name(row.service, row.lane) },
        { title: words.position, figure: true, show: (row) => written(row.lane.position, say.language) },
        { title: words.last, figure: true, show: (row) => written(row.lane.last, say.language) },
        { title: words.behind, figure: true, show: (row) => words.seconds(written(row.lane.behind_seconds, say.language, 1)) },
        { title: words.error, show: (row) => row.lane.error || say.none },
      ]}
    />
  );
}
