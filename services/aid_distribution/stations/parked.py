"""Visits that have happened and whose goods no card holds, or whose station is known as gone: parked, entered later."""

from services.aid_distribution.exceptions.domain import NotShort, Posting
from services.aid_distribution.exceptions.orders import ApplyException, ExceptionView, exception_view
from services.aid_distribution.exceptions.parking import Applier, Short, asked_of, bare, park, tried, undated
from services.aid_distribution.exceptions.store import ExceptionRow
from services.aid_distribution.ledger.domain import CountedSince, LotHeld, ShortOfStock
from services.aid_distribution.stations.domain import StationRemoved
from services.aid_distribution.stations.handlers import visit
from services.aid_distribution.stations.mistakes import visit_mistakes_of
from services.aid_distribution.stations.orders import ParkedVisit, ParkVisit, VisitReceipt, VisitStation
from shared.caller import Caller
from shared.database import Work
from shared.leaves import leaves_of
from shared.problems import Absent, FieldError, Invalid, Refusal

KIND = "visit"
HIDDEN = ("note",)
PARKED = (ShortOfStock, LotHeld, CountedSince, StationRemoved)
"""The rules that a visit may have broken; one without goods can wait for the station, for it moves nothing."""


async def park_visit(work: Work, caller: Caller, body: ParkVisit) -> ExceptionView:
    """Park a visit that has taken goods and that a rule stands against.

    Raises: Invalid (422), NotShort (409) when it can be recorded as it is, and whatever else the visit would be
            refused for
    """
    order = bare(body, ParkedVisit)
    outcome = await _visited(work, caller, order)
    if isinstance(outcome, Absent):
        unknown = FieldError("/station", "unknown_station", f"There is no station {order.station}.")
        raise Invalid([*await visit_mistakes_of(work, caller, leaves_of(order)), unknown])
    if not isinstance(outcome, Refusal):
        raise NotShort("It can be recorded as it is; record the visit.")
    refill = order.refill
    if not isinstance(outcome, PARKED) or refill is None or refill.from_place is None or not refill.lines:
        raise outcome
    short = Short(
        kind=KIND,
        order=order,
        place=refill.from_place,
        occurred_at=order.occurred_at,
        refusal=outcome,
        due_at=body.due_at,
    )
    (row,) = await park(work, caller, [short])
    return exception_view(row, HIDDEN, work.now)


async def _visited(work: Work, caller: Caller, order: ParkedVisit) -> VisitReceipt | Refusal:
    return await tried(work, lambda: visit(work, caller, order.station, bare(order, VisitStation)))


async def enter(work: Work, caller: Caller, row: ExceptionRow, how: ApplyException) -> Posting | Refusal:
    """Enter a visit that was parked, at the moment at which somebody was there."""
    outcome = await _visited(work, undated(caller), asked_of(row, ParkedVisit, how.document))
    if isinstance(outcome, Refusal):
        return outcome
    if outcome.posting_id is None or outcome.number is None:
        raise LookupError("a visit without goods was parked")
    return Posting(outcome.posting_id, outcome.number)


VISITS = Applier(enter, HIDDEN)
