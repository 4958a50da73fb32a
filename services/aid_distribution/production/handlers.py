"""The answers to an offer, and the offer itself: offered, accepted, declined, expired, taken back."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from services.aid_distribution.businesses import store as businesses
from services.aid_distribution.ledger.known import Known, known_by_code
from services.aid_distribution.production import store
from services.aid_distribution.production.calls import seen_call
from services.aid_distribution.production.candidates import Ranking, rank
from services.aid_distribution.production.domain import (
    MoreThanNeeded,
    NotOffered,
    OfferExpired,
    OrderIsOver,
    OverCap,
    State,
    state_at,
)
from services.aid_distribution.production.scoring import RULE
from services.aid_distribution.production.shapes import (
    CandidateView,
    DeclineOrder,
    OfferOrder,
    ProductionOrderView,
    TakeBack,
)
from services.aid_distribution.production.store import ProductionCallRow, ProductionOrderRow, ProductionRankingRow
from services.aid_distribution.production.views import view
from shared.caller import Caller, Role
from shared.clock import wib_day
from shared.contracts.aid_distribution import (
    ProductionAccepted,
    ProductionDeclined,
    ProductionExpired,
    ProductionOffered,
    ProductionTakenBack,
)
from shared.database import Work
from shared.leaves import Leaves, leaves_of
from shared.problems import Absent, FieldError, Invalid

ANSWER_DAYS_DEFAULT = 3
ANSWER_DAYS_MAX = 60
CALLS_PER_SWEEP = 100


async def offer_mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with an offer beside its shape: no such call or business, or no time to answer."""
    errors = []
    call_id, business_id, answer_by = (leaves.get(pointer) for pointer in ("/call", "/business", "/answer_by"))
    call = await work.session.get(ProductionCallRow, call_id) if isinstance(call_id, UUID) else None
    if isinstance(call_id, UUID) and seen_call(call, work.caller) is None:
        errors.append(FieldError("/call", "unknown_call", f"There is no call {call_id}."))
    if isinstance(business_id, UUID):
        business = (await businesses.by_id(work.session, [business_id])).get(business_id)
        if business is None or business.state != "open" or not work.caller.sees(business.region):
            errors.append(FieldError("/business", "unknown_business", f"There is no open business {business_id}."))
    if isinstance(answer_by, datetime):
        if answer_by <= work.now:
            errors.append(FieldError("/answer_by", "in_the_past", "There would be no time to answer."))
        elif answer_by > work.now + timedelta(days=ANSWER_DAYS_MAX):
            errors.append(FieldError("/answer_by", "too_far_ahead", f"At most {ANSWER_DAYS_MAX} days from now."))
    return errors


async def offer(work: Work, caller: Caller, order: OfferOrder) -> ProductionOrderView:
    """Offer a business a part of a call, and keep the ranking by which it was chosen.

    Raises: Invalid (422), also where another quantity than the proposed one is offered without a reason;
            OverCap and MoreThanNeeded (409)
    """
    if errors := await offer_mistakes(work, leaves_of(order)):
        raise Invalid(errors)
    call = await work.session.get(ProductionCallRow, order.call, with_for_update=True, populate_existing=True)
    if call is None:  # it was there a moment ago, and calls are never deleted
        raise Absent
    await note_expired(work, [call.id])
    ranking = await rank(work, call)
    candidate = ranking.of(order.business)
    if candidate is None or candidate.left_out == "not_asked":
        detail = f"It is not of sector {call.sector} in {', '.join(call.regions)}."
        raise Invalid([FieldError("/business", "not_asked", detail)])
    if candidate.left_out == "restricted":
        raise Invalid([FieldError("/business", "restricted", "Its owner's data may only be stored for now.")])
    quantity = _quantity(order, candidate)
    _check_room(call, ranking, candidate, quantity)
    row = _order(work, caller, order, call, candidate, quantity)
    await store.hold(work.session, call.id, row.business_id, quantity)
    work.session.add(row)
    await work.session.flush()
    work.session.add(_kept(row, ranking))
    await work.session.flush()
    work.record(ProductionOffered(**await fact(work, row), answer_by=row.answer_by), region=row.region)
    return await view(work, row)


