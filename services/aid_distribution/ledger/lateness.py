"""What a late posting changed: the closings of past days, each by so much, or the difference that a count found.

Nobody's figure changes behind their back: the record says which days of which cards, and whose office was told.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text

from services.aid_distribution.ledger.domain import Change, home_of
from services.aid_distribution.ledger.orders import ItemCode, Moment, PlaceCode
from services.aid_distribution.ledger.store import VISIBLE, LateChangeRow, Posted
from shared import cursor
from shared.caller import Caller
from shared.clock import shown, wib_day
from shared.contracts.aid_distribution import Restated, StockRestated
from shared.database import Work
from shared.routes import PAGE_ITEMS_DEFAULT, Cursor, Limit, Page

ONE_DAY = timedelta(days=1)


class WhatChangedQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which records to list, newest first: those of a card, and those since a moment."""

    place: PlaceCode | None = None
    item: ItemCode | None = None
    since: Moment | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class WhatChanged(msgspec.Struct, frozen=True, kw_only=True):
    """What a late posting changed on one card.

    Shape:  from `first_day` to `last_day` every closing is higher by `change` (lower when it is negative); with
            `taken_up_by` the difference of that count changed by as much, and nothing after it
    """

    posting_id: UUID
    number: str
    occurred_at: datetime
    recorded_at: datetime
    place: str
    item: str
    lot: str | None
    change: int
    first_day: date | None
    last_day: date | None
    taken_up_by: UUID | None
    told_region: str | None


async def note(work: Work, posted: Sequence[Posted]) -> None:
    """Keep what each late posting changed, and tell the office where somebody may have read the old figure."""
    changed = [(one, rows) for one in posted if (rows := list(_rows(one)))]
    if not changed:
        return
    work.session.add_all(row for _, rows in changed for row in rows)
    await work.session.flush()
    for one, rows in changed:
        if told := [row for row in rows if row.told_region is not None]:
            event = StockRestated(
                posting_id=one.draft.id,
                number=one.number,
                region=one.draft.region,
                occurred_at=one.draft.occurred_at,
                cards=[_restated(row) for row in told],
            )
            work.record(event, region=one.draft.region, caller=one.draft.caller)


def _rows(posted: Posted) -> Iterator[LateChangeRow]:
    first, today = wib_day(posted.draft.occurred_at), wib_day(posted.recorded_at)
    for change in posted.entered.changes:
        if not change.quantity or (first == today and change.taken_up_by is None):
            continue
        last = _last_day(change, today)
        yield LateChangeRow(
            posting_id=posted.draft.id,
            place=home_of(change.key.place),
            item=change.key.item,
            lot=change.key.lot,
            change=change.quantity,
            first_day=first if first <= last else None,
            last_day=last if first <= last else None,
            taken_up_by=change.taken_up_by.posting_id if change.taken_up_by else None,
            recorded_at=posted.recorded_at,
            told_region=posted.draft.region if change.overtaken else None,
        )


def _last_day(change: Change, today: date) -> date:
    """Give the last day that closed before, and now closes differently."""
    until = wib_day(change.taken_up_by.occurred_at) if change.taken_up_by else today
    return min(until, today) - ONE_DAY


def _restated(row: LateChangeRow) -> Restated:
    return Restated(
        place=row.place,
        item=row.item,
        lot=row.lot or None,
        change=row.change,
        first_day=row.first_day.isoformat() if row.first_day else None,
        last_day=row.last_day.isoformat() if row.last_day else None,
        taken_up_by=row.taken_up_by,
    )


LIST = text(
    f"""
    SELECT c.*, m.number, m.occurred_at FROM late_change c
    JOIN posting m ON m.id = c.posting_id JOIN place p ON p.code = c.place
    WHERE {VISIBLE} AND (CAST(:place AS text) IS NULL OR c.place = :place)
      AND (CAST(:item AS text) IS NULL OR c.item = :item)
      AND (CAST(:since AS timestamptz) IS NULL OR c.recorded_at >= :since)
      AND (c.recorded_at, c.posting_id, c.place, c.item, c.lot) < (:at, :posting, :after_place, :after_item, :after_lot)
    ORDER BY c.recorded_at DESC, c.posting_id DESC, c.place DESC, c.item DESC, c.lot DESC LIMIT :limit
    """  # noqa: S608 - put together from our own text
)
LAST = (UUID(int=2**128 - 1), "~", "~", "~")


async def page(work: Work, caller: Caller, query: WhatChangedQuery) -> Page[WhatChanged]:
    """List what late postings changed at the places of the caller's regions, newest first."""
    after = cursor.decode(query.cursor, tuple[datetime, UUID, str, str, str]) if query.cursor else None
    names = ("at", "posting", "after_place", "after_item", "after_lot")
    values: dict[str, object] = dict(zip(names, after or (work.now + ONE_DAY, *LAST), strict=True))
    values |= {"regions": list(caller.regions), "place": query.place, "item": query.item, "since": query.since}
    rows = (await work.session.execute(LIST, values | {"limit": query.limit + 1})).all()
    return cursor.page(rows, query.limit, _view, lambda r: (r.recorded_at, r.posting_id, r.place, r.item, r.lot))


def _view(row: Any) -> WhatChanged:
    return WhatChanged(
        posting_id=row.posting_id,
        number=row.number,
        occurred_at=shown(row.occurred_at),
        recorded_at=shown(row.recorded_at),
        place=row.place,
        item=row.item,
        lot=row.lot or None,
        change=row.change,
        first_day=row.first_day,
        last_day=row.last_day,
        taken_up_by=row.taken_up_by,
        told_region=row.told_region,
    )
