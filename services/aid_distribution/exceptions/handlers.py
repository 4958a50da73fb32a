"""What is done about exceptions: entered after all, dropped, told of when their time is over."""

from uuid import UUID

from services.aid_distribution.exceptions import store
from services.aid_distribution.exceptions.domain import ExceptionClosed, State, due_at
from services.aid_distribution.exceptions.orders import (
    ApplyException,
    ChangeException,
    DropException,
    ExceptionView,
    ExceptionWithChanges,
    exception_view,
    with_changes,
)
from services.aid_distribution.exceptions.parking import Appliers, close, fact, note_applied, note_refused
from services.aid_distribution.exceptions.store import ExceptionChangeRow, ExceptionRow
from shared.caller import Caller
from shared.contracts.aid_distribution import ExceptionChanged, ExceptionDropped, ExceptionOverdue
from shared.database import Work
from shared.problems import Absent, FieldError, Invalid, Refusal, Stale


async def apply(
    work: Work, caller: Caller, exception_id: UUID, order: ApplyException, appliers: Appliers
) -> ExceptionView | Refusal:
    """Enter what was parked, at the moment at which it happened, with all the effects that it would have had.

    A limit that others have used up since, also of the same batch, refuses it unless the order says why it is accepted.

    Shape:  a refusal is given and not raised, so that the attempt is kept; the exception is open then as before
    Raises: Absent (404), ExceptionClosed (409)
    """
    row = await _open(work, caller, exception_id)
    applier = appliers[row.kind]
    outcome = await applier.enter(work, caller, row, order)
    if isinstance(outcome, Refusal):
        await note_refused(work, [(row, outcome)])
        return _about_the_order(outcome)
    await note_applied(work, caller, [(row, outcome)], applier.hidden, order)
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


async def change(
    work: Work, caller: Caller, exception_id: UUID, version: int, order: ChangeException, appliers: Appliers
) -> ExceptionWithChanges:
    """Say who is to settle an exception and by when; what was before stays in its changes.

    A deadline that has passed and been told of is told of again when the new one passes.

    Raises: Absent (404), Stale (412), ExceptionClosed (409), Invalid (422)
    """
    row = await _seen(work, caller, exception_id)
    if row.version != version:
        raise Stale(f"This is version {row.version}.")
    _not_closed(row)
    if order.owner is None and order.due_at is None:
        raise Invalid([FieldError("", "nothing_to_change", "Name the owner, the deadline, or both.")])
    before, row.owner = row.owner, order.owner or row.owner
    if order.due_at is not None:
        row.due_at, row.overdue_told_at = due_at(work.now, order.due_at), None
        row.deadline_no += 1
    row.version += 1
    await work.session.flush()
    changed = ExceptionChangeRow(
        exception_id=row.id,
        version=row.version,
        owner=row.owner,
        due_at=row.due_at,
        reason=order.reason,
        document=order.document,
        changed_at=work.now,
        changed_by=caller.subject,
    )
    work.session.add(changed)
    await work.session.flush()
    (told,) = await fact(work, [row])
    news = ExceptionChanged(**told, owner=row.owner, reason=order.reason, change_no=row.version, owner_before=before)
    work.record(news, region=row.region)
    view = exception_view(row, appliers[row.kind].hidden, work.now)
    return with_changes(view, await store.changes_of(work.session, row.id))


async def _open(work: Work, caller: Caller, exception_id: UUID) -> ExceptionRow:
    row = await _seen(work, caller, exception_id)
    _not_closed(row)
    return row


async def _seen(work: Work, caller: Caller, exception_id: UUID) -> ExceptionRow:
    row = await store.locked(work.session, exception_id)
    if row is None or not caller.sees(row.region):
        raise Absent
    return row


def _not_closed(row: ExceptionRow) -> None:
    if row.state != State.OPEN:
        raise ExceptionClosed(f"This exception is {row.state}.", state=row.state, number=row.number)


async def sweep(work: Work) -> bool:
    """Tell of the exceptions whose time is over, of each once; tells whether there may be more."""
    rows = await store.overdue(work.session, work.now)
    if rows:
        for row, told in zip(rows, await fact(work, rows), strict=True):
            row.overdue_told_at = work.now
            work.record(ExceptionOverdue(**told, owner=row.owner, deadline_no=row.deadline_no), region=row.region)
        await work.session.flush()
    return len(rows) == store.EXCEPTIONS_PER_SWEEP
