"""What is needed, and who may be asked for it."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec
from sqlalchemy import text, tuple_
from sqlmodel import col, select

from services.aid_distribution.ledger.known import known
from services.aid_distribution.ledger.mistakes import order_mistakes
from services.aid_distribution.production import store
from services.aid_distribution.production.candidates import rank
from services.aid_distribution.production.scoring import RULE
from services.aid_distribution.production.shapes import (
    CallForProduction,
    CallQuery,
    CallView,
    CandidateView,
    RankingView,
)
from services.aid_distribution.production.store import ProductionCallRow
from shared import cursor
from shared.caller import Caller
from shared.clock import shown, wib_day
from shared.database import Work
from shared.leaves import Leaves, leaves_of
from shared.problems import Absent, FieldError, Invalid
from shared.routes import Page

# A call shows who may be asked in all its regions, so it is for those who see every one of them.
SEEN = text(
    "NOT EXISTS (SELECT FROM unnest(regions || place_region) AS theirs WHERE NOT EXISTS ("
    "SELECT FROM unnest(CAST(:own AS text[])) AS own WHERE theirs = own OR starts_with(theirs, own || '.')))"
)


async def call_mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with a call: its item and place, its day, regions that are not the caller's, its cap."""
    errors = order_mistakes(leaves, await known(work, [leaves]), work.caller, work.now)
    due_on, quantity, cap = (leaves.get(pointer) for pointer in ("/due_on", "/quantity", "/cap_per_business"))
    if isinstance(due_on, date) and due_on < wib_day(work.now):
        errors.append(FieldError("/due_on", "in_the_past", "This day is over."))
    if isinstance(quantity, int) and isinstance(cap, int) and cap > quantity:
        errors.append(FieldError("/cap_per_business", "more_than_needed", f"At most the {quantity} that are needed."))
    seen: set[object] = set()
    for pointer, region in leaves.items():
        if not pointer.startswith("/regions/"):
            continue
        if not work.caller.sees(str(region)):
            errors.append(FieldError(pointer, "unknown_region", f"There is no region {region}."))
        elif region in seen:
            errors.append(FieldError(pointer, "duplicate", f"{region} is named twice."))
        seen.add(region)
    return errors


async def add_call(work: Work, caller: Caller, order: CallForProduction) -> CallView:
    """Say what is needed, so that businesses can be asked for it."""
    leaves = leaves_of(order)
    if errors := await call_mistakes(work, leaves):
        raise Invalid(errors)
    place = (await known(work, [leaves])).places[order.place]
    row = ProductionCallRow(
        id=work.new_id(),
        item=order.item,
        quantity=order.quantity,
        price_rupiah=order.price_rupiah,
        cap_per_business=order.cap_per_business,
        held=0,
        due_on=order.due_on,
        sector=order.sector,
        regions=order.regions,
        place=order.place,
        place_region=place.region,
        document=order.document,
        actor=caller.subject,
        created_at=work.now,
        version=1,
    )
    work.session.add(row)
    await work.session.flush()
    return _view(row, 0)


def seen_call(row: ProductionCallRow | None, caller: Caller) -> ProductionCallRow | None:
    """Give a call if the caller may know of it."""
    seen = row is not None and all(caller.sees(region) for region in (row.place_region, *row.regions))
    return row if seen else None


async def show_call(work: Work, caller: Caller, call_id: UUID) -> CallView:
    """Show a call; raises Absent (404)."""
    return (await _views(work, [await _call(work, caller, call_id)]))[0]


async def calls(work: Work, caller: Caller, query: CallQuery) -> Page[CallView]:
    """List the calls that the caller may know of, newest first."""
    order = col(ProductionCallRow.created_at), col(ProductionCallRow.id)
    question = select(ProductionCallRow).where(SEEN.bindparams(own=list(caller.regions)))
    if query.cursor:
        question = question.where(tuple_(*order) < cursor.decode(query.cursor, tuple[datetime, UUID]))
    newest = question.order_by(*(key.desc() for key in order)).limit(query.limit + 1)
    rows = (await work.session.exec(newest)).all()
    views = {view.id: view for view in await _views(work, rows)}
    return cursor.page(rows, query.limit, lambda row: views[row.id], lambda row: (row.created_at, row.id))


async def candidates(work: Work, caller: Caller, call_id: UUID, query: CallQuery) -> RankingView:
    """Rank who may be asked for a call, each line with what it was worked out from; raises Absent (404)."""
    ranking = await rank(work, await _call(work, caller, call_id))
    page = page_of(ranking.lines, query)
    return RankingView(
        items=page.items,
        next=page.next,
        rule=RULE,
        candidates=len(ranking.lines),
        quantity=ranking.need,
        held=ranking.held,
        proposed=ranking.proposed,
        short=ranking.short,
    )


def page_of(lines: Sequence[CandidateView], query: CallQuery) -> Page[CandidateView]:
    """Give a stretch of a ranking."""
    after = cursor.decode(query.cursor, tuple[int])[0] if query.cursor else 0
    following = [line for line in lines if line.rank > after][: query.limit + 1]
    return cursor.page(following, query.limit, lambda line: line, lambda line: (line.rank,))


async def _call(work: Work, caller: Caller, call_id: UUID) -> ProductionCallRow:
    row = seen_call(await work.session.get(ProductionCallRow, call_id), caller)
    if row is None:
        raise Absent
    return row


async def _views(work: Work, rows: Sequence[ProductionCallRow]) -> list[CallView]:
    lapsed = await store.lapsed(work.session, [row.id for row in rows], work.now)
    return [_view(row, lapsed.get(row.id, 0)) for row in rows]


def _view(row: ProductionCallRow, lapsed: int) -> CallView:
    held = row.held - lapsed
    values = {name: getattr(row, name) for name in CallView.__struct_fields__ if name not in ("held", "open")}
    values["created_at"] = shown(row.created_at)
    return msgspec.convert({**values, "held": held, "open": row.quantity - held}, CallView)
