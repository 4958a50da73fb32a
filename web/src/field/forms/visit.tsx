import { written } from "../../numbers";
import { Empty } from "../../ui";
import { Choice, Goods, Moment, Paper, Place, Quantity, Tick, useFilling } from "../fields";
import { formWords } from "./words";

const STATES = ["working", "dry", "broken"] as const;
const MILLILITRES = 1_000;

/** Somebody was at a handwashing station: how it was found, and what was filled in. */
export function Visit() {
  const { form, lists, say, language, change, tell } = useFilling();
  const words = formWords[language];
  const stations = lists?.stations ?? [];
  const named = (one: { name: string; siteName: string }) => `${one.name} · ${one.siteName}`;
  const station = stations.find((one) => one.id === form.about);

  function choose(id: string): void {
    const found = stations.find((one) => one.id === id);
    change({ about: id, told: { ...form.told, name: found ? named(found) : "" } });
  }

  if (stations.length === 0 && !form.about) return <Empty title={words.noStations} help={words.noStationsHelp} />;
  return (
    <>
      <Choice at="/about" label={words.station} value={form.about} named={form.told["name"]} options={stations.map((one) => ({ code: one.id, name: named(one) }))} chosen={choose} />
      {station && <p class="hint">{words.holds(written(Math.floor(station.waterMillilitre / MILLILITRES), language), written(station.soapMillilitre, language))}</p>}
      <Moment />
      <Choice at="/state" label={words.found} value={form.told["state"] ?? ""} options={STATES.map((code) => ({ code, name: words.stationStates[code] }))} chosen={(state) => tell("state", state)} />
      {form.told["state"] === "broken" && <Tick label={words.repaired} value={form.told["repaired"] === "yes"} ticked={(now) => tell("repaired", now ? "yes" : "")} />}
      <Quantity at="/water_before_millilitre" label={words.waterBefore} value={form.told["water"] ?? ""} unit={words.litres} typed={(text) => tell("water", text)} />
      <Quantity at="/soap_before_millilitre" label={words.soapBefore} value={form.told["soap"] ?? ""} unit={words.millilitres} typed={(text) => tell("soap", text)} />
      <Quantity at="/refill/water_millilitre" label={words.waterAdded} value={form.told["addedWater"] ?? ""} unit={words.litres} typed={(text) => tell("addedWater", text)} />
      <Quantity at="/refill/soap_millilitre" label={words.soapAdded} value={form.told["addedSoap"] ?? ""} unit={words.millilitres} typed={(text) => tell("addedSoap", text)} />
      {form.lines.length > 0 && <Place at="/refill/from_place" label={words.takenFrom} />}
      <p class="hint">{words.goodsHelp}</p>
      <Goods at="/refill/lines" least={0} label={say.quantity} />
      <Paper />
    </>
  );
}
