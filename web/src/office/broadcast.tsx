import { useEffect, useState } from "preact/hooks";
import { get, post, type Notified } from "../api";
import { written } from "../numbers";
import { who } from "../session";
import { moment } from "../time";
import { broadcastWords } from "./broadcasts-words";
import { Bars, Page, Refused, Said, Shown, Step, Table, useAged, useOffice, useOrders, type Carrying } from "./parts";

type Detail = Notified["BroadcastDetail"];
type Preview = Notified["BroadcastPreview"];
type Done = "submit" | "approve" | "reject" | "pause" | "resume" | "cancel";
type Counts = { outside: Record<string, number>; inbox_alone: Record<string, number>; withheld: Record<string, number> };

const AGAIN_MILLISECONDS = 5_000;
const WRITERS = ["regency_officer", "province_staff"];
const AHEAD = ["draft", "submitted"];

async function one(id: string): Promise<{ detail: Detail; preview: Preview | undefined }> {
  const path = { broadcast_id: id };
  const detail = await get("/notifications/broadcasts/{broadcast_id}", { path });
  const preview = AHEAD.includes(detail.broadcast.state) ? await get("/notifications/broadcasts/{broadcast_id}/preview", { path }) : undefined;
  return { detail, preview };
}

/** One broadcast: its text, whom it would reach and how it reads to three of them, how far it is, and what may be done. */
export function Broadcast({ id }: { id: string }) {
  const say = useOffice();
  const words = broadcastWords[say.language];
  const asked = useAged(() => one(id));
  const [said, setSaid] = useState<Done>();
  const orders = useOrders<Done>((done) => { setSaid(done); asked.again(); });
  const state = asked.found?.told.detail.broadcast.state;
  useEffect(() => {
    if (state !== "running") return;
    const timer = window.setInterval(asked.anew, AGAIN_MILLISECONDS);
    return () => window.clearInterval(timer);
  }, [state]);
  const title = asked.found?.told.detail.broadcast[say.language === "id" ? "title_id" : "title_en"];
  return (
    <Page title={title ?? words.list} lead={words.oneLead} back="/siaran">
      <Said words={said ? words.done[said] : ""} />
      <Shown asked={asked}>
        {({ detail, preview }) => (
          <>
            <Text detail={detail} />
            {preview && <Ahead preview={preview} />}
            <Steps detail={detail} preview={preview} orders={orders} />
            {!preview && <Progress detail={detail} />}
            <History detail={detail} />
          </>
        )}
      </Shown>
      <Refused orders={orders} />
    </Page>
  );
}

function Text({ detail: { broadcast } }: { detail: Detail }) {
  const say = useOffice();
  const words = broadcastWords[say.language];
  const { regions, sectors = [], standings = [] } = broadcast.audience;
  const audience = [...regions, ...sectors.map((sector) => say.sectors[sector] ?? sector), ...standings.map((standing) => words.standingNames[standing] ?? standing)].join(", ");
  return (
    <article class="card">
      <p><strong>{words.states[broadcast.state]}</strong> · {words.urgencies[broadcast.urgency]}</p>
      <p lang="id">{broadcast.title_id}: {broadcast.body_id}</p>
      <p lang="en">{broadcast.title_en}: {broadcast.body_en}</p>
      <p>{words.audience}: {audience}</p>
      {broadcast.starts_at && <p>{words.starts}: {moment(broadcast.starts_at, say.language)}</p>}
      <p>{words.until}: {moment(broadcast.expires_at, say.language)}</p>
      <p class="about">{words.byAndWhen(broadcast.drafted_by, moment(broadcast.drafted_at, say.language))}</p>
    </article>
  );
}

/** How many are reached how, as bars and as a table. */
function Reached({ label, counts, outside }: { label: string; counts: Counts; outside: Record<string, string> }) {
  const say = useOffice();
  const words = broadcastWords[say.language];
  const why = (code: string) => words.reasons[code] ?? code;
  const rows = [
    ...Object.entries(counts.outside).map(([code, count]) => ({ name: outside[code] ?? code, count })),
    ...Object.entries(counts.inbox_alone).map(([code, count]) => ({ name: words.inboxOnly(why(code)), count })),
    ...Object.entries(counts.withheld).map(([code, count]) => ({ name: words.withheld(why(code)), count })),
  ].filter((row) => row.count > 0);
  return (
    <div class="beside">
      <Bars label={label} bars={rows.map((row) => ({ name: row.name, value: row.count, said: written(row.count, say.language) }))} />
      <Table
        label={label} rows={rows} name={(row) => row.name}
        columns={[{ title: words.reach, show: (row) => row.name }, { title: words.people, figure: true, show: (row) => written(row.count, say.language) }]}
      />
    </div>
  );
}

