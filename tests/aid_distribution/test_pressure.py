"""Where the next market is needed most, and what was observed before and after one."""

from datetime import date, timedelta
from fractions import Fraction
from uuid import UUID, uuid4

import pytest

from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger.catalogue import PlaceKind
from services.aid_distribution.ledger.orders import AddPlace
from services.aid_distribution.markets import effect, handlers, pressure
from services.aid_distribution.markets.domain import WrongMarketState
from services.aid_distribution.markets.effect import EffectQuery, EffectView
from services.aid_distribution.markets.pressure import PressureQuery, PressureView, Situation, rank
from services.aid_distribution.prices.store import Ceiling, DayPrice
from services.aid_distribution.regions import store as regions
from services.aid_distribution.regions.store import KnownRegionRow
from shared.database import Database
from shared.privacy import Vault
from tests.aid_distribution.market_story import announce, announcement, close, open_market
from tests.aid_distribution.story import ELSEWHERE, MARKET, NOON, OFFICE, RICE, WAREHOUSE, StoppedClock, furnish
from tests.aid_distribution.test_prices import allow, ceiling, price, see
from tests.conftest import Databases

TODAY = date(2026, 5, 20)
KOBA = "PASAR-19.04"


def region(code: str, households: int | None = 100) -> KnownRegionRow:
    return KnownRegionRow(
        id=uuid4(), code=code, code_system="kemendagri", name=code, kind="regency", population=10_000,
        households=households,
    )  # fmt: skip


def situation(code: str, median: int | None, days: int | None, households: int | None = 100) -> Situation:
    seen = None if median is None else DayPrice(code, TODAY, median, 3)
    held = None if days is None else TODAY - timedelta(days=days)
    return Situation(region(code, households), seen, Ceiling(50_000, "19", TODAY, "HET"), held, TODAY)


@pytest.mark.parametrize(
    ("median", "days", "households", "expected"),
    [
        (51_000, 10, 100, Fraction(10_000)),
        (51_000, 3, 100, Fraction(100_000, 3)),
        (51_000, 0, 100, Fraction(100_000)),  # a market today counts as one day
        (51_000, None, 100, Fraction(100_000)),
        (51_000, 10, 102, Fraction(10_200)),
        (51_000, 10, None, None),
        (50_000, 10, 100, Fraction(0)),
        (49_000, 10, 100, Fraction(0)),
        (None, 10, 100, None),
    ],
)
def test_pressure_is_the_gap_times_the_households_by_the_days(
    median: int | None, days: int | None, households: int | None, expected: Fraction | None
) -> None:
    assert situation("19.01", median, days, households).pressure == expected


def test_equal_pressure_is_told_apart_by_the_longest_wait_and_then_by_the_code() -> None:
    ranked = rank(
        [
            situation("19.05", None, 3),
            situation("19.04", 51_000, 2),
            situation("19.03", 52_000, 4),
            situation("19.02", 51_000, 2),
            situation("19.01", 50_500, 1),
            situation("19.06", 50_500, None),
        ]
    )
    assert [one.region.code for one in ranked] == ["19.06", "19.03", "19.02", "19.04", "19.01", "19.05"]


@pytest.fixture
async def database(databases: Databases, clock: StoppedClock) -> Database:
    """Three districts; in each of them people have seen what rice costs."""
    database = await databases("aid_distribution", migrated=True, clock=clock, vault=Vault(b"m" * 32))
    async with database.work(OFFICE) as work:
        await furnish(work)
        await ledger.add_place(
            work, AddPlace(code=KOBA, name="Pasar Koba", kind=PlaceKind.MARKET_VENUE, region="19.04")
        )
        await regions.add(work.session, [region("19.71", 1000), region("19.02", 2000), region("19.04")])
    return database


async def ranking(database: Database, on: date | None = None) -> PressureView:
    async with database.reading(OFFICE) as work:
        return await pressure.ranking(work, OFFICE, PressureQuery(item=RICE, on=on))


async def test_every_region_is_ranked_with_the_figures_of_its_pressure(database: Database, clock: StoppedClock) -> None:
    await allow(database, ceiling(50_000))
    await close(database, await open_market(database))
    clock.advance(timedelta(days=4))
    now = clock.now()
    for rupiah, place in ((53_000, MARKET), (54_000, WAREHOUSE), (52_000, ELSEWHERE)):
        await see(database, price(rupiah, now, place))
    found = await ranking(database)
    assert found.proposed_region == "19.02"
    rows = [(one.region, one.rank, one.households, one.gap_rupiah, one.pressure_rupiah) for one in found.items]
    assert rows == [
        ("19.02", 1, 2000, 2_000, 4_000_000),
        ("19.71", 2, 1000, 3_500, 875_000),
        ("19.04", None, 100, None, None),
    ]
    here = found.items[1]
    assert here.explanation == "53500 - 50000 = 3500; x 1000 households; / 4 days since the last market"
    assert (here.last_market_on, here.observations, here.ceiling_region) == (TODAY, 2, "19")
    past = await ranking(database, TODAY)
    assert (past.proposed_region, [one.rank for one in past.items]) == (None, [None] * 3)


async def test_a_price_that_is_too_old_says_nothing_of_today(database: Database, clock: StoppedClock) -> None:
    await allow(database, ceiling(50_000))
    await see(database, price(53_000))
    clock.advance(timedelta(days=29))
    assert (await ranking(database)).proposed_region == "19.71"
    clock.advance(timedelta(days=1))
    assert (await ranking(database)).proposed_region is None


async def of_market(database: Database, market_id: UUID, days: int = 14) -> EffectView:
    async with database.reading(OFFICE) as work:
        return await effect.of_market(work, OFFICE, market_id, EffectQuery(days=days))


async def test_a_market_is_compared_with_districts_that_had_none(database: Database, clock: StoppedClock) -> None:
    for rupiah, place in ((54_000, MARKET), (56_000, WAREHOUSE), (53_000, ELSEWHERE), (99_000, KOBA)):
        await see(database, price(rupiah, NOON - timedelta(days=2), place))
    market = await close(database, await open_market(database))
    with pytest.raises(WrongMarketState):
        await of_market(database, (await announce(database)).id)
    clock.advance(timedelta(days=3))
    for rupiah, place in ((50_000, MARKET), (52_500, ELSEWHERE), (90_000, KOBA)):
        await see(database, price(rupiah, clock.now(), place))
    found = await of_market(database, market.id)
    assert found.compared_regions == ["19.02", "19.04"]
    (rice,) = found.items
    assert (rice.here.before_rupiah, rice.here.before_observations) == (55_000, 2)
    assert (rice.here.after_rupiah, rice.here.after_observations, rice.here.change_rupiah) == (50_000, 1, -5_000)
    assert (rice.elsewhere.before_rupiah, rice.elsewhere.after_rupiah) == (76_000, 71_250)
    assert rice.difference_rupiah == -5_000 - (71_250 - 76_000)
    narrow = (await of_market(database, market.id, days=1)).items[0]
    assert (narrow.here.before_observations, narrow.difference_rupiah) == (0, None)


async def test_a_district_with_a_market_of_its_own_is_not_compared(database: Database) -> None:
    market = await close(database, await open_market(database))
    async with database.work(OFFICE) as work:
        held = await handlers.announce(work, OFFICE, announcement(place=ELSEWHERE))
        await handlers.open_market(work, OFFICE, held.id)
    found = await of_market(database, market.id)
    assert (found.compared_regions, found.other_markets_here) == (["19.04"], 0)
