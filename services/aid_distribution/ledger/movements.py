"""The movements of a shelf in their order, from either end, as many as somebody reads and never more.

All lots together are one stretch of an index. One lot among many is found by the days on which it moved, which its
card keeps, so that the movements of the others are not gone through.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, text

from services.aid_distribution.ledger.cards import ENDS, SHELVES, held_at
from services.aid_distribution.ledger.catalogue import Item, Place, find, seen
from services.aid_distribution.ledger.domain import EARLIEST, reserved_place
from services.aid_distribution.ledger.periods import FIRST_DAY, ONE_DAY, Days
from shared.caller import Caller
from shared.clock import wib_day, wib_midnight
from shared.database import Work
from shared.problems import Absent, Refusal

LATEST = datetime(9998, 12, 31, tzinfo=UTC)
LINE_MAX = 2**31 - 1
MICROSECOND = timedelta(microseconds=1)


class At(NamedTuple):
    """The place of a line on the timeline."""

    occurred_at: datetime
    recorded_at: datetime
    posting_id: UUID
    line_no: int


def before(moment: datetime) -> At:
    """Give the place before everything of a moment: no posting has the smallest of all ids."""
    return At(moment, EARLIEST, UUID(int=0), 0)


def after(moment: datetime) -> At:
    """Give the place after everything of a moment."""
    return At(moment, LATEST, UUID(int=2**128 - 1), LINE_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Which movements to read: those of a shelf, or of one lot on it, that lie beyond a place on the timeline.

    What is reserved still lies there, so a reservation is no movement of the shelf; its use is one.

    Shape: `until` is the last moment that is read, the earliest one when the newest come first
    """

    place: str
    item: str
    beyond: At
    until: datetime
    lot: str | None = None
    newest_first: bool = False


class TooManyRows(Refusal):
    """More movements than one file holds."""

    code = "too_many_rows"
    title = "More rows than one file holds"


# Each part has a limit of its own: the planner does not merge scans of an index that are limited only together.
MOVEMENTS = """
    SELECT m.*, p.kind, p.number, p.document, p.reason, p.actor, p.reverses, o.number AS reverses_number,
           r.id AS reversed_by, r.number AS reversed_by_number
    FROM (
        {parts}
        ORDER BY 1 {order}, 2 {order}, 3 {order}, 4 {order} LIMIT :limit
    ) m JOIN posting p ON p.id = m.posting_id
    LEFT JOIN posting o ON o.id = p.reverses LEFT JOIN posting r ON r.reverses = p.id
    ORDER BY 1 {order}, 2 {order}, 3 {order}, 4 {order}
"""
PART = """
        (SELECT occurred_at, recorded_at, posting_id, line_no, lot, {sign}quantity AS change, {other} AS other
         FROM {lines} WHERE {side} = {shelf} AND {other} <> {other_shelf} AND item = :item AND {which}
         ORDER BY 1 {order}, 2 {order}, 3 {order}, 4 {order} LIMIT :limit)
"""
IN_STRETCH = """
    (occurred_at, recorded_at, posting_id, line_no) {beyond} (:at, :recorded, :posting, :line)
    AND occurred_at {until} :until
"""
# Day by day, each a stretch of the index by itself: OFFSET keeps the planner from reading all days as one.
OF_LOT = """
    unnest(CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[])) AS k(starts, ends) CROSS JOIN LATERAL (
        SELECT * FROM posting_line l WHERE l.{side} = {shelf} AND l.item = :item AND l.lot = :lot
        AND l.occurred_at >= k.starts AND l.occurred_at < k.ends OFFSET 0) line
"""


def _statement(*, of_lot: bool, newest_first: bool) -> TextClause:
    order, beyond, until = ("DESC", "<", ">=") if newest_first else ("ASC", ">", "<=")
    which = IN_STRETCH.format(beyond=beyond, until=until)
    parts = [
        PART.format(
            sign=sign,
            side=side,
            other=other,
            shelf=shelf,
            other_shelf=other_shelf,
            lines=OF_LOT.format(side=side, shelf=shelf) if of_lot else "posting_line",
            which=which,
            order=order,
        )
        for sign, side, other in ENDS
        for shelf, other_shelf in SHELVES
    ]
    return text(MOVEMENTS.format(parts="UNION ALL".join(parts), order=order))


STATEMENTS = {
    (of_lot, newest_first): _statement(of_lot=of_lot, newest_first=newest_first)
    for of_lot in (False, True)
    for newest_first in (False, True)
}
LOT_DAYS_ASKED = """
    SELECT DISTINCT day FROM (
        (SELECT day FROM card_day WHERE (place, item, lot) = (:place, :item, :lot) AND day {compare} :day
         ORDER BY day {order} LIMIT :limit)
        UNION ALL
        (SELECT day FROM card_day WHERE (place, item, lot) = (:reserved, :item, :lot) AND day {compare} :day
         ORDER BY day {order} LIMIT :limit)
    ) moved ORDER BY day {order} LIMIT :limit
"""
LOT_DAYS = {
    False: text(LOT_DAYS_ASKED.format(compare=">=", order="ASC")),
    True: text(LOT_DAYS_ASKED.format(compare="<=", order="DESC")),
}
DAYS_AT_ONCE = (1, 4, 16, 64)
"""Few at first, since a day may hold a page and more; then more, since a lot may move once a day."""


