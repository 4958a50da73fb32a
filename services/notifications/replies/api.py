"""The HTTP face of replies: staff read what owners wrote, and enter what was told them by mouth."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from services.notifications.replies import handlers, store
from services.notifications.replies.domain import TEXT_LENGTH_MAX
from shared import cursor
from shared.caller import Role
from shared.clock import shown
from shared.privacy import mask_phone
from shared.problems import Absent, FieldError, Invalid
from shared.roles import Action
from shared.routes import CONTROL, PAGE_ITEMS_DEFAULT, Call, Cursor, Limit, Page, Routes

routes = Routes("/notifications", tag="Replies")

Said = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=TEXT_LENGTH_MAX, pattern=rf"^[^{CONTROL}]+$(?!\n)", examples=["YA"]),
]
Moment = Annotated[datetime, msgspec.Meta(tz=True, examples=["2020-09-21T09:00:00+07:00"])]
Meaning = Literal["yes", "no", "stop", "start", "other"]
Outcome = Literal[
    "answered", "asked_which", "no_offer", "too_late", "stopped", "started", "passed_on", "unknown_sender"
]
STRANGERS_SEEN_BY = (Role.PROVINCE_STAFF, Role.OPERATOR)
"""Who sees what came from numbers that nobody has: no region claims it."""

AGO_MAX = timedelta(days=30)


class EnterReply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an owner has told the office: by telephone, at a visit, or in a letter."""

    owner_id: UUID
    channel: Literal["phone", "visit", "letter"]
    text: Said
    told_at: Moment


class ReplyView(msgspec.Struct, frozen=True):
    """A reply: what was written, by whom, what it means, and what became of it."""

    id: UUID
    channel: str
    sender: str
    owners: list[UUID]
    names: str
    text: str
    meaning: Meaning
    outcome: Outcome
    enrolment_id: UUID | None
    entered_by: str | None
    written_at: datetime
    received_at: datetime


class EnteredView(msgspec.Struct, frozen=True):
    """The reply that was entered."""

    id: UUID


class ReplyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which replies, and which stretch of them."""

    outcome: Outcome | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


@routes.post("/replies", allow=Action.ENTER_REPLY, refusals=[Absent])
async def enter_reply(call: Call, body: EnterReply) -> EnteredView:
    """Enter what an owner told the office; it is understood as if they had written it."""
    now = call.work.now
    if body.told_at > now:
        raise Invalid([FieldError("/told_at", "in_the_future", "It was told before it is entered.")])
    if body.told_at < now - AGO_MAX:
        raise Invalid([FieldError("/told_at", "too_long_ago", f"At most {AGO_MAX.days} days ago.")])
    return EnteredView(await handlers.enter(call.work, body.owner_id, body.channel, body.text, body.told_at))


@routes.get("/replies", allow=Action.SEE_REPLIES)
async def list_replies(call: Call, query: ReplyQuery) -> Page[ReplyView]:
    """List what the owners of the caller's regions wrote, newest first."""
    (after,) = cursor.decode(query.cursor, tuple[UUID]) if query.cursor else (None,)
    strangers = call.caller.role in STRANGERS_SEEN_BY
    rows = await store.page(
        call.work.session, call.caller.regions, query.outcome, after, query.limit, strangers=strangers
    )
    return cursor.page(rows, query.limit, _view, lambda listed: (listed.row.id,))


def _view(listed: store.Listed) -> ReplyView:
    row = listed.row
    return ReplyView(
        id=row.id,
        channel=row.channel,
        sender=mask_phone(row.sender) if "@" not in row.sender else row.sender,
        owners=row.owner_ids,
        names=listed.names,
        text=row.text,
        meaning=msgspec.convert(row.meaning, Meaning),
        outcome=msgspec.convert(row.outcome, Outcome),
        enrolment_id=row.enrolment_id,
        entered_by=row.entered_by,
        written_at=shown(row.written_at),
        received_at=shown(row.received_at),
    )
