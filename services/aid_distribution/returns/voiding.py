"""Taking back a return: its goods move back, and what was returned of the posting that had moved them is less again."""

from collections import Counter
from uuid import UUID

from sqlmodel import col, select

from services.aid_distribution.ledger import returned
from services.aid_distribution.ledger.domain import Line
from services.aid_distribution.ledger.handlers import posting_fact, posting_for_update, undo
from services.aid_distribution.ledger.reserved import by_lot
from services.aid_distribution.ledger.returned import GivenBack, Origins
from services.aid_distribution.ledger.store import LotKey, PostingLineRow, PostingRow
from services.aid_distribution.ledger.voids import AlreadyVoided, VoidDocument
from services.aid_distribution.returns.domain import Direction
from services.aid_distribution.returns.handlers import by_item
from services.aid_distribution.returns.orders import ReturnView, return_view
from services.aid_distribution.returns.store import ReturnRow
from shared.caller import Caller
from shared.contracts.aid_distribution import ReturnVoided
from shared.database import Work
from shared.problems import Absent


async def void(work: Work, caller: Caller, return_id: UUID, order: VoidDocument, origins: Origins) -> ReturnView:
    """Take back a return; the row is locked first, then the posting whose goods went back, then its own.

    The document whose goods had come back counts them as gone again, in the same transaction.

    Raises: Absent (404), AlreadyVoided (409), CountedSince (409) naming the counts, ShortOfStock (409) where what came
            back has left again, SoldSince and ReturnSettled (409), TooMuch (409)
    """
    row = await work.session.get(ReturnRow, return_id, with_for_update=True, populate_existing=True)
    if row is None or not caller.sees(row.region):
        raise Absent
    if row.void_posting_id is not None:
        raise AlreadyVoided(f"{row.number} was voided already.", posting_id=str(row.void_posting_id))
    original = None
    if row.returns is not None:
        # Whoever may see the return may take it back, wherever the goods had been handed out.
        question = select(PostingRow).where(PostingRow.id == row.returns).with_for_update()
        original = (await work.session.exec(question)).one()
    origin = origins.get(original.kind) if original and row.direction == Direction.FROM_PUBLIC else None
    back = await _goods(work, row)
    told = GivenBack(row.posting_id, row.occurred_at, row.business_id, by_item(back))
    if origin and original:
        await origin.undo_before(work, original, told)
    posting = await posting_for_update(work, caller, row.posting_id)
    posted, here = await undo(work, caller, posting, order.reason, order.document)
    if original:
        await returned.take_off(work.session, original.id, back)
        if origin:
            await origin.undo_after(work, original, told)
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


async def _goods(work: Work, row: ReturnRow) -> Counter[LotKey]:
    question = select(PostingLineRow).where(
        PostingLineRow.posting_id == row.posting_id, col(PostingLineRow.late_by).is_(None)
    )
    return by_lot((line.item, line.lot, line.quantity) for line in await work.session.exec(question))
