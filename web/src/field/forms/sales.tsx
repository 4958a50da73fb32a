import { useEffect, useRef, useState } from "preact/hooks";
import { written } from "../../numbers";
import { Alert, Empty } from "../../ui";
import { Choice, Fixed, Letters, Quantity, useFilling } from "../fields";
import { uuid7 } from "../ids";
import { addScan, type Market, type Scan } from "../kept";
import { isFamily, SCANS_MAX, takenOf } from "../rules";
import { Scans } from "../scans";
import { CODE, ScanField } from "../scanning";
import { readCoupon } from "../signed";
import { formWords } from "./words";

type Words = (typeof formWords)["id"];
/** Who stands at the counter; the scan is made when the code is looked at, so that it is written down once. */
type Buyer = { scan: Scan; packages: number; genuine: boolean | undefined };

/** The counter of a cheap market: a coupon or a family is looked at, and what it takes away is written down. */
export function Sales() {
  const { form, lists, language, change, tell, hold, showScans, placeName, itemName, when } = useFilling();
  const words = formWords[language];
  // What was said is looked up at each drawing, for whoever changes the language meanwhile.
  const [told, setTold] = useState<{ said: (words: Words) => string; wrong: boolean }>({ said: () => "", wrong: false });
  const [buyer, setBuyer] = useState<Buyer>();
  const served = useRef<Buyer>(); // as `buyer`, and gone at the first of two taps
  const markets = lists?.markets ?? [];
  const market = markets.find((one) => one.id === form.about);
  const byCoupon = form.told["model"] !== "distributor_price";
  const named = (one: Market) => `${one.number} · ${placeName(one.place)}`;
  const wrong = (said: (words: Words) => string) => setTold({ said, wrong: true });
  useEffect(() => hold("buyer", buyer !== undefined), [buyer]);

  function serve(one: Buyer | undefined): void {
    served.current = one;
    setBuyer(one);
  }

  function choose(id: string): void {
    const found = markets.find((one) => one.id === id);
    change({ about: id, told: { ...form.told, name: found ? named(found) : "", model: found?.model ?? "" } });
  }

  function leave(): void {
    serve(undefined);
    document.getElementById(CODE)?.focus();
  }

  async function look(code: string): Promise<void> {
    // Whoever hurries scans the next one before this one is written down; the camera sees the same one again.
    if (served.current) return another(served.current, code);
    setTold({ said: () => "", wrong: false });
    if (!byCoupon) {
      if (!isFamily(code)) return wrong((say) => say.noFamily);
      return serve({ scan: scanOf(code, code, code.slice(-4)), packages: 1, genuine: true });
    }
    const coupon = await readCoupon(code, lists?.couponKey ?? "");
    if (!coupon || coupon.genuine === false) return wrong((say) => say.notGenuine);
    if (coupon.market !== form.about) return wrong((say) => say.otherMarket);
    const scan = scanOf(coupon.id, code, String(coupon.serial));
    const { before } = await addScan(form.id, scan, () => true); // looked up only: nothing is handed out yet
    if (served.current) return another(served.current, code);
    if (before) return usedBefore(before);
    serve({ scan, packages: coupon.packages, genuine: coupon.genuine });
  }

  function another({ scan }: Buyer, code: string): void {
    if (code !== scan.code) wrong((say) => say.sellFirst(scan.label));
  }

  function usedBefore(before: Scan): void {
    wrong((say) => say.usedAlready(before.label, when(before.at)));
  }

  async function sell(lines: Scan["lines"]): Promise<void> {
    const to = served.current;
    served.current = undefined; // a second tap finds nobody
    if (!to) return;
    const limit = (item: string) => (market?.items.find((one) => one.item === item)?.limit ?? 0) * to.packages;
    const beyond = (all: Scan[]) => lines.some(({ item, quantity }) => takenOf(item, all) + quantity > limit(item));
    const { form: next, before } = await addScan(form.id, { ...to.scan, lines }, (all) => (byCoupon ? all.length > 0 : beyond(all))).catch((fault: unknown) => {
      serve(to);
      throw fault;
    });
    if (!served.current) setBuyer(undefined); // else the next one has come forward meanwhile
    if (before) return byCoupon ? usedBefore(before) : wrong((say) => say.familyLimit);
    if (!next) return;
    showScans(next.scans);
    setTold({ said: (say) => say.sold(to.scan.label), wrong: false });
    document.getElementById(CODE)?.focus(); // for the next scan of what types like a keyboard
  }

  if (markets.length === 0 && !form.about) return <Empty title={words.noMarkets} help={words.noMarketsHelp} />;
  return (
    <>
      {form.scans.length > 0 ? <Fixed label={words.market}>{form.told["name"]}</Fixed> : <Choice at="/about" label={words.market} value={form.about} named={form.told["name"]} options={markets.map((one) => ({ code: one.id, name: named(one) }))} chosen={choose} />}
      <Letters at="/counter" label={words.counter} value={form.told["counter"] ?? ""} typed={(text) => tell("counter", text)} />
      {market && form.scans.length < SCANS_MAX && <ScanField label={byCoupon ? words.coupon : words.family} taken={(code) => void look(code)} told={told.said(words)} wrong={told.wrong} />}
      {market && buyer && <Sale key={buyer.scan.id} buyer={buyer} market={market} sell={(lines) => void sell(lines)} leave={leave} />}
      <Scans title={words.sales(form.scans.length)} named={(one) => `${byCoupon ? words.couponNo(one.label) : words.familyNo(one.label)}: ${one.lines.map((line) => `${itemName(line.item)} ${written(line.quantity, language)}`).join(", ")}`} />
    </>
  );
}

