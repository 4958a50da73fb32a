import { get } from "../api";
import { Link } from "../ui";
import { rowsOf } from "./addresses";
import { useFurther } from "./further-said";
import { Bars, Shown, Table, useAged } from "./parts";

const LATEST_MAX = "500";
/** As a delivery goes on, and then as it ends otherwise. */
const STATES = ["queued", "sending", "accepted", "delivered", "failed", "unknown"] as const;

/** How far what was sent lately has come. */
export function Funnel() {
  const say = useFurther();
  const asked = useAged(() => get("/notifications/deliveries", { query: { limit: LATEST_MAX } }));
  return (
    <section aria-labelledby="funnel">
      <h2 id="funnel">{say.funnelTitle}</h2>
      <Shown asked={asked}>
        {({ items }) => {
          const counts = STATES.map((state) => ({ state, name: say.delivery[state] ?? state, value: items.filter((one) => one.state === state).length }));
          const rows = items.length === 0 ? [] : counts;
          return (
            <>
              {rows.length > 0 && <p>{say.funnelHint(say.number(items.length))}</p>}
              <div class="beside">
                <Bars label={say.funnelTable} bars={rows.map((one) => ({ name: one.name, value: one.value, said: say.number(one.value) }))} />
                <Table
                  label={say.funnelTable} rows={rows} name={(one) => one.state} empty={{ title: say.emptyFunnel, help: say.emptyFunnelHelp }}
                  columns={[
                    { title: say.standing, show: (one) => <Link to={rowsOf("deliveries", { keadaan: one.state })}>{one.name}</Link> },
                    { title: say.count, figure: true, show: (one) => say.number(one.value) },
                  ]}
                />
              </div>
            </>
          );
        }}
      </Shown>
    </section>
  );
}
