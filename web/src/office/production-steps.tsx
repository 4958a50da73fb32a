import { useState } from "preact/hooks";
import { post, type Aided } from "../api";
import { written } from "../numbers";
import { mayPost, who } from "../session";
import { instant, thisMinute } from "../time";
import { Digits, Field, Step, useOffice, wrongAt, type Carrying } from "./parts";
import { productionWords } from "./production-words";
import { plans } from "./working";

type OrderView = Aided["ProductionOrderView"];
type Defect = Aided["Defect"];

export type Done = "delivery" | "payment";

const DEFECTS: Defect[] = ["layers", "seams", "size", "fabric", "soiled", "damaged", "surplus", "other"];
const LAYERS_MAX = 10;

/** What may be recorded of an order as it is now: a delivery with its inspection, and a payment of what is due. */
export function Steps({ one, orders }: { one: OrderView; orders: Carrying<Done> }) {
  return (
    <div class="tools">
      {one.state === "accepted" && mayPost(who()) && <Deliver one={one} orders={orders} />}
      {one.balance_rupiah > 0 && plans(who()) && <Pay one={one} orders={orders} />}
    </div>
  );
}

function Deliver({ one, orders }: { one: OrderView; orders: Carrying<Done> }) {
  const say = useOffice();
  const words = productionWords[say.language];
  const [text, setText] = useState({ occurred: thisMinute(), accepted: "", layers: "", document: "" });
  const [defects, setDefects] = useState<Partial<Record<Defect, string>>>({});
  const [last, setLast] = useState(false);
  const [tried, setTried] = useState(false);
  const set = (name: keyof typeof text) => (value: string) => setText((before) => ({ ...before, [name]: value }));
  const wrong = (pointer: string) => wrongAt(orders.fault, pointer, say.mistakeCodes);
  const missing = (value: string) => (tried && !value ? say.mistakeCodes["missing"] : "");
  const reasons = DEFECTS.flatMap((reason) => (Number(defects[reason]) > 0 ? [{ reason, quantity: Number(defects[reason]) }] : []));
  const rejected = reasons.reduce((sum, part) => sum + part.quantity, 0);
  const quantity = Number(text.accepted) + rejected;

  async function deliver(): Promise<boolean> {
    setTried(true);
    if (!text.occurred || !text.accepted || quantity === 0) return false;
    const layers = text.layers ? Math.min(Number(text.layers), LAYERS_MAX) : null;
    const order = {
      occurred_at: instant(text.occurred), quantity, last, document: text.document.trim() || null,
      inspection: { accepted: Number(text.accepted), rejected, layers, reasons },
    };
    const path = { order_id: one.id };
    return orders.carry(JSON.stringify([one.version, order]), (key) => post("/aid/production-orders/{order_id}/deliveries", order, { path, key }), "delivery");
  }

  return (
    <Step label={words.deliver} ask={words.deliverAsk(written(one.outstanding, say.language))} kind="" orders={orders} take={deliver}>
      <Field id="occurred" type="datetime-local" label={words.deliveredAt} hint={words.wib} value={text.occurred} set={set("occurred")} wrong={missing(text.occurred) || wrong("/occurred_at")} />
      <Digits id="accepted" label={words.delivered} value={text.accepted} set={set("accepted")} wrong={missing(text.accepted) || (tried && quantity === 0 ? words.nothing : "") || wrong("/inspection/accepted")} />
      <fieldset>
        <legend>{words.rejectedFor}</legend>
        {DEFECTS.map((reason) => (
          <Digits key={reason} id={`defect-${reason}`} label={words.defects[reason] ?? reason} value={defects[reason] ?? ""} set={(value) => setDefects({ ...defects, [reason]: value })} />
        ))}
      </fieldset>
      <p role="status">{words.counted(written(quantity, say.language), written(rejected, say.language))}</p>
      <Digits id="layers-found" label={words.layers} hint={words.layersHint} value={text.layers} set={set("layers")} wrong={wrong("/inspection/layers")} />
      <Field id="document" label={words.document} value={text.document} set={set("document")} maxLength={200} wrong={wrong("/document")} />
      <label class="tick">
        <input type="checkbox" checked={last} onChange={(event) => setLast(event.currentTarget.checked)} />
        {words.last}
      </label>
    </Step>
  );
}

function Pay({ one, orders }: { one: OrderView; orders: Carrying<Done> }) {
  const say = useOffice();
  const words = productionWords[say.language];
  const [text, setText] = useState({ amount: String(one.balance_rupiah), paid: thisMinute(), reference: "" });
  const [tried, setTried] = useState(false);
  const set = (name: keyof typeof text) => (value: string) => setText((before) => ({ ...before, [name]: value }));
  const wrong = (pointer: string) => wrongAt(orders.fault, pointer, say.mistakeCodes);
  const missing = (value: string) => (tried && !value.trim() ? say.mistakeCodes["missing"] : "");

  async function pay(): Promise<boolean> {
    setTried(true);
    if (!text.amount || !text.paid || !text.reference.trim()) return false;
    const order = { amount_rupiah: Number(text.amount), paid_at: instant(text.paid), reference: text.reference.trim() };
    const path = { order_id: one.id };
    return orders.carry(JSON.stringify([one.version, order]), (key) => post("/aid/production-orders/{order_id}/payments", order, { path, key }), "payment");
  }

  return (
    <Step label={words.pay} ask={words.payAsk(written(one.balance_rupiah, say.language))} orders={orders} take={pay}>
      <Digits id="amount" label={words.amount} value={text.amount} set={set("amount")} wrong={missing(text.amount) || wrong("/amount_rupiah")} />
      <Field id="paid" type="datetime-local" label={words.paidAt} hint={words.wib} value={text.paid} set={set("paid")} wrong={missing(text.paid) || wrong("/paid_at")} />
      <Field id="reference" label={words.reference} hint={words.referenceHint} value={text.reference} set={set("reference")} maxLength={200} wrong={missing(text.reference) || wrong("/reference")} />
    </Step>
  );
}
