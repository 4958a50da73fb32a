import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { fetchLists, keptLists } from "../field/catalogue";
import { draft } from "../field/drafts";
import { FormPage } from "../field/form";
import { install, waken } from "../field/installed";
import { begin, forms, nowSignedIn, type Form, type Kind, type Lists, type State } from "../field/kept";
import { Known } from "../field/known";
import { Queue } from "../field/queue";
import { minuteNow, stillOpen } from "../field/rules";
import { listen, send, tell, type Outcome } from "../field/sending";
import { fieldWords } from "../field/words";
import { who } from "../session";
import { moment } from "../time";
import { Empty, Heading, Link, Sharing, useWords } from "../ui";

const KINDS: Kind[] = ["distribution", "receipt", "count", "transfer", "visit", "attendance", "sales"];
const DAY_LENGTH = 10;
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
  const shown = useRef(""); // as `open`, for whoever hears of it outside of a drawing

  async function look(): Promise<void> {
    if (me) setKnown(await forms(me.subject));
  }

  /** Going back in the browser leads from a form to the list: for that one step more is in its history. */
  function show(id: string): void {
    shown.current = id;
    setOpen(id);
    if (id && !(history.state as { form?: boolean } | null)?.form) history.pushState({ form: true }, "");
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
    const stepped = () => shown.current && leave();
    const deaf = listen(() => void look());
    const timer = window.setInterval(attempt, AGAIN_SECONDS * 1000);
    addEventListener("popstate", stepped);
    addEventListener("online", back);
    addEventListener("offline", attempt);
    document.addEventListener("visibilitychange", attempt);
    return () => {
      deaf();
      window.clearInterval(timer);
      removeEventListener("popstate", stepped);
      removeEventListener("online", back);
      removeEventListener("offline", attempt);
      document.removeEventListener("visibilitychange", attempt);
    };
  }, []);

  async function start(kind: Kind): Promise<void> {
    if (!me || who()?.subject !== me.subject) return; // signed out in another tab
    const form = draft(kind, me.subject, lists);
    const begun = await begin(form);
    setFull(!begun);
    if (begun) show(form.id);
  }

  function leave(): void {
    show("");
    tell();
    void look().then(waken).then(sendNow);
  }

  if (!me) return null;
  if (open) return <FormPage id={open} by={me.subject} lists={stillOpen(lists, known ?? [])} done={leave} />;
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
            <li key={one.id}><Known one={one} lists={lists} go={() => show(one.id)} gone={() => void look()} /></li>
          ))}
        </ul>
        <Queue by={me.subject} today={minuteNow(lists).slice(0, DAY_LENGTH)} changed={leave} />
      </section>
    </>
  );
}
