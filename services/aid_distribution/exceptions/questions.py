"""Questions about exceptions: what is still to be settled, and what has become of the rest."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import and_, col, not_, select

from services.aid_distribution.exceptions import store
from services.aid_distribution.exceptions.domain import State
from services.aid_distribution.exceptions.orders import (
    ExceptionQuery,
    ExceptionView,
    ExceptionWithChanges,
    exception_view,
    with_changes,
)
from services.aid_distribution.exceptions.parking import Appliers
from services.aid_distribution.exceptions.store import ExceptionRow
from shared import cursor
from shared.caller import Caller
from shared.database import Work
from shared.problems import Absent
from shared.routes import Page
from shared.within import within


async def show(work: Work, caller: Caller, exception_id: UUID, appliers: Appliers) -> ExceptionWithChanges:
    """Show an exception and the changes of its owner and deadline; raises Absent (404), also for another region's."""
    row = await work.session.get(ExceptionRow, exception_id)
    if row is None or not caller.sees(row.region):
        raise Absent
    view = exception_view(row, appliers[row.kind].hidden, work.now)
    return with_changes(view, await store.changes_of(work.session, row.id))


async def page(work: Work, caller: Caller, query: ExceptionQuery, appliers: Appliers) -> Page[ExceptionView]:
    """List the exceptions of the caller's regions, the one that is to be settled first at the top."""
    region = col(ExceptionRow.region)
    question = select(ExceptionRow).where(within(region, caller.regions))
    if query.region is not None:
        question = question.where(within(region, [query.region]))
    if query.owner is not None:
        question = question.where(ExceptionRow.owner == query.owner)
    if query.state is not None:
        question = question.where(ExceptionRow.state == query.state)
    if query.overdue is not None:
        late = and_(col(ExceptionRow.state) == State.OPEN, col(ExceptionRow.due_at) <= work.now)
        question = question.where(late if query.overdue else not_(late))
    if query.cursor:
        after = cursor.decode(query.cursor, tuple[datetime, UUID])
        question = question.where(tuple_(col(ExceptionRow.due_at), col(ExceptionRow.id)) > after)
    question = question.order_by(col(ExceptionRow.due_at), col(ExceptionRow.id)).limit(query.limit + 1)
    rows = (await work.session.exec(question)).all()
    return cursor.page(
        rows,
        query.limit,
        lambda row: exception_view(row, appliers[row.kind].hidden, work.now),
        lambda row: (row.due_at, row.id),
    )
