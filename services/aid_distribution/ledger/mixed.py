"""Orders of different kinds in one batch: receipts, issues and dispatches, in the order in which they are asked."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias
from uuid import UUID

from services.aid_distribution.ledger.domain import Draft
from services.aid_distribution.ledger.handlers import issue_draft, post, posting_fact, receipt_draft, remember_lots
from services.aid_distribution.ledger.known import Known, Rule, dated_lots, known
from services.aid_distribution.ledger.mistakes import dispatch_mistakes, issue_mistakes, receipt_mistakes
from services.aid_distribution.ledger.orders import DispatchTransfer, IssueStock, ReceiveStock
from services.aid_distribution.ledger.reserved_use import Reserved, apart, named
from services.aid_distribution.ledger.store import Posted
from services.aid_distribution.ledger.transfers import add_transfers, dispatch_draft, sent_transfer
from shared.contracts.aid_distribution import StockIssued, StockReceived
from shared.database import Work
from shared.leaves import Leaves, leaves_of
from shared.problems import Refusal
from shared.routes import Asked

Movement: TypeAlias = ReceiveStock | IssueStock | DispatchTransfer

RULES: Mapping[type[Movement], Rule] = {
    ReceiveStock: receipt_mistakes,
    IssueStock: issue_mistakes,
    DispatchTransfer: dispatch_mistakes,
}


class Moved(NamedTuple):
    """What an order has brought about: a posting, or a transfer on its way, and the number that it bears."""

    id: UUID
    number: str


async def move(work: Work, asked: Sequence[Asked[Movement]]) -> list[Moved | Refusal]:
    """Carry out orders as if one came after the other, each with its own outcome.

    Shape: outcomes in the order of the orders; refusals are those of each kind by itself
    """
    outcomes: list[Moved | Refusal] = []
    for run in _runs(asked):
        outcomes += await _move(work, run)
    return outcomes


def _runs(asked: Sequence[Asked[Movement]]) -> Iterator[list[Asked[Movement]]]:
    """Cut where the choice of a lot is left to us after the expiry of a lot was told: only then is it known to us.

    Cut also where a reservation is used once more.
    """
    for part in apart(asked):
        yield from _dated_runs(part)


def _dated_runs(asked: Sequence[Asked[Movement]]) -> Iterator[list[Asked[Movement]]]:
    run: list[Asked[Movement]] = []
    dated: set[str] = set()
    for one in asked:
        if isinstance(one.body, ReceiveStock):
            dated.update(line.item for line in one.body.lines if line.expires_on)
        elif dated and any(line.lot is None and line.item in dated for line in one.body.lines):
            yield run
            run, dated = [], set()
        run.append(one)
    if run:
        yield run


async def _move(work: Work, asked: Sequence[Asked[Movement]]) -> list[Moved | Refusal]:
    leaves = [leaves_of(one.body) for one in asked]
    here = await known(work, leaves)
    reservations = [one.body.reservation if isinstance(one.body, DispatchTransfer) else None for one in asked]
    reserved = await named(work, reservations)
    plans = [_plan(work, one, order, here, reserved) for one, order in zip(asked, leaves, strict=True)]
    outcomes = await post(work, plans)
    done = [(one, posted) for one, posted in zip(asked, outcomes, strict=True) if isinstance(posted, Posted)]
    await remember_lots(work, [one.body for one, _ in done if isinstance(one.body, ReceiveStock)])
    sent = {
        posted.draft.id: sent_transfer(work, Asked(one.body, one.caller), posted, here)
        for one, posted in done
        if isinstance(one.body, DispatchTransfer)
    }
    await add_transfers(work, list(sent.values()))
    await reserved.use(work, zip(reservations, outcomes, strict=True))
    for one, posted in done:
        _record(work, one, posted, here)
    return [
        posted
        if isinstance(posted, Refusal)
        else Moved(sent[posted.draft.id][0].id if posted.draft.id in sent else posted.draft.id, posted.number)
        for posted in outcomes
    ]


def _plan(work: Work, one: Asked[Movement], leaves: Leaves, here: Known, reserved: Reserved) -> Draft | Refusal:
    match one.body:
        case ReceiveStock() as order:
            plan = receipt_draft(work, Asked(order, one.caller), leaves, here)
            if isinstance(plan, Draft):
                here.expiries.update({lot: expires_on for _, lot, expires_on in dated_lots(leaves)})
            return plan
        case IssueStock() as order:
            return issue_draft(work, Asked(order, one.caller), leaves, here)
        case DispatchTransfer() as order:
            return dispatch_draft(work, Asked(order, one.caller), leaves, here, reserved)


def _record(work: Work, one: Asked[Movement], posted: Posted, here: Known) -> None:
    """Record what happened; a transfer was recorded when it was made."""
    match one.body:
        case ReceiveStock() as order:
            received = StockReceived(**posting_fact(posted, here), place=order.place, origin=order.source)
            work.record(received, region=posted.draft.region, caller=one.caller)
        case IssueStock() as order:
            issued = StockIssued(**posting_fact(posted, here), place=order.place, reason=order.reason)
            work.record(issued, region=posted.draft.region, caller=one.caller)
