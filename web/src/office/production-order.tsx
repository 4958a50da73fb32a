import { useState } from "preact/hooks";
import { get, type Aided } from "../api";
import { written } from "../numbers";
import { moment } from "../time";
import { More, Page, Refused, Said, Shown, Table, useAged, useList, useOffice, useOrders } from "./parts";
import { Ranked } from "./production-ranking";
import { Steps, type Done } from "./production-steps";
import { productionWords } from "./production-words";

type OrderView = Aided["ProductionOrderView"];

/** One order: its state, what was delivered and paid and more of it to be recorded, and the ranking by which the business was chosen. */
export function Order({ id }: { id: string }) {
  const say = useOffice();
  const words = productionWords[say.language];
  const path = { order_id: id };
  const asked = useAged(() => get("/aid/production-orders/{order_id}", { path }));
  const [said, setSaid] = useState<Done>();
  const orders = useOrders<Done>((done) => { setSaid(done); asked.again(); });
  const ranking = useList((cursor) => get("/aid/production-orders/{order_id}/ranking", { path, query: cursor ? { cursor } : {} }));
  const number = (value: number) => written(value, say.language);
  return (
    <Page title={asked.found?.told.business_name ?? words.orders} lead={words.orderLead} back="/produksi">
      <Said words={said ? words.done[said] : ""} />
      <Shown asked={asked}>
        {(one) => (
          <>
            <p><strong>{words.states[one.state] ?? one.state}</strong>. {words.callOf(number(one.quantity), one.item)}. {one.state === "offered" && words.answerBy(moment(one.answer_by, say.language))}</p>
            <p>{words.money(number(one.due_rupiah), number(one.paid_rupiah), number(one.balance_rupiah))}</p>
            {one.override_reason && <p>{words.override(number(one.proposed), one.override_reason)}</p>}
            {one.decline_reason && <p>{words.declineReason(one.decline_reason)}</p>}
            {one.taken_back_reason && <p>{one.taken_back_reason}</p>}
            <Deliveries one={one} />
            <Payments one={one} />
            <Steps key={one.version} one={one} orders={orders} />
          </>
        )}
      </Shown>
      <Refused orders={orders} />
      <section aria-label={words.ranking}>
        <Shown asked={ranking}>{(found) => <Ranked label={words.ranking} rows={found.items} />}</Shown>
        <More list={ranking} />
      </section>
    </Page>
  );
}

function Deliveries({ one }: { one: OrderView }) {
  const say = useOffice();
  const words = productionWords[say.language];
  const number = (value: number) => written(value, say.language);
  return (
    <Table
      label={words.deliveries} rows={one.deliveries} name={(row) => String(row.no)} empty={{ title: words.noDeliveries, help: words.noDeliveriesHelp }}
      columns={[
        { title: say.date, show: (row) => moment(row.occurred_at, say.language) },
        { title: say.number, show: (row) => (row.posting_id ? <a href={`/aid/postings/${row.posting_id}/paper`}>{row.number}</a> : row.document) },
        { title: words.delivered, figure: true, show: (row) => number(row.accepted) },
        { title: words.rejected, figure: true, show: (row) => number(row.rejected) },
        { title: words.reasons, show: (row) => row.reasons.map((why) => `${words.defects[why.reason] ?? why.reason}: ${number(why.quantity)}`).join(", ") },
        { title: words.amount, figure: true, show: (row) => number(row.amount_due_rupiah) },
      ]}
    />
  );
}

function Payments({ one }: { one: OrderView }) {
  const say = useOffice();
  const words = productionWords[say.language];
  return (
    <Table
      label={words.payments} rows={one.payments} name={(row) => String(row.no)} empty={{ title: words.noPayments, help: words.noPaymentsHelp }}
      columns={[
        { title: say.date, show: (row) => moment(row.paid_at, say.language) },
        { title: words.reference, show: (row) => row.reference },
        { title: words.amount, figure: true, show: (row) => written(row.amount_rupiah, say.language) },
      ]}
    />
  );
}
