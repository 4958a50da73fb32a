"""Making, changing, confirming and putting away allocation plans."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from services.aid_distribution.businesses import needs
from services.aid_distribution.businesses.needs import Declared
from services.aid_distribution.ledger import transfers
from services.aid_distribution.ledger.catalogue import find
from services.aid_distribution.ledger.domain import ShortOfStock
from services.aid_distribution.ledger.orders import DispatchTransfer, GoodsLine, TransferView
from services.aid_distribution.planning import store
from services.aid_distribution.planning.domain import (
    MoreThanSupply,
    NothingToAllocate,
    PlanNotDraft,
    PlanState,
    StockDoesNotCover,
    gross_need,
)
from services.aid_distribution.planning.fair import split
from services.aid_distribution.planning.mistakes import plan_mistakes, underived
from services.aid_distribution.planning.orders import (
    ConfirmPlan,
    DiscardPlan,
    Need,
    OverrideLine,
    PlanAllocation,
    PlanQuery,
)
from services.aid_distribution.planning.store import AllocationLineRow, AllocationOverrideRow, AllocationPlanRow
from services.aid_distribution.planning.views import PlanSummary, PlanView, plan_view, summary, want_of
from services.aid_distribution.regions import store as regions
from services.aid_distribution.regions.store import KnownRegionRow
from shared import cursor
from shared.caller import Caller
from shared.clock import wib_day, wib_midnight
from shared.database import Work
from shared.leaves import leaves_of
from shared.problems import Absent, FieldError, Invalid, Json, Refusal, Stale
from shared.routes import Asked, Page
from shared.within import within

NOTHING_DECLARED = Declared(0, 0)


async def plan(work: Work, caller: Caller, order: PlanAllocation) -> PlanView:
    """Share goods fairly and keep the outcome as a draft; raises Invalid (422) or NothingToAllocate (409)."""
    if errors := [*await plan_mistakes(work, leaves_of(order)), *underived(order)]:
        raise Invalid(errors)
    _, places = await find(work.session, places=[order.from_place])
    there = await store.usable(work.session, order.from_place, order.item, wib_day(work.now))
    row = AllocationPlanRow(
        id=work.new_id(),
        state=PlanState.DRAFT,
        item=order.item,
        from_place=order.from_place,
        region=places[order.from_place].region,
        supply=there.available if order.quantity is None else order.quantity,
        supply_given=order.quantity is not None,
        allocated=0,
        expiring=there.expiring,
        expired=there.expired,
        held=there.held,
        per_thousand=order.derive.per_thousand if order.derive else None,
        received_since=order.derive.received_since if order.derive else None,
        document=order.document,
        created_at=work.now,
        created_by=caller.subject,
        version=1,
    )
    lines = await _lines(work, row, order)
    _share_out(row, lines)
    work.session.add(row)
    await work.session.flush()  # rows without a relationship are flushed in no certain order, and a line needs its plan
    work.session.add_all(lines)
    await work.session.flush()
    return await _view(work, row)


async def _lines(work: Work, row: AllocationPlanRow, order: PlanAllocation) -> list[AllocationLineRow]:
    codes = [need.region for need in order.needs]
    known = await regions.by_code(work.session, codes)
    received: dict[str, int] = {}
    if row.received_since:
        received = await store.received(work.session, row.item, codes, wib_midnight(row.received_since))
    asked = [need.region for need in order.needs if need.decline_permille is None]
    declared = await needs.in_regions(work.session, asked, wib_day(work.now)) if asked else {}
    return [
        _line(row, need, known[need.region], received.get(need.region, 0), declared.get(need.region, NOTHING_DECLARED))
        for need in order.needs
    ]


def _line(
    row: AllocationPlanRow, need: Need, region: KnownRegionRow, received: int, declared: Declared
) -> AllocationLineRow:
    population = need.population or region.population
    derived = need.need_quantity is None
    gross = gross_need(population, row.per_thousand or 0) if need.need_quantity is None else need.need_quantity
    return AllocationLineRow(
        plan_id=row.id,
        region=need.region,
        place=need.place,
        population=population,
        population_given=need.population is not None,
        gross_need=gross,
        received=received if derived else 0,
        need=max(gross - received, 0) if derived else gross,
        derived=derived,
        decline_permille=declared.decline_permille if need.decline_permille is None else need.decline_permille,
        decline_answers=declared.answers if need.decline_permille is None else None,
        pressure_permille=need.pressure_permille,
        fair_quantity=0,
        quantity=0,
    )


def _share_out(row: AllocationPlanRow, lines: Sequence[AllocationLineRow]) -> None:
    if row.supply <= 0:
        unusable: dict[str, Json] = {"expired": row.expired, "held": row.held}
        detail = f"There is no {row.item} at {row.from_place} to hand out."
        raise NothingToAllocate(detail, place=row.from_place, item=row.item, left_out=unusable)
    if not any(line.need for line in lines):
        raise NothingToAllocate("No region needs any.", item=row.item)
    given = split([want_of(line) for line in lines], row.supply).given
    for line in lines:
        line.quantity = line.fair_quantity = given[line.region]
    row.allocated = sum(given.values())


async def override(
    work: Work, caller: Caller, plan_id: UUID, region: str, version: int, order: OverrideLine
) -> PlanView:
    """Give a region another quantity by hand, and keep who did it and why.

    Raises: Absent (404), Stale (412), PlanNotDraft or MoreThanSupply (409), Invalid (422) where nothing changes
    """
    row = await _draft(work, caller, plan_id, version)
    line = await work.session.get(AllocationLineRow, (plan_id, region))
    if line is None:
        raise Absent
    if line.quantity == order.quantity:
        raise Invalid([FieldError("/quantity", "unchanged", "The line gives this quantity already.")])
    together = row.allocated - line.quantity + order.quantity
    if together > row.supply:
        detail = f"All lines together would give {together} of {row.supply}."
        raise MoreThanSupply(detail, supply=row.supply, allocated=together, over=together - row.supply)
    work.session.add(
        AllocationOverrideRow(
            id=work.new_id(),
            plan_id=plan_id,
            region=region,
            from_quantity=line.quantity,
            to_quantity=order.quantity,
            reason=order.reason,
            actor=caller.subject,
            at=work.now,
        )
    )
    line.quantity, row.allocated = order.quantity, together
    row.version += 1
    await work.session.flush()
    return await _view(work, row)


async def confirm(work: Work, caller: Caller, plan_id: UUID, order: ConfirmPlan) -> PlanView:
    """Send what a plan gives: one transfer for each line that gives something, or none at all.

    Raises: Absent (404), Stale (412), PlanNotDraft, NothingToAllocate, StockDoesNotCover or
            ShortOfStock (409), Invalid (422)
    """
    return await send(work, caller, await _draft(work, caller, plan_id, order.version), order)


async def send(work: Work, caller: Caller, row: AllocationPlanRow, order: ConfirmPlan) -> PlanView:
    """Send what a locked draft gives, and settle it."""
    lines = [line for line in await store.lines_of(work.session, row.id) if line.quantity]
    if not lines:
        raise NothingToAllocate("The plan gives nothing to anybody.", item=row.item)
    orders = [
        DispatchTransfer(
            from_place=row.from_place,
            to_place=line.place,
            occurred_at=order.occurred_at or work.now,
            document=order.document or row.document,
            lines=[GoodsLine(item=row.item, quantity=line.quantity)],
        )
        for line in lines
    ]
    outcomes = await transfers.dispatch(work, [Asked(one, caller) for one in orders])
    await _refuse_unless_all(work, row, lines, outcomes)
    for line, outcome in zip(lines, outcomes, strict=True):
        line.transfer_id = outcome.id if isinstance(outcome, TransferView) else None
    _settle(work, caller, row, PlanState.CONFIRMED)
    await work.session.flush()
    return await _view(work, row)


async def _refuse_unless_all(
    work: Work, row: AllocationPlanRow, lines: Sequence[AllocationLineRow], outcomes: Sequence[TransferView | Refusal]
) -> None:
    """Refuse as a whole when one transfer is refused; the transaction takes back those that were not."""
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    if not refused:
        return
    if not all(isinstance(one, ShortOfStock) for one in refused):
        raise next(one for one in refused if not isinstance(one, ShortOfStock))
    sent = sum(line.quantity for line, one in zip(lines, outcomes, strict=True) if isinstance(one, TransferView))
    # The cards are locked by now, so this is what there was before the first of these transfers.
    left = await store.available(work.session, row.from_place, row.item, wib_day(work.now))
    if (there := sent + left) >= row.allocated:
        raise refused[0]  # there is enough by now, but not at the moment that was named
    raise StockDoesNotCover(
        f"{row.item} at {row.from_place}: the plan sends {row.allocated}, available {there}.",
        place=row.from_place,
        item=row.item,
        planned=row.allocated,
        available=there,
        short=row.allocated - there,
        not_sent=[
            {"region": line.region, "place": line.place, "quantity": line.quantity}
            for line, one in zip(lines, outcomes, strict=True)
            if isinstance(one, Refusal)
        ],
    )


async def discard(work: Work, caller: Caller, plan_id: UUID, order: DiscardPlan) -> PlanView:
    """Put a draft away; raises Absent (404) or PlanNotDraft (409)."""
    row = await _draft(work, caller, plan_id, None)
    row.reason = order.reason
    _settle(work, caller, row, PlanState.DISCARDED)
    await work.session.flush()
    return await _view(work, row)


async def show(work: Work, caller: Caller, plan_id: UUID) -> PlanView:
    """Show a plan; raises Absent (404), also for another region's."""
    row = await work.session.get(AllocationPlanRow, plan_id)
    if row is None or not caller.sees(row.region):
        raise Absent
    return await _view(work, row)


