import { useContext, useRef, useState } from "preact/hooks";
import { get, newKey, post, type ProductionOrder } from "../api";
import { written } from "../numbers";
import { day, moment } from "../time";
import { Empty, Failed, Heading, isOver, Sharing, told, useAsked, useWords, Waiting } from "../ui";

/** What was ordered from an owner's businesses: offers to answer, and what was delivered, is due and was paid. */
export function Orders() {
  const say = useWords();
  const { found, fault, again } = useAsked(() => get("/aid/my/production-orders", { query: { limit: "50" } }));
  const [done, setDone] = useState("");
  const offered = found?.items.filter((one) => one.state === "offered") ?? [];
  const others = found?.items.filter((one) => one.state !== "offered") ?? [];
  return (
    <>
      <Heading>{say.orders}</Heading>
      <div role="status">{done && <p class="notice">{done}</p>}</div>
      {fault !== undefined && <Failed fault={fault} again={again} />}
      {!found && fault === undefined && <Waiting what={say.loadOrders} />}
      {found?.items.length === 0 && <Empty title={say.emptyOrders} help={say.emptyOrdersHelp} />}
      {offered.length > 0 && (
        <section aria-labelledby="offered">
          <h2 id="offered">{say.offeredTitle}</h2>
          {offered.map((one) => <Offer key={one.id} one={one} answered={(words) => { setDone(words); again(); }} />)}
        </section>
      )}
      {others.length > 0 && (
        <section aria-labelledby="others">
          <h2 id="others">{say.otherOrders}</h2>
          {others.map((one) => (
            <article class="card" key={one.id}>
              <About one={one} />
              <p><strong>{say.orderState[one.state as keyof typeof say.orderState] ?? one.state}</strong></p>
              <Progress one={one} />
            </article>
          ))}
        </section>
      )}
    </>
  );
}

function About({ one }: { one: ProductionOrder }) {
  const say = useWords();
  const number = (value: number) => written(value, say.language);
  return (
    <>
      <h3>{say.orderOf(number(one.quantity), one.item)}</h3>
      <p>{say.forBusiness(one.business_name)}</p>
      <p>{say.orderPrice(number(one.price_rupiah), number(one.price_rupiah * one.quantity))}</p>
      <p>{say.deliverTo(one.place, day(one.due_on, say.language))}</p>
    </>
  );
}

/** What was delivered and paid, with each step in a table. */
function Progress({ one }: { one: ProductionOrder }) {
  const say = useWords();
  const number = (value: number) => written(value, say.language);
  if (one.deliveries.length === 0 && one.payments.length === 0) return null;
  return (
    <>
      <p>{say.delivered(number(one.accepted), number(one.rejected), number(one.outstanding))}</p>
      <p>{say.paid(number(one.paid_rupiah), number(one.balance_rupiah))}</p>
      <details>
        <summary>{say.orderSteps}</summary>
        <ul>
          {one.deliveries.map((step) => <li key={`d${step.no}`}>{moment(step.occurred_at, say.language)}: {say.deliveredStep(number(step.accepted), number(step.rejected), number(step.amount_due_rupiah))}</li>)}
          {one.payments.map((step) => <li key={`p${step.no}`}>{moment(step.paid_at, say.language)}: {say.paidStep(number(step.amount_rupiah), step.reference)}</li>)}
        </ul>
      </details>
    </>
  );
}

function Offer({ one, answered }: { one: ProductionOrder; answered: (words: string) => void }) {
  const say = useWords();
  const { leave } = useContext(Sharing);
  const keys = useRef({ acceptance: newKey(), decline: newKey() });
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");

  async function answer(accepts: boolean): Promise<void> {
    if (!accepts && !reason.trim()) return setWrong(say.error.no_reason);
    setBusy(true);
    setWrong("");
    const path = { order_id: one.id };
    try {
      if (accepts) await post("/aid/production-orders/{order_id}/acceptance", undefined, { path, key: keys.current.acceptance });
      else await post("/aid/production-orders/{order_id}/decline", { reason: reason.trim() }, { path, key: keys.current.decline });
      answered(accepts ? say.orderAccepted : say.orderDeclined);
    } catch (fault) {
      keys.current = { acceptance: newKey(), decline: newKey() };
      if (isOver(fault)) leave("over");
      else setWrong(told(fault, say));
      setBusy(false);
    }
  }

  return (
    <article class="card unread">
      <About one={one} />
      <p><strong>{say.answerBy(moment(one.answer_by, say.language))}</strong></p>
      {wrong && <p class="wrong" role="alert">{wrong}</p>}
      {asking ? (
        <>
          <label for={`reason-${one.id}`}>{say.declineReason}</label>
          <input id={`reason-${one.id}`} maxLength={200} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
          <div class="tools">
            <button type="button" class="grave" disabled={busy} onClick={() => void answer(false)}>{say.declineYes}</button>
            <button type="button" class="second" disabled={busy} onClick={() => { setAsking(false); setWrong(""); }}>{say.back}</button>
          </div>
        </>
      ) : (
        <div class="tools">
          <button type="button" disabled={busy} onClick={() => void answer(true)}>{say.acceptOrder}</button>
          <button type="button" class="second" disabled={busy} onClick={() => setAsking(true)}>{say.decline}</button>
        </div>
      )}
      {busy && <Waiting what={say.sending} />}
    </article>
  );
}
