"""Questions about stock: what lies where, now or at any moment, and by which movements it came about.

A balance of the past is the closing of the day before plus that day's movements, so it costs the same after
a thousand movements and after a million.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlmodel import col, select

from services.aid_distribution.ledger import lot_notes, packs
from services.aid_distribution.ledger.catalogue import ItemRow, PlaceRow, find, seen
from services.aid_distribution.ledger.domain import EARLIEST, RESERVED, reserved_place
from services.aid_distribution.ledger.orders import (
    BalanceView,
    CardEntryView,
    ItemView,
    Moment,
    PlaceView,
    PostedLine,
    PostingView,
    item_view,
    place_view,
)
from services.aid_distribution.ledger.store import VISIBLE, PostingLineRow, PostingRow
from shared import cursor
from shared.caller import Caller
from shared.clock import shown, wib_day, wib_midnight
from shared.database import Work
from shared.problems import Absent
from shared.routes import PAGE_ITEMS_DEFAULT, Code, Cursor, Limit, Page

LineNumber = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
END = datetime(9999, 1, 1, tzinfo=UTC)


class BalanceQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which balances to show, and of which moment; with a pack of the item in whole packs as well."""

    place: Code | None = None
    item: Code | None = None
    pack: Code | None = None
    as_of: Moment | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class CardQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stretch of a card to show: `from` is included, `to` is not; with a pack in whole packs as well."""

    from_: Moment | None = msgspec.field(default=None, name="from")
    to: Moment | None = None
    pack: Code | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class CatalogueQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stretch of a catalogue to show."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


# What one card held at a moment: the last day before it, and the movements of its own day.
CARD_HELD = """
    coalesce((SELECT d.opening + d.incoming - d.outgoing FROM card_day d
              WHERE (d.place, d.item, d.lot) = ({place}, c.item, c.lot) AND d.day < :day
              ORDER BY d.day DESC LIMIT 1), 0)
    + coalesce((SELECT sum(l.quantity) FROM posting_line l WHERE l.to_place = {place} AND l.item = c.item
                AND l.lot = c.lot AND l.occurred_at >= :midnight AND l.occurred_at {within} :moment), 0)
    - coalesce((SELECT sum(l.quantity) FROM posting_line l WHERE l.from_place = {place} AND l.item = c.item
                AND l.lot = c.lot AND l.occurred_at >= :midnight AND l.occurred_at {within} :moment), 0)
"""
OWN, PROMISED = "c.place", f"c.place || '{RESERVED}'"


def held_at(within: str) -> str:
    """Give the expression for what lay on a card `c`, free or reserved, until (`<=`) or before (`<`) a moment."""
    return f"{CARD_HELD.format(place=OWN, within=within)} + {CARD_HELD.format(place=PROMISED, within=within)}"


CARDS = """
    SELECT c.place, c.item, c.lot, {free} AS free, {reserved} AS reserved
    FROM card c JOIN place p ON p.code = c.place
    WHERE {visible} AND p.kind <> 'reserved' AND (CAST(:place AS text) IS NULL OR c.place = :place)
      AND (CAST(:item AS text) IS NULL OR c.item = :item)
      AND (c.place, c.item, c.lot) > (:after_place, :after_item, :after_lot)
    ORDER BY c.place, c.item, c.lot LIMIT :limit
"""
RESERVED_NOW = (
    "coalesce((SELECT r.on_hand FROM card r"  # noqa: S608 - our own text
    f" WHERE (r.place, r.item, r.lot) = ({PROMISED}, c.item, c.lot)), 0)"
)
BALANCES_NOW = text(CARDS.format(free="c.on_hand", reserved=RESERVED_NOW, visible=VISIBLE))
BALANCES_THEN = text(
    CARDS.format(
        free=CARD_HELD.format(place=OWN, within="<="),
        reserved=CARD_HELD.format(place=PROMISED, within="<="),
        visible=VISIBLE,
    )
)
OPENING = text(
    f"SELECT coalesce(sum({held_at('<')}), 0)::bigint FROM card c"  # noqa: S608 - our own text
    " WHERE c.place = :place AND c.item = :item"
)
# Each part has a limit of its own: the planner does not merge scans of an index that are limited only together.
PART = """
    (SELECT occurred_at, recorded_at, posting_id, line_no, lot, {sign}quantity AS quantity FROM posting_line
     WHERE {side} = {shelf} AND {other} <> {other_shelf} AND item = :item
       AND (occurred_at, recorded_at, posting_id, line_no) > (:at, :recorded, :posting, :line) AND occurred_at < :to
     ORDER BY 1, 2, 3, 4 LIMIT :limit)
"""
ENDS = (("", "to_place", "from_place"), ("-", "from_place", "to_place"))
"""The ends of a line at which goods come in and go out, each with its sign."""

SHELVES = ((":place", ":reserved"), (":reserved", ":place"))
"""Both shelves of a place, each with the other; what only goes from one to the other has not moved."""

PARTS = "UNION ALL".join(
    PART.format(sign=sign, side=side, other=other, shelf=shelf, other_shelf=other_shelf)
    for sign, side, other in ENDS
    for shelf, other_shelf in SHELVES
)
MOVEMENTS = text(
    f"""
    SELECT m.*, p.kind, p.number, p.document FROM ({PARTS} ORDER BY 1, 2, 3, 4 LIMIT :limit) m
    JOIN posting p ON p.id = m.posting_id ORDER BY 1, 2, 3, 4
    """  # noqa: S608 - put together from our own text
)


async def balances(work: Work, caller: Caller, query: BalanceQuery) -> Page[BalanceView]:
    """Say what lies at the places of the caller's regions, now or as of a moment."""
    units = await packs.units_of(work, query.item, query.pack)
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
    if query.as_of is None:
        rows = await work.session.execute(BALANCES_NOW, values)
    else:
        rows = await work.session.execute(BALANCES_THEN, values | _moment(query.as_of))
    return cursor.page(
        rows.all(), query.limit, lambda row: _balance(row, units), lambda row: (row.place, row.item, row.lot)
    )


