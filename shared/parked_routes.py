"""The HTTP face of what is parked: how much waits, of what, and why; what an event tells is not shown here.

Trying one again and dropping one are acts of an operator at the machine, on record there (`serumpun parked`).
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from shared import cursor, parking
from shared.clock import shown
from shared.parking import ParkedBecause, ParkedRow
from shared.roles import Action
from shared.routes import PAGE_ITEMS_DEFAULT, Call, Cursor, Page, Routes

Partition = Annotated[int, msgspec.Meta(ge=0, le=255)]


class ParkedQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stretch of what is parked to give."""

    cursor: Cursor | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=parking.LISTED_MAX - 1)] = PAGE_ITEMS_DEFAULT


class ParkedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that waits, by its number at its source; nothing of what it tells.

    Shape: `id` and `time` are null when it could not be read at all; `due_at` is null while an earlier one of its
           subject waits
    """

    at: Annotated[str, msgspec.Meta(examples=["registration/0/17"])]
    id: UUID | None
    type: str
    subject: str
    time: datetime | None
    reason: ParkedBecause
    attempts: int
    due_at: datetime | None
    error: str
    parked_at: datetime


def parked_routes(prefix: str) -> Routes:
    """Declare the list of what is parked in a service."""
    routes = Routes(f"{prefix}/parked-events", tag="Events")

    @routes.get("", Action.SEE_PARKED)
    async def list_parked_events(call: Call, query: ParkedQuery) -> Page[ParkedEvent]:
        """List what is parked, in the order in which each subject will run."""
        after = cursor.decode(query.cursor, tuple[str, Partition, int]) if query.cursor else None
        rows = await parking.listed(call.work.session, query.limit + 1, after)
        return cursor.page(rows, query.limit, parked_event, lambda row: (row.source, row.partition, row.seq))

    return routes


def parked_event(row: ParkedRow) -> ParkedEvent:
    """Show an event that waits."""
    return ParkedEvent(
        at=f"{row.source}/{row.partition}/{row.seq}",
        id=row.id,
        type=row.type,
        subject=row.subject,
        time=shown(row.time) if row.time else None,
        reason=ParkedBecause(row.reason),
        attempts=row.attempts,
        due_at=shown(row.due_at) if row.due_at else None,
        error=row.error,
        parked_at=shown(row.parked_at),
    )
