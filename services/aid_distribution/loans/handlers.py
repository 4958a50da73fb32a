"""What is done about loans: assets go out, come back in parts, or are written off."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.aid_distribution.businesses import store as businesses
from services.aid_distribution.ledger.domain import LOSSES, NO_LOT, Draft, Kind, Line, Virtual
from services.aid_distribution.ledger.handlers import leaving, post, posting_fact
from services.aid_distribution.ledger.known import Known, known
from services.aid_distribution.ledger.mistakes import order_mistakes
from services.aid_distribution.ledger.store import Posted
from services.aid_distribution.loans import store
from services.aid_distribution.loans.domain import (
    Back,
    Lent,
    LoanClosed,
    State,
    back_mistakes,
    laid_out,
    lending_mistakes,
)
from services.aid_distribution.loans.orders import LendAssets, LoanView, ReturnLoan, loan_view
from services.aid_distribution.loans.store import LoanLineRow, LoanReturnRow, LoanRow
from shared.caller import Caller
from shared.clock import wib_day
from shared.contracts.aid_distribution import LoanOpened, LoanReturned
from shared.database import Work
from shared.leaves import leaves_of
from shared.problems import Absent, FieldError, Invalid, Refusal


async def mistakes(work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Say what is wrong with a loan beside its shape, as far as its values have the right one."""
    return await _lending_mistakes(work, work.caller, leaves, await known(work, [leaves]))


async def _lending_mistakes(work: Work, caller: Caller, leaves: Mapping[str, object], here: Known) -> list[FieldError]:
    business = leaves.get("/borrower/business")
    found = await businesses.by_id(work.session, {business}) if isinstance(business, UUID) else {}
    open_to_caller = any(one.state == "open" and caller.sees(one.region) for one in found.values())
    errors = order_mistakes(leaves, here, caller, work.now)
    errors += lending_mistakes(leaves, await store.categories(work.session, list(here.items)), open_to_caller)
    return errors


async def lend(work: Work, caller: Caller, order: LendAssets) -> LoanView:
    """Lend assets; raises Invalid (422), LotHeld and ShortOfStock (409)."""
    leaves = leaves_of(order)
    here = await known(work, [leaves])
    errors = await _lending_mistakes(work, caller, leaves, here)
    if order.due_on < wib_day(order.occurred_at):
        errors.append(FieldError("/due_on", "before_lent", "Nothing is due before it is lent."))
    if errors:
        raise Invalid(errors)
    posted = await _posted(
        work,
        Draft(
            id=work.new_id(),
            kind=Kind.LOAN,
            region=here.places[order.place].region,
            occurred_at=order.occurred_at,
            caller=caller,
            document=order.document,
            lines=leaving(order.lines, order.place, Virtual.ON_LOAN, here),
            usable_only=True,
        ),
    )
    row, lines = _rows(work, caller, order, posted)
    work.session.add(row)
    await work.session.flush()
    work.session.add_all(lines)
    await work.session.flush()
    event = LoanOpened(
        **posting_fact(posted, here),
        loan_id=row.id,
        place=row.place,
        place_name=here.places[row.place].name,
        due_on=row.due_on,
        business_id=row.business_id,
    )
    work.record(event, region=row.region)
    return loan_view(row, lines, (), work.now)


async def _posted(work: Work, draft: Draft) -> Posted:
    (posted,) = await post(work, [draft])
    if isinstance(posted, Refusal):
        raise posted
    return posted


def _rows(work: Work, caller: Caller, order: LendAssets, posted: Posted) -> tuple[LoanRow, list[LoanLineRow]]:
    row = LoanRow(
        id=work.new_id(),
        number=posted.number,
        state=State.OPEN,
        place=order.place,
        region=posted.draft.region,
        borrower_name=order.borrower.name,
        business_id=order.borrower.business,
        due_on=order.due_on,
        occurred_at=order.occurred_at,
        recorded_at=posted.recorded_at,
        posting_id=posted.draft.id,
        actor=caller.subject,
        document=order.document,
    )
    return row, [
        LoanLineRow(
            loan_id=row.id,
            line_no=number,
            item=line.item,
            lot=line.lot or NO_LOT,
            quantity=line.quantity,
            returned=0,
            lost=0,
        )
        for number, line in enumerate(posted.lines, 1)
    ]


