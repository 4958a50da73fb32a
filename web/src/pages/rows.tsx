import type { JSX } from "preact";
import { get } from "../api";
import { rowsOf } from "../office/addresses";
import { useFurther } from "../office/further-said";
import { More, Page, Shown, Table, useList, useOffice, type Column } from "../office/parts";
import { Story } from "../office/story";
import { day, moment } from "../time";
import { Empty, Link, useWords } from "../ui";

type Listed<T> = { items: T[]; next?: string | null };
type Asking = Record<string, string>;

/** The rows behind a further figure of the overview, by `?jenis=`, narrowed as the figure is. */
export default function Rows() {
  const say = useFurther();
  const query = new URLSearchParams(location.search);
  const kind = query.get("jenis") ?? "";
  const narrowed = (names: Record<string, string>): Asking => Object.fromEntries(Object.entries(names).flatMap(([name, asked]) => (query.get(name) ? [[asked, query.get(name) ?? ""]] : [])));
  const shown: Record<string, () => JSX.Element> = {
    needs: () => <Needs asking={narrowed({ sektor: "sector", wilayah: "region" })} />,
    closed: () => <SaidClosed survey={query.get("survei") ?? ""} />,
    prices: () => <Prices asking={narrowed({ barang: "item", wilayah: "region" })} />,
    enrolments: () => <Enrolments training={query.get("pelatihan") ?? ""} />,
    deliveries: () => <Deliveries asking={narrowed({ keadaan: "state" })} />,
    story: () => <Story business={query.get("usaha") ?? ""} />,
  };
  const { working } = useWords();
  return (
    <Page title={say.rows[kind] ?? working["/rincian"] ?? ""} lead={say.rowsLead}>
      {shown[kind]?.() ?? <Empty title={say.emptyRows} help={say.emptyRowsHelp} />}
    </Page>
  );
}

/** One list of rows, read page by page. */
function List<T>({ label, ask, name, columns }: { label: string; ask: (cursor: Asking) => Promise<Listed<T>>; name: (row: T) => string; columns: Column<T>[] }) {
  const say = useFurther();
  const list = useList((cursor) => ask(cursor ? { cursor } : {}));
  return (
    <>
      <Shown asked={list}>{(found) => <Table label={label} rows={found.items} name={name} columns={columns} empty={{ title: say.emptyRows, help: say.emptyRowsHelp }} />}</Shown>
      <More list={list} />
    </>
  );
}

function Needs({ asking }: { asking: Asking }) {
  const say = useFurther();
  const office = useOffice();
  return (
    <List
      label={say.rows["needs"] ?? ""} ask={(cursor) => get("/registration/needs", { query: { ...asking, ...cursor } })} name={(one) => one.business_id}
      columns={[
        { title: say.business, show: (one) => <Link to={rowsOf("story", { usaha: one.business_id })}>{one.name}</Link> },
        { title: say.sector, show: (one) => office.sectors[one.sector] ?? one.sector },
        { title: office.region, show: (one) => one.region },
        { title: say.need, show: (one) => `${one.score ?? office.none} (${say.bands[one.band ?? ""] ?? office.none})` },
        { title: say.because, show: (one) => one.parts.filter((part) => part.points > 0).map((part) => `${part.points}/${part.of}: ${office.language === "id" ? part.because : part.because_english}`).join(" ") },
      ]}
    />
  );
}

function SaidClosed({ survey }: { survey: string }) {
  const say = useFurther();
  const office = useOffice();
  return (
    <List
      label={say.rows["closed"] ?? ""} ask={(cursor) => get("/registration/surveys/{survey_id}/said-closed", { path: { survey_id: survey }, query: cursor })} name={(one) => one.answer_id}
      columns={[
        { title: say.business, show: (one) => <Link to={rowsOf("story", { usaha: one.business_id })}>{one.name}</Link> },
        { title: say.sector, show: (one) => office.sectors[one.sector] ?? one.sector },
        { title: office.region, show: (one) => one.region },
        { title: say.answeredOn, show: (one) => day(one.answered_on, office.language) },
      ]}
    />
  );
}

function Prices({ asking }: { asking: Asking }) {
  const say = useFurther();
  const office = useOffice();
  return (
    <List
      label={say.rows["prices"] ?? ""} ask={(cursor) => get("/aid/prices", { query: { ...asking, ...cursor } })} name={(one) => one.id}
      columns={[
        { title: say.market, show: (one) => `${one.place} (${one.region})` },
        { title: office.item, show: (one) => one.item },
        { title: office.date, show: (one) => day(one.observed_on, office.language) },
        { title: say.price, figure: true, show: (one) => `Rp${say.number(one.price_rupiah)}` },
        { title: say.ceiling, figure: true, show: (one) => (one.ceiling_rupiah === null ? office.none : `Rp${say.number(one.ceiling_rupiah)}`) },
        { title: office.state, show: (one) => [one.above_ceiling && say.above, one.superseded_at && say.superseded].filter(Boolean).join(", ") },
      ]}
    />
  );
}

function Enrolments({ training }: { training: string }) {
  const say = useFurther();
  const office = useOffice();
  const { state } = useWords();
  return (
    <List
      label={say.rows["enrolments"] ?? ""} ask={(cursor) => get("/registration/trainings/{training_id}/enrolments", { path: { training_id: training }, query: cursor })} name={(one) => one.id}
      columns={[
        { title: say.business, show: (one) => <Link to={rowsOf("story", { usaha: one.business_id })}>{one.business_name}</Link> },
        { title: say.standing, show: (one) => state[one.state] },
        { title: say.needPoints, figure: true, show: (one) => one.need_points ?? office.none },
        { title: say.applied, show: (one) => moment(one.applied_at, office.language) },
        { title: say.because, show: (one) => one.reasons.map((why) => (office.language === "id" ? why.indonesian : why.english)).join(" ") },
      ]}
    />
  );
}

function Deliveries({ asking }: { asking: Asking }) {
  const say = useFurther();
  const office = useOffice();
  return (
    <List
      label={say.rows["deliveries"] ?? ""} ask={(cursor) => get("/notifications/deliveries", { query: { ...asking, ...cursor } })} name={(one) => one.id}
      columns={[
        { title: say.changed, show: (one) => moment(one.changed_at, office.language) },
        { title: say.standing, show: (one) => say.delivery[one.state] },
        { title: say.channel, show: (one) => say.channels[one.channel] ?? one.channel },
        { title: office.region, show: (one) => one.region },
        { title: say.attempts, figure: true, show: (one) => one.attempts },
        { title: say.because, show: (one) => (one.reason === null ? "" : (say.failures[one.reason] ?? one.reason)) },
      ]}
    />
  );
}
