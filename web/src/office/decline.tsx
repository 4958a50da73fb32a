import { useState } from "preact/hooks";
import { get, type Registered } from "../api";
import { who } from "../session";
import { Empty, Link } from "../ui";
import { rowsOf } from "./addresses";
import { useFurther } from "./further-said";
import { Bars, Choice, Shown, Table, useAged, useOffice } from "./parts";
import { auditsOnly } from "./working";

type Cell = Registered["CellView"];
type Survey = Registered["SurveyView"];

/** The wave that is shown first: the latest that anybody has answered. */
export function latest(surveys: Survey[]): Survey | undefined {
  return surveys.find((one) => one.answered > 0) ?? surveys[0];
}

async function surveys() {
  const [waves, regions] = await Promise.all([get("/registration/surveys"), get("/registration/regions")]);
  return { waves: waves.items, names: Object.fromEntries(regions.items.map((one) => [one.code, one.name])) };
}

/** How far turnover fell, by sector or region, from wave to wave, and whether it came back. */
export function Decline() {
  const say = useFurther();
  const asked = useAged(surveys);
  const [chosen, setChosen] = useState("");
  const [by, setBy] = useState("sector");
  return (
    <section aria-labelledby="decline">
      <h2 id="decline">{say.declineTitle}</h2>
      <Shown asked={asked}>
        {({ waves, names }) => {
          const wave = waves.find((one) => one.id === chosen) ?? latest(waves);
          if (!wave) return <Empty title={say.emptySurveys} help={say.emptySurveysHelp} />;
          return (
            <>
              <div class="tools">
                <Choice id="wave" label={say.wave} value={wave.id} set={setChosen} options={waves.map((one) => [one.id, one.title])} />
                <Choice id="by" label={say.by} value={by} set={setBy} options={Object.entries(say.groupings)} />
              </div>
              <Wave key={wave.id + by} wave={wave} by={by} names={names} />
              <FollowUp key={wave.id} wave={wave} />
            </>
          );
        }}
      </Shown>
    </section>
  );
}

function Wave({ wave, by, names }: { wave: Survey; by: string; names: Record<string, string> }) {
  const say = useFurther();
  const { sectors } = useOffice();
  const asked = useAged(() => get("/registration/surveys/{survey_id}/summary", { path: { survey_id: wave.id }, query: { by } }));
  const share = (permille: number | null) => (permille === null ? say.hidden : say.percent(permille));
  const code = (cell: Cell) => (by === "sector" ? cell.sector : cell.region) ?? "";
  const name = (cell: Cell) => (by === "sector" ? sectors : names)[code(cell)] ?? code(cell);
  const seesPeople = !auditsOnly(who());
  const rows = (cell: Cell) => rowsOf("needs", by === "sector" ? { sektor: code(cell) } : { wilayah: code(cell) });
  return (
    <Shown asked={asked}>
      {(found) => (
        <>
          <p>
            {wave.invited > 0 ? say.answered(say.number(wave.answered), say.number(wave.invited)) : say.answeredUninvited(say.number(wave.answered))} {found.total?.median != null && say.total(say.percent(found.total.median))}
          </p>
          <div class="beside">
            <Bars label={say.declineTable(say.groupings[by] ?? by)} bars={found.items.filter((cell) => cell.median !== null).map((cell) => ({ name: name(cell), value: cell.median ?? 0, said: share(cell.median) }))} />
            <Table
              label={say.declineTable(say.groupings[by] ?? by)} rows={found.items} name={name} empty={{ title: say.emptyAnswers, help: say.emptyAnswersHelp }}
              columns={[
                { title: say.groupings[by] ?? by, show: (cell) => (seesPeople ? <Link to={rows(cell)}>{name(cell)}</Link> : name(cell)) },
                { title: say.cases, figure: true, show: (cell) => (cell.answers === null ? say.hidden : say.number(cell.answers)) },
                { title: say.median, figure: true, show: (cell) => share(cell.median) },
                { title: say.closed, figure: true, show: (cell) => share(cell.closed_share) },
                { title: say.suspended, figure: true, show: (cell) => share(cell.suspended_share) },
              ]}
            />
          </div>
          {seesPeople && <Link to={rowsOf("closed", { survei: wave.id })} kind="second">{say.saidClosed}</Link>}
        </>
      )}
    </Shown>
  );
}

async function followUp(wave: Survey) {
  const path = { survey_id: wave.id };
  const [series, effect] = await Promise.all([
    get("/registration/surveys/{survey_id}/series", { path }),
    wave.follows ? get("/registration/surveys/{survey_id}/effect", { path }) : undefined,
  ]);
  return { series, effect };
}

function FollowUp({ wave }: { wave: Survey }) {
  const say = useFurther();
  const office = useOffice();
  const asked = useAged(() => followUp(wave));
  const share = (permille: number | null) => (permille === null ? say.tooFew : say.percent(permille));
  const spread = (one: Registered["SpreadView"]) => (one.cases === null ? say.tooFew : say.ofCases(share(one.median), say.number(one.cases)));
  return (
    <Shown asked={asked}>
      {({ series, effect }) => (
        <>
          <h3>{say.followUp}</h3>
          <div class="beside">
            <Bars label={say.followUpTable} bars={series.points.filter((one) => one.values.median !== null).map((one) => ({ name: one.label, value: one.values.median ?? 0, said: share(one.values.median) }))} />
            <Table
              label={say.followUpTable} rows={series.points} name={(one) => one.survey_id}
              columns={[
                { title: say.wave, show: (one) => one.label },
                { title: say.cases, figure: true, show: (one) => (one.values.answers === null ? say.hidden : say.number(one.values.answers)) },
                { title: say.median, figure: true, show: (one) => share(one.values.median) },
              ]}
            />
          </div>
          {effect && (
            <>
              <h3>{say.effect}</h3>
              <p>{office.language === "id" ? effect.note : effect.note_english}</p>
              <div class="beside">
                <Bars label={say.effectTable} bars={effect.items.filter((one) => one.difference !== null).map((one) => ({ name: say.groups[one.group] ?? one.group, value: one.difference ?? 0, said: share(one.difference) }))} />
                <Table
                  label={say.effectTable} rows={effect.items} name={(one) => one.group}
                  columns={[
                    { title: say.group, show: (one) => say.groups[one.group] ?? one.group },
                    { title: say.treated, figure: true, show: (one) => spread(one.treated) },
                    { title: say.others, figure: true, show: (one) => spread(one.others) },
                    { title: say.difference, figure: true, show: (one) => share(one.difference) },
                  ]}
                />
              </div>
            </>
          )}
        </>
      )}
    </Shown>
  );
}
