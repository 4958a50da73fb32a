import { useContext, useState } from "preact/hooks";
import { get, postFile } from "../api";
import { Import } from "../office/import";
import { importWords } from "../office/imports-words";
import { Attached, Choice, More, Page, Refused, Shown, Table, useList, useOffice, useOrders } from "../office/parts";
import { written } from "../numbers";
import { moment } from "../time";
import { Failed, Link, Sharing, useAsked, useWords, Waiting } from "../ui";

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

/** What a file may be about: businesses, or one of the surveys that take answers now. */
function Upload() {
  const words = importWords[useOffice().language];
  const { go } = useContext(Sharing);
  const { found: surveys, fault, again } = useAsked(async () => (await get("/registration/surveys")).items.filter((one) => one.state === "open"));
  const [survey, setSurvey] = useState("");
  const [file, setFile] = useState<File>();
  const [tried, setTried] = useState(false);
  const orders = useOrders(() => {});

  async function send(event: Event): Promise<void> {
    event.preventDefault();
    setTried(true);
    if (!file) return;
    await orders.carry(`${survey} ${file.name} ${file.size} ${file.lastModified}`, async (key) => {
      const asked = { query: { name: file.name }, key };
      const made = await (survey ? postFile("/registration/surveys/{survey_id}/imports", file, { ...asked, path: { survey_id: survey } }) : postFile("/registration/imports", file, asked));
      go(`/impor?impor=${made.id}`);
    }, "sent");
  }

  return (
    <form onSubmit={(event) => void send(event)} noValidate>
      {fault !== undefined && <Failed fault={fault} again={again} />}
      {!surveys && fault === undefined && <Waiting what={words.loadSurveys} />}
      <Choice
        id="about" label={words.about} hint={words.aboutHint} value={survey} set={setSurvey}
        options={[["", words.businesses], ...(surveys ?? []).map((one) => [one.id, words.answersTo(one.title)] as const)]}
      />
      <a class="button" href={survey ? `/registration/surveys/${survey}/answers/template.xlsx` : "/registration/imports/template.xlsx"} download>{words.template}</a>
      <Attached id="file" accept=".xlsx,.csv" label={words.file} hint={words.fileHint} wrong={tried && !file ? words.fileNeeded : ""} take={setFile} />
      <button type="submit" disabled={orders.busy}>{words.upload}</button>
      <Refused orders={orders} />
    </form>
  );
}
