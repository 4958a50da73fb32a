"""Questions about loans: what is out, with whom, and what is overdue."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import col, select

from services.aid_distribution.loans import store
from services.aid_distribution.loans.domain import State
from services.aid_distribution.loans.orders import LoanQuery, LoanView, loan_view
from services.aid_distribution.loans.store import LoanRow
from shared import cursor
from shared.caller import Caller
from shared.clock import wib_day
from shared.database import Work
from shared.problems import Absent
from shared.routes import Page
from shared.within import within


async def show(work: Work, caller: Caller, loan_id: UUID) -> LoanView:
    """Show a loan; raises Absent (404), also for another region's."""
    row = await work.session.get(LoanRow, loan_id)
    if row is None or not caller.sees(row.region):
        raise Absent
    return (await _views(work, [row]))[0]


async def page(work: Work, caller: Caller, query: LoanQuery) -> Page[LoanView]:
    """List the loans of the caller's regions, the one that is due first at the top."""
    region, today = col(LoanRow.region), wib_day(work.now)
    question = select(LoanRow).where(within(region, caller.regions))
    if query.region is not None:
        question = question.where(within(region, [query.region]))
    if query.place is not None:
        question = question.where(LoanRow.place == query.place)
    match query.state:
        case State.RETURNED | State.VOIDED as ended:
            question = question.where(LoanRow.state == ended)
        case State.OVERDUE:
            question = question.where(LoanRow.state == State.OPEN, LoanRow.due_on < today)
        case State.OPEN:
            question = question.where(LoanRow.state == State.OPEN, LoanRow.due_on >= today)
    if query.cursor:
        after = cursor.decode(query.cursor, tuple[date, UUID])
        question = question.where(tuple_(col(LoanRow.due_on), col(LoanRow.id)) > after)
    question = question.order_by(col(LoanRow.due_on), col(LoanRow.id)).limit(query.limit + 1)
    rows = (await work.session.exec(question)).all()
    views = dict(zip((row.id for row in rows), await _views(work, rows), strict=True))
    return cursor.page(rows, query.limit, lambda row: views[row.id], lambda row: (row.due_on, row.id))


async def _views(work: Work, rows: Sequence[LoanRow]) -> list[LoanView]:
    ids = [row.id for row in rows]
    lines, returns = await store.lines_of(work.session, ids), await store.returns_of(work.session, ids)
    return [loan_view(row, lines[row.id], returns[row.id], work.now) for row in rows]
