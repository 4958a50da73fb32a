"""The HTTP face of broadcasts: draft, look ahead, let go with a second person's word, pause, resume and cancel."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from services.notifications.broadcasts import handlers, results, store
from services.notifications.broadcasts.audience import Audience
from services.notifications.broadcasts.domain import (
    REGIONS_MAX,
    SECTORS_MAX,
    BroadcastExpired,
    BroadcastStateWrong,
    NobodyToTell,
    Outcome,
    SecondPersonNeeded,
    Texts,
    TooManyBroadcasts,
)
from services.notifications.broadcasts.handlers import Draft, Preview
from services.notifications.broadcasts.store import BroadcastRow, BroadcastStepRow, Stood
from services.notifications.messages.domain import BODY_LENGTH_MAX, TITLE_LENGTH_MAX
from services.notifications.plans import Urgency
from shared import cursor
from shared.answers import Content
from shared.clock import shown
from shared.leaves import leaves_of
from shared.problems import Absent
from shared.roles import Action
from shared.routes import BLANK, CONTROL, PAGE_ITEMS_DEFAULT, Call, Cursor, Limit, Page, RegionCode, Routes, Text

routes = Routes("/notifications", tag="Broadcasts")

WORDS = rf"^[^{BLANK}{CONTROL}][^{CONTROL}]*$(?!\n)"
Title = Annotated[str, Meta(min_length=1, max_length=TITLE_LENGTH_MAX, pattern=WORDS)]
Body = Annotated[str, Meta(min_length=1, max_length=BODY_LENGTH_MAX, pattern=WORDS)]
Sector = Annotated[str, Meta(max_length=40, pattern=r"^[a-z][a-z0-9_-]*$(?!\n)", examples=["garment"])]
StandingName = Literal["offered", "accepted", "declined", "expired", "waitlisted", "withdrawn", "none"]
StateName = Literal["draft", "submitted", "running", "paused", "rejected", "done", "cancelled", "expired"]
ClassName = Literal["invitation", "information"]
LETTING_GO = [Absent, BroadcastStateWrong, BroadcastExpired, NobodyToTell, TooManyBroadcasts]


class AudienceView(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The owners of which trading businesses.

    Shape:  of any of `regions`, which are the caller's; of any of `sectors`; with any of `standings` in a training, or
            in `training_id`, where `none` never had a seat in any; what is empty asks for nothing
    """

    regions: Annotated[list[RegionCode], Meta(min_length=1, max_length=REGIONS_MAX)]
    sectors: Annotated[list[Sector], Meta(max_length=SECTORS_MAX)] = []
    standings: Annotated[list[StandingName], Meta(max_length=7, examples=[["none", "waitlisted"]])] = []
    training_id: UUID | None = None


