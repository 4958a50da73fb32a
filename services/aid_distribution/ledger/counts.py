"""Counting stock: an absolute anchor on each card, taken against what the book said when the counting began."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from services.aid_distribution.ledger.account import CardKey
from services.aid_distribution.ledger.domain import NO_LOT, Counted, Difference, Draft, Kind, reserved_place
from services.aid_distribution.ledger.handlers import post, posting_fact
from services.aid_distribution.ledger.known import known
from services.aid_distribution.ledger.mistakes import count_mistakes, order_mistakes
from services.aid_distribution.ledger.orders import (
    AbsorbedView,
    CountLineView,
    CountStock,
    CountView,
    SnapshotLineView,
    SnapshotView,
    TakeSnapshot,
)
from services.aid_distribution.ledger.store import (
    CountLineRow,
    PostingRow,
    SnapshotLineRow,
    SnapshotRow,
)
from shared.caller import Caller
from shared.clock import shown
from shared.contracts.aid_distribution import CountDifference, StockCounted
from shared.database import Work
from shared.leaves import leaves_of
from shared.problems import Absent, FieldError, Invalid, Refusal

BOOK = text(
    "SELECT item, lot, sum(on_hand)::bigint AS on_hand FROM card WHERE place IN (:place, :reserved) AND on_hand > 0"
    " AND (CAST(:items AS text[]) IS NULL OR item = ANY(CAST(:items AS text[]))) GROUP BY item, lot ORDER BY item, lot"
)


async def take_snapshot(work: Work, caller: Caller, order: TakeSnapshot) -> SnapshotView:
    """Keep what the book says of a place, so that a count can be held against it; raises Invalid (422)."""
    leaves = leaves_of(order)
    if errors := order_mistakes(leaves, await known(work, [leaves]), caller, work.now):
        raise Invalid(errors)
    row = SnapshotRow(id=work.new_id(), place=order.place, items=order.items, taken_at=work.now, actor=caller.subject)
    work.session.add(row)
    await work.session.flush()
    shelves = {"place": order.place, "reserved": reserved_place(order.place)}
    book = await work.session.execute(BOOK, {**shelves, "items": order.items})
    lines = [SnapshotLineRow(snapshot_id=row.id, item=item, lot=lot, on_hand=held) for item, lot, held in book]
    work.session.add_all(lines)
    await work.session.flush()
    return SnapshotView(
        id=row.id,
        place=row.place,
        taken_at=shown(row.taken_at),
        lines=[SnapshotLineView(item=one.item, lot=one.lot or None, on_hand=one.on_hand) for one in lines],
    )


async def count(work: Work, caller: Caller, order: CountStock) -> CountView:
    """Post a count: its cards hold from that moment what was counted, and the differences are its lines.

    Raises: BookMoved (409) with the lines that moved since the snapshot, LotNeeded (409), ReservedNotCounted (409),
            ShortOfStock (409) when what was posted since would then be more than there was, Invalid (422)
    """
    leaves = leaves_of(order)
    here = await known(work, [leaves])
    errors = count_mistakes(leaves, here, caller, work.now)
    snapshot, more = await _snapshot(work, order)
    if errors or more:
        raise Invalid([*errors, *more])
    draft = Draft(
        id=work.new_id(),
        kind=Kind.COUNT,
        region=here.places[order.place].region,
        occurred_at=order.occurred_at,
        caller=caller,
        document=order.document,
        lines=(),
        packs=here.packed(order.lines),
        counted=tuple(
            Counted(
                key,
                here.base(line),
                line.reason,
                snapshot.get((line.item, line.lot or NO_LOT), 0) if snapshot is not None else None,
            )
            for line in order.lines
            if (key := CardKey(order.place, line.item, line.lot or NO_LOT))
        ),
    )
    (posted,) = await post(work, [draft])
    if isinstance(posted, Refusal):
        raise posted
    differences = posted.entered.differences
    work.session.add_all([_row(one, posted.moment) for one in differences])
    await work.session.flush()
    event = StockCounted(**posting_fact(posted, here), place=order.place, counted=[_told(one) for one in differences])
    work.record(event, region=draft.region)
    return await _view(work, await work.session.get_one(PostingRow, draft.id))


async def _snapshot(work: Work, order: CountStock) -> tuple[Mapping[tuple[str, str], int] | None, list[FieldError]]:
    """Give what the book said when the counting began, and what is wrong with naming it."""
    if order.snapshot is None:
        return None, []
    row = await work.session.get(SnapshotRow, order.snapshot)
    if row is None or row.place != order.place:
        return None, [FieldError("/snapshot", "unknown_snapshot", f"There is no snapshot {order.snapshot} of it.")]
    outside = [
        FieldError(f"/lines/{number}/item", "not_in_snapshot", f"{line.item} was not to be counted.")
        for number, line in enumerate(order.lines)
        if row.items is not None and line.item not in row.items
    ]
    lines = await work.session.exec(select(SnapshotLineRow).where(SnapshotLineRow.snapshot_id == row.id))
    return {(line.item, line.lot): line.on_hand for line in lines}, outside


def _row(one: Difference, moment: Any) -> CountLineRow:
    key = one.counted.key
    return CountLineRow(
        place=key.place,
        item=key.item,
        lot=key.lot,
        occurred_at=moment.occurred_at,
        recorded_at=moment.recorded_at,
        posting_id=moment.posting_id,
        counted=one.counted.quantity,
        book=one.book,
        snapshot=one.counted.snapshot,
        reason=one.counted.reason,
    )


def _told(one: Difference) -> CountDifference:
    counted = one.counted
    return CountDifference(
        item=counted.key.item,
        lot=counted.key.lot or None,
        counted=counted.quantity,
        book=one.book,
        reason=counted.reason,
    )


async def show(work: Work, caller: Caller, count_id: UUID) -> CountView:
    """Show a count as it stands by now; raises Absent (404), also for another region's."""
    row = await work.session.get(PostingRow, count_id)
    if row is None or row.kind != Kind.COUNT or not caller.sees(row.region):
        raise Absent
    return await _view(work, row)


