"""Transfers that have been sent and that a rule stands against: parked by whoever sent them, and entered later."""

from services.aid_distribution.exceptions.domain import NotShort, Posting
from services.aid_distribution.exceptions.orders import ApplyException, ExceptionView, ParkTransfer, exception_view
from services.aid_distribution.exceptions.parking import Applier, Short, asked_of, bare, park, undated
from services.aid_distribution.exceptions.store import ExceptionRow
from services.aid_distribution.ledger import transfers
from services.aid_distribution.ledger.domain import CountedSince, LotHeld, ShortOfStock
from services.aid_distribution.ledger.orders import DispatchTransfer
from shared.caller import Caller
from shared.database import Work
from shared.problems import Refusal
from shared.routes import Asked

KIND = "transfer"
PARKED = (ShortOfStock, LotHeld, CountedSince)
"""The rules that goods on their way may have broken."""


async def park_transfer(work: Work, caller: Caller, body: ParkTransfer) -> ExceptionView:
    """Park a transfer that has left and that a rule stands against.

    Raises: NotShort (409) when it can be posted as it is, and whatever else the dispatch would be refused for
    """
    order = bare(body, DispatchTransfer)
    (outcome,) = await transfers.dispatch(work, [Asked(order, caller)])
    if not isinstance(outcome, Refusal):
        raise NotShort("It can be posted as it is; dispatch the transfer.")
    if not isinstance(outcome, PARKED):
        raise outcome
    short = Short(
        kind=KIND,
        order=order,
        place=order.from_place,
        occurred_at=order.occurred_at,
        refusal=outcome,
        due_at=body.due_at,
    )
    (row,) = await park(work, caller, [short])
    return exception_view(row, (), work.now)


async def enter(work: Work, caller: Caller, row: ExceptionRow, how: ApplyException) -> Posting | Refusal:
    """Enter a transfer that was parked: it is on its way from then on."""
    order = asked_of(row, DispatchTransfer, how.document)
    (outcome,) = await transfers.dispatch(work, [Asked(order, undated(caller))])
    return outcome if isinstance(outcome, Refusal) else Posting(outcome.posting_id, outcome.number)


TRANSFERS = Applier(enter)
