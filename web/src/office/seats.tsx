import { all, get, type Registered } from "../api";
import { day, today } from "../time";
import { Link } from "../ui";
import { rowsOf } from "./addresses";
import { useFurther } from "./further-said";
import { Bars, Shown, Table, useAged, useOffice } from "./parts";

type Training = Registered["TrainingView"];
type Filled = { training: Training; attended: number; days: number };

const SHOWN_MAX = 6;
const PAGE_ITEMS = "500";

/** The latest trainings, and who came on the days that were held so far. */
async function filled(): Promise<Filled[]> {
  const page = await get("/registration/trainings", { query: { limit: String(SHOWN_MAX) } });
  return Promise.all(page.items.map(attendance));
}

async function attendance(training: Training): Promise<Filled> {
  const held = training.sessions.filter((one) => one.cancelled_at === null && one.held_on <= today());
  const lists = await Promise.all(held.map((one) =>
    all((cursor) => get("/registration/trainings/{training_id}/sessions/{session}/attendance", {
      path: { training_id: training.id, session: String(one.no) },
      query: { limit: PAGE_ITEMS, ...(cursor ? { cursor } : {}) },
    })),
  ));
  return { training, attended: lists.reduce((sum, list) => sum + list.length, 0), days: held.length };
}

/** How many seats are taken and how many came, by training. */
export function Seats() {
  const say = useFurther();
  const office = useOffice();
  const asked = useAged(filled);
  const places = (one: Filled) => one.training.seats_taken * one.days;
  return (
    <section aria-labelledby="seats">
      <h2 id="seats">{say.seatsTitle}</h2>
      <p>{say.attendedHint}</p>
      <Shown asked={asked}>
        {(found) => (
          <div class="beside">
            <Bars label={say.seatsTitle} bars={found.map(({ training }) => ({ name: training.title, value: training.seats_taken, said: `${training.seats_taken} / ${training.seats}` }))} />
            <Table
              label={say.seatsTitle} rows={found} name={(one) => one.training.id} empty={{ title: say.emptyTrainings, help: say.emptyTrainingsHelp }}
              columns={[
                { title: say.training, show: ({ training }) => <Link to={rowsOf("enrolments", { pelatihan: training.id })}>{training.title}</Link> },
                { title: say.begins, show: ({ training }) => training.sessions[0] && day(training.sessions[0].held_on, office.language) },
                { title: say.taken, figure: true, show: ({ training }) => say.number(training.seats_taken) },
                { title: say.seats, figure: true, show: ({ training }) => say.number(training.seats) },
                { title: say.attended, figure: true, show: (one) => (one.days === 0 ? say.notYet : say.attendedOf(say.number(one.attended), say.number(places(one)))) },
              ]}
            />
          </div>
        )}
      </Shown>
    </section>
  );
}