function Ahead({ preview }: { preview: Preview }) {
  const say = useOffice();
  const words = broadcastWords[say.language];
  const reaches = (code: string) => words.channels[code] ?? words.inboxOnly(words.reasons[code] ?? code);
  return (
    <section aria-labelledby="ahead">
      <h2 id="ahead">{words.previewTitle}</h2>
      <p><strong>{words.count(written(preview.recipients, say.language))}</strong>. {preview.needs_approval ? words.needsSecond : words.needsNone}</p>
      <Reached label={words.previewTitle} counts={preview} outside={words.channels} />
      {preview.examples.length > 0 && <h3>{words.examples}</h3>}
      {preview.examples.map((example) => (
        <article class="card" key={example.owner + example.phone}>
          <p class="about">{words.example(example.owner, example.phone, reaches(example.reaches))}</p>
          <div lang={example.language}>
            <h3>{example.title}</h3>
            <p class="body">{example.body}</p>
            <p class="about">{example.why}</p>
          </div>
        </article>
      ))}
    </section>
  );
}

function Steps({ detail: { broadcast, steps }, preview, orders }: { detail: Detail; preview: Preview | undefined; orders: Carrying<Done> }) {
  const say = useOffice();
  const words = broadcastWords[say.language];
  const me = who();
  const path = { broadcast_id: broadcast.id };
  const writes = WRITERS.includes(me?.role ?? "");
  const own = me?.subject === broadcast.drafted_by || me?.subject === broadcast.submitted_by;
  const state = broadcast.state;
  const halts = me?.role !== "auditor" && ["draft", "submitted", "running", "paused"].includes(state);
  const order = (name: "submit" | "approve" | "pause" | "resume", send: (key: string) => Promise<unknown>) => () => orders.carry(`${name} ${steps.length}`, send, name);
  const decide = (name: "reject" | "cancel", send: (reason: string, key: string) => Promise<unknown>) => (reason: string) =>
    orders.carry(`${name} ${steps.length} ${reason}`, (key) => send(reason, key), name);
  return (
    <div class="tools">
      {state === "draft" && writes && (
        <Step label={words.submit} ask={words.submitAsk(written(preview?.recipients ?? 0, say.language))} kind="" orders={orders}
          take={order("submit", (key) => post("/notifications/broadcasts/{broadcast_id}/submission", undefined, { path, key }))} />
      )}
      {state === "submitted" && own && <p>{words.ownDraft}</p>}
      {state === "submitted" && writes && !own && (
        <>
          <Step label={words.approve} ask={words.approveAsk} kind="" orders={orders}
            take={order("approve", (key) => post("/notifications/broadcasts/{broadcast_id}/approval", undefined, { path, key }))} />
          <Step label={words.reject} ask={words.rejectAsk} reason orders={orders}
            take={decide("reject", (reason, key) => post("/notifications/broadcasts/{broadcast_id}/rejection", { reason }, { path, key }))} />
        </>
      )}
      {state === "running" && halts && (
        <Step label={words.pause} ask={words.pauseAsk} orders={orders}
          take={order("pause", (key) => post("/notifications/broadcasts/{broadcast_id}/pause", undefined, { path, key }))} />
      )}
      {state === "paused" && halts && (
        <Step label={words.resume} ask={words.resumeAsk} kind="" orders={orders}
          take={order("resume", (key) => post("/notifications/broadcasts/{broadcast_id}/resumption", undefined, { path, key }))} />
      )}
      {halts && (
        <Step label={words.cancel} ask={words.cancelAsk} reason kind="grave" orders={orders}
          take={decide("cancel", (reason, key) => post("/notifications/broadcasts/{broadcast_id}/cancellation", { reason }, { path, key }))} />
      )}
    </div>
  );
}

function Progress({ detail }: { detail: Detail }) {
  const say = useOffice();
  const words = broadcastWords[say.language];
  const { broadcast } = detail;
  return (
    <section aria-labelledby="progress">
      <h2 id="progress">{words.progress}</h2>
      <p>{words.told}: <strong>{written(broadcast.told, say.language)}</strong> / {written(broadcast.recipients ?? 0, say.language)}</p>
      <Reached label={words.progress} counts={detail} outside={words.outside} />
      <a class="button" href={`/notifications/broadcasts/${broadcast.id}/results`} download>{words.results}</a>
    </section>
  );
}

function History({ detail }: { detail: Detail }) {
  const say = useOffice();
  const words = broadcastWords[say.language];
  return (
    <section aria-label={words.steps}>
      <Table
        label={words.steps} rows={detail.steps} name={(step) => step.at + step.state}
        columns={[
          { title: say.state, show: (step) => words.states[step.state] },
          { title: words.by, show: (step) => step.by },
          { title: words.when, show: (step) => moment(step.at, say.language) },
          { title: words.stepWhy, show: (step) => step.reason },
        ]}
      />
    </section>
  );
}
