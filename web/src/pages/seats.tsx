import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { get, post, type Enrolment } from "../api";
import { Offers, type Saying } from "../offers";
import { day } from "../time";
import { isOver, Sharing, told, useAsked, useWords } from "../ui";
import { OpenTrainings } from "./open-trainings";

/** Seats of an owner's businesses in trainings: offers to answer, how applications stand, and what one may apply for. */
export function Seats() {
  const say = useWords();
  const asked = useAsked(() => get("/registration/my/enrolments", { query: { limit: "50" } }));
  const found = asked.found;

  async function answer(one: Enrolment, accepts: boolean, reason: string, key: string): Promise<Saying> {
    const body = { answer: accepts ? ("accept" as const) : ("decline" as const), ...(reason ? { reason } : {}) };
    await post("/registration/enrolments/{enrolment_id}/answer", body, { path: { enrolment_id: one.id }, key });
    return (words) => (accepts ? words.accepted : words.declined);
  }

  const kind = {
    title: say.seats,
    loading: say.loadSeats,
    empty: say.emptySeats,
    emptyHelp: say.emptySeatsHelp,
    others: say.otherSeats,
    accept: say.accept,
    declineAsk: say.declineAsk,
    reason: say.reason,
    about: (one: Enrolment) => <About one={one} />,
    stands: (one: Enrolment) => (
      <>
        <p><strong>{say.state[one.state as keyof typeof say.state]}</strong></p>
        {one.state === "ineligible" && (
          <ul>{one.reasons.map((why) => <li key={why.code}>{say.language === "id" ? why.indonesian : why.english}</li>)}</ul>
        )}
        {one.state === "accepted" && <EntryCode id={one.id} />}
      </>
    ),
    answer,
  };
  return (
    <Offers
      kind={kind}
      asked={asked}
      after={(done) => found && <OpenTrainings key={found.items.length} known={found.items.map((one) => one.training_id)} applied={done} />}
    />
  );
}

/** The code that lets one in at the door, when one asks for it: whoever sees it could come instead. */
function EntryCode({ id }: { id: string }) {
  const say = useWords();
  const { leave } = useContext(Sharing);
  const [code, setCode] = useState("");
  const [fault, setFault] = useState<unknown>();
  const shown = useRef<HTMLParagraphElement>(null);
  useEffect(() => shown.current?.focus(), [code]); // the button that was pressed is gone, and what it gave is read

  function show(): void {
    get("/registration/enrolments/{enrolment_id}/code", { path: { enrolment_id: id } }).then(
      (found) => setCode(found.code),
      (why: unknown) => (isOver(why) ? leave("over") : setFault(why)),
    );
  }

  if (code) return <p class="entry" tabIndex={-1} ref={shown}>{say.entryCode} <strong>{code}</strong></p>;
  return (
    <>
      {fault !== undefined && <p class="wrong" role="alert">{told(fault, say)}</p>}
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
