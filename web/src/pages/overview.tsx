import { useContext, useEffect, useRef, useState } from "preact/hooks";
import type { Item } from "../api";
import { Lazy } from "../lazy";
import { cardOf, distributionsIn } from "../office/addresses";
import { followChanges } from "../office/changes";
import { Chosen } from "../office/chosen";
import { figures, items as askItems, type Figures, type Shelf } from "../office/figures";
import { Age, useOffice } from "../office/parts";
import { tile } from "../office/tiles";
import { workOf } from "../office/working";
import { written } from "../numbers";
import { who } from "../session";
import { day, moment } from "../time";
import { Empty, Failed, Heading, isOver, Link, Sharing, useWords, Waiting } from "../ui";

const further = () => import("../office/further").then((page) => page.default);
const ITEM = "serumpun.overview-item";

/** Where stock lies and how long it lasts, who was served how well, and what needs somebody: each figure leads to its rows. */
export default function Overview() {
  const say = useOffice();
  const { overview, working } = useWords();
  const { leave } = useContext(Sharing);
  const [items, setItems] = useState<Item[]>();
  const [chosen, setChosen] = useState(sessionStorage.getItem(ITEM) ?? "");
  const [found, setFound] = useState<Figures>();
  const [fault, setFault] = useState<unknown>();
  const [live, setLive] = useState(true);
  const asked = useRef(0);

  async function load(code: string): Promise<void> {
    const turn = ++asked.current;
    setFault(undefined);
    try {
      const known = items ?? (await askItems());
      setItems(known);
      const item = known.find((one) => one.code === code) ?? known.find((one) => one.category === "mask") ?? known[0];
      const told = item && (await figures(item));
      if (told && turn === asked.current) setFound(told); // of two that overlap the later counts
    } catch (reason) {
      if (isOver(reason)) leave("over");
      else setFault(reason);
    }
  }

  useEffect(() => {
    void load(chosen);
    return followChanges(() => void load(chosen), setLive);
  }, [chosen]);

  function choose(code: string): void {
    sessionStorage.setItem(ITEM, code);
    setChosen(code);
  }

  return (
    <div class="wide">
      <Heading>{overview}</Heading>
      <nav aria-label={say.work}>{workOf(who()).map((to) => <Link key={to} to={to}>{working[to]}</Link>)}</nav>
      <p class="standing">
        {found && <Age askedAt={found.askedAt} />} <span class={live ? "live" : "lost"} role="status">{live ? say.live : say.notLive}</span>
      </p>
      {fault !== undefined && <Failed fault={fault} again={() => void load(chosen)} />}
      {!found && fault === undefined && <Waiting what={say.loading} />}
      {items && found && (
        <>
          <div class="tools">
            <label for="item">{say.item}</label>
            <select id="item" value={found.item.code} onChange={(event) => choose(event.currentTarget.value)}>
              {items.map((one) => <option key={one.code} value={one.code}>{one.name}</option>)}
            </select>
          </div>
          <Stock found={found} />
          <Equity found={found} />
          <Alerts found={found} />
          <Exceptions found={found} />
          <Chosen.Provider value={found.item}><Lazy load={further} /></Chosen.Provider>
        </>
      )}
    </div>
  );
}

function useStanding(): (shelf: Shelf) => string {
  const say = useOffice();
  return (shelf) => (shelf.alert ? (say.alertKinds[shelf.alert] ?? shelf.alert) : say.fine);
}

function useCover(): (shelf: Shelf) => string {
  const say = useOffice();
  return ({ cover }) => (cover.cover_days ? say.days(cover.cover_days.low, cover.cover_days.high) : (say.noCover[cover.reason ?? ""] ?? say.unknown));
}

