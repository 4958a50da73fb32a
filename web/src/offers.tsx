import type { ComponentChildren } from "preact";
import { useContext, useRef, useState } from "preact/hooks";
import { newKey } from "./api";
import { useQuestion } from "./focus";
import { moment } from "./time";
import { Empty, Failed, Heading, isOver, mistake, Sharing, told, useWords, Waiting } from "./ui";
import type { Words } from "./words";

const NO_REASON = mistake("no_reason");

type Standing = { id: string; state: string; answer_by?: string | null };

/** What differs between lists of offers: their words, how one is shown and answered, and how the others stand. */
export type Kind<T extends Standing> = {
  title: string;
  loading: string;
  empty: string;
  emptyHelp: string;
  others: string;
  accept: string;
  declineAsk?: string;
  reason: string;
  reasonNeeded?: boolean;
  about: (one: T) => ComponentChildren;
  stands: (one: T) => ComponentChildren;
  /** Send an answer by its key; gives what to say of it. */
  answer: (one: T, accepts: boolean, reason: string, key: string) => Promise<Saying>;
};

/** What is said in the language of whenever it is looked at. */
export type Saying = (words: Words) => string;

type Asked<T> = { found: { items: T[] } | undefined; fault: unknown; again: () => void };

/** A page of offers: those that wait for an answer, and how the others stand. */
export function Offers<T extends Standing>({ kind, asked, after }: { kind: Kind<T>; asked: Asked<T>; after?: (done: (saying: Saying) => void) => ComponentChildren }) {
  const say = useWords();
  const { found, fault, again } = asked;
  const [said, setSaid] = useState<Saying>();
  const offered = found?.items.filter((one) => one.state === "offered") ?? [];
  const others = found?.items.filter((one) => one.state !== "offered") ?? [];
  const done = (saying: Saying) => { setSaid(() => saying); again(); };
  return (
    <>
      <Heading>{kind.title}</Heading>
      <div role="status">{said && <p class="notice">{said(say)}</p>}</div>
      {fault !== undefined && <Failed fault={fault} again={again} />}
      {!found && fault === undefined && <Waiting what={kind.loading} />}
      {found?.items.length === 0 && <Empty title={kind.empty} help={kind.emptyHelp} />}
      {offered.length > 0 && (
        <section aria-labelledby="offered">
          <h2 id="offered">{say.offeredTitle}</h2>
          {offered.map((one) => <Offer key={one.id} kind={kind} one={one} done={done} />)}
        </section>
      )}
      {others.length > 0 && (
        <section aria-labelledby="others">
          <h2 id="others">{kind.others}</h2>
          {others.map((one) => <article class="card" key={one.id}>{kind.about(one)}{kind.stands(one)}</article>)}
        </section>
      )}
      {after?.(done)}
    </>
  );
}

function Offer<T extends Standing>({ kind, one, done }: { kind: Kind<T>; one: T; done: (saying: Saying) => void }) {
  const say = useWords();
  const { leave } = useContext(Sharing);
  // A key for each answer, for as long as it is offered: an answer that was lost on the way is asked for again.
  const keys = useRef({ accept: newKey(), decline: newKey() });
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<unknown>();
  const { whole, opener } = useQuestion<HTMLDivElement>(asking);
  const input = useRef<HTMLInputElement>(null);
  const missing = fault === NO_REASON;
  const wrong = fault !== undefined && <p class="wrong" id={`wrong-${one.id}`} role="alert">{told(fault, say)}</p>;

  async function answer(accepts: boolean): Promise<void> {
    if (busy) return;
    if (!accepts && kind.reasonNeeded && !reason.trim()) {
      setFault(NO_REASON);
      input.current?.focus();
      return;
    }
    setBusy(true);
    setFault(undefined);
    try {
      done(await kind.answer(one, accepts, reason.trim(), accepts ? keys.current.accept : keys.current.decline));
    } catch (why) {
      if (isOver(why)) leave("over");
      else setFault(why);
      setBusy(false);
    }
  }

  function back(): void {
    if (busy) return;
    setAsking(false);
    setFault(undefined);
  }

  return (
    <article class="card unread">
      {kind.about(one)}
      {one.answer_by && <p><strong>{say.answerBy(moment(one.answer_by, say.language))}</strong></p>}
      {!missing && wrong}
      <div ref={whole}>
        {asking ? (
          <>
            {kind.declineAsk && <p>{kind.declineAsk}</p>}
            <label for={`reason-${one.id}`}>{kind.reason}</label>
            <input
              id={`reason-${one.id}`} ref={input} maxLength={200} value={reason} required={kind.reasonNeeded}
              aria-invalid={missing} aria-describedby={missing ? `wrong-${one.id}` : undefined}
              onInput={(event) => setReason(event.currentTarget.value)}
            />
            {missing && wrong}
            <div class="tools">
              <button type="button" class="grave" aria-disabled={busy} onClick={() => void answer(false)}>{say.declineYes}</button>
              <button type="button" class="second" aria-disabled={busy} onClick={back}>{say.back}</button>
            </div>
          </>
        ) : (
          <div class="tools">
            <button type="button" aria-disabled={busy} onClick={() => void answer(true)}>{kind.accept}</button>
            <button ref={opener} type="button" class="second" aria-disabled={busy} onClick={() => { if (!busy) setAsking(true); }}>{say.decline}</button>
          </div>
        )}
      </div>
      {busy && <Waiting what={say.sending} />}
    </article>
  );
}
