"""Producers: what is known of them, what became of their orders, and which orders there are."""

from datetime import date, datetime
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, and_, false, tuple_
from sqlmodel import col, or_, select

from services.aid_distribution.businesses import store as businesses
from services.aid_distribution.businesses.store import KnownBusinessRow
from services.aid_distribution.production import store
from services.aid_distribution.production.calls import page_of, seen_call
from services.aid_distribution.production.domain import NewerProfileKnown, State
from services.aid_distribution.production.scoring import PERMILLE
from services.aid_distribution.production.shapes import (
    CallQuery,
    CandidateView,
    OrderQuery,
    ProductionOrderView,
    ProfileView,
    RejectedView,
    SetProfile,
    SupplierView,
)
from services.aid_distribution.production.store import (
    ProducerProfileRow,
    ProductionCallRow,
    ProductionOrderRow,
    ProductionRankingRow,
)
from services.aid_distribution.production.views import view, views
from shared import cursor
from shared.caller import Caller
from shared.clock import shown, wib_day
from shared.database import Work
from shared.leaves import Leaves, leaves_of
from shared.problems import Absent, FieldError, Invalid
from shared.routes import Page
from shared.within import within

OPEN_ORDERS_SHOWN = 50


async def profile_mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with a profile beside its shape: it was measured in the future."""
    as_of = leaves.get("/as_of")
    if isinstance(as_of, date) and as_of > wib_day(work.now):
        return [FieldError("/as_of", "in_the_future", "This day has not come yet.")]
    return []


async def set_profile(work: Work, caller: Caller, business_id: UUID, order: SetProfile) -> ProfileView:
    """Keep what a business can make and how hard it was hit; the same again changes nothing but its version.

    Raises: Absent (404), NewerProfileKnown (409), Invalid (422)
    """
    await _business(work, caller, business_id)
    if errors := await profile_mistakes(work, leaves_of(order)):
        raise Invalid(errors)
    kept = await keep_profile(work, caller, business_id, order)
    row = await work.session.get_one(ProducerProfileRow, business_id, populate_existing=True)
    if not kept:
        raise NewerProfileKnown(f"What is known is of {row.as_of}.", as_of=row.as_of.isoformat())
    return _profile(row)


async def keep_profile(work: Work, caller: Caller, business_id: UUID, order: SetProfile) -> bool:
    """Keep a profile, also of a business that nothing is known of yet; tells whether it was not older than before."""
    return await store.set_profile(
        work.session,
        business_id=business_id,
        capacity_per_week=order.capacity_per_week,
        decline_permille=order.decline_permille,
        as_of=order.as_of,
        source=order.source,
        actor=caller.subject,
        now=work.now,
    )


def _profile(row: ProducerProfileRow) -> ProfileView:
    return ProfileView(
        id=row.business_id,
        capacity_per_week=row.capacity_per_week,
        decline_permille=row.decline_permille,
        as_of=row.as_of,
        source=row.source,
        changed_at=shown(row.changed_at),
        version=row.version,
    )


async def _business(work: Work, caller: Caller, business_id: UUID) -> KnownBusinessRow:
    business = (await businesses.by_id(work.session, [business_id])).get(business_id)
    if business is None or not caller.sees(business.region):
        raise Absent
    return business


async def record_of(work: Work, caller: Caller, business_id: UUID) -> SupplierView:
    """Show the record of a producer; raises Absent (404)."""
    business = await _business(work, caller, business_id)
    profile = await work.session.get(ProducerProfileRow, business_id)
    sums = await store.record(work.session, business_id, work.now)
    running = (
        select(ProductionOrderRow)
        .where(col(ProductionOrderRow.business_id) == business_id, _in_state(work, State.OFFERED, State.ACCEPTED))
        .order_by(col(ProductionOrderRow.due_on), col(ProductionOrderRow.id))
        .limit(OPEN_ORDERS_SHOWN)
    )
    return SupplierView(
        id=business.id,
        name=business.name,
        sector=business.sector,
        region=business.region,
        state=business.state,
        profile=_profile(profile) if profile else None,
        on_time_permille=PERMILLE * sums["on_time"] // sums["completed"] if sums["completed"] else None,
        rejected_by_reason=[
            RejectedView(reason=reason, quantity=quantity)
            for reason, quantity in await store.rejected_by_reason(work.session, business_id)
        ],
        balance_rupiah=sums["due_rupiah"] - sums["paid_rupiah"],
        open_orders=await views(work, (await work.session.exec(running)).all()),
        **sums,
    )


async def show(work: Work, caller: Caller, order_id: UUID) -> ProductionOrderView:
    """Show an order to those at either end; raises Absent (404)."""
    return await view(work, await _order(work, caller, order_id))


async def _order(work: Work, caller: Caller, order_id: UUID) -> ProductionOrderRow:
    row = await work.session.get(ProductionOrderRow, order_id)
    if row is None or not (caller.sees(row.region) or caller.sees(row.place_region)):
        raise Absent
    return row


async def ranking_at(work: Work, caller: Caller, order_id: UUID, query: CallQuery) -> Page[CandidateView]:
    """Give the ranking by which an order was offered, as it stood then; raises Absent (404).

    It names the candidates of all regions of the call, so it is for those who see every one of them.
    """
    row = await _order(work, caller, order_id)
    if seen_call(await work.session.get(ProductionCallRow, row.call_id), caller) is None:
        raise Absent
    kept = await work.session.get_one(ProductionRankingRow, order_id)
    ids = [UUID(str(line["business_id"])) for line in kept.candidates]
    names = {str(key): business.name for key, business in (await businesses.by_id(work.session, ids)).items()}
    lines = [
        msgspec.convert({**line, "name": names[str(line["business_id"])]}, CandidateView) for line in kept.candidates
    ]
    return page_of(lines, query)


async def orders(work: Work, caller: Caller, query: OrderQuery) -> Page[ProductionOrderView]:
    """List the orders of which the caller sees either end, newest first."""
    ends = (col(ProductionOrderRow.region), col(ProductionOrderRow.place_region))
    return await _page(work, query, or_(*(within(end, caller.regions) for end in ends)))


async def own_orders(work: Work, caller: Caller, query: OrderQuery) -> Page[ProductionOrderView]:
    """List the orders of the owner who asks, newest first."""
    try:
        owner_id = UUID(caller.subject)
    except ValueError:
        return Page([])
    theirs = select(KnownBusinessRow.id).where(col(KnownBusinessRow.owner_id) == owner_id)
    return await _page(work, query, col(ProductionOrderRow.business_id).in_(theirs))


async def _page(work: Work, query: OrderQuery, seen: ColumnElement[bool]) -> Page[ProductionOrderView]:
    question = select(ProductionOrderRow).where(seen)
    if query.call is not None:
        question = question.where(col(ProductionOrderRow.call_id) == query.call)
    if query.business is not None:
        question = question.where(col(ProductionOrderRow.business_id) == query.business)
    if query.state is not None:
        question = question.where(_in_state(work, query.state))
    if query.late:
        question = question.where(
            col(ProductionOrderRow.state) == State.ACCEPTED, col(ProductionOrderRow.due_on) < wib_day(work.now)
        )
    order = col(ProductionOrderRow.offered_at), col(ProductionOrderRow.id)
    if query.cursor:
        question = question.where(tuple_(*order) < cursor.decode(query.cursor, tuple[datetime, UUID]))
    newest = question.order_by(*(key.desc() for key in order)).limit(query.limit + 1)
    rows = (await work.session.exec(newest)).all()
    shown_rows = {one.id: one for one in await views(work, rows)}
    return cursor.page(rows, query.limit, lambda row: shown_rows[row.id], lambda row: (row.offered_at, row.id))


def _in_state(work: Work, *states: State) -> ColumnElement[bool]:
    """Tell orders that are in one of these states now, an offer whose time is over being expired."""
    state, lapsed = col(ProductionOrderRow.state), col(ProductionOrderRow.answer_by) <= work.now
    found = []
    for wanted in states:
        if wanted == State.OFFERED:
            found.append(and_(state == wanted, ~lapsed))
        elif wanted == State.EXPIRED:
            found.append(or_(state == wanted, and_(state == State.OFFERED, lapsed)))
        else:
            found.append(state == wanted)
    return or_(false(), *found)
