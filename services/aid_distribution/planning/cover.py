"""Days of cover: how long what lies at a place will last, as a range, from how it left there day by day.

Everything that left the place counts as demand, sent on or handed out: a warehouse must have what is asked of it. Whole
days only, so today does not count yet.
"""

from datetime import date, timedelta
from typing import Annotated

import msgspec
from sqlalchemy import text

from services.aid_distribution.ledger.catalogue import find, seen
from services.aid_distribution.ledger.domain import reserved_place
from services.aid_distribution.ledger.usable import LeftOut
from services.aid_distribution.planning import store
from services.aid_distribution.planning.demand import MIDDLE_PERMILLE, Demand, days_of_cover, estimate
from shared.clock import wib_day, wib_midnight
from shared.database import Work
from shared.problems import Absent
from shared.routes import Code

WINDOW_DAYS_DEFAULT = 91
"""Thirteen weeks: every day of the week as often as every other."""

THOUSANDTHS = 1_000


class CoverQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose stock, and from how many past days the demand is learned."""

    place: Annotated[Code, msgspec.Meta(examples=["WH-19.71"])]
    item: Annotated[Code, msgspec.Meta(examples=["MASK-CLOTH"])]
    days: Annotated[int, msgspec.Meta(ge=14, le=366)] = WINDOW_DAYS_DEFAULT


class CoverDays(msgspec.Struct, frozen=True, kw_only=True):
    """Whole days that the stock lasts, at least, on average and at most, in so many of 1,000 cases."""

    low: int
    expected: int
    high: int
    of_thousand_cases: int = MIDDLE_PERMILLE


class CoverView(msgspec.Struct, frozen=True, kw_only=True):
    """How long what is available lasts; `cover_days` is null where that cannot be said, and `reason` says why.

    Shape: `on_hand` is all that lies there; of it `reserved` is promised, `left_out` is of no use, and `available` is
           the rest, of which `expiring` must be used within 30 days; `history_days` are the days that were looked at,
           `demand_days` those on which anything left; the demand of a day is told in thousandths of a unit
    """

    place: str
    item: str
    on_hand: int
    reserved: int
    available: int
    expiring: int
    left_out: LeftOut
    from_: date = msgspec.field(name="from")
    to: date
    history_days: int
    demand_days: int
    daily_demand_thousandths: int | None
    daily_deviation_thousandths: int | None
    cover_days: CoverDays | None
    reason: str | None


RESERVED = text("SELECT coalesce(sum(on_hand), 0)::bigint FROM card WHERE place = :reserved AND item = :item")
# Lot by lot, for so the days of the window are found without those before it. What is reserved has not left yet, and
# what is released has not come in; both are few beside what moves.
ISSUED = text(
    """
    SELECT day, sum(outgoing)::bigint AS outgoing FROM (
        SELECT d.day, d.outgoing FROM card c JOIN card_day d
            ON (d.place, d.item, d.lot) = (c.place, c.item, c.lot) AND d.day BETWEEN :first AND :last
        WHERE c.place IN (:place, :reserved) AND c.item = :item AND c.last_occurred_at >= :since
        UNION ALL
        SELECT (occurred_at AT TIME ZONE INTERVAL '7 hours')::date, -quantity FROM posting_line
        WHERE to_place = :reserved AND from_place = :place AND item = :item
          AND occurred_at >= :since AND occurred_at < :ends
        UNION ALL
        SELECT (occurred_at AT TIME ZONE INTERVAL '7 hours')::date, -quantity FROM posting_line
        WHERE from_place = :reserved AND to_place = :place AND item = :item
          AND occurred_at >= :since AND occurred_at < :ends
    ) moved GROUP BY day ORDER BY day
    """
)
BEGAN_BEFORE = text("SELECT EXISTS (SELECT FROM card_day WHERE place = :place AND item = :item AND day < :first)")


async def cover(work: Work, query: CoverQuery) -> CoverView:
    """Say how long the stock of an item at a place lasts; raises Absent (404) also for another region's place."""
    items, places = await find(work.session, [query.item], [query.place])
    if query.item not in items or seen(places.get(query.place), work.caller) is None:
        raise Absent
    shelf = {"place": query.place, "item": query.item}
    free = await store.usable(work.session, query.place, query.item, wib_day(work.now))
    promised = {"reserved": reserved_place(query.place), "item": query.item}
    reserved = int((await work.session.execute(RESERVED, promised)).scalar_one())
    first, issues = await _issues(work, query, shelf)
    found = estimate(issues)
    known = found if isinstance(found, Demand) else None
    lasts = days_of_cover(free.available, known) if known else None
    return CoverView(
        **shelf,
        on_hand=free.available + free.expired + free.held + reserved,
        reserved=reserved,
        available=free.available,
        expiring=free.expiring,
        left_out=LeftOut(expired=free.expired, held=free.held),
        from_=first,
        to=first + timedelta(len(issues) - 1),
        history_days=len(issues),
        demand_days=sum(quantity > 0 for quantity in issues),
        daily_demand_thousandths=round(known.mean * THOUSANDTHS) if known else None,
        daily_deviation_thousandths=round(known.variance**0.5 * THOUSANDTHS) if known else None,
        cover_days=CoverDays(low=lasts.low, expected=lasts.expected, high=lasts.high) if lasts else None,
        reason=None if known else str(found),
    )


async def _issues(work: Work, query: CoverQuery, shelf: dict[str, str]) -> tuple[date, list[int]]:
    """Give the first day that counts and what left on each day from there; a young card begins with itself."""
    last = wib_day(work.now) - timedelta(1)
    first = last - timedelta(query.days - 1)
    values: dict[str, object] = {**shelf, "reserved": reserved_place(query.place), "first": first, "last": last}
    values |= {"since": wib_midnight(first), "ends": wib_midnight(last + timedelta(1))}
    left = {row.day: row.outgoing for row in await work.session.execute(ISSUED, values)}
    if not (await work.session.execute(BEGAN_BEFORE, shelf | {"first": first})).scalar_one():
        first = min(left, default=last + timedelta(1))
    return first, [left.get(first + timedelta(day), 0) for day in range((last - first).days + 1)]
