import { useState } from "preact/hooks";
import { get, post, type Aided } from "../api";
import { written } from "../numbers";
import { who } from "../session";
import { Digits, Field, More, Page, Refused, Said, Shown, Step, Table, useAged, useList, useOffice, useOrders, type Carrying } from "./parts";
import { OrdersTable } from "./production-orders";
import { Ranked } from "./production-ranking";
import { productionWords } from "./production-words";
import { plans } from "./working";

type CallView = Aided["CallView"];
type Candidate = Aided["CandidateView"];

/** What is needed, who may be asked and why in this order, and the orders that came of it. */
export function Call({ id }: { id: string }) {
  const say = useOffice();
  const words = productionWords[say.language];
  const path = { call_id: id };
  const asked = useAged(() => get("/aid/production-calls/{call_id}", { path }));
  const call = asked.found?.told;
  const [said, setSaid] = useState(false);
  const [turn, setTurn] = useState(0);
  const orders = useOrders(() => { setSaid(true); setTurn(turn + 1); asked.again(); });
  const number = (value: number) => written(value, say.language);
  return (
    <Page title={call ? words.callOf(number(call.quantity), call.item) : words.calls} lead={call ? words.callLead(number(call.price_rupiah), call.place, number(call.cap_per_business)) : words.lead} back="/produksi">
      <Said words={said ? words.offered : ""} />
      <Shown asked={asked}>{(found) => <p>{words.held}: <strong>{number(found.held)}</strong>. {words.left}: <strong>{number(found.open)}</strong>.</p>}</Shown>
      {call && <Candidates key={turn} call={call} orders={orders} />}
      <Refused orders={orders} />
      <section aria-label={words.orders}><OrdersTable key={turn} query={{ call: id }} /></section>
    </Page>
  );
}

function Candidates({ call, orders }: { call: CallView; orders: Carrying }) {
  const say = useOffice();
  const words = productionWords[say.language];
  const list = useList((cursor) => get("/aid/production-calls/{call_id}/candidates", { path: { call_id: call.id }, query: cursor ? { cursor } : {} }));
  const ranking = list.found?.told as Aided["RankingView"] | undefined;
  return (
    <section aria-label={words.candidates}>
      {ranking && <p>{words.formula(ranking.rule)}{ranking.short > 0 && ` ${words.short(written(ranking.short, say.language))}`}</p>}
      <Shown asked={list}>
        {(found) => (
          <>
            {found.items.length > 0 ? <Ranked label={words.candidates} rows={found.items} /> : <Table label={words.candidates} rows={[]} name={() => ""} columns={[]} empty={{ title: words.emptyCandidates, help: words.emptyCandidatesHelp }} />}
            {plans(who()) && (
              <div class="tools">{found.items.filter((one) => one.proposed > 0).map((one) => <Offer key={one.business_id} call={call} one={one} orders={orders} />)}</div>
            )}
          </>
        )}
      </Shown>
      <More list={list} />
    </section>
  );
}

function Offer({ call, one, orders }: { call: CallView; one: Candidate; orders: Carrying }) {
  const say = useOffice();
  const words = productionWords[say.language];
  const [quantity, setQuantity] = useState(String(one.proposed));
  const [reason, setReason] = useState("");
  const [tried, setTried] = useState(false);
  const other = Number(quantity) !== one.proposed;
  const wrong = { quantity: Number(quantity) > 0 ? "" : (say.mistakeCodes["missing"] ?? ""), reason: other && !reason.trim() ? say.reasonNeeded : "" };

  async function offer(): Promise<boolean> {
    setTried(true);
    if (wrong.quantity || wrong.reason) return false;
    const order = { call: call.id, business: one.business_id, quantity: Number(quantity), reason: other ? reason.trim() : null };
    return orders.carry(JSON.stringify([order, one.held, one.proposed]), (key) => post("/aid/production-orders", order, { key }), "offered");
  }

  return (
    <Step label={words.offer(one.name)} ask={words.offerAsk(written(one.proposed, say.language))} orders={orders} take={offer}>
      <Digits id={`quantity-${one.business_id}`} label={words.quantity} value={quantity} set={setQuantity} wrong={tried ? wrong.quantity : ""} />
      {other && <Field id={`why-${one.business_id}`} label={words.otherWhy} value={reason} set={setReason} maxLength={200} wrong={tried ? wrong.reason : ""} />}
    </Step>
  );
}