LINES = text(
    """
    SELECT l.item, l.lot, l.late_by, p.number,
           sum(CASE WHEN l.to_place = :place THEN l.quantity ELSE -l.quantity END)::bigint AS change
    FROM posting_line l LEFT JOIN posting p ON p.id = l.late_by
    WHERE l.posting_id = :count GROUP BY l.item, l.lot, l.late_by, p.number, p.recorded_at
    ORDER BY p.recorded_at, l.late_by
    """
)


async def _view(work: Work, row: PostingRow) -> CountView:
    question = select(CountLineRow).where(CountLineRow.posting_id == row.id)
    counted = (await work.session.exec(question.order_by(col(CountLineRow.item), col(CountLineRow.lot)))).all()
    place = counted[0].place
    changes: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for line in await work.session.execute(LINES, {"count": row.id, "place": place}):
        changes[line.item, line.lot].append(line)
    undone = (await work.session.exec(select(PostingRow.id).where(PostingRow.reverses == row.id))).first()
    return CountView(
        id=row.id,
        number=row.number,
        place=place,
        region=row.region,
        occurred_at=shown(row.occurred_at),
        recorded_at=shown(row.recorded_at),
        document=row.document,
        reversed_by=undone,
        lines=[_line_view(line, changes[line.item, line.lot]) for line in counted],
    )


def _line_view(line: CountLineRow, changes: Sequence[Any]) -> CountLineView:
    return CountLineView(
        item=line.item,
        lot=line.lot or None,
        counted=line.counted,
        book=line.book,
        snapshot=line.snapshot,
        difference=sum(change.change for change in changes),
        reason=line.reason,
        absorbed=[
            AbsorbedView(posting_id=change.late_by, number=change.number, quantity=-change.change)
            for change in changes
            if change.late_by is not None
        ],
    )
