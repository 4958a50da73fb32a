"""The HTTP face of the inbox: everybody reads their own, and only that."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from services.notifications.messages import handlers, inbox_store, store
from services.notifications.people import key_of
from services.notifications.plans import Urgency
from shared import cursor
from shared.clock import shown
from shared.problems import Absent
from shared.roles import Action
from shared.routes import CONTROL, PAGE_ITEMS_DEFAULT, Call, Cursor, Limit, Page, Routes, Watched
from shared.telemetry import trace_id

routes = Routes("/notifications", tag="Inbox")


Searched = Annotated[str, msgspec.Meta(min_length=2, max_length=80, pattern=rf"^[^{CONTROL}]+$(?!\n)")]
Purpose = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"^[a-z_]+$(?!\n)")]
UrgencyName = Literal["required", "invitation", "information"]


class InboxQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which messages, and which stretch of them; `q` is looked for in title and text, capital or not."""

    q: Searched | None = None
    unread: bool | None = None
    purpose: Purpose | None = None
    urgency: UrgencyName | None = None
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


class Unread(msgspec.Struct, frozen=True):
    """How many messages are unread, together and by class."""

    total: int
    required: int
    invitation: int
    information: int


class InboxNews(msgspec.Struct, frozen=True):
    """What changed in an inbox: new messages and those that were read, in the order in which it happened."""

    items: list[InboxItem]
    unread: Unread
    reset: bool


class ReadUntil(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Up to which moment everything is read: the `created_at` of the newest message that was seen."""

    until: Annotated[datetime, msgspec.Meta(tz=True)]


class MarkedRead(msgspec.Struct, frozen=True):
    """How many were marked, and what is unread still."""

    marked: int
    unread: Unread


@routes.get("/inbox", allow=Action.READ_INBOX)
async def list_inbox(call: Call, query: InboxQuery) -> Page[InboxItem]:
    """List one's own messages, newest first."""
    after = cursor.decode(query.cursor, tuple[datetime, UUID]) if query.cursor else None
    wanted = inbox_store.Wanted(query.q, query.unread, query.purpose, query.urgency)
    rows = await inbox_store.page(call.work.session, key_of(call.caller), wanted, after, query.limit)
    return cursor.page(rows, query.limit, _item, lambda row: (row.created_at, row.id))


@routes.get("/inbox/unread", allow=Action.READ_INBOX)
async def count_unread(call: Call) -> Unread:
    """Count what one has not read."""
    return await _unread(call)


@routes.watch("/inbox/live", Action.READ_INBOX)
async def follow_inbox(call: Call) -> Watched:
    """Follow one's own inbox: what is new or was read since, each change once, and how much is unread.

    Whoever comes back with the last id is told exactly what changed meanwhile. `reset` is true where that cannot be
    told, as at the first time: then the inbox is to be asked for anew.
    """
    changed = await inbox_store.changed(call.work.session, key_of(call.caller), call.after)
    news = InboxNews([_item(row) for row in changed.rows], await _unread(call), changed.reset)
    return Watched("inbox", changed.position, news, over=False)


@routes.post("/inbox/read", allow=Action.READ_INBOX, status=200)
async def read_messages(call: Call, body: ReadUntil) -> MarkedRead:
    """Mark as read all that was written up to a moment."""
    person = key_of(call.caller)
    count = await handlers.mark_all_read(call.work, person, body.until)
    return MarkedRead(count, await _unread(call))


async def _unread(call: Call) -> Unread:
    counts = await inbox_store.unread(call.work.session, key_of(call.caller))
    return Unread(sum(counts.values()), **{urgency.value: counts.get(urgency.value, 0) for urgency in Urgency})


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
