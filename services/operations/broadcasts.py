"""Broadcasts from the command line: seen, looked ahead, approved and halted by the same rules as over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar
from uuid import UUID

import msgspec

from services.notifications.broadcasts import handlers, store
from services.notifications.broadcasts.domain import Outcome
from services.notifications.broadcasts.store import BroadcastRow
from services.notifications.contacts.store import staff_member
from services.operations.installation import Installation
from services.operations.refusals import NotPossible
from shared.caller import Caller, Role
from shared.database import Database, Work
from shared.roles import Action, demand

T = TypeVar("T")

NOTIFICATIONS: Final = "notifications"
LISTED_MAX: Final = 100


class Broadcast(msgspec.Struct, frozen=True, kw_only=True):
    """A broadcast in a line."""

    id: UUID
    state: str
    title: str
    regions: list[str]
    recipients: int | None
    told: int
    drafted_by: str
    approved_by: str | None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """How many would be told how if it went now, and how it reads to three of them, who are masked."""

    recipients: int
    needs_approval: bool
    outside: dict[str, int]
    inbox_alone: dict[str, int]
    withheld: dict[str, int]
    examples: list[str]


@asynccontextmanager
async def _notifications(there: Installation) -> AsyncIterator[Database]:
    settings = there.settings
    database = Database(
        settings.database_urls[NOTIFICATIONS],
        NOTIFICATIONS,
        partitions=settings.partitions,
        clock=there.clock,
        connections_max=1,
    )
    try:
        yield database
    finally:
        await database.close()


async def _done(there: Installation, caller: Caller, task: Callable[[Work], Awaitable[T]]) -> T:
    async with _notifications(there) as database:
        return await database.run(caller, task)


async def known(there: Installation, subject: str) -> Caller:
    """Give the member of staff of this subject as a caller, with their own role and regions.

    Raises: NotPossible for somebody who is not known
    """
    async with there.reading(NOTIFICATIONS) as session:
        row = await staff_member(session, subject)
    if row is None:
        raise NotPossible(f"{subject!r} is no member of staff who is known here: say --by with a subject that is")
    return Caller(row.subject, Role(row.role), tuple(row.regions))


async def listed(there: Installation, caller: Caller, state: str | None) -> list[Broadcast]:
    """List the broadcasts of somebody's regions, newest first."""
    demand(caller, Action.SEE_BROADCASTS)
    async with there.reading(NOTIFICATIONS) as session:
        rows = await store.page(session, caller.regions, state, None, LISTED_MAX)
    return [_told(row) for row in rows[:LISTED_MAX]]


async def preview(there: Installation, caller: Caller, broadcast_id: UUID) -> Preview:
    """Look ahead; raises Absent (404)."""
    demand(caller, Action.SEE_BROADCASTS)

    async def look(work: Work) -> handlers.Preview:
        return await handlers.preview(work, await handlers.seen(work, broadcast_id))

    found = await _done(there, caller, look)
    return Preview(
        recipients=found.people,
        needs_approval=found.needs_approval,
        outside=dict(found.counts[Outcome.OUTSIDE]),
        inbox_alone=dict(found.counts[Outcome.INBOX]),
        withheld=dict(found.counts[Outcome.WITHHELD]),
        examples=[f"{one.owner} ({one.reaches}): {one.words.title}: {one.words.body}" for one in found.examples],
    )


async def approve(there: Installation, caller: Caller, broadcast_id: UUID) -> Broadcast:
    """Let a broadcast to many go; raises as `handlers.approve`, and Forbidden (403)."""
    demand(caller, Action.APPROVE_BROADCAST)
    return _told(await _done(there, caller, lambda work: handlers.approve(work, broadcast_id)))


async def pause(there: Installation, caller: Caller, broadcast_id: UUID) -> Broadcast:
    """Let a broadcast wait; raises as `handlers.pause`, and Forbidden (403)."""
    demand(caller, Action.HALT_BROADCAST)
    return _told(await _done(there, caller, lambda work: handlers.pause(work, broadcast_id)))


async def resume(there: Installation, caller: Caller, broadcast_id: UUID) -> Broadcast:
    """Let a broadcast go on; raises as `handlers.resume`, and Forbidden (403)."""
    demand(caller, Action.HALT_BROADCAST)
    return _told(await _done(there, caller, lambda work: handlers.resume(work, broadcast_id)))


async def cancel(there: Installation, caller: Caller, broadcast_id: UUID, why: str) -> Broadcast:
    """End a broadcast; raises as `handlers.cancel`, and Forbidden (403)."""
    demand(caller, Action.HALT_BROADCAST)
    return _told(await _done(there, caller, lambda work: handlers.cancel(work, broadcast_id, why)))


def _told(row: BroadcastRow) -> Broadcast:
    return Broadcast(
        id=row.id,
        state=row.state,
        title=row.title_id,
        regions=list(row.regions),
        recipients=row.counted,
        told=row.told,
        drafted_by=row.drafted_by,
        approved_by=row.approved_by,
    )
