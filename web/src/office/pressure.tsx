import { useState } from "preact/hooks";
import { get, type Item } from "../api";
import { who } from "../session";
import { day } from "../time";
import { Link } from "../ui";
import { rowsOf } from "./addresses";
import { items } from "./figures";
import { useFurther } from "./further-said";
import { Bars, Choice, Shown, Table, useAged, useOffice } from "./parts";

/** Who may see one region beside the other. */
const COMPARE = ["province_staff", "operator", "auditor"];

/** Where the price of a staple presses most, with every figure of which the pressure is made. */
export function Pressure() {
  const say = useFurther();
  const asked = useAged(items);
  const [chosen, setChosen] = useState("");
  if (!COMPARE.includes(who()?.role ?? "")) return null;
  const staples = (known: Item[]) => known.filter((one) => one.category === "staple");
  return (
    <section aria-labelledby="pressure">
      <h2 id="pressure">{say.pressureTitle}</h2>
      <Shown asked={asked}>
        {(known) => {
          const item = staples(known).find((one) => one.code === chosen) ?? staples(known)[0];
          return item && (
            <>
              <Choice id="staple" label={say.staple} value={item.code} set={setChosen} options={staples(known).map((one) => [one.code, one.name])} />
              <Regions key={item.code} item={item} />
            </>
          );
        }}
      </Shown>
    </section>
  );
}

function Regions({ item }: { item: Item }) {
  const say = useFurther();
  const office = useOffice();
  const asked = useAged(() => get("/aid/pressure", { query: { item: item.code } }));
  const rupiah = (value: number | null) => (value === null ? office.none : `Rp${say.number(value)}`);
  const label = say.pressureTable(item.name);
  return (
    <Shown asked={asked}>
      {(found) => {
        const pressed = found.items.filter((one) => one.pressure_rupiah !== null);
        const proposed = found.items.find((one) => one.region === found.proposed_region);
        return (
          <>
            {proposed && <p>{say.proposed(proposed.name)}</p>}
            <div class="beside">
              <Bars label={label} bars={pressed.map((one) => ({ name: one.name, value: one.pressure_rupiah ?? 0, said: rupiah(one.pressure_rupiah) }))} />
              <Table
                label={label} rows={found.items} name={(one) => one.region} empty={{ title: say.emptyPressure, help: say.emptyPressureHelp }}
                columns={[
                  { title: office.region, show: (one) => <Link to={rowsOf("prices", { barang: item.code, wilayah: one.region })}>{one.name}</Link> },
                  { title: say.price, figure: true, show: (one) => rupiah(one.median_rupiah) },
                  { title: say.ceiling, figure: true, show: (one) => rupiah(one.ceiling_rupiah) },
                  { title: say.pressure, figure: true, show: (one) => rupiah(one.pressure_rupiah) },
                  { title: say.lastMarket, show: (one) => (one.last_market_on ? day(one.last_market_on, office.language) : office.none) },
                ]}
              />
            </div>
          </>
        );
      }}
    </Shown>
  );
}
