"""Prices before and after a market, beside those of districts that had none: medians and how many, and no more.

It shows what was observed. A difference may have many reasons, and few observations say little.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from sqlalchemy import text

from services.aid_distribution.markets import store
from services.aid_distribution.markets.domain import HELD, WrongMarketState
from services.aid_distribution.markets.handlers import market_seen
from services.aid_distribution.markets.store import MarketRow
from services.aid_distribution.prices.domain import middle
from services.aid_distribution.prices.store import MIDDLE
from services.aid_distribution.regions import store as regions
from shared.caller import Caller
from shared.clock import wib_day, wib_midnight
from shared.database import Work

DAYS_DEFAULT, DAYS_MAX = 14, 90
NOTE = "Medians of what was observed. The difference may have other reasons than the market."


class EffectQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many days before the market and after it are looked at."""

    days: Annotated[int, msgspec.Meta(ge=1, le=DAYS_MAX)] = DAYS_DEFAULT


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The median price before and after, each with the number of its observations."""

    before_rupiah: int | None
    before_observations: int
    after_rupiah: int | None
    after_observations: int
    change_rupiah: int | None


class ItemEffect(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the market; `difference_rupiah` is how much more the price changed here than elsewhere."""

    item: str
    here: Change
    elsewhere: Change
    difference_rupiah: int | None


class EffectView(msgspec.Struct, frozen=True, kw_only=True):
    """What was observed before and after a market, here and in the districts that had no market in all those days."""

    market_id: UUID
    number: str
    region: str
    before_from: date
    before_to: date
    after_from: date
    after_to: date
    other_markets_here: int
    compared_regions: list[str]
    items: list[ItemEffect]
    note: str


class _Stretch(msgspec.Struct, frozen=True, kw_only=True):
    before_from: date
    before_to: date
    after_from: date
    after_to: date


MEDIANS = text(
    f"""
    SELECT item, region = :here AS here, observed_on <= :before_to AS before, {MIDDLE} FROM price_observation
    WHERE item = ANY(CAST(:items AS text[])) AND superseded_at IS NULL AND region = ANY(CAST(:regions AS text[]))
      AND observed_on BETWEEN :before_from AND :after_to
      AND NOT (observed_on > :before_to AND observed_on < :after_from)
    GROUP BY 1, 2, 3
    """  # noqa: S608 - our own text
)
MARKETS = text(
    "SELECT region, count(*) AS markets FROM market WHERE opened_at >= :first AND opened_at < :last AND id <> :market"
    " GROUP BY region"
)


async def of_market(work: Work, caller: Caller, market_id: UUID, query: EffectQuery) -> EffectView:
    """Compare prices before and after a market. Raises: Absent (404), WrongMarketState (409) when it was not held."""
    row = await market_seen(work, caller, market_id)
    if row.state not in HELD or row.opened_at is None:
        raise WrongMarketState(f"{row.number} was not held.", state=row.state)
    stretch = _stretch(row, query.days)
    markets = await _markets(work, row, stretch)
    others = [one.code for one in await regions.seen(work.session, caller.regions) if one.code != row.region]
    compared = [code for code in others if code not in markets]
    items = [one.item for one in (await store.items_of(work.session, [row.id]))[row.id]]
    return EffectView(
        market_id=row.id,
        number=row.number,
        region=row.region,
        before_from=stretch.before_from,
        before_to=stretch.before_to,
        after_from=stretch.after_from,
        after_to=stretch.after_to,
        other_markets_here=markets.get(row.region, 0),
        compared_regions=compared,
        items=await _items(work, row, stretch, items, compared),
        note=NOTE,
    )


def _stretch(row: MarketRow, days: int) -> _Stretch:
    """Give the days before the market and those after it; its own days are neither."""
    opened = wib_day(row.opened_at or row.opens_at)
    closed = wib_day(row.closed_at) if row.closed_at else opened
    one, all_days = timedelta(days=1), timedelta(days=days)
    return _Stretch(
        before_from=opened - all_days, before_to=opened - one, after_from=closed + one, after_to=closed + all_days
    )


async def _markets(work: Work, row: MarketRow, stretch: _Stretch) -> dict[str, int]:
    values = {
        "first": wib_midnight(stretch.before_from),
        "last": wib_midnight(stretch.after_to + timedelta(days=1)),
        "market": row.id,
    }
    return {found.region: found.markets for found in await work.session.execute(MARKETS, values)}


async def _items(
    work: Work, row: MarketRow, stretch: _Stretch, items: Sequence[str], compared: Sequence[str]
) -> list[ItemEffect]:
    values = {"items": list(items), "here": row.region, "regions": [row.region, *compared]}
    found = {
        (one.item, one.here, one.before): (middle(one.lower, one.upper), int(one.observations))
        for one in await work.session.execute(MEDIANS, values | msgspec.structs.asdict(stretch))
    }
    effects = []
    for item in items:
        here, elsewhere = (
            change(found.get((item, side, True)), found.get((item, side, False))) for side in (True, False)
        )
        known = here.change_rupiah is not None and elsewhere.change_rupiah is not None
        difference = (here.change_rupiah or 0) - (elsewhere.change_rupiah or 0) if known else None
        effects.append(ItemEffect(item=item, here=here, elsewhere=elsewhere, difference_rupiah=difference))
    return effects


def change(before: tuple[int, int] | None, after: tuple[int, int] | None) -> Change:
    """Put two medians side by side; without one of them there is no change to tell."""
    return Change(
        before_rupiah=before[0] if before else None,
        before_observations=before[1] if before else 0,
        after_rupiah=after[0] if after else None,
        after_observations=after[1] if after else 0,
        change_rupiah=after[0] - before[0] if before and after else None,
    )