async def movements(work: Work, stretch: Stretch, *, at_once: int) -> AsyncGenerator[Any, None]:
    """Give the movements of a stretch in its order, read by so many at once.

    Shape: rows with the fields of `At`, `lot`, `change` (positive for what came in), `other` (the place at the other
           end), and of the posting `kind`, `number`, `document`, `reason`, `actor`, and what reverses what
    """
    shelves = {"place": stretch.place, "reserved": reserved_place(stretch.place)}
    values: dict[str, object] = {**shelves, "item": stretch.item, "limit": at_once}
    if stretch.lot is None:
        async for row in _read(work, stretch, values):
            yield row
        return
    values["lot"] = stretch.lot
    day = wib_day(stretch.beyond.occurred_at)
    for size in chain(DAYS_AT_ONCE, repeat(DAYS_AT_ONCE[-1])):
        asked = {**values, "day": day, "limit": size + 1}
        days = [row.day for row in await work.session.execute(LOT_DAYS[stretch.newest_first], asked)]
        starts = {"starts": [wib_midnight(one) for one in days[:size]]}
        ends = {"ends": [wib_midnight(one + ONE_DAY) for one in days[:size]]}
        async for row in _read(work, stretch, values | starts | ends):
            yield row
        if len(days) <= size:
            return
        day = days[size]


async def _read(work: Work, stretch: Stretch, values: dict[str, object]) -> AsyncGenerator[Any, None]:
    statement = STATEMENTS[stretch.lot is not None, stretch.newest_first]
    beyond = stretch.beyond
    while True:
        place = dict(zip(("at", "recorded", "posting", "line"), beyond, strict=True))
        rows = (await work.session.execute(statement, values | place | {"until": stretch.until})).all()
        for row in rows:
            yield row
        if len(rows) < int(str(values["limit"])):
            return
        last = rows[-1]
        beyond = At(last.occurred_at, last.recorded_at, last.posting_id, last.line_no)


async def known_shelf(work: Work, caller: Caller, place: str, item: str) -> tuple[Place, Item]:
    """Give what is known of a place and an item; raises Absent (404) where this caller may not know of them."""
    items, places = await find(work.session, [item], [place])
    here = seen(places.get(place), caller)
    if here is None or not items:
        raise Absent
    return here, items[item]


FIGURE = text(
    f"SELECT coalesce(sum({held_at('<=')}), 0)::bigint FROM card c"  # noqa: S608 - our own text
    " WHERE c.place = :place AND c.item = :item AND (CAST(:lot AS text) IS NULL OR c.lot = :lot)"
)


async def on_hand(work: Work, place: str, item: str, lot: str | None, moment: datetime) -> int:
    """Say what lay on a shelf at a moment, of one lot or of all."""
    day = wib_day(moment)
    values = {"place": place, "item": item, "lot": lot, "day": day, "midnight": wib_midnight(day), "moment": moment}
    return int((await work.session.execute(FIGURE, values)).scalar_one())


COUNTED = " UNION ALL ".join(
    f"SELECT 1 FROM posting_line WHERE {side} = {shelf} AND {other} <> {other_shelf} AND item = :item"  # noqa: S608 - ours
    " AND occurred_at >= :begins AND occurred_at < :ends"
    for _, side, other in ENDS
    for shelf, other_shelf in SHELVES
)
COUNT = text(f"SELECT count(*) FROM ({COUNTED} LIMIT :limit) movement")  # noqa: S608 - put together from our own text


async def check_rows(work: Work, place: str, item: str, days: Days, rows_max: int) -> None:
    """Let days pass that hold so many movements of a shelf at the most; raises TooManyRows (409)."""
    shelves = {"place": place, "reserved": reserved_place(place)}
    values = {**shelves, "item": item, "limit": rows_max + 1, "begins": days.begins, "ends": days.ends}
    if (await work.session.execute(COUNT, values)).scalar_one() > rows_max:
        detail = f"More than {rows_max} movements: ask for fewer days, with `from` and `to`."
        raise TooManyRows(detail, rows_max=rows_max)


async def opening(work: Work, place: str, item: str, days: Days) -> int:
    """Say what lay on a shelf when the first of these days began."""
    return 0 if days.first == FIRST_DAY else await on_hand(work, place, item, None, days.begins - MICROSECOND)


def of_days(place: str, item: str, days: Days) -> Stretch:
    """Give the stretch of a shelf that these days are, the oldest movements first."""
    return Stretch(place=place, item=item, beyond=before(days.begins), until=days.ends - MICROSECOND)
