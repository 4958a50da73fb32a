"""How it is seen that the deliveries and payments that were told still stand in the records as they were told."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.aid_distribution import ProductionDelivered, ProductionPaid
from shared.effect_audit import Seen, Told, compared, seen_in

DELIVERIES = text("SELECT * FROM production_delivery WHERE order_id = ANY(CAST(:ids AS uuid[]))")
PAYMENTS = text("SELECT * FROM production_payment WHERE order_id = ANY(CAST(:ids AS uuid[]))")
CURE = "bring it back from a backup; the event has it: serumpun events show {at}"

Rows = Mapping[tuple[UUID, int], Mapping[str, object]]


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare each delivery and payment with its record."""
    ids = [one.event.order_id for one in told if isinstance(one.event, ProductionDelivered | ProductionPaid)]
    deliveries, payments = [
        {(row["order_id"], row["no"]): dict(row) for row in (await session.execute(question, {"ids": ids})).mappings()}
        for question in (DELIVERIES, PAYMENTS)
    ]
    return [_seen(one, deliveries, payments) for one in told]


def _seen(told: Told, deliveries: Rows, payments: Rows) -> Seen:
    match told.event:
        case ProductionDelivered() as event:
            aspect = f"delivery {event.delivery_no}"
            told_of: dict[str, object] = {
                "quantity": event.delivered,
                "accepted": event.accepted,
                "rejected": event.rejected,
                "number": event.number,
            }
            wrong = compared(told_of, deliveries.get((event.order_id, event.delivery_no)))
        case ProductionPaid() as event:
            aspect = f"payment {event.payment_no}"
            told_of = {"amount_rupiah": event.amount_rupiah, "reference": event.reference}
            wrong = compared(told_of, payments.get((event.order_id, event.payment_no)))
        case _:
            raise TypeError(f"{told.event.type} is about no delivery and no payment")
    return Seen(told, aspect, wrong, CURE.format(at=f"{told.source}/{told.partition}/{told.seq}"))


PRODUCED = seen_in(look, ProductionDelivered, ProductionPaid)
