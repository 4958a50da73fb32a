"""Counts, what late postings changed, and lots on hold, over HTTP."""

from uuid import UUID

from services.aid_distribution.ledger import counts, holding, lateness, lists
from services.aid_distribution.ledger.domain import BookMoved, LotNeeded, ReservedNotCounted, ShortOfStock, TooMuch
from services.aid_distribution.ledger.holding import LotQuery
from services.aid_distribution.ledger.lateness import WhatChanged, WhatChangedQuery
from services.aid_distribution.ledger.lists import CountQuery, CountSummary
from services.aid_distribution.ledger.mistakes import asked_of_leaves, count_mistakes, order_mistakes
from services.aid_distribution.ledger.orders import (
    CountStock,
    CountView,
    HoldLot,
    LotView,
    ReleaseLot,
    SnapshotView,
    TakeSnapshot,
)
from shared.roles import Action
from shared.routes import Call, Page, Routes

counting = Routes("/aid", tag="Counting")


@counting.post("/snapshots", Action.COUNT_STOCK, rules=asked_of_leaves(order_mistakes))
async def take_snapshot(call: Call, body: TakeSnapshot) -> SnapshotView:
    """Begin a counting: keep what the book says of a place."""
    return await counts.take_snapshot(call.work, call.caller, body)


@counting.post(
    "/counts",
    Action.COUNT_STOCK,
    location="/aid/counts/{id}",
    refusals=[BookMoved, LotNeeded, ReservedNotCounted, ShortOfStock, TooMuch],
    rules=asked_of_leaves(count_mistakes),
)
async def count_stock(call: Call, body: CountStock) -> CountView:
    """Post a count: from its moment the cards hold what was counted."""
    return await counts.count(call.work, call.caller, body)


@counting.get("/counts", Action.SEE_STOCK)
async def list_counts(call: Call, query: CountQuery) -> Page[CountSummary]:
    """List the counts of your regions, the latest first."""
    return await lists.counts(call.work, call.caller, query)


@counting.get("/counts/{count_id}", Action.SEE_STOCK)
async def show_count(call: Call, count_id: UUID) -> CountView:
    """Show a count, with what became known since of the time before it."""
    return await counts.show(call.work, call.caller, count_id)


@counting.get("/what-changed", Action.SEE_STOCK)
async def list_what_changed(call: Call, query: WhatChangedQuery) -> Page[WhatChanged]:
    """List what late postings changed: which closings of which cards, and by how much."""
    return await lateness.page(call.work, call.caller, query)


@counting.get("/lots", Action.SEE_CATALOGUE)
async def list_lots(call: Call, query: LotQuery) -> Page[LotView]:
    """List the lots of items, with their expiry and whether they are on hold."""
    return await holding.page(call.work, query)


@counting.post("/lots/hold", Action.HOLD_LOT)
async def hold_lot(call: Call, body: HoldLot) -> LotView:
    """Keep a lot from being handed out."""
    return await holding.hold(call.work, body)


@counting.post("/lots/release", Action.HOLD_LOT)
async def release_lot(call: Call, body: ReleaseLot) -> LotView:
    """Let a lot be handed out again."""
    return await holding.release(call.work, body)
