"""Transfers between two places: dispatched, in transit, received; nothing of what was sent goes unaccounted."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, Text, Uuid, text
from sqlmodel import Field, SQLModel, col, select

from services.aid_distribution.ledger import lot_notes
from services.aid_distribution.ledger.domain import LOSSES, NO_LOT, Draft, Kind, Line, Reason, Virtual
from services.aid_distribution.ledger.handlers import leaving, post
from services.aid_distribution.ledger.known import Known, known, known_by_code
from services.aid_distribution.ledger.mistakes import arrival_mistakes, dispatch_mistakes
from services.aid_distribution.ledger.orders import (
    ArrivedLine,
    DispatchTransfer,
    LotNoteView,
    ReceiveTransfer,
    TransferLineView,
    TransferView,
    lot_note_views,
)
from services.aid_distribution.ledger.reserved_use import Reserved, apart, named
from services.aid_distribution.ledger.store import Posted
from services.aid_distribution.ledger.voids import VOIDED, WITH_REASON, AlreadyVoided
from shared.caller import Caller
from shared.clock import shown
from shared.contracts.aid_distribution import TransferDispatched, TransferReceived
from shared.database import Work
from shared.leaves import Leaves, leaves_of
from shared.problems import Absent, FieldError, Invalid, Json, Refusal
from shared.routes import Asked


class AlreadyReceived(Refusal):
    """A transfer arrives once."""

    code = "already_received"
    title = "Already received"


class DoesNotAddUp(Refusal):
    """What was accepted and rejected is not what was sent."""

    code = "does_not_add_up"
    title = "Accepted and rejected must equal what was dispatched"


class TransferRow(SQLModel, table=True):
    """A transfer and how far it has come."""

    __tablename__ = "transfer"
    __table_args__ = (
        CheckConstraint("from_place <> to_place", name="transfer_moves"),
        CheckConstraint(
            "(state = 'in_transit' AND receipt_posting_id IS NULL AND received_at IS NULL) OR"
            " (state = 'received' AND receipt_posting_id IS NOT NULL AND received_at >= occurred_at) OR"
            " (state = 'voided' AND receipt_posting_id IS NULL AND received_at IS NULL)",
            name="transfer_state",
        ),
        CheckConstraint("(state = 'voided') = (void_posting_id IS NOT NULL)", name="transfer_voided_by_posting"),
        CheckConstraint(WITH_REASON, name="transfer_void_has_reason"),
        Index("transfer_on_its_way", "to_place", postgresql_where=text("state = 'in_transit'")),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    state: str
    from_place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    to_place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    from_region: str
    to_region: str
    number: str
    document: str | None = None
    occurred_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    received_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    posting_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), nullable=False, unique=True))
    receipt_posting_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("posting.id"), unique=True))
    void_posting_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("posting.id"), unique=True))
    void_reason: str | None = None
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))


class TransferLineRow(SQLModel, table=True):
    """What was sent of one item and lot, and what of it arrived."""

    __tablename__ = "transfer_line"
    __table_args__ = (
        CheckConstraint("dispatched > 0", name="transfer_line_dispatched_positive"),
        CheckConstraint(
            "(accepted IS NULL AND rejected IS NULL) OR"
            " (accepted >= 0 AND rejected >= 0 AND accepted + rejected = dispatched)",
            name="transfer_line_adds_up",
        ),
        CheckConstraint("coalesce(rejected, 0) = 0 OR reason IS NOT NULL", name="transfer_line_rejected_has_reason"),
    )

    transfer_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("transfer.id"), primary_key=True))
    line_no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), nullable=False))
    lot: str = Field(default=NO_LOT, sa_column=Column(Text, nullable=False, server_default=""))
    dispatched: int = Field(sa_column=Column(BigInteger, nullable=False))
    accepted: int | None = Field(default=None, sa_column=Column(BigInteger))
    rejected: int | None = Field(default=None, sa_column=Column(BigInteger))
    reason: str | None = None


async def dispatch(work: Work, asked: Sequence[Asked[DispatchTransfer]]) -> list[TransferView | Refusal]:
    """Send goods on their way; they are off the one place and not yet on the other."""
    outcomes: list[TransferView | Refusal] = []
    for run in apart(asked):
        outcomes += await _dispatch(work, run)
    return outcomes


async def _dispatch(work: Work, asked: Sequence[Asked[DispatchTransfer]]) -> list[TransferView | Refusal]:
    leaves = [leaves_of(one.body) for one in asked]
    here = await known(work, leaves)
    reserved = await named(work, [one.body.reservation for one in asked])
    outcomes = await post(
        work, [dispatch_draft(work, one, order, here, reserved) for one, order in zip(asked, leaves, strict=True)]
    )
    sent = {
        posted.draft.id: sent_transfer(work, one, posted, here)
        for one, posted in zip(asked, outcomes, strict=True)
        if isinstance(posted, Posted)
    }
    await add_transfers(work, list(sent.values()))
    await reserved.use(work, zip((one.body.reservation for one in asked), outcomes, strict=True))
    return [
        transfer_view(*sent[posted.draft.id], lot_note_views(posted.entered.notes))
        if isinstance(posted, Posted)
        else posted
        for posted in outcomes
    ]


async def add_transfers(work: Work, sent: Sequence[tuple[TransferRow, list[TransferLineRow]]]) -> None:
    """Write transfers that were dispatched, with their lines."""
    # Rows without a relationship between them are flushed in no certain order, and a line needs its transfer.
    work.session.add_all([row for row, _ in sent])
    await work.session.flush()
    work.session.add_all([line for _, lines in sent for line in lines])
    await work.session.flush()


def dispatch_draft(
    work: Work, one: Asked[DispatchTransfer], leaves: Leaves, here: Known, reserved: Reserved
) -> Draft | Refusal:
    """Give the posting that a dispatch asks for, or say everything that is wrong with it."""
    order = one.body
    errors = dispatch_mistakes(leaves, here, one.caller, work.now)
    errors += reserved.mistakes(order.reservation, order.from_place, order.occurred_at, one.caller)
    if errors:
        return Invalid(errors)
    told = leaving(order.lines, order.from_place, Virtual.IN_TRANSIT, here)
    lines = reserved.leaving(order.reservation, told, order.occurred_at)
    if isinstance(lines, Refusal):
        return lines
    origin = here.places[order.from_place]
    return Draft(
        id=work.new_id(),
        kind=Kind.DISPATCH,
        region=origin.region,
        occurred_at=order.occurred_at,
        caller=one.caller,
        document=order.document,
        lines=lines,
        packs=here.packed(order.lines),
        usable_only=True,
    )


def sent_transfer(
    work: Work, one: Asked[DispatchTransfer], posted: Posted, here: Known
) -> tuple[TransferRow, list[TransferLineRow]]:
    """Make the transfer of a dispatch that was posted, and record that it is on its way."""
    order = one.body
    row = TransferRow(
        id=work.new_id(),
        state="in_transit",
        from_place=order.from_place,
        to_place=order.to_place,
        from_region=here.places[order.from_place].region,
        to_region=here.places[order.to_place].region,
        number=posted.number,
        document=order.document,
        occurred_at=order.occurred_at,
        posting_id=posted.draft.id,
    )
    lines = [
        TransferLineRow(
            transfer_id=row.id, line_no=number, item=line.item, lot=line.lot or NO_LOT, dispatched=line.quantity
        )
        for number, line in enumerate(posted.lines, 1)
    ]
    event = TransferDispatched(**ends(row, posted), lines=here.goods(posted.lines))
    work.record(event, region=row.to_region, caller=one.caller)
    return row, lines


def ends(row: TransferRow, posted: Posted) -> dict[str, Any]:
    """Give what every event about a transfer tells."""
    return {
        "transfer_id": row.id,
        "posting_id": posted.draft.id,
        "number": posted.number,
        "from_place": row.from_place,
        "to_place": row.to_place,
        "from_region": row.from_region,
        "to_region": row.to_region,
        "occurred_at": posted.draft.occurred_at,
    }


async def arrive(work: Work, caller: Caller, transfer_id: UUID, order: ReceiveTransfer) -> TransferView:
    """Take in what arrived; what was rejected is written off with its reason.

    Raises: Absent (404), AlreadyReceived (409), AlreadyVoided (409), DoesNotAddUp (409), Invalid (422)
    """
    row = await work.session.get(TransferRow, transfer_id, with_for_update=True)
    if row is None or not caller.sees(row.to_region):
        raise Absent
    if row.state == "received":
        raise AlreadyReceived(f"{row.number} was received already.", posting_id=str(row.receipt_posting_id))
    if row.state == VOIDED:
        raise AlreadyVoided(f"{row.number} was voided.", posting_id=str(row.void_posting_id))
    lines = await lines_of(work, row)
    await _check(work, caller, row, order, lines)
    _share_out(lines, order)
    posted = await _post_arrival(work, caller, row, order, lines)
    row.state, row.received_at, row.receipt_posting_id = "received", order.occurred_at, posted.draft.id
    row.version += 1
    here = await known_by_code(work, (line.item for line in lines))
    taken = [line for line in posted.lines if line.to_place == row.to_place]
    lost = [line for line in posted.lines if line.to_place != row.to_place]
    event = TransferReceived(**ends(row, posted), accepted=here.goods(taken), rejected=here.goods(lost))
    work.record(event, region=row.to_region)
    await work.session.flush()
    return transfer_view(row, lines, await _lot_notes(work, row))


async def _check(
    work: Work, caller: Caller, row: TransferRow, order: ReceiveTransfer, lines: Sequence[TransferLineRow]
) -> None:
    leaves = leaves_of(order)
    errors = arrival_mistakes(leaves, await known(work, [leaves]), caller, work.now)
    if order.occurred_at < row.occurred_at:
        errors.append(FieldError("/occurred_at", "before_dispatch", "Nothing arrives before it was sent."))
    told = {error.pointer for error in errors}
    sent = {line.item for line in lines}
    errors += [
        FieldError(pointer, "unknown_item", f"{line.item} was not sent.")
        for index, line in enumerate(order.lines)
        if line.item not in sent and (pointer := f"/lines/{index}/item") not in told
    ]
    lots = {(line.item, line.lot) for line in lines}
    errors += [
        FieldError(f"/lines/{index}/lot", "unknown_lot", f"{line.item}: lot {line.lot} was not sent.")
        for index, line in enumerate(order.lines)
        if line.lot and line.item in sent and (line.item, line.lot) not in lots
    ]
    if errors:
        raise Invalid(errors)
    _check_sums(order.lines, lines)


def _line_of(line: TransferLineRow, told: Collection[tuple[str, str | None]]) -> tuple[str, str | None]:
    """Give which line of a receipt speaks of what was sent: the one of its lot, or that of all lots without one."""
    named = (line.item, line.lot or None)
    return named if named in told else (line.item, None)


def _check_sums(told: Sequence[ArrivedLine], lines: Sequence[TransferLineRow]) -> None:
    arrived = {(line.item, line.lot): line.accepted + line.rejected for line in told}
    sent: dict[tuple[str, str | None], int] = defaultdict(int, dict.fromkeys(arrived, 0))
    for line in lines:
        sent[_line_of(line, arrived)] += line.dispatched
    differing: list[dict[str, Json]] = [
        {"item": item, **({"lot": lot} if lot else {}), "dispatched": quantity, "accounted_for": there}
        for (item, lot), quantity in sent.items()
        if (there := arrived.get((item, lot), 0)) != quantity
    ]
    if differing:
        raise DoesNotAddUp(f"{differing[0]['item']}: {differing[0]['dispatched']} were sent.", lines=differing)


def _share_out(lines: Sequence[TransferLineRow], order: ReceiveTransfer) -> None:
    """Lay what was accepted of an item over its lots, in the order in which they were sent; a named lot has its own."""
    left = {(line.item, line.lot): line.accepted for line in order.lines}
    reasons = {(line.item, line.lot): line.reason for line in order.lines}
    for line in lines:
        key = _line_of(line, reasons)
        line.accepted = min(left[key], line.dispatched)
        line.rejected = line.dispatched - line.accepted
        line.reason = reasons[key] if line.rejected else None
        left[key] -= line.accepted


def _written_off(line: TransferLineRow) -> Virtual:
    """Say where what was rejected goes: goods that are gone are a loss, a difference in the figures is none."""
    return LOSSES.get(Reason(line.reason), Virtual.ADJUSTMENT) if line.reason else Virtual.LOSS


async def _post_arrival(
    work: Work, caller: Caller, row: TransferRow, order: ReceiveTransfer, lines: Sequence[TransferLineRow]
) -> Posted:
    moved = [
        Line(line.item, quantity, Virtual.IN_TRANSIT, to_place, line.lot)
        for line in lines
        for quantity, to_place in ((line.accepted, row.to_place), (line.rejected, _written_off(line)))
        if quantity
    ]
    draft = Draft(
        id=work.new_id(),
        kind=Kind.ARRIVAL,
        region=row.to_region,
        occurred_at=order.occurred_at,
        caller=caller,
        document=order.document,
        lines=tuple(moved),
    )
    (posted,) = await post(work, [draft])
    if isinstance(posted, Refusal):
        raise posted
    return posted


async def lines_of(work: Work, row: TransferRow) -> Sequence[TransferLineRow]:
    """Give the lines of a transfer, in the order in which they were sent."""
    question = select(TransferLineRow).where(TransferLineRow.transfer_id == row.id)
    return (await work.session.exec(question.order_by(col(TransferLineRow.line_no)))).all()


async def show(work: Work, caller: Caller, transfer_id: UUID) -> TransferView:
    """Show a transfer to those at either end; raises Absent (404)."""
    row = await work.session.get(TransferRow, transfer_id)
    if row is None or not (caller.sees(row.from_region) or caller.sees(row.to_region)):
        raise Absent
    return await view_of(work, row)


async def view_of(work: Work, row: TransferRow) -> TransferView:
    """Show a transfer as it stands."""
    return transfer_view(row, await lines_of(work, row), await _lot_notes(work, row))


async def _lot_notes(work: Work, row: TransferRow) -> list[LotNoteView]:
    return (await lot_notes.of_postings(work.session, [row.posting_id])).get(row.posting_id, [])


def transfer_view(row: TransferRow, lines: Sequence[TransferLineRow], notes: list[LotNoteView]) -> TransferView:
    """Show a transfer with its lines."""
    return TransferView(
        id=row.id,
        number=row.number,
        state=row.state,
        from_place=row.from_place,
        to_place=row.to_place,
        occurred_at=shown(row.occurred_at),
        received_at=shown(row.received_at) if row.received_at else None,
        posting_id=row.posting_id,
        receipt_posting_id=row.receipt_posting_id,
        void_posting_id=row.void_posting_id,
        void_reason=row.void_reason,
        document=row.document,
        version=row.version,
        lines=[
            TransferLineView(
                item=line.item,
                lot=line.lot or None,
                dispatched=line.dispatched,
                accepted=line.accepted,
                rejected=line.rejected,
                reason=line.reason,
            )
            for line in lines
        ],
        lot_notes=notes,
    )
