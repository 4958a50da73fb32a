import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { fetchLists, keptLists } from "../field/catalogue";
import { FormPage } from "../field/form";
import { uuid7 } from "../field/ids";
import { install, waken } from "../field/installed";
import { begin, discard, forms, nowSignedIn, type Form, type Kind, type Lists, type State } from "../field/kept";
import { minuteNow } from "../field/rules";
import { listen, send, tell, type Outcome } from "../field/sending";
import { fieldWords } from "../field/words";
import { written } from "../numbers";
import { who } from "../session";
import { moment } from "../time";
import { Empty, Heading, Link, Sharing, useWords } from "../ui";

const KINDS: Kind[] = ["distribution", "receipt", "count"];
const AGAIN_SECONDS = 20;
const UNSENT: State[] = ["stored", "sent"];

/** Forms of the field: written without a signal, kept on the telephone, sent by themselves. */
export default function Field() {
  const { language } = useContext(Sharing);
  const say = fieldWords[language];
  const common = useWords();
  const me = useRef(who()).current;
  const [known, setKnown] = useState<Form[]>();
  const [lists, setLists] = useState<Lists>();
  const [outcome, setOutcome] = useState<Outcome>("done");
  const [online, setOnline] = useState(navigator.onLine);
  const [open, setOpen] = useState("");
  const [full, setFull] = useState(false);

  async function look(): Promise<void> {
    if (me) setKnown(await forms(me.subject));
  }

  async function sendNow(): Promise<void> {
    setOutcome(await send());
    await look();
  }

  useEffect(() => {
    if (!me) return;
    void install();
    void keptLists(me).then((kept) => kept && setLists((now) => now ?? kept));
    // Whatever says that there may be a signal starts the sending; what is sent already is not sent again.
    const attempt = () => {
      setOnline(navigator.onLine);
      if (navigator.onLine && document.visibilityState === "visible") void sendNow();
    };
    const fresh = () => fetchLists(me).then(setLists, () => undefined);
    const back = () => {
      attempt();
      void fresh();
    };
    void nowSignedIn(me.subject).then(look).then(back);
    const deaf = listen(() => void look());
    const timer = window.setInterval(attempt, AGAIN_SECONDS * 1000);
    addEventListener("online", back);
    addEventListener("offline", attempt);
    document.addEventListener("visibilitychange", attempt);
    return () => {
      deaf();
      window.clearInterval(timer);
      removeEventListener("online", back);
      removeEventListener("offline", attempt);
      document.removeEventListener("visibilitychange", attempt);
    };
  }, []);

  async function start(kind: Kind): Promise<void> {
    if (!me) return;
    const now = Date.now();
    const form: Form = {
      id: uuid7(now), by: me.subject, kind, state: "draft", place: lists?.places.length === 1 ? (lists.places[0]?.code ?? "") : "",
      programme: "", source: "", document: "", occurred: minuteNow(lists), people: "",
      lines: [{ item: "", quantity: "" }], mistakes: [], number: "", changedAt: now, tries: 0,
    };
    const begun = await begin(form);
    setFull(!begun);
    if (begun) setOpen(form.id);
  }

  function leave(): void {
    setOpen("");
    tell();
    void look().then(waken).then(sendNow);
  }

  if (!me) return null;
  if (open) return <FormPage id={open} by={me.subject} lists={lists} done={leave} />;
  const unsent = known?.filter((one) => UNSENT.includes(one.state)).length ?? 0;
  return (
    <>
      <Heading>{common.field}</Heading>
      <p>{say.lead}</p>
      <p class="standing" role="status">
        <strong>{say.waiting(unsent)}</strong> <span class={online ? "live" : "lost"}>{online ? say.online : say.offline}</span>
      </p>
      {outcome === "signed-out" && <p class="wrong" role="alert">{say.signInAgain} <Link to="/masuk-kantor">{common.signIn}</Link></p>}
      {unsent > 0 && <button type="button" class="second" onClick={() => void sendNow()}>{say.sendNow}</button>}
      <section aria-labelledby="new">
        <h2 id="new">{say.new}</h2>
        {full && <p class="wrong" role="alert">{say.full}</p>}
        {lists ? (
          <>
            <div class="tools">
              {KINDS.map((kind) => <button type="button" key={kind} onClick={() => void start(kind)}>{say.kinds[kind]}</button>)}
            </div>
            <p class="hint">{say.listsOf(moment(new Date(lists.fetchedAt + lists.aheadMilliseconds).toISOString(), language))}</p>
          </>
        ) : (
          <Empty title={say.noLists} help={say.noListsHelp} />
        )}
      </section>
      <section aria-labelledby="known">
        <h2 id="known">{say.formsTitle}</h2>
        {known?.length === 0 && <Empty title={say.emptyForms} help={say.emptyFormsHelp} />}
        <ul class="messages">
          {known?.map((one) => (
            <li key={one.id}><Known one={one} lists={lists} go={() => setOpen(one.id)} gone={() => void look()} /></li>
          ))}
        </ul>
      </section>
    </>
  );
}

function Known({ one, lists, go, gone }: { one: Form; lists: Lists | undefined; go: () => void; gone: () => void }) {
  const { language } = useContext(Sharing);
  const say = fieldWords[language];
  const [asking, setAsking] = useState(false);
  const place = lists?.places.find((other) => other.code === one.place)?.name ?? one.place;
  const mine = one.state === "draft" || one.state === "refused";
  const goods = one.lines.filter((line) => line.item && line.quantity).map((line) => {
    const item = lists?.items.find((other) => other.code === line.item);
    return `${item?.name ?? line.item} ${/^\d+$/.test(line.quantity) ? written(Number(line.quantity), language) : line.quantity} ${say.units[item?.unit ?? ""] ?? ""}`.trim();
  });
  return (
    <article class={mine ? "card unread" : "card"} aria-labelledby={`form-${one.id}`}>
      <p class="about">
        <span class="mark" data-state={one.state}>{say.states[one.state]}</span>
        <span>{moment(`${one.occurred}:00+07:00`, language)}</span>
      </p>
      <h3 id={`form-${one.id}`}>{[say.kinds[one.kind], place].filter(Boolean).join(" · ")}</h3>
      {goods.length > 0 && <p>{goods.join(", ")}</p>}
      {one.number && <p><strong>{say.receipt(one.number)}</strong></p>}
      {one.state === "refused" && <ul>{one.mistakes.map((fault) => <li key={fault.pointer + fault.code}>{say.mistakes[fault.code] ?? `${say.mistakes["other"]}: ${fault.detail}`}</li>)}</ul>}
      {mine && !asking && (
        <div class="tools">
          <button type="button" onClick={go}>{one.state === "draft" ? say.goOn : say.repair}</button>
          <button type="button" class="second" onClick={() => setAsking(true)}>{say.discard}</button>
        </div>
      )}
      {asking && (
        <div class="tools" role="alert">
          <p>{say.discardAsk}</p>
          <button type="button" class="grave" onClick={() => void discard(one.id).then(tell).then(gone)}>{say.discardYes}</button>
          <button type="button" class="second" onClick={() => setAsking(false)}>{say.back}</button>
        </div>
      )}
    </article>
  );
}
