"""Taking back a transfer before it arrives: its goods are on the shelf that they left, from that moment on."""

from uuid import UUID

from services.aid_distribution.ledger import reservations
from services.aid_distribution.ledger.handlers import posting_for_update, undo
from services.aid_distribution.ledger.orders import TransferView
from services.aid_distribution.ledger.reserved_use import lock_used
from services.aid_distribution.ledger.transfers import AlreadyReceived, TransferRow, ends, view_of
from services.aid_distribution.ledger.voids import VOIDED, AlreadyVoided, VoidDocument
from shared.caller import Caller
from shared.contracts.aid_distribution import TransferVoided
from shared.database import Work
from shared.problems import Absent


async def void(work: Work, caller: Caller, transfer_id: UUID, order: VoidDocument) -> TransferView:
    """Take back a transfer that is on its way; whoever sent it does.

    What it took out of a reservation is reserved again, or free where the reservation has ended since. Its arrival
    locks the same row, so one of the two happens and the other is refused.

    Raises: Absent (404), AlreadyReceived (409), AlreadyVoided (409), CountedSince (409) naming the counts,
            TooMuch (409)
    """
    row = await work.session.get(TransferRow, transfer_id, with_for_update=True, populate_existing=True)
    if row is None or not caller.sees(row.from_region):
        raise Absent
    if row.state == "received":
        raise AlreadyReceived(f"{row.number} was received already.", posting_id=str(row.receipt_posting_id))
    if row.state == VOIDED:
        raise AlreadyVoided(f"{row.number} was voided already.", posting_id=str(row.void_posting_id))
    held = await lock_used(work, row.posting_id)
    posting = await posting_for_update(work, caller, row.posting_id)
    posted, here = await undo(work, caller, posting, order.reason, order.document)
    await reservations.returned(work, caller, held, row.posting_id, order.reason)
    row.state, row.void_posting_id, row.void_reason = VOIDED, posted.draft.id, order.reason
    row.version += 1
    await work.session.flush()
    event = TransferVoided(
        **ends(row, posted), lines=here.goods(posted.lines), reverses=row.posting_id, reason=order.reason
    )
    work.record(event, region=row.to_region)
    return await view_of(work, row)
