"""What is done about exceptions: entered after all, dropped, told of when their time is over."""

from uuid import UUID

from services.aid_distribution.exceptions import store
from services.aid_distribution.exceptions.domain import ExceptionClosed, State
from services.aid_distribution.exceptions.orders import ApplyException, DropException, ExceptionView, exception_view
from services.aid_distribution.exceptions.parking import Appliers, close, fact, note_applied, note_refused
from services.aid_distribution.exceptions.store import ExceptionRow
from shared.caller import Caller
from shared.contracts.aid_distribution import ExceptionDropped, ExceptionOverdue
from shared.database import Work
from shared.problems import Absent, FieldError, Invalid, Refusal


async def apply(
    work: Work, caller: Caller, exception_id: UUID, order: ApplyException, appliers: Appliers
) -> ExceptionView | Refusal:
    """Enter what was parked, at the moment at which it happened, with all the effects that it would have had.

    Shape:  a refusal is given and not raised, so that the attempt is kept; the exception is open then as before
    Raises: Absent (404), ExceptionClosed (409)
    """
    row = await _open(work, caller, exception_id)
    applier = appliers[row.kind]
    outcome = await applier.enter(work, caller, row, order.document)
    if isinstance(outcome, Refusal):
        await note_refused(work, [(row, outcome)])
        return _about_the_order(outcome)
    await note_applied(work, caller, [(row, outcome)], applier.hidden, order.document)
    return exception_view(row, applier.hidden, work.now)


def _about_the_order(refusal: Refusal) -> Refusal:
    if not isinstance(refusal, Invalid):
        return refusal
    errors = [FieldError(f"/order{error.pointer}", error.code, error.detail) for error in refusal.errors]
    return Invalid(errors, refusal.detail)


async def drop(
    work: Work, caller: Caller, exception_id: UUID, order: DropException, appliers: Appliers
) -> ExceptionView:
    """Give up what was parked; raises Absent (404), ExceptionClosed (409)."""
    row = await _open(work, caller, exception_id)
    hidden = appliers[row.kind].hidden
    close(work, caller, row, State.DROPPED, hidden, order.document)
    row.drop_reason = order.reason
    await work.session.flush()
    (told,) = await fact(work, [row])
    work.record(ExceptionDropped(**told, reason=order.reason), region=row.region)
    return exception_view(row, hidden, work.now)


async def _open(work: Work, caller: Caller, exception_id: UUID) -> ExceptionRow:
    row = await store.locked(work.session, exception_id)
    if row is None or not caller.sees(row.region):
        raise Absent
    if row.state != State.OPEN:
        raise ExceptionClosed(f"This exception is {row.state}.", state=row.state, number=row.number)
    return row


async def sweep(work: Work) -> bool:
    """Tell of the exceptions whose time is over, of each once; tells whether there may be more."""
    rows = await store.overdue(work.session, work.now)
    if rows:
        for row, told in zip(rows, await fact(work, rows), strict=True):
            row.overdue_told_at = work.now
            work.record(ExceptionOverdue(**told, owner=row.owner), region=row.region)
        await work.session.flush()
    return len(rows) == store.EXCEPTIONS_PER_SWEEP