def _quantity(order: OfferOrder, candidate: CandidateView) -> int:
    """Give the quantity to be offered: the proposed one, or another for which a reason is given."""
    quantity = candidate.proposed if order.quantity is None else order.quantity
    if not quantity:
        raise Invalid([FieldError("/quantity", "missing", "Nothing is proposed for this business; say how much.")])
    if quantity != candidate.proposed and order.reason is None:
        detail = f"{candidate.proposed} are proposed for this business; another quantity needs a reason."
        raise Invalid([FieldError("/reason", "missing", detail)])
    return quantity


def _check_room(call: ProductionCallRow, ranking: Ranking, candidate: CandidateView, quantity: int) -> None:
    cap = call.cap_per_business
    if candidate.held + quantity > cap:
        detail = f"A business may have {cap} of this call; this one has {candidate.held} already."
        raise OverCap(detail, cap=cap, held=candidate.held, asked=quantity)
    if ranking.held + quantity > call.quantity:
        left = call.quantity - ranking.held
        raise MoreThanNeeded(f"{left} of this call are still to be offered.", open=left, asked=quantity)


def _order(
    work: Work,
    caller: Caller,
    order: OfferOrder,
    call: ProductionCallRow,
    candidate: CandidateView,
    quantity: int,
) -> ProductionOrderRow:
    return ProductionOrderRow(
        id=work.new_id(),
        call_id=call.id,
        business_id=candidate.business_id,
        region=candidate.region,
        place=call.place,
        place_region=call.place_region,
        item=call.item,
        quantity=quantity,
        proposed=candidate.proposed,
        override_reason=order.reason if quantity != candidate.proposed else None,
        price_rupiah=call.price_rupiah,
        due_on=call.due_on,
        score=candidate.score,
        rule=RULE,
        state=State.OFFERED,
        offered_at=work.now,
        offered_by=caller.subject,
        answer_by=order.answer_by or work.now + timedelta(days=ANSWER_DAYS_DEFAULT),
        accepted=0,
        rejected=0,
        paid_rupiah=0,
        document=order.document,
        version=1,
    )


def _kept(row: ProductionOrderRow, ranking: Ranking) -> ProductionRankingRow:
    lines = [msgspec.to_builtins(line) for line in ranking.lines]
    for line in lines:
        del line["name"]  # it is looked up when it is shown: what is kept for good names nobody
    return ProductionRankingRow(order_id=row.id, rule=RULE, candidates=lines)


async def fact(work: Work, row: ProductionOrderRow) -> dict[str, Any]:
    """Give what every event about an order tells."""
    return _fact(row, await known_by_code(work, [row.item], [row.place]))


def _fact(row: ProductionOrderRow, here: Known) -> dict[str, Any]:
    return {
        "order_id": row.id,
        "call_id": row.call_id,
        "business_id": row.business_id,
        "region": row.region,
        "place": row.place,
        "place_name": here.places[row.place].name,
        "place_region": row.place_region,
        "item": row.item,
        "item_name": here.items[row.item].name,
        "unit": here.items[row.item].unit,
        "quantity": row.quantity,
        "price_rupiah": row.price_rupiah,
        "due_on": row.due_on,
    }


async def note_expired(work: Work, calls: Collection[UUID]) -> None:
    """Write down which offers of locked calls have expired, give back what they held, and tell of it."""
    rows = await store.expire(work.session, calls, work.now)
    await store.release(work.session, [(row.call_id, row.business_id, row.quantity) for row in rows])
    here = await known_by_code(work, {row.item for row in rows}, {row.place for row in rows})
    for row in rows:
        work.record(ProductionExpired(**_fact(row, here), answer_by=row.answer_by), region=row.region)


