"""Issues that have happened and ran short: parked by whoever made them, and entered later."""

from services.aid_distribution.exceptions.domain import NotShort, Posting
from services.aid_distribution.exceptions.orders import ApplyException, ExceptionView, ParkIssue, exception_view
from services.aid_distribution.exceptions.parking import Applier, Short, asked_of, bare, park, undated
from services.aid_distribution.exceptions.store import ExceptionRow
from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger.domain import ShortOfStock
from services.aid_distribution.ledger.orders import IssueStock
from shared.caller import Caller
from shared.database import Work
from shared.problems import Refusal
from shared.routes import Asked

KIND = "issue"


async def park_issue(work: Work, caller: Caller, body: ParkIssue) -> ExceptionView:
    """Park an issue that no card holds the goods of.

    Raises: NotShort (409) when it can be posted as it is, and whatever else the issue itself would be refused for
    """
    order = bare(body, IssueStock)
    (outcome,) = await ledger.issue(work, [Asked(order, caller)])
    if not isinstance(outcome, Refusal):
        raise NotShort("It can be posted as it is; post the issue.")
    if not isinstance(outcome, ShortOfStock):
        raise outcome
    short = Short(
        kind=KIND,
        order=order,
        place=order.place,
        occurred_at=order.occurred_at,
        refusal=outcome,
        due_at=body.due_at,
    )
    (row,) = await park(work, caller, [short])
    return exception_view(row, (), work.now)


async def enter(work: Work, caller: Caller, row: ExceptionRow, how: ApplyException) -> Posting | Refusal:
    """Enter an issue that was parked."""
    order = asked_of(row, IssueStock, how.document)
    (outcome,) = await ledger.issue(work, [Asked(order, undated(caller))])
    return outcome if isinstance(outcome, Refusal) else Posting(outcome.id, outcome.number)


ISSUES = Applier(enter)
