import { useContext, useState } from "preact/hooks";
import { all, get, post, type Notified } from "../api";
import { instant } from "../time";
import { Sharing } from "../ui";
import { broadcastWords } from "./broadcasts-words";
import { Choice, Field, Page, Passage, Refused, Shown, Ticks, useAged, useOffice, useOrders, wrongAt } from "./parts";

type Draft = Notified["DraftBroadcast"];
type Standing = NonNullable<Draft["audience"]["standings"]>[number];

const TITLE_LENGTH_MAX = 80;
const BODY_LENGTH_MAX = 320;
const STANDINGS: Standing[] = ["none", "offered", "accepted", "waitlisted", "declined", "expired", "withdrawn"];

async function lists() {
  const [regions, trainings] = await Promise.all([
    get("/registration/regions"),
    all((cursor) => get("/registration/trainings", { query: { limit: "500", ...(cursor ? { cursor } : {}) } })),
  ]);
  return { regions: regions.items, trainings };
}

/** A new broadcast; it is kept as a draft, and nothing of it is sent. */
export function Compose() {
  const say = useOffice();
  const words = broadcastWords[say.language];
  const asked = useAged(lists);
  return (
    <Page title={words.compose} lead={words.composeLead} back="/siaran">
      <Shown asked={asked}>{(found) => <Form {...found} />}</Shown>
    </Page>
  );
}

function Form({ regions, trainings }: Awaited<ReturnType<typeof lists>>) {
  const say = useOffice();
  const words = broadcastWords[say.language];
  const { go } = useContext(Sharing);
  const [text, setText] = useState({ urgency: "invitation", title_id: "", body_id: "", title_en: "", body_en: "", sectors: "", training: "", starts: "", expires: "" });
  const [chosen, setChosen] = useState<string[]>(regions.length === 1 ? regions.map((one) => one.code) : []);
  const [standings, setStandings] = useState<Standing[]>([]);
  const [none, setNone] = useState(false);
  const orders = useOrders(() => {});
  const set = (name: keyof typeof text) => (value: string) => setText((known) => ({ ...known, [name]: value }));
  const wrong = (pointer: string) => wrongAt(orders.fault, pointer, words.mistakes);

  function draft(): Draft {
    return {
      urgency: text.urgency === "information" ? "information" : "invitation",
      title_id: oneLine(text.title_id), body_id: oneLine(text.body_id), title_en: oneLine(text.title_en), body_en: oneLine(text.body_en),
      audience: {
        regions: chosen,
        sectors: text.sectors.split(",").map((one) => one.trim()).filter(Boolean),
        standings: text.training ? standings : [],
        training_id: text.training || null,
      },
      starts_at: text.starts ? instant(text.starts) : null,
      expires_at: text.expires ? instant(text.expires) : "",
    };
  }

  async function keep(event: Event): Promise<void> {
    event.preventDefault();
    setNone(chosen.length === 0);
    if (chosen.length === 0) return;
    const order = draft();
    await orders.carry(JSON.stringify(order), async (key) => {
      const made = await post("/notifications/broadcasts", order, { key });
      go(`/siaran?siaran=${made.id}`);
    }, "kept");
  }

  const length = (name: "title_id" | "title_en" | "body_id" | "body_en", most: number) => words.left(text[name].length, most);
  return (
    <form onSubmit={(event) => void keep(event)} noValidate>
      <Choice id="urgency" label={words.urgency} value={text.urgency} set={set("urgency")} options={Object.entries(words.urgencies)} />
      <Field id="title_id" label={words.titleId} value={text.title_id} set={set("title_id")} maxLength={TITLE_LENGTH_MAX} hint={length("title_id", TITLE_LENGTH_MAX)} wrong={wrong("/title_id")} />
      <Passage id="body_id" label={words.bodyId} value={text.body_id} set={set("body_id")} hint={length("body_id", BODY_LENGTH_MAX)} wrong={wrong("/body_id")} />
      <Field id="title_en" label={words.titleEn} value={text.title_en} set={set("title_en")} maxLength={TITLE_LENGTH_MAX} hint={length("title_en", TITLE_LENGTH_MAX)} wrong={wrong("/title_en")} />
      <Passage id="body_en" label={words.bodyEn} value={text.body_en} set={set("body_en")} hint={length("body_en", BODY_LENGTH_MAX)} wrong={wrong("/body_en")} />
      <Ticks legend={words.regions} options={regions.map((one) => [one.code, one.name])} chosen={chosen} set={setChosen} wrong={none ? words.regionsNeeded : wrong("/audience/regions")} />
      <Field id="sectors" label={words.sectors} value={text.sectors} set={set("sectors")} hint={words.sectorsHint} wrong={wrong("/audience/sectors")} />
      <Choice id="training" label={words.training} value={text.training} set={set("training")} options={[["", words.anyTraining], ...trainings.map((one) => [one.id, one.title] as const)]} />
      {text.training && <Ticks legend={words.standings} options={STANDINGS.map((one) => [one, words.standingNames[one] ?? one])} chosen={standings} set={(kept) => setStandings(kept as Standing[])} wrong="" />}
      <Field id="starts" type="datetime-local" label={words.starts} value={text.starts} set={set("starts")} wrong={wrong("/starts_at")} />
      <Field id="expires" type="datetime-local" label={words.expires} value={text.expires} set={set("expires")} hint={words.wib} wrong={wrong("/expires_at")} />
      <button type="submit" disabled={orders.busy}>{words.save}</button>
      <Refused orders={orders} />
    </form>
  );
}

/** A letter has no lines of its own. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
