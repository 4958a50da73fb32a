"""What is done about returns: the goods move, the document is written, and what was moved before is held against it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import col, select

from services.aid_distribution.ledger import returned
from services.aid_distribution.ledger import store as ledger_store
from services.aid_distribution.ledger.domain import NO_LOT, Draft, Kind, Line
from services.aid_distribution.ledger.handlers import AlreadyReversed, post, posting_fact, posting_for_update
from services.aid_distribution.ledger.known import Known, known
from services.aid_distribution.ledger.mistakes import order_mistakes
from services.aid_distribution.ledger.returned import GivenBack, Left, Origins
from services.aid_distribution.ledger.store import LotKey, Posted, PostingLineRow, PostingRow
from services.aid_distribution.returns.domain import COMES_BACK_FROM, GIVES_BACK, OUTSIDE, Direction, lots_of, too_much
from services.aid_distribution.returns.orders import ReturnQuery, ReturnStock, ReturnView, return_view
from services.aid_distribution.returns.store import ReturnRow
from shared import cursor
from shared.caller import Caller
from shared.contracts.aid_distribution import StockReturned
from shared.database import Work
from shared.leaves import leaves_of
from shared.problems import Absent, FieldError, Invalid, Refusal
from shared.routes import Page
from shared.within import within

Returning = tuple[str, str | None, int]
"""An item, its lot, and how much of it goes back."""


async def give_back(work: Work, caller: Caller, order: ReturnStock, origins: Origins) -> ReturnView:
    """Post a return, and have the document whose goods come back count it, in the same transaction.

    Raises: Invalid (422), MoreThanMoved (409), AlreadyReversed (409) for a posting that was undone as a whole,
            ShortOfStock (409) for what goes back from a place, and what the document itself refuses
    """
    leaves = leaves_of(order)
    here = await known(work, [leaves])
    errors = order_mistakes(leaves, here, caller, work.now)
    original, moved = await _original(work, caller, order, errors)
    lots, wrong = lots_of(_asked(order), moved) if original else ([line.lot or NO_LOT for line in order.lines], [])
    known_wrong = {error.pointer for error in errors}
    errors += [error for error in wrong if error.pointer not in known_wrong]
    back = Counter[LotKey]()
    if not errors:
        for line, lot in zip(order.lines, lots, strict=True):
            back[line.item, lot] += here.base(line)
    new_id = work.new_id()
    told = GivenBack(new_id, order.occurred_at, order.business, by_item(back))
    origin = origins.get(original.kind) if original and order.direction is Direction.FROM_PUBLIC else None
    if origin and original:
        errors += await origin.before(work, caller, original, told)
    elif order.business is not None:
        errors.append(FieldError("/business", "not_a_recipient", "Name the distribution by which it received."))
    if errors:
        raise Invalid(errors)
    if original:
        await _check_original(work, original, back, moved)
    lines = _lines(order, lots, moved if original else None, here)
    posted = await _post(work, caller, order, here, new_id, lines)
    if original:
        await returned.add(work.session, original.id, moved, back)
        if origin:
            await origin.after(work, caller, original, told)
    return await _written(work, caller, order, posted, here)


def by_item(back: Mapping[LotKey, int]) -> dict[str, int]:
    """Sum up goods of all lots."""
    goods = Counter[str]()
    for (item, _), quantity in back.items():
        goods[item] += quantity
    return dict(goods)


def _asked(order: ReturnStock) -> list[Returning]:
    return [(line.item, line.lot, line.quantity) for line in order.lines]


async def _original(
    work: Work, caller: Caller, order: ReturnStock, errors: list[FieldError]
) -> tuple[PostingRow | None, Mapping[LotKey, Left]]:
    """Find and lock the posting whose goods go back; adds to the errors what is wrong with naming it."""
    if order.posting is None:
        return None, {}
    try:
        row = await posting_for_update(work, caller, order.posting)
    except Absent:
        errors.append(FieldError("/posting", "unknown_posting", f"There is no posting {order.posting}."))
        return None, {}
    left = await returned.left(work.session, row.id)
    moved = {key: one for key, one in left.items() if _fits(order.direction, one)}
    if row.kind not in GIVES_BACK[order.direction] or not moved:
        errors.append(FieldError("/posting", "wrong_posting", f"{row.number} moved no goods that go back so."))
        return None, {}
    if order.occurred_at < row.occurred_at:
        errors.append(FieldError("/occurred_at", "before_posting", "Nothing goes back before it was moved."))
    return row, moved


def _fits(direction: Direction, moved: Left) -> bool:
    """Tell whether goods were moved the other way: out of a place, or in from whoever they go back to."""
    if direction is Direction.FROM_PUBLIC:
        return moved.to_place in COMES_BACK_FROM
    return moved.from_place == OUTSIDE[direction]


async def _check_original(
    work: Work, original: PostingRow, back: Mapping[LotKey, int], moved: Mapping[LotKey, Left]
) -> None:
    undone = (await work.session.exec(select(PostingRow).where(PostingRow.reverses == original.id))).first()
    if undone is not None:
        raise AlreadyReversed(f"It was reversed by {undone.number}.", reversed_by=str(undone.id), number=undone.number)
    if refusal := too_much(back, moved):
        raise refusal


def _lines(
    order: ReturnStock, lots: Sequence[str], moved: Mapping[LotKey, Left] | None, here: Known
) -> tuple[Line, ...]:
    """Give the lines: what comes back comes from where it went, which for an issue may be a loss."""
    outside = OUTSIDE[order.direction].value
    lines = []
    for line, lot in zip(order.lines, lots, strict=True):
        if order.direction is Direction.FROM_PUBLIC:
            origin = moved[line.item, lot].to_place if moved is not None else outside
            lines.append(Line(line.item, here.base(line), origin, order.place, lot))
        else:
            of_lot = lot if moved is not None else line.lot
            lines.append(Line(line.item, here.base(line), order.place, outside, of_lot))
    return tuple(lines)


async def _post(
    work: Work, caller: Caller, order: ReturnStock, here: Known, new_id: UUID, lines: tuple[Line, ...]
) -> Posted:
    draft = Draft(
        id=new_id,
        kind=Kind.RETURN,
        region=here.places[order.place].region,
        occurred_at=order.occurred_at,
        caller=caller,
        document=order.document,
        reason=order.reason,
        lines=lines,
        packs=here.packed(order.lines),
    )
    (posted,) = await post(work, [draft])
    if isinstance(posted, Refusal):
        raise posted
    if order.direction is Direction.FROM_PUBLIC and (lots := {(one.item, one.lot) for one in lines if one.lot}):
        await ledger_store.remember_lots(work.session, [((item, lot or NO_LOT), None) for item, lot in sorted(lots)])
    return posted


async def _written(work: Work, caller: Caller, order: ReturnStock, posted: Posted, here: Known) -> ReturnView:
    row = ReturnRow(
        id=work.new_id(),
        number=posted.number,
        direction=order.direction,
        place=order.place,
        region=posted.draft.region,
        reason=order.reason,
        returns=order.posting,
        business_id=order.business,
        posting_id=posted.draft.id,
        occurred_at=order.occurred_at,
        recorded_at=posted.recorded_at,
        actor=caller.subject,
        document=order.document,
    )
    work.session.add(row)
    await work.session.flush()
    event = StockReturned(
        **posting_fact(posted, here),
        place=order.place,
        direction=order.direction.value,
        reason=order.reason,
        returns=order.posting,
    )
    work.record(event, region=row.region)
    return return_view(row, posted.lines)


async def mistakes(work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Say what is wrong with a return beside its shape, as far as its values have the right one."""
    return order_mistakes(leaves, await known(work, [leaves]), work.caller, work.now)