function scanOf(key: string, code: string, label: string): Scan {
  const at = Date.now();
  return { id: uuid7(at), key, code, label, at, lines: [] };
}

/** What one buyer takes away: all that they may at first, less where they want less. */
function Sale({ buyer, market, sell, leave }: { buyer: Buyer; market: Market; sell: (lines: Scan["lines"]) => void; leave: () => void }) {
  const { language, itemName, unitOf } = useFilling();
  const words = formWords[language];
  const [quantities, setQuantities] = useState(() => Object.fromEntries(market.items.map((one) => [one.item, String(one.limit * buyer.packages)])));
  const [wrong, setWrong] = useState(false);
  const lines = market.items.map((one) => ({ ...one, quantity: Number(quantities[one.item] || 0), most: one.limit * buyer.packages }));
  const fine = lines.every((one) => Number.isInteger(one.quantity) && one.quantity >= 0 && one.quantity <= one.most) && lines.some((one) => one.quantity > 0);
  const rupiah = lines.reduce((sum, one) => sum + one.quantity * one.price, 0);
  return (
    <fieldset>
      <legend>{market.model === "distributor_price" ? words.familyNo(buyer.scan.label) : words.couponOf(buyer.scan.label, buyer.packages)}</legend>
      <p>{buyer.genuine ? words.genuine : words.unchecked}</p>
      {lines.map((one) => (
        <Quantity key={one.item} at={`/sold/${one.item}`} label={words.take(itemName(one.item), written(one.most, language), unitOf(one.item))} value={quantities[one.item] ?? ""} unit={unitOf(one.item)} typed={(text) => setQuantities({ ...quantities, [one.item]: text })} />
      ))}
      <p><strong>{words.pays(written(Number.isFinite(rupiah) ? rupiah : 0, language))}</strong></p>
      {wrong && !fine && <Alert><p>{words.quantityWrong}</p></Alert>}
      <div class="tools">
        <button type="button" onClick={() => (fine ? sell(lines.filter((one) => one.quantity > 0).map(({ item, quantity }) => ({ item, quantity }))) : setWrong(true))}>{words.sell}</button>
        <button type="button" class="second" onClick={leave}>{words.leave}</button>
      </div>
    </fieldset>
  );
}