async def page(work: Work, caller: Caller, query: PlanQuery) -> Page[PlanSummary]:
    """List the plans for places of the caller's regions, newest first."""
    region = col(AllocationPlanRow.region)
    question = select(AllocationPlanRow).where(within(region, caller.regions))
    for column, wanted in ((AllocationPlanRow.state, query.state), (AllocationPlanRow.item, query.item)):
        if wanted is not None:
            question = question.where(col(column) == wanted)
    if query.cursor:
        (after,) = cursor.decode(query.cursor, tuple[UUID])
        question = question.where(col(AllocationPlanRow.id) < after)
    newest = question.order_by(col(AllocationPlanRow.id).desc()).limit(query.limit + 1)
    return cursor.page((await work.session.exec(newest)).all(), query.limit, summary, lambda row: (row.id,))


async def _draft(work: Work, caller: Caller, plan_id: UUID, version: int | None) -> AllocationPlanRow:
    """Lock a draft against being changed or confirmed twice at once."""
    row = await work.session.get(AllocationPlanRow, plan_id, with_for_update=True)
    if row is None or not caller.sees(row.region):
        raise Absent
    if row.state != PlanState.DRAFT:
        raise PlanNotDraft(f"This plan was {row.state} already.", state=row.state)
    if version is not None and row.version != version:
        raise Stale(f"It is at version {row.version} now.")
    return row


def _settle(work: Work, caller: Caller, row: AllocationPlanRow, state: PlanState) -> None:
    row.state, row.settled_at, row.settled_by = state, work.now, caller.subject
    row.version += 1


async def _view(work: Work, row: AllocationPlanRow) -> PlanView:
    lines = await store.lines_of(work.session, row.id)
    known = await regions.by_code(work.session, [line.region for line in lines])
    names = {code: region.name for code, region in known.items()}
    accepted = await store.accepted(work.session, [line.transfer_id for line in lines if line.transfer_id])
    return plan_view(row, lines, await store.overrides_of(work.session, row.id), names, accepted)