function Stock({ found }: { found: Figures }) {
  const say = useOffice();
  const cover = useCover();
  const standing = useStanding();
  const unit = say.units[found.item.unit] ?? found.item.unit;
  const regionName = (code: string) => found.board.items.find((one) => one.region === code)?.name ?? say.province;
  if (found.shelves.length === 0) return <Empty title={say.emptyStock} help={say.emptyStockHelp} />;
  return (
    <section aria-labelledby="stock">
      <h2 id="stock">{say.stockTitle}</h2>
      <div class="beside">
        <ul class="tiles" aria-label={say.stockMap}>
          {found.shelves.map((shelf) => (
            <li key={shelf.place.code} style={tile(shelf.place.region)}>
              <Link to={cardOf(shelf.place.code, found.item.code)} kind={`tile ${shelf.alert ?? "fine"}`}>
                <strong>{regionName(shelf.place.region)}</strong>
                <span>{written(shelf.available, say.language)}</span>
                <span>{standing(shelf)}</span>
              </Link>
            </li>
          ))}
        </ul>
        <div class="rows" tabIndex={0} role="group" aria-label={say.stockTable(found.item.name, unit)}>
          <table>
            <caption>{say.stockTable(found.item.name, unit)}</caption>
            <thead>
              <tr>
                <th scope="col">{say.place}</th>
                <th scope="col" class="figure">{say.onHand}</th>
                <th scope="col" class="figure">{say.available}</th>
                <th scope="col">{say.cover}</th>
              </tr>
            </thead>
            <tbody>
              {found.shelves.map((shelf) => (
                <tr key={shelf.place.code}>
                  <th scope="row">{shelf.place.name}</th>
                  <td class="figure"><Link to={cardOf(shelf.place.code, found.item.code)}>{written(shelf.onHand, say.language)}</Link></td>
                  <td class="figure"><Link to={cardOf(shelf.place.code, found.item.code)}>{written(shelf.available, say.language)}</Link></td>
                  <td>{cover(shelf)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </section>
  );
}

function Equity({ found }: { found: Figures }) {
  const say = useOffice();
  const { board } = found;
  const most = Math.max(1, ...board.items.map((one) => one.per_thousand_hundredths));
  if (board.items.length === 0) return <Empty title={say.emptyEquity} help={say.emptyEquityHelp} />;
  return (
    <section aria-labelledby="equity">
      <h2 id="equity">{say.equityTitle}</h2>
      <p>{say.equityLead(day(board.from, say.language), day(board.to, say.language))}</p>
      <div class="rows" tabIndex={0} role="group" aria-labelledby="equity">
        <table>
          <thead>
            <tr>
              <th scope="col">{say.region}</th>
              <th scope="col" class="figure">{say.population}</th>
              <th scope="col" class="figure">{say.handedOut}</th>
              <th scope="col" class="figure">{say.perThousand}</th>
              <td />
            </tr>
          </thead>
          <tbody>
            {board.items.map((one) => (
              <tr key={one.region}>
                <th scope="row">{one.name}</th>
                <td class="figure">{written(one.population, say.language)}</td>
                <td class="figure"><Link to={distributionsIn(one.region, board.item)}>{written(one.quantity, say.language)}</Link></td>
                <td class="figure">{written(one.per_thousand_hundredths / 100, say.language, 2)}</td>
                <td class="bar" aria-hidden="true"><span style={{ width: `${(100 * one.per_thousand_hundredths) / most}%` }} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Alerts({ found }: { found: Figures }) {
  const say = useOffice();
  return (
    <section aria-labelledby="alerts">
      <h2 id="alerts">{say.alertsTitle}</h2>
      {found.alerts.length === 0 && <Empty title={say.emptyAlerts} help={say.emptyAlertsHelp} />}
      {found.alerts.length > 0 && (
        <div class="rows" tabIndex={0} role="group" aria-labelledby="alerts">
          <table>
            <thead><tr><th scope="col">{say.kind}</th><th scope="col">{say.about}</th><th scope="col" class="figure">{say.available}</th><th scope="col">{say.since}</th></tr></thead>
            <tbody>
              {found.alerts.map((one) => (
                <tr key={one.id}>
                  <th scope="row">{say.alertKinds[one.kind] ?? one.kind}</th>
                  <td>{one.place && one.item ? <Link to={cardOf(one.place, one.item)}>{`${one.item} · ${one.place}`}</Link> : (one.place ?? one.item ?? one.region)}</td>
                  <td class="figure">{one.figure !== null && written(one.figure, say.language)}</td>
                  <td><time dateTime={one.raised_at}>{moment(one.raised_at, say.language)}</time></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Exceptions({ found }: { found: Figures }) {
  const say = useOffice();
  return (
    <section aria-labelledby="exceptions">
      <h2 id="exceptions">{say.exceptionsTitle}</h2>
      {found.exceptions.length === 0 && <Empty title={say.emptyExceptions} help={say.emptyExceptionsHelp} />}
      {found.exceptions.length > 0 && (
        <div class="rows" tabIndex={0} role="group" aria-labelledby="exceptions">
          <table>
            <thead><tr><th scope="col">{say.happened}</th><th scope="col">{say.about}</th><th scope="col">{say.due}</th></tr></thead>
            <tbody>
              {found.exceptions.map((one) => (
                <tr key={one.id}>
                  <th scope="row"><time dateTime={one.occurred_at}>{moment(one.occurred_at, say.language)}</time></th>
                  <td>
                    {one.cards.map((card) => (
                      <Link key={card.item + (card.lot ?? "")} to={cardOf(card.place, card.item)}>
                        {`${card.place}: ${say.short(written(card.short, say.language), card.item)}`}
                      </Link>
                    ))}
                  </td>
                  <td>{moment(one.due_at, say.language)} {one.overdue && <strong>({say.isOverdue})</strong>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
