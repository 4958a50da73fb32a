"""Lots on hold: they stay where they lie, and are neither chosen nor handed out until they are released."""

import msgspec
from sqlalchemy import text
from sqlmodel import col, select, tuple_

from services.aid_distribution.ledger.orders import HoldLot, ItemCode, LotView, ReleaseLot
from services.aid_distribution.ledger.store import LotRow
from shared import cursor
from shared.database import Work
from shared.problems import FieldError, Invalid
from shared.routes import PAGE_ITEMS_DEFAULT, Cursor, Limit, Page

# The cards of the lot come first, in the order in which postings lock them: who is posting it now has finished then.
LOCK_CARDS = text(
    "SELECT place FROM card WHERE item = :item AND lot = :lot"
    " ORDER BY right(place, 1) = '~', place, item, lot FOR UPDATE"
)


class LotQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lots to list: those of an item, or those on hold."""

    item: ItemCode | None = None
    held: bool | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


async def hold(work: Work, order: HoldLot) -> LotView:
    """Keep a lot from being handed out; raises Invalid (422) for a lot that there is not."""
    return await _set(work, order, order.reason)


async def release(work: Work, order: ReleaseLot) -> LotView:
    """Let a lot be handed out again; raises Invalid (422) for a lot that there is not."""
    return await _set(work, order, None)


async def _set(work: Work, order: ReleaseLot, reason: str | None) -> LotView:
    await work.session.execute(LOCK_CARDS, {"item": order.item, "lot": order.lot})
    row = await work.session.get(LotRow, (order.item, order.lot), with_for_update=True)
    if row is None:
        raise Invalid([FieldError("/lot", "unknown_lot", f"There is no lot {order.lot} of {order.item}.")])
    if row.held_reason != reason:
        row.held, row.held_reason, row.version = reason is not None, reason, row.version + 1
        await work.session.flush()
    return _view(row)


def _view(row: LotRow) -> LotView:
    return LotView(
        item=row.item,
        lot=row.lot,
        expires_on=row.expires_on,
        held=row.held,
        held_reason=row.held_reason,
        version=row.version,
    )


async def page(work: Work, query: LotQuery) -> Page[LotView]:
    """List lots by item and code."""
    question = select(LotRow).order_by(col(LotRow.item), col(LotRow.lot)).limit(query.limit + 1)
    if query.item is not None:
        question = question.where(LotRow.item == query.item)
    if query.held is not None:
        question = question.where(LotRow.held == query.held)
    if query.cursor:
        question = question.where(
            tuple_(col(LotRow.item), col(LotRow.lot)) > cursor.decode(query.cursor, tuple[str, str])
        )
    rows = (await work.session.exec(question)).all()
    return cursor.page(rows, query.limit, _view, lambda row: (row.item, row.lot))
