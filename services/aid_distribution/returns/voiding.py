"""Taking back a return: its goods move back, and what was returned of the posting that had moved them is less again."""

from uuid import UUID

from sqlmodel import col, select

from services.aid_distribution.ledger import returned
from services.aid_distribution.ledger.domain import NO_LOT, Line
from services.aid_distribution.ledger.handlers import posting_fact, posting_for_update, undo
from services.aid_distribution.ledger.reserved import by_lot
from services.aid_distribution.ledger.store import PostingRow
from services.aid_distribution.ledger.voids import AlreadyVoided, VoidDocument
from services.aid_distribution.returns.orders import ReturnView, return_view
from services.aid_distribution.returns.store import ReturnRow
from shared.caller import Caller
from shared.contracts.aid_distribution import ReturnVoided
from shared.database import Work
from shared.problems import Absent


async def void(work: Work, caller: Caller, return_id: UUID, order: VoidDocument) -> ReturnView:
    """Take back a return; the row is locked first, then the posting whose goods went back, then its own.

    Raises: Absent (404), AlreadyVoided (409), CountedSince (409) naming the counts, ShortOfStock (409) where what came
            back has left again, TooMuch (409)
    """
    row = await work.session.get(ReturnRow, return_id, with_for_update=True, populate_existing=True)
    if row is None or not caller.sees(row.region):
        raise Absent
    if row.void_posting_id is not None:
        raise AlreadyVoided(f"{row.number} was voided already.", posting_id=str(row.void_posting_id))
    if row.returns is not None:
        # Whoever may see the return may take it back, wherever the goods had been handed out.
        await work.session.exec(select(col(PostingRow.id)).where(PostingRow.id == row.returns).with_for_update())
    posting = await posting_for_update(work, caller, row.posting_id)
    posted, here = await undo(work, caller, posting, order.reason, order.document)
    if row.returns is not None:
        back = by_lot((line.item, line.lot or NO_LOT, line.quantity) for line in posted.lines)
        await returned.take_off(work.session, row.returns, back)
    row.void_posting_id, row.void_reason = posted.draft.id, order.reason
    row.version += 1
    await work.session.flush()
    event = ReturnVoided(
        **posting_fact(posted, here),
        place=row.place,
        direction=row.direction,
        reverses=row.posting_id,
        reason=order.reason,
        returns=row.returns,
    )
    work.record(event, region=row.region)
    return return_view(
        row, [Line(one.item, one.quantity, one.to_place, one.from_place, one.lot) for one in posted.lines]
    )
