"""Loans over HTTP."""

from uuid import UUID

from services.aid_distribution.ledger.domain import CountedSince, LotHeld, ShortOfStock, TooMuch
from services.aid_distribution.ledger.handlers import NotReversible
from services.aid_distribution.ledger.voids import AlreadyVoided, VoidDocument
from services.aid_distribution.loans import handlers, questions, voiding
from services.aid_distribution.loans.domain import LoanClosed, LoanReturnedInPart, MoreThanLent
from services.aid_distribution.loans.orders import LendAssets, LoanQuery, LoanView, ReturnLoan
from shared.roles import Action
from shared.routes import Call, Page, Routes

loans = Routes("/aid/loans", tag="Loans")


@loans.post(
    "",
    Action.LEND_ASSETS,
    location="/aid/loans/{id}",
    refusals=[LotHeld, ShortOfStock],
    rules=handlers.mistakes,
)
async def lend_assets(call: Call, body: LendAssets) -> LoanView:
    """Lend assets until a day."""
    return await handlers.lend(call.work, call.caller, body)


@loans.get("", Action.SEE_STOCK)
async def list_loans(call: Call, query: LoanQuery) -> Page[LoanView]:
    """List what is out, overdue or back, the one that is due first at the top."""
    return await questions.page(call.work, call.caller, query)


@loans.get("/{loan_id}", Action.SEE_STOCK)
async def show_loan(call: Call, loan_id: UUID) -> LoanView:
    """Show a loan, with everything that has come back of it."""
    return await questions.show(call.work, call.caller, loan_id)


@loans.post(
    "/{loan_id}/returns",
    Action.LEND_ASSETS,
    location="/aid/loans/{id}",
    refusals=[LoanClosed, MoreThanLent, TooMuch],
    rules=handlers.back_order_mistakes,
)
async def return_loan(call: Call, loan_id: UUID, body: ReturnLoan) -> LoanView:
    """Take in what comes back of a loan, in parts if need be, and write off what is lost of it."""
    return await handlers.take_back(call.work, call.caller, loan_id, body)


@loans.post(
    "/{loan_id}/void",
    Action.LEND_ASSETS,
    location="/aid/loans/{id}",
    refusals=[AlreadyVoided, CountedSince, LoanReturnedInPart, NotReversible, TooMuch],
)
async def void_loan(call: Call, loan_id: UUID, body: VoidDocument) -> LoanView:
    """Take back a loan that was posted in error."""
    return await voiding.void(call.work, call.caller, loan_id, body)


@loans.post(
    "/{loan_id}/returns/{return_id}/void",
    Action.LEND_ASSETS,
    location="/aid/loans/{id}",
    refusals=[AlreadyVoided, CountedSince, NotReversible, ShortOfStock, TooMuch],
)
async def void_loan_return(call: Call, loan_id: UUID, return_id: UUID, body: VoidDocument) -> LoanView:
    """Take back what came back of a loan, where it was posted in error: it is out again."""
    return await voiding.void_return(call.work, call.caller, loan_id, return_id, body)
