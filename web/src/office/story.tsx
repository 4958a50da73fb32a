import { get, type Registered } from "../api";
import { day, moment } from "../time";
import { Link } from "../ui";
import { useFurther } from "./further-said";
import { Shown, Table, useAged, useOffice } from "./parts";

type LoopView = Registered["LoopView"];

/** All that was done with and for one business, from how it was hit to where its work went. */
export function Story({ business }: { business: string }) {
  const say = useFurther();
  const office = useOffice();
  const asked = useAged(() => get("/registration/businesses/{business_id}/loop", { path: { business_id: business } }));
  return (
    <Shown asked={asked}>
      {(found) => (
        <>
          <h2>{found.name}</h2>
          <p>{office.sectors[found.sector] ?? found.sector}, {found.region}</p>
          {found.came_back_permille !== null && <p>{say.cameBack(say.percent(found.came_back_permille))}</p>}
          <Told found={found} />
          <Worked found={found} />
        </>
      )}
    </Shown>
  );
}

function Told({ found }: { found: LoopView }) {
  const say = useFurther();
  const office = useOffice();
  const empty = { title: say.emptyRows, help: say.emptyRowsHelp };
  const decline = (permille: number | null) => (permille === null ? office.none : say.percent(permille));
  return (
    <>
      {found.surveys && (
        <Table
          label={say.surveys} rows={found.surveys} name={(one) => one.survey_id} empty={empty}
          columns={[
            { title: say.wave, show: (one) => one.title },
            { title: say.answeredOn, show: (one) => day(one.answered_on, office.language) },
            { title: say.standing, show: (one) => say.statuses[one.status] ?? one.status },
            { title: say.decline, figure: true, show: (one) => decline(one.turnover_decline_permille) },
          ]}
        />
      )}
      {found.trainings.length > 0 && (
        <Table
          label={say.trainings} rows={found.trainings} name={(one) => one.training_id}
          columns={[
            { title: say.training, show: (one) => one.title },
            { title: say.begins, show: (one) => day(one.starts_on, office.language) },
            { title: say.attended, figure: true, show: (one) => say.attendedOf(say.number(one.attended), say.number(one.sessions)) },
          ]}
        />
      )}
    </>
  );
}

function Worked({ found }: { found: LoopView }) {
  const say = useFurther();
  const office = useOffice();
  return (
    <>
      {found.orders.length > 0 && (
        <Table
          label={say.orders} rows={found.orders} name={(one) => one.order_id}
          columns={[
            { title: office.item, show: (one) => <Link to={`/produksi?pesanan=${one.order_id}`}>{`${say.number(one.quantity)} × ${one.item_name}`}</Link> },
            { title: say.accepted, figure: true, show: (one) => say.number(one.accepted) },
            { title: say.paid, figure: true, show: (one) => say.number(one.paid_rupiah) },
            { title: say.given, figure: true, show: (one) => say.number(one.given) },
          ]}
        />
      )}
      {found.received.length > 0 && (
        <Table
          label={say.received} rows={found.received} name={(one) => one.distribution_id}
          columns={[
            { title: office.number, show: (one) => one.number },
            { title: office.programme, show: (one) => office.programmes[one.programme] ?? one.programme },
            { title: say.market, show: (one) => one.place_name },
            { title: office.date, show: (one) => moment(one.occurred_at, office.language) },
          ]}
        />
      )}
    </>
  );
}
