"""Prices: what was seen, what is allowed, and the warning when the one passes the other."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.aid_distribution.prices import handlers, pages
from services.aid_distribution.prices.domain import circles, is_crossing, median
from services.aid_distribution.prices.handlers import ObservationView, ObservePrice, SetCeiling
from services.aid_distribution.prices.pages import CeilingQuery, MedianQuery, PriceQuery
from shared.caller import Caller
from shared.contracts.aid_distribution import PriceAlert, PriceObserved
from shared.database import Database
from shared.problems import Invalid
from tests.aid_distribution.story import (
    BELITUNG,
    ELSEWHERE,
    MARKET,
    NOON,
    OFFICE,
    PANGKALPINANG,
    RICE,
    SOAP,
    WAREHOUSE,
    StoppedClock,
    ago,
    ask,
)
from tests.door import Recorded

MAY = date(2026, 5, 20)


def ceiling(price: int, day: date = date(2026, 1, 1), region: str = "19", item: str = RICE) -> SetCeiling:
    return SetCeiling(item=item, region=region, price_rupiah=price, valid_from=day, source="Permendag 57/2017")


def price(rupiah: int, at: datetime = NOON, place: str = MARKET, item: str = RICE) -> ObservePrice:
    return ObservePrice(place=place, item=item, observed_at=at, price_rupiah=rupiah)


async def allow(database: Database, *orders: SetCeiling) -> None:
    async with database.work(OFFICE) as work:
        for order in orders:
            await handlers.set_ceiling(work, OFFICE, order)


async def see(database: Database, order: ObservePrice, caller: Caller = OFFICE) -> ObservationView:
    async with database.work(caller) as work:
        return await handlers.observe(work, caller, order)


async def alerts(recorded: Recorded) -> list[int]:
    return [event.price_rupiah for event in await recorded() if isinstance(event, PriceAlert)]


@pytest.fixture
async def other(database: Database, clock: StoppedClock) -> AsyncIterator[Database]:
    other = Database(database.url, database.source, partitions=database.partitions, clock=clock)
    yield other
    await other.close()


@pytest.mark.parametrize(
    ("prices", "expected"),
    [([], None), ([7], 7), ([9, 1, 5], 5), ([10, 20], 15), ([4, 1, 2, 3], 3), ([1, 2], 2), ([3, 3, 3, 100], 3)],
)
def test_the_median_is_in_the_middle_and_half_a_rupiah_counts_as_one(
    prices: Sequence[int], expected: int | None
) -> None:
    assert median(prices) == expected


@pytest.mark.parametrize(("was", "now", "expected"), [(False, True, True), (True, True, False), (True, False, False)])
def test_a_crossing_is_upwards_only(was: bool, now: bool, expected: bool) -> None:  # noqa: FBT001 - a table
    assert is_crossing(was_above=was, is_now_above=now) is expected


def test_the_nearest_region_comes_first() -> None:
    assert circles("19.71.01") == ["19.71.01", "19.71", "19"]


async def test_a_price_is_kept_with_the_ceiling_of_its_day_and_told(database: Database, recorded: Recorded) -> None:
    await allow(database, ceiling(50_000))
    seen = await see(database, price(49_000), PANGKALPINANG)
    assert (seen.region, seen.observed_on, seen.ceiling_rupiah, seen.above_ceiling) == ("19.71", MAY, 50_000, False)
    assert await recorded() == [
        PriceObserved(
            observation_id=seen.id,
            place=MARKET,
            place_name=f"Gudang {MARKET}",
            region="19.71",
            item=RICE,
            item_name="Beras 5 kg",
            unit="pack",
            observed_at=NOON,
            price_rupiah=49_000,
            ceiling_rupiah=50_000,
        )
    ]


async def test_a_second_price_of_a_day_supersedes_the_first_and_both_are_kept(
    database: Database, recorded: Recorded
) -> None:
    first = await see(database, price(49_000, ago(hours=2)))
    second = await see(database, price(51_000, ago(hours=1)))
    third = await see(database, price(50_500, ago(hours=3)))
    assert (second.supersedes, third.supersedes) == (first.id, second.id)
    async with database.reading(OFFICE) as work:
        listed = (await pages.observations(work, OFFICE, PriceQuery(item=RICE))).items
        (median_,) = (await pages.medians(work, OFFICE, MedianQuery(item=RICE))).items
    assert [(one.price_rupiah, one.superseded_at is None) for one in listed] == [
        (51_000, False),
        (49_000, False),
        (50_500, True),
    ]
    assert (median_.median_rupiah, median_.observations) == (50_500, 1)
    assert [event.supersedes for event in await recorded() if isinstance(event, PriceObserved)] == [
        None,
        first.id,
        second.id,
    ]


async def test_a_day_is_a_day_in_wib(database: Database) -> None:
    for at in (ago(0.5, hours=5), ago(0.5, hours=6, minutes=1)):
        await see(database, price(50_000, at))
    rows = await ask(database, "SELECT observed_on FROM price_observation WHERE superseded_at IS NULL ORDER BY 1")
    assert rows == [(date(2026, 5, 19),)]
    await see(database, price(50_000, ago(hours=12)))  # midnight
    await see(database, price(50_000, ago(hours=12, minutes=1)))
    rows = await ask(database, "SELECT observed_on FROM price_observation WHERE superseded_at IS NULL ORDER BY 1")
    assert rows == [(date(2026, 5, 19),), (MAY,)]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([49_000, 50_000, 50_001], [50_001]),  # at the ceiling is not above it
        ([51_000, 52_000, 53_000], [51_000]),
        ([51_000, 50_000, 52_000], [51_000, 52_000]),
        ([51_000, 49_000, 48_000, 51_500, 60_000], [51_000, 51_500]),
    ],
)
async def test_a_price_above_its_ceiling_warns_once_until_it_was_back(
    database: Database, recorded: Recorded, told: list[int], expected: list[int]
) -> None:
    await allow(database, ceiling(50_000))
    for number, rupiah in enumerate(told):
        await see(database, price(rupiah, ago(len(told) - number)))
    assert await alerts(recorded) == expected


async def test_what_is_told_late_warns_of_nothing_when_a_newer_price_is_known(
    database: Database, recorded: Recorded
) -> None:
    await allow(database, ceiling(50_000))
    await see(database, price(49_000, ago(1)))
    await see(database, price(60_000, ago(2)))
    assert await alerts(recorded) == []
    await see(database, price(60_000, ago(1)))  # the newest day, corrected
    assert await alerts(recorded) == [60_000]


async def test_each_market_place_crosses_for_itself(database: Database, recorded: Recorded) -> None:
    await allow(database, ceiling(50_000))
    for place in (MARKET, WAREHOUSE, MARKET):
        await see(database, price(55_000, place=place))
    assert [event.place for event in await recorded() if isinstance(event, PriceAlert)] == [MARKET, WAREHOUSE]


async def test_the_ceiling_that_counts_is_of_the_nearest_region_then_of_the_latest_day(database: Database) -> None:
    await allow(
        database,
        ceiling(50_000, date(2026, 1, 1)),
        ceiling(52_000, date(2026, 5, 1)),
        ceiling(90_000, date(2026, 5, 21)),
        ceiling(48_000, date(2025, 1, 1), "19.71"),
        ceiling(1, date(2026, 5, 1), "19.7"),
    )
    here, there = await see(database, price(49_000)), await see(database, price(49_000, place=ELSEWHERE))
    assert (here.ceiling_rupiah, there.ceiling_rupiah) == (48_000, 52_000)
    assert (await see(database, price(49_000, ago(25), place=ELSEWHERE))).ceiling_rupiah == 50_000
    assert (await see(database, price(49_000, item=SOAP))).ceiling_rupiah is None


async def test_a_ceiling_that_is_told_again_counts_and_the_first_is_kept(database: Database) -> None:
    await allow(database, ceiling(50_000), ceiling(49_750))
    assert (await see(database, price(1))).ceiling_rupiah == 49_750
    async with database.reading(OFFICE) as work:
        listed = (await pages.ceilings(work, CeilingQuery(item=RICE))).items
    assert [(one.price_rupiah, one.superseded_at is None) for one in listed] == [(49_750, True), (50_000, False)]


async def test_medians_are_told_by_region_and_day_page_by_page(database: Database) -> None:
    await allow(database, ceiling(50_000))
    for rupiah, days, place in (
        (48_000, 1, MARKET),
        (49_001, 1, WAREHOUSE),
        (47_000, 1, ELSEWHERE),
        (46_000, 0, ELSEWHERE),
    ):
        await see(database, price(rupiah, ago(days), place))
    seen, following = [], None
    while True:
        async with database.reading(OFFICE) as work:
            page = await pages.medians(work, OFFICE, MedianQuery(item=RICE, cursor=following, limit=1))
        seen += [(one.observed_on.day, one.region, one.median_rupiah, one.observations) for one in page.items]
        if (following := page.next) is None:
            break
    assert seen == [(20, "19.02", 46_000, 1), (19, "19.71", 48_501, 2), (19, "19.02", 47_000, 1)]
    async with database.reading(BELITUNG) as work:
        mine = (await pages.medians(work, BELITUNG, MedianQuery(item=RICE, to=date(2026, 5, 19)))).items
    assert [(one.region, one.ceiling_rupiah) for one in mine] == [("19.02", 50_000)]


async def test_all_that_is_wrong_with_a_price_or_a_ceiling_is_told_at_once(database: Database) -> None:
    order = price(1, NOON + timedelta(seconds=1), place=ELSEWHERE, item="NOTHING")
    with pytest.raises(Invalid) as refused:
        await see(database, order, PANGKALPINANG)
    assert {(error.pointer, error.code) for error in refused.value.errors} == {
        ("/observed_at", "in_the_future"),
        ("/place", "unknown_place"),
        ("/item", "unknown_item"),
    }
    with pytest.raises(Invalid) as refused:
        await allow(database, ceiling(1, region="18", item="NOTHING"))
    assert [error.code for error in refused.value.errors] == ["unknown_item", "unknown_region"]


async def test_of_two_first_prices_told_at_once_one_supersedes_the_other_and_one_warns(
    database: Database, other: Database, recorded: Recorded
) -> None:
    await allow(database, ceiling(50_000))
    outcomes = await asyncio.gather(*(see(store, price(51_000)) for store in (database, other) * 3))
    assert len({one.supersedes for one in outcomes}) == 6
    assert await ask(database, "SELECT count(*) FROM price_observation WHERE superseded_at IS NULL") == [(1,)]
    assert await alerts(recorded) == [51_000]


async def test_without_the_lock_the_database_still_lets_only_one_price_of_a_day_count(database: Database) -> None:
    """The control: what the lock keeps from happening is refused by the index, and would be a defect."""
    await see(database, price(51_000))
    again = text(
        "INSERT INTO price_observation (id, place, region, item, observed_at, observed_on, price_rupiah, actor,"
        " recorded_at) SELECT gen_random_uuid(), place, region, item, observed_at, observed_on, 1, actor, recorded_at"
        " FROM price_observation"
    )
    async with database.work(OFFICE) as work:
        with pytest.raises(DBAPIError, match="price_observation_counts"):
            await work.session.execute(again)
        await work.session.rollback()
