"""Two who come to one station at once: whatever both bring is kept, and each change is told once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from services.aid_distribution.ledger.catalogue import CodeTaken
from services.aid_distribution.stations import handlers, questions, reports, store
from services.aid_distribution.stations.domain import AlreadyVisited, Outcome, StationRemoved, Trouble
from services.aid_distribution.stations.orders import StationView, VisitReceipt
from services.aid_distribution.stations.reports import REPORTS_PER_HOUR_MAX
from services.aid_distribution.stations.settling import settle
from services.aid_distribution.stations.store import StationReportRow, StationRow
from shared.caller import ANYBODY
from shared.contracts.aid_distribution import StationReported
from shared.database import Database, Work
from shared.problems import TooMany
from tests.aid_distribution.stations import dry, furnish_sites, minutes, place, placing, remove, report, visit, visiting
from tests.aid_distribution.story import PANGKALPINANG, StoppedClock, ago, ask, audited, waits_for_a_lock
from tests.door import Recorded
from tests.waiting import wait_until


@pytest.fixture
async def sites(database: Database) -> Database:
    await furnish_sites(database)
    return database


@pytest.fixture
async def other(database: Database, clock: StoppedClock) -> AsyncIterator[Database]:
    """The store of a second process on the same database."""
    other = Database(database.url, database.source, partitions=database.partitions, clock=clock, vault=database.vault)
    yield other
    await other.close()


async def show(database: Database, station_id: UUID) -> StationView:
    async with database.reading(PANGKALPINANG) as work:
        return await questions.show(work, PANGKALPINANG, station_id)


async def test_of_two_visits_at_once_neither_forgets_the_other(sites: Database, other: Database) -> None:
    station = await place(sites)
    async with sites.work(PANGKALPINANG) as work:
        await handlers.visit(work, PANGKALPINANG, station.id, dry(ago(3)))
        second = asyncio.create_task(visit(other, station.id, dry(ago(1), filled=True)))
        await wait_until(lambda: waits_for_a_lock(sites), description="the second visit to wait for the station")
    done = await second
    assert (done.station.version, done.station.state, done.station.outage_minutes) == (3, "working", 2 * 24 * 60)


async def test_without_the_lock_the_second_would_forget_the_first(sites: Database, other: Database) -> None:
    station = await place(sites)
    async with sites.work(PANGKALPINANG) as one, other.work(PANGKALPINANG) as another:
        both: list[tuple[Work, StationRow]] = []
        for work, order in ((one, dry(ago(3))), (another, dry(ago(1), filled=True))):
            row = await work.session.get_one(StationRow, station.id)
            work.session.add(handlers._visit(work, PANGKALPINANG, row, order, order.refill, None))  # type: ignore[arg-type]
            await work.session.flush()
            both.append((work, row))
        known = []
        for work, row in both:
            known.append([seen.visit.at for seen in await store.visits(work.session, row.id)])
            await work.session.rollback()
    assert known == [[ago(3)], [ago(1)]], "each saw itself alone, and would have written that down"


async def test_a_visit_at_one_moment_is_kept_once(sites: Database, other: Database) -> None:
    station = await place(sites)
    stores = (sites, other) * 3
    tasks = [asyncio.create_task(visit(one, station.id, visiting(ago(1), cans=1))) for one in stores]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(outcome, VisitReceipt) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, AlreadyVisited) for outcome in outcomes) == 5
    assert await ask(sites, "SELECT count(*) FROM posting WHERE reason = 'refilled'") == [(1,)]
    assert await audited(sites) == []


async def test_a_station_is_removed_once(sites: Database, other: Database) -> None:
    station = await place(sites)
    tasks = [asyncio.create_task(remove(one, station.id, outcome=Outcome.LOST)) for one in (sites, other) * 3]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(outcome, StationView) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, StationRemoved) for outcome in outcomes) == 5
    assert await audited(sites) == []


async def test_a_code_is_given_once(sites: Database, other: Database) -> None:
    tasks = [asyncio.create_task(place(one)) for one in (sites, other) * 3]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(outcome, StationView) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, CodeTaken) for outcome in outcomes) == 5
    assert await ask(sites, "SELECT count(*) FROM posting WHERE kind = 'refill'") == [(1,)]


async def test_of_a_crowd_that_reports_at_once_no_more_than_an_hours_share_is_taken(
    sites: Database, other: Database, recorded: Recorded, clock: StoppedClock
) -> None:
    station = await place(sites, placing(ago(1)))
    await report(sites, station.id)
    clock.advance(minutes(45))
    tasks = [asyncio.create_task(report(one, station.id, Trouble.NO_SOAP)) for one in (sites, other) * 10]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(outcome, TooMany) for outcome in outcomes) == 20 - (REPORTS_PER_HOUR_MAX - 1)
    assert await ask(sites, "SELECT count(*), count(*) FILTER (WHERE counted) FROM station_report") == [
        (REPORTS_PER_HOUR_MAX, 2)
    ]
    assert sum(isinstance(event, StationReported) for event in await recorded()) == 1
    assert (await show(sites, station.id)).state == "reported_dry"


async def test_without_the_lock_both_of_two_reports_would_count_and_the_keepers_be_told_twice(
    sites: Database, other: Database, clock: StoppedClock
) -> None:
    station = await place(sites, placing(ago(1)))
    await report(sites, station.id)
    clock.advance(minutes(45))
    news = []
    async with sites.work(ANYBODY) as one, other.work(ANYBODY) as another:
        for work in (one, another):
            row = await work.session.get_one(StationRow, station.id)
            since = work.now - timedelta(hours=1)
            recent = await store.reports_since(work.session, row.id, since)
            assert not any(reports._same(known, Trouble.DRY, work.now) for known in recent), "each would count"
            values = {"problem": Trouble.DRY, "by_staff": False, "counted": True}
            work.session.add(StationReportRow(id=work.new_id(), station_id=row.id, reported_at=work.now, **values))
            await work.session.flush()
        rows = [await work.session.get_one(StationRow, station.id) for work in (one, another)]
        news += await settle(one, rows[0])
        await one.session.rollback()
        news += await settle(another, rows[1])
        await another.session.rollback()
    assert [type(event) for event in news] == [StationReported, StationReported]
