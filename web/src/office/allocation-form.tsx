import { useContext, useState } from "preact/hooks";
import { all, get, post, type Aided, type Item, type Place, type Region } from "../api";
import { Sharing } from "../ui";
import { allocationWords } from "./allocation-words";
import { items } from "./figures";
import { Choice, Digits, Field, Page, Refused, Shown, useAged, useOffice, useOrders, wrongAt } from "./parts";

type Lists = { known: Item[]; warehouses: Place[]; regions: Region[] };

async function lists(): Promise<Lists> {
  const [known, places, regions] = await Promise.all([
    items(),
    all((cursor) => get("/aid/places", { query: { limit: "500", ...(cursor ? { cursor } : {}) } })),
    get("/aid/regions"),
  ]);
  return { known, warehouses: places.filter((one) => one.kind === "warehouse"), regions: regions.items };
}

/** A new plan: it is worked out and kept as a draft, and nothing leaves. */
export function Make() {
  const say = useOffice();
  const words = allocationWords[say.language];
  const asked = useAged(lists);
  return (
    <Page title={words.make} lead={words.makeLead} back="/alokasi">
      <Shown asked={asked}>{(found) => <Form {...found} />}</Shown>
    </Page>
  );
}

function Form({ known, warehouses, regions }: Lists) {
  const say = useOffice();
  const words = allocationWords[say.language];
  const { go } = useContext(Sharing);
  const [text, setText] = useState({ item: known[0]?.code ?? "", from: warehouses.find((one) => !one.region.includes("."))?.code ?? "", quantity: "", perThousand: "", since: "" });
  const [chosen, setChosen] = useState<string[]>(regions.map((one) => one.code));
  const [needs, setNeeds] = useState<Record<string, string>>({});
  const [none, setNone] = useState(false);
  const orders = useOrders(() => {});
  const set = (name: keyof typeof text) => (value: string) => setText((before) => ({ ...before, [name]: value }));
  const warehouseOf = (region: string) => warehouses.find((one) => one.region === region);
  const sharing = regions.filter((one) => chosen.includes(one.code) && warehouseOf(one.code));
  const wrong = (pointer: string) => wrongAt(orders.fault, pointer, say.mistakeCodes);

  function plan(): Aided["PlanAllocation"] {
    return {
      item: text.item,
      from_place: text.from,
      quantity: text.quantity ? Number(text.quantity) : null,
      needs: sharing.map((one) => ({ region: one.code, place: warehouseOf(one.code)?.code ?? "", need_quantity: needs[one.code] ? Number(needs[one.code]) : null })),
      derive: text.perThousand ? { per_thousand: Number(text.perThousand), received_since: text.since || null } : null,
    };
  }

  async function make(event: Event): Promise<void> {
    event.preventDefault();
    setNone(sharing.length === 0);
    if (sharing.length === 0) return;
    const order = plan();
    await orders.carry(JSON.stringify(order), async (key) => {
      const made = await post("/aid/allocation-plans", order, { key });
      go(`/alokasi?rencana=${made.id}`);
    }, "kept");
  }

  const need = (code: string) => wrong(`/needs/${sharing.findIndex((one) => one.code === code)}`);
  return (
    <form onSubmit={(event) => void make(event)} noValidate>
      <Choice id="item" label={say.item} value={text.item} set={set("item")} options={known.map((one) => [one.code, one.name])} wrong={wrong("/item")} />
      <Choice id="from" label={words.from} value={text.from} set={set("from")} options={warehouses.map((one) => [one.code, one.name])} wrong={wrong("/from_place")} />
      <Digits id="quantity" label={words.quantity} value={text.quantity} set={set("quantity")} hint={words.quantityHint} wrong={wrong("/quantity")} />
      <Digits id="per-thousand" label={words.perThousand} value={text.perThousand} set={set("perThousand")} hint={words.perThousandHint} wrong={wrong("/derive")} />
      {text.perThousand && <Field id="since" type="date" label={words.since} value={text.since} set={set("since")} />}
      <fieldset>
        <legend>{words.regions}</legend>
        {regions.map((one) => (
          <div key={one.code}>
            <label class="tick">
              <input type="checkbox" checked={chosen.includes(one.code)} disabled={!warehouseOf(one.code)}
                onChange={(event) => setChosen(event.currentTarget.checked ? [...chosen, one.code] : chosen.filter((code) => code !== one.code))} />
              {one.name}: {warehouseOf(one.code)?.name ?? words.noWarehouse}
            </label>
            {sharing.includes(one) && (
              <Digits id={`need-${one.code}`} label={words.own(one.name)} value={needs[one.code] ?? ""} set={(value) => setNeeds({ ...needs, [one.code]: value })} wrong={need(one.code)} />
            )}
          </div>
        ))}
        {none && <p class="wrong" role="alert">{words.regionsNeeded}</p>}
      </fieldset>
      <button type="submit" disabled={orders.busy}>{words.calculate}</button>
      <Refused orders={orders} />
    </form>
  );
}
