import { useContext, useRef, useState } from "preact/hooks";
import { get, newKey, post, Trouble, type OpenTraining } from "../api";
import type { Saying } from "../offers";
import { day } from "../time";
import { isOver, Sharing, told, useAsked, useWords, Waiting } from "../ui";

/** The trainings to come for which one may apply, each with a button; nothing where there is none. */
export function OpenTrainings({ known, applied }: { known: string[]; applied: (saying: Saying) => void }) {
  const say = useWords();
  const { found } = useAsked(async () => {
    const [trainings, businesses] = await Promise.all([
      get("/registration/my/trainings", { query: { limit: "50" } }),
      get("/registration/my/businesses", { query: { limit: "50" } }),
    ]);
    return { trainings: trainings.items, businesses: businesses.items.filter((one) => one.state === "active") };
  });
  const open = found?.trainings.filter((one) => !known.includes(one.id)) ?? [];
  if (!found || open.length === 0 || found.businesses.length === 0) return null;
  return (
    <section aria-labelledby="open">
      <h2 id="open">{say.openTitle}</h2>
      {open.map((one) => (
        <Open
          key={one.id}
          one={one}
          businesses={found.businesses.filter((firm) => firm.sector === one.sector || found.businesses.length === 1)}
          applied={() => applied((words) => words.applied(one.title))}
        />
      ))}
    </section>
  );
}

function Open({ one, businesses, applied }: { one: OpenTraining; businesses: { id: string; name: string }[]; applied: () => void }) {
  const say = useWords();
  const { leave } = useContext(Sharing);
  const key = useRef(newKey());
  const [chosen, setChosen] = useState(businesses[0]?.id ?? "");
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<unknown>();

  async function apply(): Promise<void> {
    setBusy(true);
    setFault(undefined);
    try {
      await post("/registration/trainings/{training_id}/enrolments", { business_id: chosen }, { path: { training_id: one.id }, key: key.current });
      applied();
    } catch (why) {
      if (why instanceof Trouble && why.status >= 400 && why.status < 500) key.current = newKey(); // else it may be carried out, and is asked for again
      if (isOver(why)) leave("over");
      else setFault(why);
      setBusy(false);
    }
  }

  return (
    <article class="card">
      <h3>{one.title}</h3>
      <p>{say.begins(day(one.starts_on, say.language))}</p>
      <p>{say.atVenue(one.venue, one.seats)}</p>
      {businesses.length > 1 && (
        <>
          <label for={`firm-${one.id}`}>{say.whichBusiness}</label>
          <select id={`firm-${one.id}`} value={chosen} onChange={(event) => setChosen(event.currentTarget.value)}>
            {businesses.map((firm) => <option key={firm.id} value={firm.id}>{firm.name}</option>)}
          </select>
        </>
      )}
      {fault !== undefined && <p class="wrong" role="alert">{told(fault, say)}</p>}
      <button type="button" disabled={busy || !chosen} aria-label={`${say.apply}: ${one.title}`} onClick={() => void apply()}>{say.apply}</button>
      {busy && <Waiting what={say.sending} />}
    </article>
  );
}
