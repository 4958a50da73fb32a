import { useContext, useRef, useState } from "preact/hooks";
import { get, newKey, post, type Enrolment } from "../api";
import { day, moment } from "../time";
import { OpenTrainings } from "./open-trainings";
import { Empty, Failed, Heading, isOver, Sharing, told, useAsked, useWords, Waiting } from "../ui";

export function Seats() {
  const say = useWords();
  const { found, fault, again } = useAsked(() => get("/registration/my/enrolments", { query: { limit: "50" } }));
  const [done, setDone] = useState("");
  const offered = found?.items.filter((one) => one.state === "offered") ?? [];
  const others = found?.items.filter((one) => one.state !== "offered") ?? [];

  return (
    <>
      <Heading>{say.seats}</Heading>
      <div role="status">{done && <p class="notice">{done}</p>}</div>
      {fault !== undefined && <Failed fault={fault} again={again} />}
      {!found && fault === undefined && <Waiting what={say.loadSeats} />}
      {found?.items.length === 0 && <Empty title={say.emptySeats} help={say.emptySeatsHelp} />}
      {offered.length > 0 && (
        <section aria-labelledby="offered">
          <h2 id="offered">{say.offeredTitle}</h2>
          {offered.map((one) => <Offer key={one.id} one={one} answered={(words) => { setDone(words); again(); }} />)}
        </section>
      )}
      {others.length > 0 && (
        <section aria-labelledby="others">
          <h2 id="others">{say.otherSeats}</h2>
          {others.map((one) => (
            <article class="card" key={one.id}>
              <About one={one} />
              <p><strong>{say.state[one.state as keyof typeof say.state]}</strong></p>
              {one.state === "ineligible" && (
                <ul>{one.reasons.map((why) => <li key={why.code}>{say.language === "id" ? why.indonesian : why.english}</li>)}</ul>
              )}
              {one.state === "accepted" && <EntryCode id={one.id} />}
            </article>
          ))}
        </section>
      )}
      {found && <OpenTrainings key={found.items.length} known={found.items.map((one) => one.training_id)} applied={(words) => { setDone(words); again(); }} />}
    </>
  );
}

/** The code that lets one in at the door, when one asks for it: whoever sees it could come instead. */
function EntryCode({ id }: { id: string }) {
  const say = useWords();
  const { leave } = useContext(Sharing);
  const [code, setCode] = useState("");
  const [wrong, setWrong] = useState("");

  function show(): void {
    get("/registration/enrolments/{enrolment_id}/code", { path: { enrolment_id: id } }).then(
      (found) => setCode(found.code),
      (fault: unknown) => (isOver(fault) ? leave("over") : setWrong(told(fault, say))),
    );
  }

  if (code) return <p class="entry" role="status">{say.entryCode} <strong>{code}</strong></p>;
  return (
    <>
      {wrong && <p class="wrong" role="alert">{wrong}</p>}
      <button type="button" class="second" onClick={show}>{say.showEntryCode}</button>
    </>
  );
}

function About({ one }: { one: Enrolment }) {
  const say = useWords();
  return (
    <>
      <h3>{one.title}</h3>
      <p>{say.begins(day(one.starts_on, say.language))}</p>
      <p>{say.forBusiness(one.business_name)}</p>
    </>
  );
}

function Offer({ one, answered }: { one: Enrolment; answered: (words: string) => void }) {
  const say = useWords();
  const { leave } = useContext(Sharing);
  const keys = useRef({ accept: newKey(), decline: newKey() });
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");

  async function answer(what: "accept" | "decline"): Promise<void> {
    setBusy(true);
    setWrong("");
    try {
      const body = { answer: what, ...(reason.trim() ? { reason: reason.trim() } : {}) };
      const key = `${keys.current[what]}`;
      await post("/registration/enrolments/{enrolment_id}/answer", body, { path: { enrolment_id: one.id }, key });
      answered(what === "accept" ? say.accepted : say.declined);
    } catch (fault) {
      keys.current = { accept: newKey(), decline: newKey() };
      if (isOver(fault)) leave("over");
      else setWrong(told(fault, say));
      setBusy(false);
    }
  }

  return (
    <article class="card unread">
      <About one={one} />
      {one.answer_by && <p><strong>{say.answerBy(moment(one.answer_by, say.language))}</strong></p>}
      {wrong && <p class="wrong" role="alert">{wrong}</p>}
      {asking ? (
        <>
          <p>{say.declineAsk}</p>
          <label for={`reason-${one.id}`}>{say.reason}</label>
          <input id={`reason-${one.id}`} maxLength={200} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
          <div class="tools">
            <button type="button" class="grave" disabled={busy} onClick={() => void answer("decline")}>{say.declineYes}</button>
            <button type="button" class="second" disabled={busy} onClick={() => setAsking(false)}>{say.back}</button>
          </div>
        </>
      ) : (
        <div class="tools">
          <button type="button" disabled={busy} onClick={() => void answer("accept")}>{say.accept}</button>
          <button type="button" class="second" disabled={busy} onClick={() => setAsking(true)}>{say.decline}</button>
        </div>
      )}
      {busy && <Waiting what={say.sending} />}
    </article>
  );
}
