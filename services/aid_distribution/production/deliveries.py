"""What a business delivers: inspected, taken into stock, and due; and what was paid for it."""

from datetime import datetime
from uuid import UUID

from services.aid_distribution.ledger import store as ledger_store
from services.aid_distribution.ledger.catalogue import ItemRow
from services.aid_distribution.ledger.domain import Draft, Kind, Line, Virtual, when_mistakes
from services.aid_distribution.ledger.handlers import post
from services.aid_distribution.ledger.known import Known, known_by_code
from services.aid_distribution.ledger.mistakes import order_mistakes
from services.aid_distribution.ledger.store import Posted
from services.aid_distribution.production import store
from services.aid_distribution.production.domain import (
    MoreThanDue,
    MoreThanOrdered,
    NotAccepted,
    PaymentKnown,
    State,
    after_delivery,
    check_layers,
    delivery_mistakes,
    ended_on,
    layers_needed,
    state_at,
)
from services.aid_distribution.production.handlers import fact, order_for_update
from services.aid_distribution.production.shapes import ProductionOrderView, RecordDelivery, RecordPayment
from services.aid_distribution.production.store import (
    ProductionDeliveryRow,
    ProductionOrderRow,
    ProductionPaymentRow,
    ProductionRejectionRow,
)
from services.aid_distribution.production.views import view
from shared.caller import Caller
from shared.contracts.aid_distribution import ProductionDelivered, ProductionPaid, Rejected, production_lot
from shared.database import Work
from shared.leaves import Leaves, leaves_of
from shared.problems import Absent, FieldError, Invalid, Refusal


async def mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with a delivery beside its shape: its moment, and what does not add up."""
    return _mistakes(work, leaves, work.caller)


def _mistakes(work: Work, leaves: Leaves, caller: Caller) -> list[FieldError]:
    here = Known({}, back_days=work.dating_back_days)
    return [*order_mistakes(leaves, here, caller, work.now), *delivery_mistakes(leaves)]


async def deliver(work: Work, caller: Caller, order_id: UUID, order: RecordDelivery) -> ProductionOrderView:
    """Take in a delivery: what the inspection accepts comes into stock and is due, all in this transaction.

    Raises: Absent (404); NotAccepted, MoreThanOrdered and TooFewLayers (409); Invalid (422)
    """
    row = await order_for_update(work, order_id, with_call=order.last)
    if not caller.sees(row.place_region):
        raise Absent
    if errors := _mistakes(work, leaves_of(order), caller):
        raise Invalid(errors)
    found = order.inspection
    category = await _check(work, row, order)
    posted = await _into_stock(work, caller, row, order) if found.accepted else None
    no = len((await store.deliveries(work.session, [row.id]))[row.id]) + 1
    await _move_on(work, row, order)
    delivery = ProductionDeliveryRow(
        order_id=row.id,
        no=no,
        occurred_at=order.occurred_at,
        recorded_at=work.now,
        actor=caller.subject,
        document=order.document,
        quantity=order.quantity,
        layers=found.layers,
        layers_needed=layers_needed(category),
        accepted=found.accepted,
        rejected=found.rejected,
        last=order.last,
        posting_id=posted.draft.id if posted else None,
        number=posted.number if posted else None,
    )
    work.session.add(delivery)
    await work.session.flush()
    work.session.add_all(
        ProductionRejectionRow(order_id=row.id, delivery_no=no, reason=part.reason, quantity=part.quantity)
        for part in found.reasons
    )
    await work.session.flush()
    work.record(await _delivered(work, row, order, delivery, posted), region=row.region)
    return await view(work, row)


async def _check(work: Work, row: ProductionOrderRow, order: RecordDelivery) -> str:
    """Let a delivery pass by the rules of its order; gives the category of the goods."""
    state = state_at(row.state, row.answer_by, work.now)
    if state is not State.ACCEPTED:
        raise NotAccepted(f"This order is {state.replace('_', ' ')}.", state=state.value)
    item = await work.session.get_one(ItemRow, row.item)
    check_layers(item.category, order.inspection.layers, order.inspection.accepted)
    if row.accepted + order.inspection.accepted > row.quantity:
        left = row.quantity - row.accepted
        raise MoreThanOrdered(
            f"{row.quantity} were ordered and {row.accepted} accepted: at most {left} more can be.",
            ordered=row.quantity,
            accepted=row.accepted,
            outstanding=left,
        )
    return item.category


async def _into_stock(work: Work, caller: Caller, row: ProductionOrderRow, order: RecordDelivery) -> Posted:
    lot = production_lot(row.id)
    draft = Draft(
        id=work.new_id(),
        kind=Kind.PRODUCTION,
        region=row.place_region,
        occurred_at=order.occurred_at,
        caller=caller,
        document=order.document,
        lines=(Line(row.item, order.inspection.accepted, Virtual.PRODUCTION, row.place, lot),),
    )
    (posted,) = await post(work, [draft])
    if isinstance(posted, Refusal):
        raise posted
    await ledger_store.remember_lots(work.session, [((row.item, lot), None)])
    return posted


async def _move_on(work: Work, row: ProductionOrderRow, order: RecordDelivery) -> None:
    """Count a delivery on its order; one that ends short gives the rest of the need back to the call."""
    row.accepted += order.inspection.accepted
    row.rejected += order.inspection.rejected
    state = after_delivery(row.quantity, row.accepted, last=order.last)
    row.state, row.ended_on = state, ended_on(state, order.occurred_at)
    row.version += 1
    if state is State.SHORT:
        await store.release(work.session, [(row.call_id, row.business_id, row.quantity - row.accepted)])


async def _delivered(
    work: Work,
    row: ProductionOrderRow,
    order: RecordDelivery,
    delivery: ProductionDeliveryRow,
    posted: Posted | None,
) -> ProductionDelivered:
    here = await known_by_code(work, [row.item])
    return ProductionDelivered(
        **await fact(work, row),
        delivery_no=delivery.no,
        occurred_at=delivery.occurred_at,
        document=delivery.document,
        delivered=delivery.quantity,
        accepted=delivery.accepted,
        rejected=delivery.rejected,
        reasons=[Rejected(reason=part.reason, quantity=part.quantity) for part in order.inspection.reasons],
        posting_id=delivery.posting_id,
        number=delivery.number,
        lines=here.goods(posted.lines) if posted else [],
        amount_due_rupiah=delivery.accepted * row.price_rupiah,
        due_rupiah=row.due_rupiah,
        state=row.state,
    )


async def payment_mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with a payment beside its shape: its moment."""
    paid_at = leaves.get("/paid_at")
    if not isinstance(paid_at, datetime):
        return []
    return when_mistakes(paid_at, work.now, work.caller.role, work.dating_back_days, "/paid_at")


