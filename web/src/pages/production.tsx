import { useState } from "preact/hooks";
import { get } from "../api";
import { Choice, More, Page, Shown, Table, useList, useOffice } from "../office/parts";
import { Call } from "../office/production-call";
import { Need } from "../office/production-form";
import { Order } from "../office/production-order";
import { OrdersTable } from "../office/production-orders";
import { productionWords } from "../office/production-words";
import { plans } from "../office/working";
import { written } from "../numbers";
import { who } from "../session";
import { day } from "../time";
import { Link, useWords } from "../ui";

/** Production: what is needed and how each order stands, with `?kebutuhan=` who may be asked or with `baru` a new one, with `?pesanan=` one order. */
export default function Production() {
  const query = new URLSearchParams(location.search);
  const [call, order] = [query.get("kebutuhan"), query.get("pesanan")];
  if (call === "baru") return <Need />;
  if (call) return <Call id={call} />;
  return order ? <Order id={order} /> : <All />;
}

function All() {
  const say = useOffice();
  const words = productionWords[say.language];
  const { working } = useWords();
  const [state, setState] = useState("");
  return (
    <Page title={working["/produksi"] ?? ""} lead={words.lead}>
      <div class="tools">{plans(who()) && <Link to="/produksi?kebutuhan=baru" kind="button">{words.make}</Link>}</div>
      <Calls />
      <section aria-labelledby="orders">
        <h2 id="orders">{words.orders}</h2>
        <Choice id="state" label={say.state} value={state} set={setState} options={[["", say.all], ...Object.entries(words.states)]} />
        <OrdersTable key={state} query={state ? { state } : {}} />
      </section>
    </Page>
  );
}

function Calls() {
  const say = useOffice();
  const words = productionWords[say.language];
  const number = (value: number) => written(value, say.language);
  const list = useList((cursor) => get("/aid/production-calls", { query: cursor ? { cursor } : {} }));
  return (
    <section aria-label={words.calls}>
      <Shown asked={list}>
        {(found) => (
          <Table
            label={words.calls} rows={found.items} name={(one) => one.id} empty={{ title: words.emptyCalls, help: words.emptyCallsHelp }}
            columns={[
              { title: words.call, show: (one) => <Link to={`/produksi?kebutuhan=${one.id}`}>{words.callOf(number(one.quantity), one.item)}</Link> },
              { title: words.held, figure: true, show: (one) => number(one.held) },
              { title: words.left, figure: true, show: (one) => number(one.open) },
              { title: words.due, show: (one) => day(one.due_on, say.language) },
            ]}
          />
        )}
      </Shown>
      <More list={list} />
    </section>
  );
}
