import { get, post, type ProductionOrder } from "../api";
import { written } from "../numbers";
import { Offers, type Saying } from "../offers";
import { day, moment } from "../time";
import { useAsked, useWords } from "../ui";

/** What was ordered from an owner's businesses: offers to answer, and what was delivered, is due and was paid. */
export function Orders() {
  const say = useWords();
  const asked = useAsked(() => get("/aid/my/production-orders", { query: { limit: "50" } }));

  async function answer(one: ProductionOrder, accepts: boolean, reason: string, key: string): Promise<Saying> {
    const path = { order_id: one.id };
    if (accepts) await post("/aid/production-orders/{order_id}/acceptance", undefined, { path, key });
    else await post("/aid/production-orders/{order_id}/decline", { reason }, { path, key });
    return (words) => (accepts ? words.orderAccepted : words.orderDeclined);
  }

  const kind = {
    title: say.orders,
    loading: say.loadOrders,
    empty: say.emptyOrders,
    emptyHelp: say.emptyOrdersHelp,
    others: say.otherOrders,
    accept: say.acceptOrder,
    reason: say.declineReason,
    reasonNeeded: true,
    about: (one: ProductionOrder) => <About one={one} />,
    stands: (one: ProductionOrder) => (
      <>
        <p><strong>{say.orderState[one.state as keyof typeof say.orderState] ?? one.state}</strong></p>
        <Progress one={one} />
      </>
    ),
    answer,
  };
  return <Offers kind={kind} asked={asked} />;
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
