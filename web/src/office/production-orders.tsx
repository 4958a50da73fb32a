import { get } from "../api";
import { written } from "../numbers";
import { day } from "../time";
import { Link } from "../ui";
import { More, Shown, Table, useList, useOffice } from "./parts";
import { productionWords } from "./production-words";

/** The orders that answer a question, with the state of each. */
export function OrdersTable({ query }: { query: Record<string, string> }) {
  const say = useOffice();
  const words = productionWords[say.language];
  const number = (value: number) => written(value, say.language);
  const list = useList((cursor) => get("/aid/production-orders", { query: { ...query, ...(cursor ? { cursor } : {}) } }));
  return (
    <>
      <Shown asked={list}>
        {(found) => (
          <Table
            label={words.orders} rows={found.items} name={(one) => one.id} empty={{ title: words.emptyOrders, help: words.emptyOrdersHelp }}
            columns={[
              { title: words.business, show: (one) => <Link to={`/produksi?pesanan=${one.id}`}>{one.business_name}</Link> },
              { title: words.item, show: (one) => one.item },
              { title: say.state, show: (one) => <>{words.states[one.state] ?? one.state}{one.days_late > 0 && <strong> ({words.late(one.days_late)})</strong>}</> },
              { title: words.quantity, figure: true, show: (one) => number(one.quantity) },
              { title: words.delivered, figure: true, show: (one) => number(one.accepted) },
              { title: words.rejected, figure: true, show: (one) => number(one.rejected) },
              { title: words.owed, figure: true, show: (one) => `Rp${number(one.balance_rupiah)}` },
              { title: words.due, show: (one) => day(one.due_on, say.language) },
            ]}
          />
        )}
      </Shown>
      <More list={list} />
    </>
  );
}
