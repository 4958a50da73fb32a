"""Days on which a shelf was out of stock, in local days, read from the days that the ledger keeps."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import text

from services.aid_distribution.ledger.periods import ONE_DAY, Days, PeriodQuery, days_asked
from services.aid_distribution.ledger.store import VISIBLE
from shared import cursor
from shared.caller import Caller
from shared.database import Work
from shared.routes import Page


class DayRange(msgspec.Struct, frozen=True, kw_only=True):
    """Local days in a row, the first and the last included."""

    from_: date = msgspec.field(name="from")
    to: date
    days: int


class StockoutView(msgspec.Struct, frozen=True, kw_only=True):
    """On how many of the days asked for a shelf was out of stock, and which they were, the oldest first."""

    place: str
    item: str
    from_: date = msgspec.field(name="from")
    to: date
    days: int
    ranges: list[DayRange]


SHELVES = text(
    f"""
    SELECT DISTINCT c.place, c.item FROM card c JOIN place p ON p.code = c.place
    WHERE {VISIBLE} AND p.kind <> 'reserved' AND (CAST(:place AS text) IS NULL OR c.place = :place)
      AND (CAST(:item AS text) IS NULL OR c.item = :item) AND (c.place, c.item) > (:after_place, :after_item)
    ORDER BY c.place, c.item LIMIT :limit
    """  # noqa: S608 - put together from our own text
)
# The day before the first stands for all that was before it. A balance lasts until the next day on which something
# moved, or to the end. What is reserved lies on the shelf as well.
EMPTY = text(
    """
    WITH shelf AS (
        SELECT s.place, s.item, k.place AS kept_at
        FROM unnest(CAST(:places AS text[]), CAST(:items AS text[])) AS s(place, item)
        CROSS JOIN LATERAL (VALUES (s.place), (s.place || '~')) AS k(place)
    ), change AS (
        SELECT s.place, s.item, CAST(:first AS date) - 1 AS day,
               coalesce((SELECT sum(held.closing) FROM card c CROSS JOIN LATERAL (
                   SELECT d.opening + d.incoming - d.outgoing AS closing FROM card_day d
                   WHERE (d.place, d.item, d.lot) = (c.place, c.item, c.lot) AND d.day < :first
                   ORDER BY d.day DESC LIMIT 1) held
                   WHERE (c.place, c.item) = (s.kept_at, s.item)), 0) AS net,
               EXISTS (SELECT 1 FROM card_day d WHERE (d.place, d.item) = (s.kept_at, s.item) AND d.day < :first
                       AND d.incoming > 0) AS stocked
        FROM shelf s
        UNION ALL
        SELECT s.place, s.item, d.day, d.incoming - d.outgoing, d.incoming > 0
        FROM shelf s JOIN card_day d ON (d.place, d.item) = (s.kept_at, s.item) AND d.day BETWEEN :first AND :last
    ), by_day AS (
        SELECT place, item, day, sum(net) AS net, bool_or(stocked) AS stocked FROM change GROUP BY place, item, day
    ), lasting AS (
        SELECT place, item, day, sum(net) OVER so_far AS held, bool_or(stocked) OVER so_far AS stocked,
               lead(day, 1, CAST(:last AS date) + 1) OVER (PARTITION BY place, item ORDER BY day) - 1 AS until
        FROM by_day WINDOW so_far AS (PARTITION BY place, item ORDER BY day)
    )
    SELECT place, item, greatest(day, :first) AS first, until AS last FROM lasting
    WHERE held = 0 AND stocked AND until >= :first ORDER BY place, item, day
    """
)


async def stockouts(work: Work, caller: Caller, query: PeriodQuery) -> Page[StockoutView]:
    """Say for each shelf of the caller's regions on which days it was out of stock.

    A shelf is one item at one place, all its lots together. A local (WIB) day counts when nothing lay on the shelf at
    its end, and something had come in on that day or before. So a day on which goods came in and all left again
    counts, a day that ended with stock does not, however long the shelf was empty in between, and a shelf to which
    nothing ever came was never out of stock. What came in by mistake and was reversed has come in. Today counts as
    it stands now; what is posted late for a day of the past is counted as if it had been known.
    """
    days = days_asked(query.from_, query.to, work.now)
    after = cursor.decode(query.cursor, tuple[str, str]) if query.cursor else ("", "")
    values: dict[str, object] = {
        "regions": list(caller.regions),
        "place": query.place,
        "item": query.item,
        "after_place": after[0],
        "after_item": after[1],
        "limit": query.limit + 1,
    }
    shelves = (await work.session.execute(SHELVES, values)).all()
    found = await _ranges(work, shelves[: query.limit], days)
    return cursor.page(
        shelves,
        query.limit,
        lambda shelf: _stockout(shelf, days, found.get((shelf.place, shelf.item), [])),
        lambda shelf: (shelf.place, shelf.item),
    )


async def _ranges(work: Work, shelves: Sequence[Any], days: Days) -> dict[tuple[str, str], list[Days]]:
    places, items = zip(*shelves, strict=True) if shelves else ((), ())
    rows = await work.session.execute(EMPTY, {"places": list(places), "items": list(items), **days.values})
    found: dict[tuple[str, str], list[Days]] = {}
    for place, item, first, last in rows:
        found.setdefault((place, item), []).append(Days(first, last))
    return {shelf: joined(ranges) for shelf, ranges in found.items()}


def joined(ranges: Iterable[Days]) -> list[Days]:
    """Join ranges of days that follow one another without a day between them."""
    whole: list[Days] = []
    for one in ranges:
        if whole and whole[-1].last + ONE_DAY == one.first:
            whole[-1] = Days(whole[-1].first, one.last)
        else:
            whole.append(one)
    return whole


def _stockout(shelf: Any, days: Days, ranges: list[Days]) -> StockoutView:
    shown = [DayRange(from_=one.first, to=one.last, days=(one.last - one.first).days + 1) for one in ranges]
    return StockoutView(
        place=shelf.place,
        item=shelf.item,
        from_=days.first,
        to=days.last,
        days=sum(one.days for one in shown),
        ranges=shown,
    )
