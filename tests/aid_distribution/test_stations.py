"""Handwashing stations as use cases: goods, history and events together."""

from datetime import timedelta
from itertools import permutations
from uuid import UUID

import pytest

from services import demo
from services.aid_distribution.ledger.catalogue import CodeTaken
from services.aid_distribution.ledger.domain import ShortOfStock
from services.aid_distribution.stations import questions
from services.aid_distribution.stations.audit import look
from services.aid_distribution.stations.domain import (
    AlreadyVisited,
    Outcome,
    Seen,
    State,
    StationRemoved,
    Trouble,
)
from services.aid_distribution.stations.orders import (
    RecordQuery,
    RegionRecordQuery,
    StationQuery,
    StationRecordView,
    StationView,
    VisitQuery,
    VisitStation,
)
from services.aid_distribution.stations.reports import REPORTS_PER_HOUR_MAX
from shared.caller import Caller, Role
from shared.contracts.aid_distribution import (
    Goods,
    StationBroken,
    StationDry,
    StationEvent,
    StationPlaced,
    StationReported,
    StationServiced,
)
from shared.contracts.aid_distribution import StationRemoved as StationRemovedEvent
from shared.database import Database
from shared.effect_audit import Told
from shared.privacy import Vault
from shared.problems import Absent, Invalid, TooMany
from shared.province import PROVINCES, read_province
from tests.aid_distribution.stations import (
    LIQUID,
    SITE,
    SITE_ELSEWHERE,
    STATION,
    WATER,
    broken,
    dry,
    furnish_sites,
    minutes,
    place,
    placing,
    remove,
    report,
    visit,
    visiting,
)
from tests.aid_distribution.story import (
    BELITUNG,
    NOON,
    OFFICE,
    OPERATOR,
    PANGKALPINANG,
    SOAP,
    WAREHOUSE,
    StoppedClock,
    ago,
    ask,
    audited,
    plant,
)
from tests.conftest import Databases
from tests.door import Recorded


@pytest.fixture
async def sites(database: Database) -> Database:
    """Two crowd centres, thirty stations and twenty cans of soap in each of two warehouses."""
    await furnish_sites(database)
    return database


async def show(database: Database, station_id: UUID, caller: Caller = PANGKALPINANG) -> StationView:
    async with database.reading(caller) as work:
        return await questions.show(work, caller, station_id)


async def record(database: Database, station_id: UUID, caller: Caller = PANGKALPINANG) -> StationRecordView:
    async with database.reading(caller) as work:
        return await questions.record(work, caller, station_id, RecordQuery())


async def listed(database: Database, query: StationQuery, caller: Caller = OFFICE) -> list[str]:
    async with database.reading(caller) as work:
        return [one.code for one in (await questions.page(work, caller, query)).items]


async def told(recorded: Recorded) -> list[StationEvent]:
    return [event for event in await recorded() if isinstance(event, StationEvent)]


async def on_hand(database: Database, item: str, at: str = WAREHOUSE) -> int:
    ((held,),) = await ask(database, "SELECT on_hand FROM card WHERE (place, item) = (:at, :item)", at=at, item=item)
    return int(str(held))


