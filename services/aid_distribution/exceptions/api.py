"""Parked exceptions over HTTP."""

from uuid import UUID

from services.aid_distribution.exceptions import handlers, questions, transfers
from services.aid_distribution.exceptions.domain import ExceptionClosed, NotShort
from services.aid_distribution.exceptions.issues import park_issue
from services.aid_distribution.exceptions.orders import (
    ApplyException,
    ChangeException,
    DropException,
    ExceptionQuery,
    ExceptionView,
    ExceptionWithChanges,
    ParkIssue,
    ParkTransfer,
)
from services.aid_distribution.exceptions.parking import Appliers
from services.aid_distribution.ledger import mistakes
from services.aid_distribution.ledger.domain import LotHeld, ShortOfStock
from services.aid_distribution.ledger.mistakes import asked_of_leaves
from shared.problems import Refusal
from shared.roles import Action
from shared.routes import Call, Page, Routes


def exceptions(appliers: Appliers) -> Routes:
    """Give the routes of exceptions, for these kinds of orders."""
    routes = Routes("/aid/exceptions", tag="Exceptions")

    @routes.get("", Action.SEE_EXCEPTIONS)
    async def list_exceptions(call: Call, query: ExceptionQuery) -> Page[ExceptionView]:
        """List what has happened and could not be entered, the one that is to be settled first at the top."""
        return await questions.page(call.work, call.caller, query, appliers)

    @routes.get("/{exception_id}", Action.SEE_EXCEPTIONS)
    async def show_exception(call: Call, exception_id: UUID) -> ExceptionWithChanges:
        """Show what was parked, which cards are short and why that may be, and who was to settle it by when."""
        return await questions.show(call.work, call.caller, exception_id, appliers)

    @routes.post(
        "/issues",
        Action.PARK_EXCEPTION,
        location="/aid/exceptions/{id}",
        refusals=[NotShort],
        rules=asked_of_leaves(mistakes.issue_mistakes),
    )
    async def park_stock_issue(call: Call, body: ParkIssue) -> ExceptionView:
        """Park an issue that has happened and that no card holds the goods of."""
        return await park_issue(call.work, call.caller, body)

    @routes.post(
        "/transfers",
        Action.PARK_EXCEPTION,
        location="/aid/exceptions/{id}",
        refusals=[NotShort],
        rules=asked_of_leaves(mistakes.dispatch_mistakes),
    )
    async def park_transfer(call: Call, body: ParkTransfer) -> ExceptionView:
        """Park a transfer that has left and that a rule stands against."""
        return await transfers.park_transfer(call.work, call.caller, body)

    @routes.post(
        "/{exception_id}/application",
        Action.SETTLE_EXCEPTION,
        location="/aid/exceptions/{id}",
        refusals=[ExceptionClosed, LotHeld, ShortOfStock],
    )
    async def apply_exception(call: Call, exception_id: UUID, body: ApplyException) -> ExceptionView | Refusal:
        """Enter what was parked, at the moment at which it happened, as if it had been entered then."""
        return await handlers.apply(call.work, call.caller, exception_id, body, appliers)

    @routes.post(
        "/{exception_id}/drop",
        Action.SETTLE_EXCEPTION,
        location="/aid/exceptions/{id}",
        refusals=[ExceptionClosed],
    )
    async def drop_exception(call: Call, exception_id: UUID, body: DropException) -> ExceptionView:
        """Give up what was parked, with a reason."""
        return await handlers.drop(call.work, call.caller, exception_id, body, appliers)

    @routes.patch("/{exception_id}", Action.SETTLE_EXCEPTION, refusals=[ExceptionClosed])
    async def change_exception(call: Call, exception_id: UUID, body: ChangeException) -> ExceptionWithChanges:
        """Say who is to settle it, or by when, and why."""
        version = call.expected_version
        return await handlers.change(call.work, call.caller, exception_id, version, body, appliers)

    return routes