async def pay(work: Work, caller: Caller, order_id: UUID, order: RecordPayment) -> ProductionOrderView:
    """Record money that was paid for what was accepted; in parts, and never more than is due.

    Raises: Absent (404); MoreThanDue and PaymentKnown (409); Invalid (422)
    """
    row = await order_for_update(work, order_id)
    if not caller.sees(row.place_region):
        raise Absent
    if errors := await payment_mistakes(work, leaves_of(order)):
        raise Invalid(errors)
    before = (await store.payments(work.session, [row.id]))[row.id]
    if known_as := next((one for one in before if one.reference == order.reference), None):
        detail = f"{order.reference} was recorded on {known_as.recorded_at.isoformat()}."
        raise PaymentKnown(detail, payment_no=known_as.no, amount_rupiah=known_as.amount_rupiah)
    balance = row.due_rupiah - row.paid_rupiah
    if order.amount_rupiah > balance:
        detail = f"{row.due_rupiah} rupiah are due and {row.paid_rupiah} paid: at most {balance} more."
        raise MoreThanDue(detail, due_rupiah=row.due_rupiah, paid_rupiah=row.paid_rupiah, balance_rupiah=balance)
    payment = ProductionPaymentRow(
        order_id=row.id,
        no=len(before) + 1,
        amount_rupiah=order.amount_rupiah,
        paid_at=order.paid_at,
        recorded_at=work.now,
        reference=order.reference,
        actor=caller.subject,
        document=order.document,
    )
    work.session.add(payment)
    row.paid_rupiah += order.amount_rupiah
    row.version += 1
    await work.session.flush()
    event = ProductionPaid(
        **await fact(work, row),
        payment_no=payment.no,
        amount_rupiah=payment.amount_rupiah,
        paid_at=payment.paid_at,
        reference=payment.reference,
        due_rupiah=row.due_rupiah,
        paid_rupiah=row.paid_rupiah,
        balance_rupiah=row.due_rupiah - row.paid_rupiah,
    )
    work.record(event, region=row.region)
    return await view(work, row)
