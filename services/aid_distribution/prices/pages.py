"""Questions about prices: what was seen, what is allowed, and the median of each region and day."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from sqlalchemy import text, tuple_
from sqlmodel import col, select

from services.aid_distribution.prices import store
from services.aid_distribution.prices.domain import middle
from services.aid_distribution.prices.handlers import (
    CeilingView,
    ObservationView,
    StapleCode,
    ceiling_view,
    observation_view,
)
from services.aid_distribution.prices.store import MIDDLE, PriceCeilingRow, PriceObservationRow
from shared import cursor
from shared.caller import Caller
from shared.database import Work
from shared.routes import PAGE_ITEMS_DEFAULT, Code, Cursor, Limit, Page, RegionCode
from shared.within import within

FIRST, LAST = date(1970, 1, 1), date(9999, 1, 1)
"""Days between which everything happened: nothing is dated before the first, and nothing lies ahead."""


class PriceQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which observations to list, newest first; those that were corrected are among them."""

    item: Code | None = None
    place: Code | None = None
    region: RegionCode | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class CeilingQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which ceilings to list; with `on`, only those that are in force on that day or were once before it."""

    item: Code | None = None
    region: RegionCode | None = None
    on: date | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class MedianQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which item, and from which day to which, both included."""

    item: StapleCode
    region: RegionCode | None = None
    from_: date | None = msgspec.field(default=None, name="from")
    to: date | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class MedianView(msgspec.Struct, frozen=True, kw_only=True):
    """The median price of a region on a day, of how many observations, and the ceiling of that day."""

    region: str
    observed_on: date
    median_rupiah: int
    observations: Annotated[int, msgspec.Meta(ge=1)]
    ceiling_rupiah: int | None


# In the order of its index, backwards: a page costs as much as it shows, however long the history is.
MEDIANS = text(
    f"""
    SELECT observed_on, region, {MIDDLE} FROM price_observation
    WHERE item = :item AND superseded_at IS NULL AND observed_on BETWEEN :first AND :last
      AND (observed_on, region) < (:after_day, :after_region)
      AND (CAST(:region AS text) IS NULL OR region = :region)
      AND EXISTS (SELECT 1 FROM unnest(CAST(:regions AS text[])) r WHERE region = r OR starts_with(region, r || '.'))
    GROUP BY observed_on, region ORDER BY observed_on DESC, region DESC LIMIT :limit
    """  # noqa: S608 - our own text
)


async def observations(work: Work, caller: Caller, query: PriceQuery) -> Page[ObservationView]:
    """List what was seen in the caller's regions, newest first."""
    row = PriceObservationRow
    question = select(row).where(within(col(row.region), caller.regions))
    for column, wanted in ((row.item, query.item), (row.place, query.place), (row.region, query.region)):
        if wanted is not None:
            question = question.where(col(column) == wanted)
    if query.cursor:
        after = cursor.decode(query.cursor, tuple[datetime, UUID])
        question = question.where(tuple_(col(row.observed_at), col(row.id)) < after)
    question = question.order_by(col(row.observed_at).desc(), col(row.id).desc()).limit(query.limit + 1)
    rows = (await work.session.exec(question)).all()
    return cursor.page(rows, query.limit, observation_view, lambda one: (one.observed_at, one.id))


async def ceilings(work: Work, query: CeilingQuery) -> Page[CeilingView]:
    """List ceilings by item, region and day, the latest first; they are everybody's, as a law is."""
    row = PriceCeilingRow
    question = select(row)
    for column, wanted in ((row.item, query.item), (row.region, query.region)):
        if wanted is not None:
            question = question.where(col(column) == wanted)
    if query.on is not None:
        question = question.where(col(row.valid_from) <= query.on)
    if query.cursor:
        after = cursor.decode(query.cursor, tuple[date, UUID])
        question = question.where(tuple_(col(row.valid_from), col(row.id)) < after)
    question = question.order_by(col(row.valid_from).desc(), col(row.id).desc()).limit(query.limit + 1)
    rows = (await work.session.exec(question)).all()
    return cursor.page(rows, query.limit, ceiling_view, lambda one: (one.valid_from, one.id))


async def medians(work: Work, caller: Caller, query: MedianQuery) -> Page[MedianView]:
    """Give the median price of each region and day of the caller's regions, the latest day first."""
    day, region = cursor.decode(query.cursor, tuple[date, str]) if query.cursor else (LAST, "")
    values = {
        "item": query.item,
        "first": query.from_ or FIRST,
        "last": query.to or LAST,
        "after_day": day,
        "after_region": region,
        "region": query.region,
        "regions": list(caller.regions),
        "limit": query.limit + 1,
    }
    rows = (await work.session.execute(MEDIANS, values)).all()
    views = {}
    for on in {row.observed_on for row in rows}:
        of_day = [row for row in rows if row.observed_on == on]
        allowed = await store.ceilings(work.session, query.item, [row.region for row in of_day], on)
        for row in of_day:
            ceiling = allowed.get(row.region)
            views[on, row.region] = MedianView(
                region=row.region,
                observed_on=on,
                median_rupiah=middle(row.lower, row.upper),
                observations=row.observations,
                ceiling_rupiah=ceiling.price_rupiah if ceiling else None,
            )
    return cursor.page(
        rows, query.limit, lambda row: views[row.observed_on, row.region], lambda row: (row.observed_on, row.region)
    )
