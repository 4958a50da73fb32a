import { useContext, useState } from "preact/hooks";
import { get, postFile } from "../api";
import { Import } from "../office/import";
import { importWords } from "../office/imports-words";
import { Attached, More, Page, Refused, Shown, Table, useList, useOffice, useOrders } from "../office/parts";
import { written } from "../numbers";
import { moment } from "../time";
import { Link, Sharing, useWords } from "../ui";

/** Imports: what one has sent and a way to send more, or with `?impor=` one of them. */
export default function Imports() {
  const chosen = new URLSearchParams(location.search).get("impor");
  return chosen ? <Import id={chosen} /> : <Sent />;
}

function Sent() {
  const say = useOffice();
  const words = importWords[say.language];
  const { working } = useWords();
  const list = useList((cursor) => get("/registration/imports", { query: cursor ? { cursor } : {} }));
  return (
    <Page title={working["/impor"] ?? ""} lead={words.lead}>
      <Upload />
      <Shown asked={list}>
        {(found) => (
          <Table
            label={words.list} rows={found.items} name={(one) => one.id} empty={{ title: words.empty, help: words.emptyHelp }}
            columns={[
              { title: words.name, show: (one) => <Link to={`/impor?impor=${one.id}`}>{one.name}</Link> },
              { title: say.state, show: (one) => words.states[one.state] },
              { title: words.rows, figure: true, show: (one) => written(one.rows_total, say.language) },
              { title: words.refused, figure: true, show: (one) => written(one.refused, say.language) },
              { title: words.sent, show: (one) => moment(one.created_at, say.language) },
            ]}
          />
        )}
      </Shown>
      <More list={list} />
    </Page>
  );
}

function Upload() {
  const words = importWords[useOffice().language];
  const { go } = useContext(Sharing);
  const [file, setFile] = useState<File>();
  const [tried, setTried] = useState(false);
  const orders = useOrders(() => {});

  async function send(event: Event): Promise<void> {
    event.preventDefault();
    setTried(true);
    if (!file) return;
    await orders.carry(`${file.name} ${file.size} ${file.lastModified}`, async (key) => {
      const made = await postFile("/registration/imports", file, { query: { name: file.name }, key });
      go(`/impor?impor=${made.id}`);
    }, "sent");
  }

  return (
    <form onSubmit={(event) => void send(event)} noValidate>
      <a class="button" href="/registration/imports/template.xlsx" download>{words.template}</a>
      <Attached id="file" accept=".xlsx,.csv" label={words.file} hint={words.fileHint} wrong={tried && !file ? words.fileNeeded : ""} take={setFile} />
      <button type="submit" disabled={orders.busy}>{words.upload}</button>
      <Refused orders={orders} />
    </form>
  );
}
