"""What is done about owners whose number reaches nobody: one open task for each, until it is corrected or closed."""

from uuid import UUID

from sqlalchemy import Row

from services.registration.contact_tasks import store
from services.registration.contact_tasks.domain import State, TaskEnded
from shared import cursor
from shared.contracts.notifications import PhoneUnreachable
from shared.database import Work
from shared.problems import Absent
from shared.routes import Page

Task = Row[tuple[object, ...]]
"""A row of `contact_task` with name, phone and region of its owner."""


async def hear(work: Work, event: PhoneUnreachable) -> None:
    """Open the task of an owner; while one is open, or once the number was corrected since, nothing is added."""
    await store.open_one(work.session, work.new_id(), event.owner_id, event.channel, event.reason, event.at, work.now)


async def correct(work: Work, owner_id: UUID) -> None:
    """End the task of an owner of whom another number is known now, in the transaction that writes it."""
    await store.correct(work.session, owner_id, work.caller.subject, work.now)


async def page(work: Work, state: State | None, after: str | None, limit: int) -> Page[Task]:
    """List the tasks of the caller's regions, the newest first."""
    (beyond,) = cursor.decode(after, tuple[UUID]) if after else (None,)
    rows = await store.page(work.session, work.caller.regions, state, beyond, limit + 1)
    return cursor.page(rows, limit, lambda row: row, lambda row: (row.id,))


async def close(work: Work, task_id: UUID, why: str) -> Task:
    """End a task about which nothing more can be done, such as for an owner who has no telephone any more.

    Raises: Absent (404), also for one of another region; TaskEnded (409)
    """
    row = await store.locked(work.session, task_id)
    if row is None or not work.caller.sees(row.region):
        raise Absent
    if row.state != State.OPEN:
        raise TaskEnded(f"It is {row.state}.", state=row.state)
    await store.close(work.session, task_id, work.caller.subject, why, work.now)
    ended = await store.locked(work.session, task_id)
    assert ended is not None  # noqa: S101  it was there, and is locked
    return ended