async def sweep(work: Work) -> int:
    """Write down the offers whose time is over, of some calls at a time; gives the number of calls looked at."""
    calls = await store.lapsed_calls(work.session, work.now, CALLS_PER_SWEEP)
    if calls:
        await store.lock_calls(work.session, calls)
        await note_expired(work, calls)
    return len(calls)


async def order_for_update(work: Work, order_id: UUID, *, with_call: bool = False) -> ProductionOrderRow:
    """Lock an order, and before it the need of its call where what is held of it may change; raises Absent (404)."""
    row = await work.session.get(ProductionOrderRow, order_id)
    if row is None:
        raise Absent
    if with_call:
        await store.lock_calls(work.session, [row.call_id])
    await work.session.refresh(row, with_for_update=True)
    return row


async def _answered(work: Work, caller: Caller, order_id: UUID, *, with_call: bool) -> ProductionOrderRow:
    """Lock an order that this caller may answer and that waits for an answer."""
    row = await order_for_update(work, order_id, with_call=with_call)
    if not await _may_answer(work, caller, row):
        raise Absent
    match state_at(row.state, row.answer_by, work.now):
        case State.OFFERED:
            return row
        case State.EXPIRED:
            raise OfferExpired(f"It could be answered until {row.answer_by.isoformat()}.", state=State.EXPIRED.value)
        case state:
            raise NotOffered(f"This order is {state.replace('_', ' ')}.", state=state.value)


async def _may_answer(work: Work, caller: Caller, row: ProductionOrderRow) -> bool:
    if caller.role is not Role.OWNER:
        return caller.sees(row.region)
    business = (await businesses.by_id(work.session, [row.business_id]))[row.business_id]
    return str(business.owner_id) == caller.subject


async def accept(work: Work, caller: Caller, order_id: UUID) -> ProductionOrderView:
    """Take an order, as its owner or for them. Raises: Absent (404), NotOffered and OfferExpired (409)."""
    row = await _answered(work, caller, order_id, with_call=False)
    row.state, row.accepted_at, row.answered_by = State.ACCEPTED, work.now, caller.subject
    row.version += 1
    await work.session.flush()
    work.record(ProductionAccepted(**await fact(work, row)), region=row.region)
    return await view(work, row)


async def decline(work: Work, caller: Caller, order_id: UUID, order: DeclineOrder) -> ProductionOrderView:
    """Do not take an order; its quantity may be offered to another. Raises as `accept` does."""
    row = await _answered(work, caller, order_id, with_call=True)
    await store.release(work.session, [(row.call_id, row.business_id, row.quantity)])
    row.state, row.decline_reason, row.answered_by = State.DECLINED, order.reason, caller.subject
    row.version += 1
    await work.session.flush()
    work.record(ProductionDeclined(**await fact(work, row), reason=order.reason), region=row.region)
    return await view(work, row)


async def take_back(work: Work, caller: Caller, order_id: UUID, order: TakeBack) -> ProductionOrderView:
    """Take back what of an order has not been accepted yet; what was delivered stays, and is due.

    Raises: Absent (404), OrderIsOver (409)
    """
    row = await order_for_update(work, order_id, with_call=True)
    if not caller.sees(row.place_region):
        raise Absent
    state = state_at(row.state, row.answer_by, work.now)
    if state not in (State.OFFERED, State.ACCEPTED):
        raise OrderIsOver(f"This order is {state.replace('_', ' ')}.", state=state.value)
    released = row.quantity - row.accepted
    await store.release(work.session, [(row.call_id, row.business_id, released)])
    row.state, row.taken_back_reason, row.ended_on = State.TAKEN_BACK, order.reason, wib_day(work.now)
    row.version += 1
    await work.session.flush()
    told = ProductionTakenBack(**await fact(work, row), reason=order.reason, accepted=row.accepted, released=released)
    work.record(told, region=row.region)
    return await view(work, row)