class DraftBroadcast(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be told to many; in the texts {owner}, {business} and {until} stand for those of each reader.

    Units:  `expires_at` is when it is of no use any more, at most 30 days from now; nobody is told before `starts_at`
    """

    urgency: ClassName
    title_id: Annotated[Title, Meta(examples=["Pelatihan jahit masker dibuka"])]
    body_id: Annotated[Body, Meta(examples=["{owner}, pendaftaran untuk {business} dibuka sampai {until}."])]
    title_en: Annotated[Title, Meta(examples=["Training in sewing masks is open"])]
    body_en: Annotated[Body, Meta(examples=["{owner}, {business} can apply until {until}."])]
    audience: AudienceView
    expires_at: Annotated[datetime, Meta(tz=True)]
    starts_at: Annotated[datetime, Meta(tz=True)] | None = None


class DecideWithReason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a broadcast is rejected or cancelled."""

    reason: Annotated[Text, Meta(examples=["Tanggalnya salah"])]


class BroadcastQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which broadcasts, and which stretch of them."""

    state: StateName | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class BroadcastView(msgspec.Struct, frozen=True, kw_only=True):
    """A broadcast: `recipients` is how many it was for when it was let go, `told` how many have been taken so far."""

    id: UUID
    state: StateName
    urgency: ClassName
    title_id: str
    body_id: str
    title_en: str
    body_en: str
    audience: AudienceView
    starts_at: datetime | None
    expires_at: datetime
    recipients: int | None
    told: int
    drafted_by: str
    drafted_at: datetime
    submitted_by: str | None
    submitted_at: datetime | None
    approved_by: str | None
    approved_at: datetime | None
    ended_at: datetime | None


class BroadcastStepView(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a broadcast: the state that it led to, by whom, when, and why."""

    state: StateName
    by: str
    at: datetime
    reason: str | None


class OutsideView(msgspec.Struct, frozen=True, kw_only=True):
    """How far what leaves the house has come, by people."""

    queued: int = 0
    sending: int = 0
    accepted: int = 0
    delivered: int = 0
    failed: int = 0
    unknown: int = 0


class InboxAloneView(msgspec.Struct, frozen=True, kw_only=True):
    """How many find it in their inbox alone, by why: as they want it, as nothing else reaches them, or too late."""

    stopped: int = 0
    no_consent: int = 0
    no_contact: int = 0
    preference: int = 0
    digest: int = 0
    too_late: int = 0


class WithheldView(msgspec.Struct, frozen=True, kw_only=True):
    """How many are not told, by why."""

    restricted: int = 0
    erased: int = 0


class BroadcastDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A broadcast with its steps and how far it has come."""

    broadcast: BroadcastView
    steps: list[BroadcastStepView]
    outside: OutsideView
    inbox_alone: InboxAloneView
    withheld: WithheldView


class ByChannelView(msgspec.Struct, frozen=True, kw_only=True):
    """How many are reached over which channel first."""

    whatsapp: int = 0
    sms: int = 0
    email: int = 0


class ExampleView(msgspec.Struct, frozen=True, kw_only=True):
    """How it reads to one person, who is shown masked; `reaches` is the first channel, or why there is none."""

    owner: str
    phone: str
    language: str
    reaches: str
    title: str
    body: str
    why: str


class BroadcastPreview(msgspec.Struct, frozen=True, kw_only=True):
    """How many would be told how if it went now, and how it reads to three of them."""

    recipients: int
    needs_approval: bool
    outside: ByChannelView
    inbox_alone: InboxAloneView
    withheld: WithheldView
    examples: list[ExampleView]


@routes.post(
    "/broadcasts",
    Action.DRAFT_BROADCAST,
    location="/notifications/broadcasts/{id}",
    rules=handlers.mistakes,
)
async def draft_broadcast(call: Call, body: DraftBroadcast) -> BroadcastView:
    """Draft what is to be told to many; nobody is told before it is submitted."""
    asked = body.audience
    wanted = Draft(
        Urgency(body.urgency),
        Texts(body.title_id, body.body_id, body.title_en, body.body_en),
        Audience(asked.regions, asked.sectors, list[str](asked.standings), asked.training_id),
        body.expires_at,
        body.starts_at,
    )
    return _view(await handlers.draft(call.work, wanted, leaves_of(body)))


@routes.get("/broadcasts", Action.SEE_BROADCASTS)
async def list_broadcasts(call: Call, query: BroadcastQuery) -> Page[BroadcastView]:
    """List the broadcasts of the caller's regions, newest first."""
    (after,) = cursor.decode(query.cursor, tuple[UUID]) if query.cursor else (None,)
    rows = await store.page(call.work.session, call.caller.regions, query.state, after, query.limit)
    return cursor.page(rows, query.limit, _view, lambda row: (row.id,))


@routes.get("/broadcasts/{broadcast_id}", Action.SEE_BROADCASTS, refusals=[Absent])
async def get_broadcast(call: Call, broadcast_id: UUID) -> BroadcastDetail:
    """Show a broadcast, its steps, and how far it has come."""
    row = await handlers.seen(call.work, broadcast_id)
    stood = await store.progress(call.work.session, row.id)
    return BroadcastDetail(
        broadcast=_view(row),
        steps=[_step(one) for one in await store.steps(call.work.session, row.id)],
        outside=OutsideView(**_people(stood, Outcome.OUTSIDE)),
        inbox_alone=InboxAloneView(**_people(stood, Outcome.INBOX)),
        withheld=WithheldView(**_people(stood, Outcome.WITHHELD)),
    )


@routes.get("/broadcasts/{broadcast_id}/preview", Action.SEE_BROADCASTS, refusals=[Absent])
async def preview_broadcast(call: Call, broadcast_id: UUID) -> BroadcastPreview:
    """Count who would be told how if it went now, and show how it reads to three of them."""
    row = await handlers.seen(call.work, broadcast_id)
    return _preview(await handlers.preview(call.work, row))


@routes.get("/broadcasts/{broadcast_id}/results", Action.SEE_BROADCASTS, refusals=[Absent], media={results.XLSX: None})
async def get_broadcast_results(call: Call, broadcast_id: UUID) -> Content:
    """Give what became of a broadcast, person by person, as XLSX; who works with no people sees them masked."""
    return await results.workbook(call.work, await handlers.seen(call.work, broadcast_id))


@routes.post("/broadcasts/{broadcast_id}/submission", Action.DRAFT_BROADCAST, status=200, refusals=LETTING_GO)
async def submit_broadcast(call: Call, broadcast_id: UUID) -> BroadcastView:
    """Let a draft go; where it is for more than 500, a second person has to approve it first."""
    return _view(await handlers.submit(call.work, broadcast_id))


@routes.post(
    "/broadcasts/{broadcast_id}/approval",
    Action.APPROVE_BROADCAST,
    status=200,
    refusals=[*LETTING_GO, SecondPersonNeeded],
)
async def approve_broadcast(call: Call, broadcast_id: UUID) -> BroadcastView:
    """Let a broadcast to many go, as somebody who neither wrote nor submitted it."""
    return _view(await handlers.approve(call.work, broadcast_id))


@routes.post(
    "/broadcasts/{broadcast_id}/rejection",
    Action.APPROVE_BROADCAST,
    status=200,
    refusals=[Absent, BroadcastStateWrong, SecondPersonNeeded],
)
async def reject_broadcast(call: Call, broadcast_id: UUID, body: DecideWithReason) -> BroadcastView:
    """Keep a broadcast to many from going, and say why."""
    return _view(await handlers.reject(call.work, broadcast_id, body.reason))


@routes.post(
    "/broadcasts/{broadcast_id}/pause", Action.HALT_BROADCAST, status=200, refusals=[Absent, BroadcastStateWrong]
)
async def pause_broadcast(call: Call, broadcast_id: UUID) -> BroadcastView:
    """Let a broadcast wait: what is being sent goes, all else stays until it is resumed or expires."""
    return _view(await handlers.pause(call.work, broadcast_id))


@routes.post(
    "/broadcasts/{broadcast_id}/resumption",
    Action.HALT_BROADCAST,
    status=200,
    refusals=[Absent, BroadcastStateWrong, BroadcastExpired],
)
async def resume_broadcast(call: Call, broadcast_id: UUID) -> BroadcastView:
    """Let a paused broadcast go on where it stopped."""
    return _view(await handlers.resume(call.work, broadcast_id))


@routes.post(
    "/broadcasts/{broadcast_id}/cancellation",
    Action.HALT_BROADCAST,
    status=200,
    refusals=[Absent, BroadcastStateWrong],
)
async def cancel_broadcast(call: Call, broadcast_id: UUID, body: DecideWithReason) -> BroadcastView:
    """End a broadcast for good: what is being sent goes, nothing else does."""
    return _view(await handlers.cancel(call.work, broadcast_id, body.reason))


def _view(row: BroadcastRow) -> BroadcastView:
    told = row.model_dump() | {
        "audience": {
            "regions": row.regions, "sectors": row.sectors, "standings": row.standings, "training_id": row.training_id,
        },
        "recipients": row.counted,
    }  # fmt: skip
    for name in ("starts_at", "expires_at", "drafted_at", "submitted_at", "approved_at", "ended_at"):
        told[name] = shown(told[name]) if told[name] else None
    return msgspec.convert(told, BroadcastView)


def _step(row: BroadcastStepRow) -> BroadcastStepView:
    return msgspec.convert(row.model_dump() | {"at": shown(row.at)}, BroadcastStepView)


def _people(stood: list[Stood], outcome: Outcome) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in stood:
        if one.outcome == outcome:
            name = one.reason or one.state or "queued"
            counts[name] = counts.get(name, 0) + one.people
    return counts


def _preview(found: Preview) -> BroadcastPreview:
    return BroadcastPreview(
        recipients=found.people,
        needs_approval=found.needs_approval,
        outside=ByChannelView(**found.counts[Outcome.OUTSIDE]),
        inbox_alone=InboxAloneView(**found.counts[Outcome.INBOX]),
        withheld=WithheldView(**found.counts[Outcome.WITHHELD]),
        examples=[
            ExampleView(
                owner=one.owner,
                phone=one.phone,
                language=one.language,
                reaches=one.reaches,
                title=one.words.title,
                body=one.words.body,
                why=one.words.why,
            )
            for one in found.examples
        ],
    )
