import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { get, type CardEntry, type Explanation } from "../api";
import { written } from "../numbers";
import { officeWords } from "../office/words";
import { moment } from "../time";
import { Empty, Failed, Heading, isOver, Link, Sharing, told, useWords, Waiting } from "../ui";

const SHOWN_MAX = "100";

/** The stock card of an item at a place, with an explanation of any balance on it. */
export default function StockCard() {
  const { language, leave } = useContext(Sharing);
  const common = useWords();
  const say = officeWords[language];
  const query = new URLSearchParams(location.search);
  const path = { place: query.get("tempat") ?? "", item: query.get("barang") ?? "" };
  const [entries, setEntries] = useState<CardEntry[]>();
  const [next, setNext] = useState<string | null>(null);
  const [now, setNow] = useState<Explanation>();
  const [why, setWhy] = useState<Explanation>();
  const [fault, setFault] = useState<unknown>();
  const [refused, setRefused] = useState<unknown>();

  function failed(reason: unknown): void {
    if (isOver(reason)) leave("over");
    else setFault(reason);
  }

  async function load(cursor?: string): Promise<void> {
    setFault(undefined);
    try {
      const [page, stands] = await Promise.all([
        get("/aid/cards/{place}/{item}", { path, query: { limit: SHOWN_MAX, ...(cursor ? { cursor } : {}) } }),
        get("/aid/explanations/{place}/{item}", { path, query: { limit: "1" } }),
      ]);
      setEntries((known) => (cursor ? [...(known ?? []), ...page.items] : page.items));
      setNext(page.next ?? null);
      setNow(stands);
    } catch (reason) {
      failed(reason);
    }
  }

  useEffect(() => {
    if (path.place && path.item) void load();
  }, []);

  const opener = useRef<HTMLButtonElement>();

  function close(): void {
    setWhy(undefined);
    opener.current?.focus();
  }

  function explain(entry: CardEntry, button: HTMLButtonElement): void {
    opener.current = button;
    setRefused(undefined);
    get("/aid/explanations/{place}/{item}", { path, query: { as_of: entry.occurred_at, order: "newest", limit: SHOWN_MAX, ...(entry.lot ? { lot: entry.lot } : {}) } }).then(setWhy, (reason: unknown) => {
      if (isOver(reason)) leave("over");
      else setRefused(reason);
    });
  }

  if (!path.place || !path.item) {
    return (
      <>
        <Heading>{common.stockCard}</Heading>
        <Empty title={say.noCard} help={say.noCardHelp} />
        <Link to="/ringkasan" kind="button">{say.toOverview}</Link>
      </>
    );
  }
  const unit = now ? (say.units[now.unit] ?? now.unit) : "";
  const number = (value: number) => written(value, language);
  return (
    <div class="wide">
      <Heading>{common.stockCard}</Heading>
      <p><strong>{say.cardOf(path.item, path.place)}</strong>. {say.cardLead}</p>
      {now && <p role="status">{say.stands(number(now.on_hand), unit)} ({say.asOf(moment(now.as_of, language))})</p>}
      {fault !== undefined && <Failed fault={fault} again={() => void load()} />}
      {!entries && fault === undefined && <Waiting what={say.loading} />}
      {entries?.length === 0 && <Empty title={say.emptyCard} help={say.emptyCardHelp} />}
      {refused !== undefined && <p class="wrong" role="alert">{told(refused, common)}</p>}
      {why && <Why why={why} unit={say.units[why.unit] ?? why.unit} close={close} />}
      {entries && entries.length > 0 && (
        <>
          <a class="button second" href={`/aid/cards/${encodeURIComponent(path.place)}/${encodeURIComponent(path.item)}/paper`}>{say.print}</a>
          <div class="rows" tabIndex={0} role="group" aria-label={common.stockCard}>
            <table class="paper">
              <thead>
                <tr>
                  <th scope="col">{say.date}</th>
                  <th scope="col">{say.number}</th>
                  <th scope="col">{say.what}</th>
                  <th scope="col" class="figure">{say.in}</th>
                  <th scope="col" class="figure">{say.out}</th>
                  <th scope="col" class="figure">{say.balance}</th>
                  <td />
                </tr>
              </thead>
              <tbody>
                {entries.map((one) => (
                  <tr key={one.posting_id + (one.lot ?? "") + one.quantity}>
                    <td><time dateTime={one.occurred_at}>{moment(one.occurred_at, language)}</time></td>
                    <th scope="row">{one.number}</th>
                    <td>{say.kinds[one.kind] ?? one.kind}{one.lot && ` · ${one.lot}`}</td>
                    <td class="figure">{one.quantity > 0 && number(one.quantity)}</td>
                    <td class="figure">{one.quantity < 0 && number(-one.quantity)}</td>
                    <td class="figure"><strong>{number(one.balance)}</strong></td>
                    <td><button type="button" class="quiet" aria-label={say.explainOf(moment(one.occurred_at, language))} onClick={(event) => explain(one, event.currentTarget)}>{say.explain}</button></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {next && <button type="button" class="second" onClick={() => void load(next)}>{say.more}</button>}
        </>
      )}
    </div>
  );
}

function Why({ why, unit, close }: { why: Explanation; unit: string; close: () => void }) {
  const { language } = useContext(Sharing);
  const say = officeWords[language];
  return (
    <section class="card unread" aria-labelledby="why" role="status">
      <h2 id="why">{say.explanation(written(why.on_hand, language), unit, moment(why.as_of, language))}</h2>
      <p>{say.explanationLead}</p>
      <div class="rows" tabIndex={0} role="group" aria-labelledby="why">
        <table>
          <thead>
            <tr>
              <th scope="col">{say.number}</th>
              <th scope="col">{say.what}</th>
              <th scope="col">{say.by}</th>
              <th scope="col" class="figure">{say.change}</th>
              <th scope="col" class="figure">{say.balance}</th>
            </tr>
          </thead>
          <tbody>
            {why.items.map((one) => (
              <tr key={one.posting_id}>
                <th scope="row"><a href={`${one.href}/paper`}>{one.number}</a></th>
                <td>{say.kinds[one.kind] ?? one.kind}{one.document && ` · ${one.document}`}</td>
                <td>{one.actor}, {moment(one.occurred_at, language)}</td>
                <td class="figure">{one.change > 0 ? `+${written(one.change, language)}` : written(one.change, language)}</td>
                <td class="figure">{written(one.balance, language)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <button type="button" class="second" onClick={close}>{say.close}</button>
    </section>
  );
}