def _moment(moment: datetime) -> dict[str, date | datetime]:
    day = wib_day(moment)
    return {"day": day, "midnight": wib_midnight(day), "moment": moment}


def _balance(row: Any, units: int | None) -> BalanceView:
    whole, loose = divmod(int(row.free + row.reserved), units) if units else (None, None)
    return BalanceView(
        place=row.place,
        item=row.item,
        lot=row.lot or None,
        on_hand=int(row.free + row.reserved),
        reserved=int(row.reserved),
        available=int(row.free),
        packs=whole,
        loose=loose,
    )


async def card(work: Work, caller: Caller, place: str, item: str, query: CardQuery) -> Page[CardEntryView]:
    """List the movements of an item at a place, oldest first, each with the balance after it.

    Shape:  all lots of the item together, reserved or not: what is only promised still lies there. The cursor carries
            the balance, so a page costs what it shows
    Raises: Absent (404) for a place or an item that does not exist or is another region's
    """
    items, places = await find(work.session, [item], [place])
    if seen(places.get(place), caller) is None or not items:
        raise Absent
    units = await packs.units_of(work, item, query.pack)
    begins = query.from_ or EARLIEST
    if query.cursor:
        *after, balance = cursor.decode(query.cursor, tuple[datetime, datetime, UUID, LineNumber, int])
    else:
        # Before everything of that moment: no posting has the smallest of all ids.
        after = [begins, EARLIEST, UUID(int=0), 0]
        balance = await _opening(work, place, item, begins)
    rows = await work.session.execute(
        MOVEMENTS,
        dict(zip(("at", "recorded", "posting", "line"), after, strict=True))
        | {"place": place, "reserved": reserved_place(place), "item": item}
        | {"to": query.to or END, "limit": query.limit + 1},
    )
    entries = []
    for row in rows:
        balance += row.quantity
        entries.append((row, balance))
    return cursor.page(
        entries,
        query.limit,
        lambda entry: _card_entry(entry, units),
        lambda entry: (entry[0].occurred_at, entry[0].recorded_at, entry[0].posting_id, entry[0].line_no, entry[1]),
    )


async def _opening(work: Work, place: str, item: str, moment: datetime) -> int:
    if moment == EARLIEST:
        return 0
    values = {"place": place, "item": item} | _moment(moment)
    return int((await work.session.execute(OPENING, values)).scalar_one())


def _card_entry(entry: tuple[Any, int], units: int | None) -> CardEntryView:
    row, balance = entry
    whole, loose = divmod(balance, units) if units else (None, None)
    return CardEntryView(
        occurred_at=shown(row.occurred_at),
        recorded_at=shown(row.recorded_at),
        kind=row.kind,
        quantity=row.quantity,
        balance=balance,
        lot=row.lot or None,
        document=row.document or row.number,
        number=row.number,
        posting_id=row.posting_id,
        packs=whole,
        loose=loose,
    )


async def posting(work: Work, caller: Caller, posting_id: UUID) -> PostingView:
    """Show a posting; raises Absent (404), also for another region's."""
    row = await work.session.get(PostingRow, posting_id)
    if row is None or not caller.sees(row.region):
        raise Absent
    question = select(PostingLineRow).where(PostingLineRow.posting_id == row.id)
    lines = (await work.session.exec(question.order_by(col(PostingLineRow.line_no)))).all()
    return PostingView(
        id=row.id,
        number=row.number,
        kind=row.kind,
        region=row.region,
        occurred_at=shown(row.occurred_at),
        recorded_at=shown(row.recorded_at),
        document=row.document,
        reason=row.reason,
        reverses=row.reverses,
        lines=[_posted_line(line) for line in lines],
        lot_notes=(await lot_notes.of_postings(work.session, [row.id])).get(row.id, []),
        packs=await packs.of_posting(work.session, row.id),
    )


def _posted_line(line: PostingLineRow) -> PostedLine:
    return PostedLine(
        item=line.item,
        quantity=line.quantity,
        lot=line.lot or None,
        from_place=line.from_place,
        to_place=line.to_place,
    )


async def items(work: Work, query: CatalogueQuery) -> Page[ItemView]:
    """List the items by code."""
    (after,) = cursor.decode(query.cursor, tuple[str]) if query.cursor else ("",)
    question = select(ItemRow).where(col(ItemRow.code) > after).order_by(col(ItemRow.code)).limit(query.limit + 1)
    return cursor.page((await work.session.exec(question)).all(), query.limit, item_view, lambda row: (row.code,))


async def places(work: Work, caller: Caller, query: CatalogueQuery) -> Page[PlaceView]:
    """List the places of the caller's regions by code."""
    (after,) = cursor.decode(query.cursor, tuple[str]) if query.cursor else ("",)
    question = (
        select(PlaceRow)
        .where(
            col(PlaceRow.code) > after,
            col(PlaceRow.kind) != "reserved",
            text(VISIBLE.replace("p.region", "place.region")),
        )
        .order_by(col(PlaceRow.code))
        .limit(query.limit + 1)
        .params(regions=list(caller.regions))
    )
    rows: Sequence[PlaceRow] = (await work.session.exec(question)).all()
    return cursor.page(rows, query.limit, place_view, lambda row: (row.code,))
