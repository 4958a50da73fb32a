import { useContext, useState } from "preact/hooks";
import { all, get, post, type Aided, type Item, type Place, type Region } from "../api";
import { Sharing } from "../ui";
import { items } from "./figures";
import { Choice, Digits, Field, Page, Refused, Shown, Ticks, useAged, useOffice, useOrders, wrongAt } from "./parts";
import { productionWords } from "./production-words";

type Lists = { known: Item[]; warehouses: Place[]; regions: Region[] };

async function lists(): Promise<Lists> {
  const [known, places, regions] = await Promise.all([
    items(),
    all((cursor) => get("/aid/places", { query: { limit: "500", ...(cursor ? { cursor } : {}) } })),
    get("/aid/regions"),
  ]);
  return { known, warehouses: places.filter((one) => one.kind === "warehouse"), regions: regions.items };
}

/** Something that is to be made to order; nobody is asked yet. */
export function Need() {
  const words = productionWords[useOffice().language];
  const asked = useAged(lists);
  return (
    <Page title={words.make} lead={words.makeLead} back="/produksi">
      <Shown asked={asked}>{(found) => <Form {...found} />}</Shown>
    </Page>
  );
}

function Form({ known, warehouses, regions }: Lists) {
  const say = useOffice();
  const words = productionWords[say.language];
  const { go } = useContext(Sharing);
  const [text, setText] = useState({ item: known[0]?.code ?? "", quantity: "", price: "", due: "", place: warehouses[0]?.code ?? "", sector: "", cap: "", document: "" });
  const [chosen, setChosen] = useState<string[]>([]);
  const [tried, setTried] = useState(false);
  const orders = useOrders(() => {});
  const set = (name: keyof typeof text) => (value: string) => setText((before) => ({ ...before, [name]: value }));
  const wrong = (pointer: string) => wrongAt(orders.fault, pointer, say.mistakeCodes);
  const missing = (value: string) => (tried && !value.trim() ? say.mistakeCodes["missing"] : "");

  function need(): Aided["CallForProduction"] {
    return {
      item: text.item, quantity: Number(text.quantity), price_rupiah: Number(text.price), due_on: text.due, regions: chosen, place: text.place,
      sector: text.sector.trim(), cap_per_business: Number(text.cap), document: text.document.trim() || null,
    };
  }

  async function keep(event: Event): Promise<void> {
    event.preventDefault();
    setTried(true);
    if (chosen.length === 0 || ![text.quantity, text.price, text.due, text.sector.trim(), text.cap].every(Boolean)) return;
    const order = need();
    await orders.carry(JSON.stringify(order), async (key) => {
      const made = await post("/aid/production-calls", order, { key });
      go(`/produksi?kebutuhan=${made.id}`);
    }, "kept");
  }

  return (
    <form onSubmit={(event) => void keep(event)} noValidate>
      <Choice id="item" label={words.item} value={text.item} set={set("item")} options={known.map((one) => [one.code, one.name])} wrong={wrong("/item")} />
      <Digits id="quantity" label={words.quantity} value={text.quantity} set={set("quantity")} wrong={missing(text.quantity) || wrong("/quantity")} />
      <Digits id="price" label={words.price} value={text.price} set={set("price")} wrong={missing(text.price) || wrong("/price_rupiah")} />
      <Field id="due" type="date" label={words.due} value={text.due} set={set("due")} wrong={missing(text.due) || wrong("/due_on")} />
      <Choice id="place" label={words.deliverTo} value={text.place} set={set("place")} options={warehouses.map((one) => [one.code, one.name])} wrong={wrong("/place")} />
      <Field id="sector" list="sectors" label={words.sector} hint={words.sectorHint} value={text.sector} set={set("sector")} maxLength={40} autocapitalize="none" wrong={missing(text.sector) || wrong("/sector")} />
      <datalist id="sectors">{Object.entries(say.sectors).map(([code, name]) => <option key={code} value={code}>{name}</option>)}</datalist>
      <Digits id="cap" label={words.cap} hint={words.capHint} value={text.cap} set={set("cap")} wrong={missing(text.cap) || wrong("/cap_per_business")} />
      <Ticks legend={words.regions} options={regions.map((one) => [one.code, one.name])} chosen={chosen} set={setChosen} wrong={tried && chosen.length === 0 ? words.regionsNeeded : wrong("/regions")} />
      <Field id="document" label={words.document} value={text.document} set={set("document")} maxLength={200} wrong={wrong("/document")} />
      <button type="submit" disabled={orders.busy}>{words.keep}</button>
      <Refused orders={orders} />
    </form>
  );
}
