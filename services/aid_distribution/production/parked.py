"""Deliveries that have come and that their order does not allow yet: parked, and entered when it does."""

from services.aid_distribution.exceptions.domain import NotShort, Posting
from services.aid_distribution.exceptions.orders import ApplyException, ExceptionView, exception_view
from services.aid_distribution.exceptions.parking import Applier, Short, asked_of, bare, park, tried, undated
from services.aid_distribution.exceptions.store import ExceptionRow
from services.aid_distribution.production.deliveries import deliver, mistakes
from services.aid_distribution.production.domain import MoreThanOrdered, NotAccepted
from services.aid_distribution.production.shapes import (
    ParkDelivery,
    ParkedDelivery,
    ProductionOrderView,
    RecordDelivery,
)
from services.aid_distribution.production.store import ProductionOrderRow
from shared.caller import Caller
from shared.database import Work
from shared.leaves import leaves_of
from shared.problems import Absent, FieldError, Invalid, Refusal

KIND = "delivery"
PARKED = (NotAccepted, MoreThanOrdered)
"""The rules of an order that goods at the door may break: nobody has noted its acceptance, or more has come."""


async def park_delivery(work: Work, caller: Caller, body: ParkDelivery) -> ExceptionView:
    """Park a delivery that has come and that its order does not allow.

    Raises: Invalid (422), NotShort (409) when it can be taken in as it is, and whatever else the delivery would be
            refused for
    """
    order = bare(body, ParkedDelivery)
    outcome = await _delivered(work, caller, order)
    if isinstance(outcome, Absent):
        unknown = FieldError("/order", "unknown_order", f"There is no order {order.order}.")
        raise Invalid([*await mistakes(work, leaves_of(order)), unknown])
    if not isinstance(outcome, Refusal):
        raise NotShort("It can be taken in as it is; record the delivery.")
    if not isinstance(outcome, PARKED) or not order.inspection.accepted:
        raise outcome
    ordered = await work.session.get(ProductionOrderRow, order.order)
    if ordered is None:
        raise Absent
    short = Short(
        kind=KIND,
        order=order,
        place=ordered.place,
        occurred_at=order.occurred_at,
        refusal=outcome,
        due_at=body.due_at,
    )
    (row,) = await park(work, caller, [short])
    return exception_view(row, (), work.now)


async def _delivered(work: Work, caller: Caller, order: ParkedDelivery) -> ProductionOrderView | Refusal:
    return await tried(work, lambda: deliver(work, caller, order.order, bare(order, RecordDelivery)))


async def enter(work: Work, caller: Caller, row: ExceptionRow, how: ApplyException) -> Posting | Refusal:
    """Enter a delivery that was parked: it is in stock and due from when it came."""
    outcome = await _delivered(work, undated(caller), asked_of(row, ParkedDelivery, how.document))
    if isinstance(outcome, Refusal):
        return outcome
    last = outcome.deliveries[-1]
    if last.posting_id is None or last.number is None:
        raise LookupError("a delivery of which nothing was accepted was parked")
    return Posting(last.posting_id, last.number)


DELIVERIES = Applier(enter)
