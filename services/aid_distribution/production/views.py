"""Production orders as they are shown, with all that came of them."""

from collections.abc import Sequence

from services.aid_distribution.businesses import store as businesses
from services.aid_distribution.production import store
from services.aid_distribution.production.domain import State, days_late, state_at
from services.aid_distribution.production.shapes import (
    DeliveryView,
    PaymentView,
    ProductionOrderView,
    RejectedView,
)
from services.aid_distribution.production.store import (
    ProductionDeliveryRow,
    ProductionOrderRow,
    ProductionPaymentRow,
)
from shared.clock import shown, wib_day
from shared.contracts.aid_distribution import production_lot
from shared.database import Work


async def view(work: Work, row: ProductionOrderRow) -> ProductionOrderView:
    """Show an order."""
    return (await views(work, [row]))[0]


async def views(work: Work, rows: Sequence[ProductionOrderRow]) -> list[ProductionOrderView]:
    """Show orders with their deliveries and payments, in the same order."""
    ids = [row.id for row in rows]
    named = await businesses.by_id(work.session, {row.business_id for row in rows})
    deliveries = await store.deliveries(work.session, ids)
    reasons = await store.rejections(work.session, ids)
    payments = await store.payments(work.session, ids)
    return [
        _view(
            work,
            row,
            named[row.business_id].name,
            [_delivery(one, row.price_rupiah, reasons.get((row.id, one.no), [])) for one in deliveries[row.id]],
            [_payment(one) for one in payments[row.id]],
        )
        for row in rows
    ]


def _view(
    work: Work, row: ProductionOrderRow, name: str, deliveries: list[DeliveryView], payments: list[PaymentView]
) -> ProductionOrderView:
    state = state_at(row.state, row.answer_by, work.now)
    return ProductionOrderView(
        id=row.id,
        call_id=row.call_id,
        business_id=row.business_id,
        business_name=name,
        region=row.region,
        item=row.item,
        quantity=row.quantity,
        proposed=row.proposed,
        override_reason=row.override_reason,
        score=row.score,
        rule=row.rule,
        price_rupiah=row.price_rupiah,
        due_on=row.due_on,
        place=row.place,
        lot=production_lot(row.id),
        state=state,
        offered_at=shown(row.offered_at),
        answer_by=shown(row.answer_by),
        accepted_at=shown(row.accepted_at) if row.accepted_at else None,
        decline_reason=row.decline_reason,
        taken_back_reason=row.taken_back_reason,
        delivered=row.accepted + row.rejected,
        accepted=row.accepted,
        rejected=row.rejected,
        outstanding=row.quantity - row.accepted if state in (State.OFFERED, State.ACCEPTED) else 0,
        days_late=days_late(state, row.due_on, row.ended_on, wib_day(work.now)),
        due_rupiah=row.due_rupiah,
        paid_rupiah=row.paid_rupiah,
        balance_rupiah=row.due_rupiah - row.paid_rupiah,
        deliveries=deliveries,
        payments=payments,
        document=row.document,
        version=row.version,
    )


def _delivery(row: ProductionDeliveryRow, price_rupiah: int, reasons: Sequence[tuple[str, int]]) -> DeliveryView:
    return DeliveryView(
        no=row.no,
        occurred_at=shown(row.occurred_at),
        recorded_at=shown(row.recorded_at),
        document=row.document,
        quantity=row.quantity,
        layers=row.layers,
        accepted=row.accepted,
        rejected=row.rejected,
        reasons=[RejectedView(reason=reason, quantity=quantity) for reason, quantity in reasons],
        amount_due_rupiah=row.accepted * price_rupiah,
        posting_id=row.posting_id,
        number=row.number,
    )


def _payment(row: ProductionPaymentRow) -> PaymentView:
    return PaymentView(
        no=row.no,
        amount_rupiah=row.amount_rupiah,
        paid_at=shown(row.paid_at),
        reference=row.reference,
        document=row.document,
    )
