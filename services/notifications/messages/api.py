"""The HTTP face of the inbox: everybody reads their own, and only that."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.notifications.messages import handlers, store
from services.notifications.people import key_of
from shared import cursor
from shared.clock import shown
from shared.problems import Absent
from shared.roles import Action
from shared.routes import PAGE_ITEMS_DEFAULT, Call, Cursor, Limit, Page, Routes
from shared.telemetry import trace_id

routes = Routes("/notifications", tag="Inbox")


class InboxQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which stretch of the inbox."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class InboxItem(msgspec.Struct, frozen=True):
    """A message as its reader sees it; `fact` is what it is about, `trace_id` that of the request that caused it."""

    id: UUID
    title: str
    body: str
    why: str
    purpose: str
    urgency: str
    language: str
    region: str
    fact: str
    created_at: datetime
    read_at: datetime | None
    trace_id: str


@routes.get("/inbox", allow=Action.READ_INBOX)
async def list_inbox(call: Call, query: InboxQuery) -> Page[InboxItem]:
    """List one's own messages, newest first."""
    after = cursor.decode(query.cursor, tuple[datetime, UUID]) if query.cursor else None
    rows = await store.inbox(call.work.session, key_of(call.caller), after, query.limit)
    return cursor.page(rows, query.limit, _item, lambda row: (row.created_at, row.id))


@routes.post("/inbox/{message_id}/read", allow=Action.READ_INBOX, status=200, refusals=[Absent])
async def read_message(call: Call, message_id: UUID) -> InboxItem:
    """Mark a message as read; the first time is the one that stays."""
    return _item(await handlers.mark_read(call.work, key_of(call.caller), message_id))


def _item(row: store.MessageRow) -> InboxItem:
    return InboxItem(
        id=row.id,
        title=row.title,
        body=row.body,
        why=row.why,
        purpose=row.purpose,
        urgency=row.urgency,
        language=row.language,
        region=row.region,
        fact=row.fact,
        created_at=shown(row.created_at),
        read_at=shown(row.read_at) if row.read_at else None,
        trace_id=trace_id(row.traceparent),
    )