async def back_order_mistakes(work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Say what is wrong with what comes back, whichever loan it is of."""
    return [*order_mistakes(leaves, await known(work, [leaves]), work.caller, work.now), *back_mistakes(leaves)]


async def take_back(work: Work, caller: Caller, loan_id: UUID, order: ReturnLoan) -> LoanView:
    """Take in what comes back of a loan, and write off what is lost of it.

    Raises: Absent (404), LoanClosed (409), MoreThanLent (409), TooMuch (409), Invalid (422)
    """
    row = await work.session.get(LoanRow, loan_id, with_for_update=True, populate_existing=True)
    if row is None or not caller.sees(row.region):
        raise Absent
    lines = (await store.lines_of(work.session, [row.id]))[row.id]
    leaves = leaves_of(order)
    here = await known(work, [{**leaves, "/place": order.place or row.place}])
    await _check(work, caller, row, order, lines, here)
    if row.state == State.RETURNED:
        raise LoanClosed(f"Everything of {row.number} is back or written off.")
    if row.state == State.VOIDED:
        raise LoanClosed(f"{row.number} was voided.")
    parts = laid_out(
        [Lent(line.item, line.lot, line.quantity, line.returned, line.lost) for line in lines],
        [Back(one.item, one.lot, one.returned, one.lost, one.reason) for one in order.lines],
    )
    if isinstance(parts, Refusal):
        raise parts
    place = order.place or row.place
    posted = await _posted(
        work,
        Draft(
            id=work.new_id(),
            kind=Kind.LOAN_RETURN,
            region=here.places[place].region,
            occurred_at=order.occurred_at,
            caller=caller,
            document=order.document,
            lines=tuple(_line(part, place) for _, part in parts),
        ),
    )
    for index, part in parts:
        lines[index].returned += part.returned
        lines[index].lost += part.lost
    if all(line.returned + line.lost == line.quantity for line in lines):
        row.state, row.closed_at = State.RETURNED, work.now
    row.version += 1
    back = LoanReturnRow(
        id=work.new_id(),
        loan_id=row.id,
        number=posted.number,
        posting_id=posted.draft.id,
        occurred_at=order.occurred_at,
        actor=caller.subject,
        document=order.document,
    )
    work.session.add(back)
    await work.session.flush()
    lost = [line for line in posted.lines if line.to_place == Virtual.LOSS]
    event = LoanReturned(
        **posting_fact(posted, here),
        loan_id=row.id,
        place=place,
        lost=here.goods(lost),
        closed=row.state == State.RETURNED,
    )
    work.record(event, region=row.region)
    return loan_view(row, lines, (await store.returns_of(work.session, [row.id]))[row.id], work.now)


async def _check(
    work: Work, caller: Caller, row: LoanRow, order: ReturnLoan, lines: Sequence[LoanLineRow], here: Known
) -> None:
    leaves = leaves_of(order)
    errors = [*order_mistakes(leaves, here, caller, work.now), *back_mistakes(leaves)]
    if order.occurred_at < row.occurred_at:
        errors.append(FieldError("/occurred_at", "before_lent", "Nothing comes back before it was lent."))
    told = {error.pointer for error in errors}
    for number, one in enumerate(order.lines):
        of_item = [line.lot for line in lines if line.item == one.item]
        if not of_item and f"/lines/{number}/item" not in told:
            errors.append(FieldError(f"/lines/{number}/item", "not_lent", f"{one.item} was not lent."))
        elif of_item and one.lot is not None and one.lot not in of_item:
            errors.append(FieldError(f"/lines/{number}/lot", "not_lent", f"Lot {one.lot} was not lent."))
    if errors:
        raise Invalid(errors)


def _line(part: Back, place: str) -> Line:
    if part.returned:
        return Line(part.item, part.returned, Virtual.ON_LOAN, place, part.lot)
    reason = next(reason for reason in LOSSES if reason == part.reason)
    return Line(part.item, part.lost, Virtual.ON_LOAN, LOSSES[reason], part.lot)
