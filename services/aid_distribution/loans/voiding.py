"""Taking back a loan, or what came back of one: the last first, so that a loan is undone when nothing is back."""

from uuid import UUID

from services.aid_distribution.ledger.domain import NO_LOT, VIRTUAL
from services.aid_distribution.ledger.handlers import posting_fact, posting_for_update, undo
from services.aid_distribution.ledger.known import Known
from services.aid_distribution.ledger.store import Posted
from services.aid_distribution.ledger.voids import AlreadyVoided, VoidDocument
from services.aid_distribution.loans import store
from services.aid_distribution.loans.domain import Back, Lent, LoanReturnedInPart, State, taken_off
from services.aid_distribution.loans.orders import LoanView, loan_view
from services.aid_distribution.loans.store import LoanReturnRow, LoanRow
from shared.caller import Caller
from shared.contracts.aid_distribution import LoanReturnVoided, LoanVoided
from shared.database import Work
from shared.problems import Absent


async def void(work: Work, caller: Caller, loan_id: UUID, order: VoidDocument) -> LoanView:
    """Take back a loan: its assets are where they were lent from, from the moment of the loan on.

    Raises: Absent (404), AlreadyVoided (409), LoanReturnedInPart (409) naming what came back, CountedSince (409) naming
            the counts, TooMuch (409)
    """
    row = await _locked(work, caller, loan_id)
    returns = (await store.returns_of(work.session, [row.id]))[row.id]
    if back := [one for one in returns if one.void_posting_id is None]:
        detail = f"Void what came back of {row.number} first: {', '.join(one.number for one in back)}."
        told = [{"id": str(one.id), "number": one.number} for one in back]
        raise LoanReturnedInPart(detail, returns=[*told])
    posted, here = await _undone(work, caller, row.posting_id, order)
    row.state, row.void_posting_id, row.void_reason = State.VOIDED, posted.draft.id, order.reason
    row.version += 1
    await work.session.flush()
    event = LoanVoided(
        **posting_fact(posted, here), loan_id=row.id, place=row.place, reverses=row.posting_id, reason=order.reason
    )
    work.record(event, region=row.region)
    return await _view(work, row)


async def void_return(work: Work, caller: Caller, loan_id: UUID, return_id: UUID, order: VoidDocument) -> LoanView:
    """Take back what came back of a loan, or was written off: it is out again, and the loan is open.

    Raises: Absent (404), AlreadyVoided (409), CountedSince (409) naming the counts, ShortOfStock (409) where what came
            back has left again
    """
    row = await _locked(work, caller, loan_id)
    back = await work.session.get(LoanReturnRow, return_id, with_for_update=True, populate_existing=True)
    if back is None or back.loan_id != row.id:
        raise Absent
    if back.void_posting_id is not None:
        raise AlreadyVoided(f"{back.number} was voided already.", posting_id=str(back.void_posting_id))
    posted, here = await _undone(work, caller, back.posting_id, order)
    await _take_off(work, row, posted)
    back.void_posting_id, back.void_reason = posted.draft.id, order.reason
    row.state, row.closed_at = State.OPEN, None
    row.version += 1
    await work.session.flush()
    place = next((line.from_place for line in posted.lines if line.from_place not in VIRTUAL), row.place)
    event = LoanReturnVoided(
        **posting_fact(posted, here), loan_id=row.id, place=place, reverses=back.posting_id, reason=order.reason
    )
    work.record(event, region=row.region)
    return await _view(work, row)


async def _locked(work: Work, caller: Caller, loan_id: UUID) -> LoanRow:
    """Lock a loan, as whoever takes something of it back does; raises Absent, or AlreadyVoided."""
    row = await work.session.get(LoanRow, loan_id, with_for_update=True, populate_existing=True)
    if row is None or not caller.sees(row.region):
        raise Absent
    if row.state == State.VOIDED:
        raise AlreadyVoided(f"{row.number} was voided already.", posting_id=str(row.void_posting_id))
    return row


async def _undone(work: Work, caller: Caller, posting_id: UUID, order: VoidDocument) -> tuple[Posted, Known]:
    posting = await posting_for_update(work, caller, posting_id)
    return await undo(work, caller, posting, order.reason, order.document)


async def _take_off(work: Work, row: LoanRow, posted: Posted) -> None:
    """Take what is out again off what was back and lost; what had been lost comes from no place."""
    lines = (await store.lines_of(work.session, [row.id]))[row.id]
    gone = [
        Back(line.item, line.lot or NO_LOT, 0, line.quantity)
        if line.from_place in VIRTUAL
        else Back(line.item, line.lot or NO_LOT, line.quantity, 0)
        for line in posted.lines
    ]
    kept = [Lent(line.item, line.lot, line.quantity, line.returned, line.lost) for line in lines]
    for line, left in zip(lines, taken_off(kept, gone), strict=True):
        line.returned, line.lost = left.returned, left.lost


async def _view(work: Work, row: LoanRow) -> LoanView:
    lines = (await store.lines_of(work.session, [row.id]))[row.id]
    return loan_view(row, lines, (await store.returns_of(work.session, [row.id]))[row.id], work.now)
