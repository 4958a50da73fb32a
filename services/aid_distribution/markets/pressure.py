"""Where the next market is needed most: the gap to the ceiling, for so many households, and the days since the last.

Units:  rupiah times households, by day; exact until it is shown, so that equal is equal
Source: DOMAIN section 2: pressure = gap to the ceiling x households / days since the last market
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

import msgspec
from sqlalchemy import text

from services.aid_distribution.markets.orders import StapleCode
from services.aid_distribution.prices import store as prices
from services.aid_distribution.prices.domain import OBSERVED_DAYS_MAX
from services.aid_distribution.prices.store import Ceiling, DayPrice
from services.aid_distribution.regions import store as regions
from services.aid_distribution.regions.store import KnownRegionRow
from shared.caller import Caller
from shared.clock import wib_day, wib_midnight
from shared.database import Work

FORMULA = (
    "(median - ceiling, at least 0) x households / days since the last market, at least 1; "
    "a region that never had one counts 1 day; without known households there is none. "
    "Equal: the longest wait first, then the code"
)
ONE_DAY = timedelta(days=1)


class PressureQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which item, and on which day; without a day it is today's."""

    item: StapleCode
    on: date | None = None


class RegionPressure(msgspec.Struct, frozen=True, kw_only=True):
    """A region with every figure of which its pressure is made; without a price or a ceiling it has none."""

    rank: int | None
    region: str
    name: str
    population: int
    households: int | None
    median_rupiah: int | None
    observed_on: date | None
    observations: int
    ceiling_rupiah: int | None
    ceiling_region: str | None
    ceiling_source: str | None
    gap_rupiah: int | None
    last_market_on: date | None
    days_since_last_market: int | None
    pressure_rupiah: int | None
    explanation: str


class PressureView(msgspec.Struct, frozen=True, kw_only=True):
    """The regions by their pressure, and the one in which the next market is proposed: people decide."""

    item: str
    on: date
    formula: str
    proposed_region: str | None
    items: list[RegionPressure]


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of a region on a day."""

    region: KnownRegionRow
    price: DayPrice | None
    ceiling: Ceiling | None
    last_market_on: date | None
    on: date

    @property
    def days(self) -> int | None:
        """Give the days since the last market, None where there never was one."""
        return None if self.last_market_on is None else (self.on - self.last_market_on).days

    @property
    def gap_rupiah(self) -> int | None:
        """Give how far the median is above the ceiling; below it the gap is negative."""
        return self.price.median_rupiah - self.ceiling.price_rupiah if self.price and self.ceiling else None

    @property
    def pressure(self) -> Fraction | None:
        """Give the pressure, exactly."""
        gap, households = self.gap_rupiah, self.region.households
        if gap is None or households is None:
            return None
        return Fraction(max(gap, 0) * households, max(self.days or 1, 1))

    @property
    def order(self) -> tuple[bool, Fraction, bool, int, str]:
        """Give what decides who is first; nothing is left to chance."""
        pressure, days = self.pressure, self.days
        return pressure is None, -(pressure or Fraction(0)), days is not None, -(days or 0), self.region.code


# One step into an index for each region, however many markets it had.
LAST_MARKETS = text(
    """
    SELECT wanted.code, held.opened_at FROM unnest(CAST(:regions AS text[])) AS wanted(code)
    CROSS JOIN LATERAL (
        SELECT opened_at FROM market WHERE region = wanted.code AND opened_at < :before ORDER BY opened_at DESC LIMIT 1
    ) held
    """
)


async def last_markets(work: Work, regions: Sequence[str], on: date) -> Mapping[str, date]:
    """Give the day of the last market that each region had up to a day."""
    rows = await work.session.execute(LAST_MARKETS, {"regions": list(regions), "before": wib_midnight(on + ONE_DAY)})
    return {row.code: wib_day(row.opened_at) for row in rows}


async def ranking(work: Work, caller: Caller, query: PressureQuery) -> PressureView:
    """Rank the caller's regions by pressure, each with all its figures."""
    on = query.on or wib_day(work.now)
    rows = await regions.seen(work.session, caller.regions)
    codes = [row.code for row in rows]
    seen = await prices.latest(work.session, query.item, codes, on)
    allowed = await prices.ceilings(work.session, query.item, codes, on)
    held = await last_markets(work, codes, on)
    ranked = rank([Situation(row, seen.get(row.code), allowed.get(row.code), held.get(row.code), on) for row in rows])
    first = ranked[0] if ranked and ranked[0].pressure else None
    return PressureView(
        item=query.item,
        on=on,
        formula=FORMULA,
        proposed_region=first.region.code if first else None,
        items=[_view(number, one) for number, one in enumerate(ranked, 1)],
    )


def rank(situations: Sequence[Situation]) -> list[Situation]:
    """Put regions into the order of their need; those of which too little is known come last."""
    return sorted(situations, key=lambda one: one.order)


def _view(number: int, one: Situation) -> RegionPressure:
    pressure, price, ceiling = one.pressure, one.price, one.ceiling
    return RegionPressure(
        rank=None if pressure is None else number,
        region=one.region.code,
        name=one.region.name,
        population=one.region.population,
        households=one.region.households,
        median_rupiah=price.median_rupiah if price else None,
        observed_on=price.day if price else None,
        observations=price.observations if price else 0,
        ceiling_rupiah=ceiling.price_rupiah if ceiling else None,
        ceiling_region=ceiling.region if ceiling else None,
        ceiling_source=ceiling.source if ceiling else None,
        gap_rupiah=one.gap_rupiah,
        last_market_on=one.last_market_on,
        days_since_last_market=one.days,
        pressure_rupiah=None if pressure is None else int(pressure),
        explanation=_explanation(one),
    )


def _explanation(one: Situation) -> str:
    if one.price is None:
        return f"No price was seen in the {OBSERVED_DAYS_MAX} days before."
    if one.ceiling is None:
        return "No ceiling is known."
    if one.region.households is None:
        return "Nobody has said yet how many households live there."
    gap = f"{one.price.median_rupiah} - {one.ceiling.price_rupiah} = {one.gap_rupiah}"
    since = "no market yet, counted as 1 day" if one.days is None else f"{max(one.days, 1)} days since the last market"
    return f"{gap}; x {one.region.households} households; / {since}"
