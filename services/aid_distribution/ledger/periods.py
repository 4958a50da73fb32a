"""Opening, in, out and closing of every card over some local days, read from the days that the ledger keeps.

A day of a card is one row, however much happened on it: the answer costs the days asked for, never the movements.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import text

from services.aid_distribution.ledger.domain import EARLIEST, RESERVED
from services.aid_distribution.ledger.store import VISIBLE
from shared import cursor
from shared.caller import Caller
from shared.clock import wib_day, wib_midnight
from shared.database import Work
from shared.problems import FieldError, Invalid
from shared.routes import PAGE_ITEMS_DEFAULT, Code, Cursor, Limit, Page

PERIOD_DAYS_MAX = 366
ONE_DAY = timedelta(days=1)
FIRST_DAY = wib_day(EARLIEST)


class PeriodQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which cards to show over which local (WIB) days, `from` and `to` both included.

    Shape:  without `to` until today; without `from` since the first of the month of `to`
    """

    place: Code | None = None
    item: Code | None = None
    from_: date | None = msgspec.field(default=None, name="from")
    to: date | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class PeriodView(msgspec.Struct, frozen=True, kw_only=True):
    """What a card held before a period, what came in and went out in it, and what it held at its end.

    Shape: `opening` + `in` - `out` = `closing`; `from` and `to` are both included
    """

    place: str
    item: str
    lot: str | None
    from_: date = msgspec.field(name="from")
    to: date
    opening: int
    incoming: int = msgspec.field(name="in")
    outgoing: int = msgspec.field(name="out")
    closing: int


@dataclass(frozen=True, slots=True)
class Days:
    """Local days in a row, the first and the last included."""

    first: date
    last: date

    @property
    def begins(self) -> datetime:
        """Give the moment at which the first begins."""
        return wib_midnight(self.first)

    @property
    def ends(self) -> datetime:
        """Give the moment at which the last is over."""
        return wib_midnight(self.last + ONE_DAY)

    @property
    def values(self) -> dict[str, object]:
        """Give them as a statement takes them."""
        return {"first": self.first, "last": self.last}


def days_asked(first: date | None, last: date | None, now: datetime, *, days_max: int | None = PERIOD_DAYS_MAX) -> Days:
    """Give the days that a question means; raises Invalid (422) for days that have not begun, or for too many.

    Shape:  none lies ahead and none before the first day of all cards; without `days_max` the first is that day
    """
    today = wib_day(now)
    last = min(last or today, today)
    first = max(first or (last.replace(day=1) if days_max else FIRST_DAY), FIRST_DAY)
    if first > today:
        raise Invalid([FieldError("/query/from", "in_the_future", "This day has not begun.")])
    if first > last:
        raise Invalid([FieldError("/query/to", "before_from", "The last day lies before the first.")])
    if days_max and (last - first).days >= days_max:
        raise Invalid([FieldError("/query/from", "period_too_long", f"At most {days_max} days at once.")])
    return Days(first, last)


# First the cards of the page, then their days: no other card's days are read. What a card held at the end is read
# by itself and not worked out, so a day that does not agree with the others can be seen.
LAST_BEFORE = """
    (SELECT d.opening + d.incoming - d.outgoing FROM card_day d
     WHERE (d.place, d.item, d.lot) = ({place}, c.item, c.lot) AND d.day < {day} ORDER BY d.day DESC LIMIT 1)
"""
PROMISED = f"c.place || '{RESERVED}'"


def _held(day: str) -> str:
    parts = (f"coalesce({LAST_BEFORE.format(place=place, day=day)}, 0)" for place in ("c.place", PROMISED))
    return " + ".join(parts)


# What went from the one shelf of a place to the other, reserved or released, has neither come in nor gone out. It is
# looked for at the reserved shelf, where few things move: `|| ''` keeps the index of the free one out of it.
PERIODS = text(
    f"""
    SELECT c.place, c.item, c.lot, {_held(":first")} AS opening, moved.incoming - inside.quantity AS incoming,
           moved.outgoing - inside.quantity AS outgoing, {_held("CAST(:last AS date) + 1")} AS closing
    FROM (SELECT c.place, c.item, c.lot FROM card c JOIN place p ON p.code = c.place
          WHERE {VISIBLE} AND p.kind <> 'reserved' AND (CAST(:place AS text) IS NULL OR c.place = :place)
            AND (CAST(:item AS text) IS NULL OR c.item = :item)
            AND (c.place, c.item, c.lot) > (:after_place, :after_item, :after_lot)
          ORDER BY c.place, c.item, c.lot LIMIT :limit) c
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(d.incoming), 0)::bigint AS incoming, coalesce(sum(d.outgoing), 0)::bigint AS outgoing
        FROM card_day d
        WHERE d.place IN (c.place, {PROMISED}) AND d.item = c.item AND d.lot = c.lot
          AND d.day BETWEEN :first AND :last
    ) moved
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(quantity), 0)::bigint AS quantity FROM (
            SELECT l.quantity FROM posting_line l WHERE l.to_place = {PROMISED} AND l.from_place || '' = c.place
              AND l.item = c.item AND l.lot = c.lot AND l.occurred_at >= :begins AND l.occurred_at < :ends
            UNION ALL
            SELECT l.quantity FROM posting_line l WHERE l.from_place = {PROMISED} AND l.to_place || '' = c.place
              AND l.item = c.item AND l.lot = c.lot AND l.occurred_at >= :begins AND l.occurred_at < :ends
        ) either
    ) inside
    ORDER BY c.place, c.item, c.lot
    """  # noqa: S608 - put together from our own text
)


async def periods(work: Work, caller: Caller, query: PeriodQuery) -> Page[PeriodView]:
    """Say for each card of the caller's regions what it held, took in, gave out and held at the end."""
    days = days_asked(query.from_, query.to, work.now)
    after = cursor.decode(query.cursor, tuple[str, str, str]) if query.cursor else ("", "", "")
    values: dict[str, object] = {
        "regions": list(caller.regions),
        "place": query.place,
        "item": query.item,
        "after_place": after[0],
        "after_item": after[1],
        "after_lot": after[2],
        "limit": query.limit + 1,
    }
    rows = await work.session.execute(PERIODS, values | days.values | {"begins": days.begins, "ends": days.ends})
    return cursor.page(
        rows.all(), query.limit, lambda row: _period(row, days), lambda row: (row.place, row.item, row.lot)
    )


def _period(row: Any, days: Days) -> PeriodView:
    return PeriodView(
        place=row.place,
        item=row.item,
        lot=row.lot or None,
        from_=days.first,
        to=days.last,
        opening=row.opening,
        incoming=row.incoming,
        outgoing=row.outgoing,
        closing=row.closing,
    )