async def show(work: Work, caller: Caller, return_id: UUID) -> ReturnView:
    """Show a return; raises Absent (404), also for another region's."""
    row = await work.session.get(ReturnRow, return_id)
    if row is None or not caller.sees(row.region):
        raise Absent
    return (await _views(work, [row]))[0]


async def page(work: Work, caller: Caller, query: ReturnQuery) -> Page[ReturnView]:
    """List the returns of the caller's regions, newest first."""
    region = col(ReturnRow.region)
    question = select(ReturnRow).where(within(region, caller.regions))
    if query.region is not None:
        question = question.where(within(region, [query.region]))
    if query.place is not None:
        question = question.where(ReturnRow.place == query.place)
    if query.posting is not None:
        question = question.where(ReturnRow.returns == query.posting)
    if query.cursor:
        after = cursor.decode(query.cursor, tuple[datetime, UUID])
        question = question.where(tuple_(col(ReturnRow.occurred_at), col(ReturnRow.id)) < after)
    question = question.order_by(col(ReturnRow.occurred_at).desc(), col(ReturnRow.id).desc()).limit(query.limit + 1)
    rows = (await work.session.exec(question)).all()
    views = dict(zip((row.id for row in rows), await _views(work, rows), strict=True))
    return cursor.page(rows, query.limit, lambda row: views[row.id], lambda row: (row.occurred_at, row.id))


async def _views(work: Work, rows: Sequence[ReturnRow]) -> list[ReturnView]:
    lines: dict[UUID, list[Line]] = {row.posting_id: [] for row in rows}
    question = select(PostingLineRow).where(col(PostingLineRow.posting_id).in_(lines))
    for line in await work.session.exec(question.order_by(col(PostingLineRow.line_no))):
        lines[line.posting_id].append(Line(line.item, line.quantity, line.from_place, line.to_place, line.lot))
    return [return_view(row, lines[row.posting_id]) for row in rows]