def codes(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return sorted((error.pointer, error.code) for error in refused.value.errors)


async def test_a_station_is_put_up_with_what_was_filled_in_and_all_of_it_leaves_the_warehouse(
    sites: Database, recorded: Recorded
) -> None:
    order = placing(ago(1), lines=visiting(cans=1).refill.lines)  # type: ignore[union-attr]
    done = await place(sites, order)
    assert (done.code, done.state, done.region, done.site_name, done.version) == (
        "CT-01", "working", "19.71", "Pasar 19.71", 1,
    )  # fmt: skip
    assert (done.people_per_day, done.water_left_millilitre, done.soap_left_millilitre) == (300, WATER, LIQUID)
    assert done.next_visit is not None
    assert done.next_visit.because == "water"
    assert done.next_visit.at == ago(1) + timedelta(hours=24) * 80 / 75
    assert "75000 ml go in a day (worked out for 300 people)" in done.next_visit.detail
    assert (await on_hand(sites, STATION), await on_hand(sites, SOAP)) == (29, 19)
    assert await told(recorded) == [
        StationPlaced(
            station_id=done.id,
            code="CT-01",
            name="Pintu timur",
            site=SITE,
            site_name="Pasar 19.71",
            region="19.71",
            occurred_at=ago(1),
            from_place=WAREHOUSE,
            posting_id=done.posting_id,
            number="2026-05-19.71-RF-0001",
            lines=[
                Goods(item=STATION, item_name="Tempat cuci tangan", unit="piece", quantity=1),
                Goods(item=SOAP, item_name="Sabun cair 5 l", unit="litre", quantity=1),
            ],
            next_visit_at=done.next_visit.at.astimezone(NOON.tzinfo),
        )
    ]
    assert await show(sites, done.id) == done
    assert await audited(sites) == []


async def test_without_a_station_in_stock_none_is_put_up(sites: Database, recorded: Recorded) -> None:
    before = await recorded()
    with pytest.raises(ShortOfStock):
        await place(sites, placing(ago(29, hours=1)))
    assert await ask(sites, "SELECT count(*) FROM station") == [(0,)]
    assert await recorded() == before


async def test_everything_wrong_with_a_station_is_told_at_once(sites: Database) -> None:
    order = placing(
        NOON + timedelta(days=1),
        site="MV-1",
        people_per_day=5,
        water_millilitre=WATER + 1,
        item="BUCKET",
        from_place="WH-9",
    )
    with pytest.raises(Invalid) as refused:
        await place(sites, order)
    assert codes(refused) == [
        ("/crowd_level", "given_twice"),
        ("/from_place", "unknown_place"),
        ("/item", "unknown_item"),
        ("/occurred_at", "in_the_future"),
        ("/site", "unknown_place"),
        ("/water_millilitre", "above_capacity"),
    ]
    for site, code in ((SITE_ELSEWHERE, "unknown_place"), (WAREHOUSE, "not_a_crowd_centre")):
        with pytest.raises(Invalid) as refused:
            await place(sites, placing(site=site, crowd_level=None))
        assert codes(refused) == [("/crowd_level", "missing"), ("/site", code)]


async def test_a_code_is_borne_once_in_a_region(sites: Database) -> None:
    await place(sites)
    with pytest.raises(CodeTaken):
        await place(sites)
    elsewhere = placing(site=SITE_ELSEWHERE, from_place="WH-19.02")
    assert (await place(sites, elsewhere, BELITUNG)).region == "19.02"
    assert await on_hand(sites, STATION) == 29


async def test_a_station_that_is_put_up_empty_is_dry(sites: Database, recorded: Recorded) -> None:
    done = await place(sites, placing(ago(0, hours=1), water_millilitre=0))
    assert (done.state, done.outage_minutes) == ("dry", 60)
    assert [type(event) for event in await told(recorded)] == [StationPlaced, StationDry]


async def test_a_visit_refills_from_the_ledger_and_says_when_to_come_again(sites: Database, recorded: Recorded) -> None:
    station = await place(sites, placing(ago(2)))
    done = await visit(sites, station.id, visiting(ago(1), add_water=50_000, add_soap=400, cans=2))
    assert (done.state, done.left_as, done.water_after_millilitre, done.soap_after_millilitre) == (
        "working", "working", WATER, 900,
    )  # fmt: skip
    assert (done.number, [(line.item, line.to_place) for line in done.lines]) == (
        "2026-05-19.71-RF-0002",
        [(SOAP, "STATIONS")],
    )
    due = done.station.next_visit
    assert due is not None
    assert (due.water_use_millilitre_per_day, due.water_use_measured) == (50_000, True)
    assert (due.because, due.at, due.overdue) == ("soap", ago(1) + timedelta(days=1) * 700 / 500, False)
    assert due.detail.startswith("900 ml of soap were left, 500 ml go in a day (as measured between visits)")
    assert (done.station.version, await on_hand(sites, SOAP)) == (2, 18)
    event = (await told(recorded))[-1]
    assert isinstance(event, StationServiced)
    assert (event.visit_id, event.number, event.seen, event.left_as) == (done.id, done.number, "working", "working")
    assert [(one.item, one.quantity) for one in event.lines] == [(SOAP, 2)]
    assert await audited(sites) == []


async def test_without_enough_soap_there_is_no_visit(sites: Database, recorded: Recorded) -> None:
    station = await place(sites)
    before = await recorded()
    with pytest.raises(ShortOfStock):
        await visit(sites, station.id, visiting(cans=21))
    assert await ask(sites, "SELECT count(*) FROM station_visit") == [(0,)]
    assert await show(sites, station.id) == station
    assert await recorded() == before


async def test_each_change_of_state_is_told_once(sites: Database, recorded: Recorded) -> None:
    station = await place(sites)
    for order in (
        dry(ago(5)),
        dry(ago(4)),
        visiting(ago(3), Seen.BROKEN),
        visiting(ago(2), Seen.BROKEN),
        broken(ago(1), repaired=True),
    ):
        await visit(sites, station.id, order)
    kinds = [type(event) for event in await told(recorded) if not isinstance(event, StationServiced)]
    assert kinds == [StationPlaced, StationDry, StationBroken]
    subjects = [event.subject for event in await told(recorded)]
    assert {subject for subject in subjects if not subject.startswith("outage/")} == {f"station/{station.id}"}
    assert len(set(subjects)) == 3, "of the station itself, and one for each time it went out of use"


async def test_what_is_wrong_with_a_visit_is_told_at_once(sites: Database) -> None:
    station = await place(sites)
    with pytest.raises(Invalid) as refused:
        await visit(sites, station.id, visiting(ago(11), Seen.DRY, add_water=60_000, repaired=True))
    assert codes(refused) == [
        ("/occurred_at", "before_placement"),
        ("/refill/water_millilitre", "above_capacity"),
        ("/repaired", "not_broken"),
        ("/state", "differs"),
    ]


async def test_a_station_is_visited_once_at_a_moment(sites: Database) -> None:
    station = await place(sites)
    done = await visit(sites, station.id, visiting(ago(1)))
    with pytest.raises(AlreadyVisited) as refused:
        await visit(sites, station.id, visiting(ago(1), cans=1))
    assert refused.value.members == {"visit_id": str(done.id)}
    assert await on_hand(sites, SOAP) == 20


LATE: list[VisitStation] = [
    visiting(ago(6), add_water=50_000),
    dry(ago(5)),
    dry(ago(4), filled=True),
    visiting(ago(3), Seen.BROKEN),
]


async def test_visits_in_any_order_lead_to_the_same_state_outages_and_next_visit(sites: Database) -> None:
    seen = set()
    for number, orders in enumerate(permutations(LATE)):
        station = await place(sites, placing(code=f"CT-{number}"))
        for order in orders:
            await visit(sites, station.id, order)
        now, book = await show(sites, station.id), await record(sites, station.id)
        assert now.next_visit is not None
        outages = tuple((one.state, one.began_at, one.ended_at) for one in book.outages)
        seen.add((now.state, now.state_since, outages, now.next_visit.at, now.next_visit.because, book.outage_minutes))
    days = 24 * 60
    assert {(state, minutes) for state, *_, minutes in seen} == {("broken", 4 * days)}
    assert len(seen) == 1


async def test_a_late_visit_changes_the_past_and_tells_no_news_of_it(sites: Database, recorded: Recorded) -> None:
    station = await place(sites)
    await visit(sites, station.id, visiting(ago(1)))
    await visit(sites, station.id, dry(ago(3)))
    assert [type(event) for event in await told(recorded)] == [StationPlaced, StationServiced, StationServiced]
    now = await show(sites, station.id)
    assert (now.state, now.last_visit_at, now.outage_minutes) == ("working", ago(1), 2 * 24 * 60)


async def test_a_station_comes_back_into_stock_or_is_written_off(sites: Database, recorded: Recorded) -> None:
    kept, lost = await place(sites), await place(sites, placing(code="CT-02"))
    assert await on_hand(sites, STATION) == 28
    gone = await remove(sites, kept.id)
    assert (gone.state, gone.outcome, gone.removed_at, gone.next_visit) == ("removed", "returned", NOON, None)
    await remove(sites, lost.id, outcome=Outcome.LOST)
    assert await on_hand(sites, STATION) == 29
    events = [event for event in await told(recorded) if isinstance(event, StationRemovedEvent)]
    assert [(event.outcome, event.to_place) for event in events] == [("returned", WAREHOUSE), ("lost", None)]
    assert [one.quantity for event in events for one in event.lines] == [1, 1]
    assert await listed(sites, StationQuery()) == []
    assert sorted(await listed(sites, StationQuery(state=State.REMOVED))) == ["CT-01", "CT-02"]
    assert await audited(sites) == []


async def test_a_removed_station_takes_late_visits_only(sites: Database) -> None:
    station = await place(sites)
    await visit(sites, station.id, dry(ago(3)))
    with pytest.raises(Invalid) as refused:
        await remove(sites, station.id, ago(4))
    assert codes(refused) == [("/occurred_at", "before_last_visit")]
    await remove(sites, station.id, ago(1))
    with pytest.raises(StationRemoved):
        await remove(sites, station.id)
    with pytest.raises(StationRemoved):
        await visit(sites, station.id, visiting(NOON))
    done = await visit(sites, station.id, dry(ago(2), filled=True))
    assert (done.station.state, done.station.outage_minutes) == ("removed", 24 * 60)
    with pytest.raises(Absent):
        await report(sites, station.id)


async def test_a_station_of_another_region_is_absent(sites: Database) -> None:
    station = await place(sites)
    for station_id in (station.id, UUID(int=7)):
        with pytest.raises(Absent):
            await show(sites, station_id, BELITUNG)
        with pytest.raises(Absent):
            await visit(sites, station_id, visiting(), BELITUNG)
        with pytest.raises(Absent):
            await record(sites, station_id, BELITUNG)
    for query in (StationQuery(), StationQuery(region="19.71"), StationQuery(site=SITE)):
        assert await listed(sites, query, BELITUNG) == []
    assert await listed(sites, StationQuery(), Caller("nobody", Role.REGENCY_OFFICER, ())) == []


async def test_the_list_is_a_round_trip_out_of_use_first_then_by_when_they_are_due(sites: Database) -> None:
    crowded = await place(sites, placing(ago(1), code="CT-CROWDED", crowd_level=None, people_per_day=1_000))
    await place(sites, placing(ago(1), code="CT-QUIET", crowd_level=None, people_per_day=10))
    late = await place(sites, placing(ago(9), code="CT-OVERDUE"))
    out = await place(sites, placing(ago(2), code="CT-DRY"))
    await visit(sites, out.id, dry(ago(0, hours=1)))
    await place(sites, placing(ago(1), code="CT-FAR", site=SITE_ELSEWHERE, from_place="WH-19.02"), OFFICE)
    order = ["CT-DRY", "CT-OVERDUE", "CT-CROWDED", "CT-QUIET"]
    assert await listed(sites, StationQuery(region="19.71")) == order
    assert await listed(sites, StationQuery(), PANGKALPINANG) == order
    assert await listed(sites, StationQuery(due_before=NOON), PANGKALPINANG) == order[:3]
    assert await listed(sites, StationQuery(state=State.DRY)) == ["CT-DRY"]
    overdue = [(await show(sites, station.id)).next_visit for station in (late, crowded)]
    assert [due and due.overdue for due in overdue] == [True, True]


async def test_minutes_out_of_use_add_up_from_days_to_stations_to_regions(sites: Database) -> None:
    one, two = await place(sites), await place(sites, placing(code="CT-02"))
    await visit(sites, one.id, dry(ago(2, hours=2, minutes=7)))
    await visit(sites, one.id, dry(ago(1), filled=True))
    await visit(sites, two.id, visiting(ago(0, hours=3), Seen.BROKEN))
    book = await record(sites, one.id)
    assert book.outage_minutes == 26 * 60 + 7
    assert [(str(day.day), day.outage_minutes) for day in book.days] == [
        ("2026-05-18", 14 * 60 + 7),
        ("2026-05-19", 720),
    ]
    assert (book.standing_minutes, [outage.reported for outage in book.outages]) == (10 * 24 * 60, [False])
    async with sites.reading(OFFICE) as work:
        (region,) = (await questions.region_record(work, OFFICE, RegionRecordQuery())).items
        with pytest.raises(Invalid):
            await questions.region_record(work, OFFICE, RegionRecordQuery(from_=NOON.date(), to=NOON.date()))
    assert (region.region, region.stations) == ("19.71", 2)
    assert (region.outage_minutes, region.standing_minutes) == (26 * 60 + 7 + 180, 2 * 10 * 24 * 60)
    assert (await show(sites, two.id)).outage_minutes == 180


async def test_one_report_is_kept_and_two_apart_mark_the_station_and_tell_its_keepers_once(
    sites: Database, recorded: Recorded, clock: StoppedClock
) -> None:
    station = await place(sites, placing(ago(0, hours=5)))
    assert (await report(sites, station.id)).counted
    assert not (await report(sites, station.id)).counted
    assert (await show(sites, station.id)).state == "working"
    clock.advance(minutes(31))
    assert (await report(sites, station.id, Trouble.NO_SOAP)).counted
    clock.advance(minutes(31))
    await report(sites, station.id)
    now = await show(sites, station.id)
    assert (now.state, now.state_since) == ("reported_dry", NOON)
    assert now.next_visit is not None
    assert (now.next_visit.because, now.next_visit.at) == ("reported_dry", NOON)
    assert now.outage_minutes == 0
    (event,) = [event for event in await told(recorded) if isinstance(event, StationReported)]
    assert (event.problem, event.region, event.occurred_at) == ("no_soap", "19.71", NOON)
    clock.advance(minutes(60))
    await visit(sites, station.id, dry(clock.now(), filled=True))
    confirmed = await show(sites, station.id)
    assert (confirmed.state, confirmed.outage_minutes) == ("working", 122)


async def test_a_report_of_a_member_of_staff_is_believed_and_another_problem_marks_nothing(sites: Database) -> None:
    station = await place(sites)
    await report(sites, station.id, Trouble.OTHER, PANGKALPINANG)
    await report(sites, station.id, Trouble.BROKEN, BELITUNG)
    assert (await show(sites, station.id)).state == "working"
    await report(sites, station.id, Trouble.BROKEN, PANGKALPINANG)
    assert (await show(sites, station.id)).state == "reported_dry"


async def test_more_reports_than_an_hour_takes_are_refused_until_the_first_is_an_hour_old(
    sites: Database, clock: StoppedClock
) -> None:
    station = await place(sites)
    for _ in range(REPORTS_PER_HOUR_MAX):
        await report(sites, station.id)
        clock.advance(minutes(1))
    with pytest.raises(TooMany) as refused:
        await report(sites, station.id)
    assert refused.value.headers["Retry-After"] == str((60 - REPORTS_PER_HOUR_MAX) * 60)
    await report(sites, station.id, caller=PANGKALPINANG)
    clock.advance(minutes(60 - REPORTS_PER_HOUR_MAX))
    await report(sites, station.id)
    with pytest.raises(TooMany):
        await report(sites, station.id)
    rows = await ask(sites, "SELECT count(*) FILTER (WHERE counted) FROM station_report WHERE NOT by_staff")
    assert rows == [(3,)]


async def test_of_a_report_nothing_is_kept_but_what_and_when(sites: Database) -> None:
    question = "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'station_report' ORDER BY 1"
    names = [name for (name,) in await ask(sites, question)]
    assert names == ["by_staff", "counted", "id", "problem", "reported_at", "station_id"]


async def test_the_visits_of_a_station_are_listed_the_latest_first(sites: Database) -> None:
    station = await place(sites)
    for order in (visiting(ago(2)), visiting(ago(1)), visiting(ago(3))):
        await visit(sites, station.id, order)
    async with sites.reading(PANGKALPINANG) as work:
        first = await questions.visits(work, PANGKALPINANG, station.id, VisitQuery(limit=2))
        rest = await questions.visits(work, PANGKALPINANG, station.id, VisitQuery(limit=2, cursor=first.next))
    assert [one.occurred_at for one in (*first.items, *rest.items)] == [ago(1), ago(2), ago(3)]
    assert rest.next is None


async def test_the_demo_province_has_stations_of_its_own_that_left_its_warehouses(databases: Databases) -> None:
    database = await databases("aid_distribution", migrated=True, vault=Vault(b"m" * 32))
    province = read_province(PROVINCES / "19-kepulauan-bangka-belitung")
    async with database.work(OPERATOR) as work:  # who may date back as far as the province began
        assert await demo._stock(work, province)
    assert sorted(await listed(database, StationQuery())) == sorted(one.code for one in province.stations)
    opened = {row.place: row.quantity for row in province.opening_stock if row.item == STATION}
    assert await on_hand(database, STATION) == opened[WAREHOUSE] - 2
    assert await audited(database) == []


async def test_verify_sees_goods_and_visits_that_have_gone(sites: Database, recorded: Recorded) -> None:
    station = await place(sites)
    await visit(sites, station.id, visiting(cans=1))
    async with sites.work(OFFICE) as work:
        events = [Told("aid_distribution", 1, n, NOON, event) for n, event in enumerate(await told(recorded))]
        assert [one.wrong for one in await look(work.session, events)] == ["", "", ""]
        await plant(work, "DELETE FROM station_visit", "DELETE FROM posting_line WHERE item = 'SOAP-5L'")
        wrong = [one.wrong for one in await look(work.session, events)]
    assert wrong == ["", "the journal has no line of it", "there is no such visit"]
