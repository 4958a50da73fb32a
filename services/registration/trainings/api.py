"""The HTTP face of trainings."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from services.registration.trainings import changing, handlers
from services.registration.trainings.domain import (
    ATTENDANCE_PERCENT_DEFAULT,
    KIT_LINES_MAX,
    KITS_MAX,
    SEATS_MAX,
    SESSIONS_MAX,
    DayTaken,
    KitsState,
    LastSession,
    SeatsTaken,
    SessionCancelled,
    SessionHeld,
    State,
    TrainingCancelled,
    TrainingOver,
)
from services.registration.trainings.enrolment_orders import ChangeSeats, MoveSession, Reason, SessionNo
from services.registration.trainings.handlers import Found, TrainingData
from shared.caller import Caller
from shared.clock import shown
from shared.leaves import leaves_of
from shared.problems import Absent
from shared.roles import Action
from shared.routes import PAGE_ITEMS_DEFAULT, Call, Code, Cursor, Limit, Page, RegionCode, Routes, Text

routes = Routes("/registration/trainings", tag="Trainings")

Sector = Annotated[str, Meta(max_length=40, pattern=r"^[a-z][a-z0-9_-]*$(?!\n)", examples=["garment"])]


class KitLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of an item of the warehouses is needed."""

    item: Annotated[Code, Meta(examples=["SEWING-KIT"])]
    quantity: Annotated[int, Meta(ge=1, le=KITS_MAX, examples=[20])]


class KitsWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The kits of a training, and the place whose stock they are asked of."""

    place: Annotated[Code, Meta(examples=["WH-19.71"])]
    lines: Annotated[list[KitLine], Meta(min_length=1, max_length=KIT_LINES_MAX)]


class AnnounceTraining(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A training that will be held, with the local (WIB) days of its sessions."""

    programme: Annotated[Code, Meta(examples=["TR-2020-03"])]
    title: Annotated[Text, Meta(examples=["Garment production for entrepreneurs in Pangkalpinang"])]
    sector: Sector
    region: RegionCode
    venue: Annotated[Text, Meta(examples=["Aula Kantor Camat Gerunggang, Pangkalpinang"])]
    seats: Annotated[int, Meta(ge=1, le=SEATS_MAX, examples=[20])]
    sessions: Annotated[list[date], Meta(min_length=1, max_length=SESSIONS_MAX)]
    kits: KitsWanted | None = None
    attendance_percent: Annotated[int, Meta(ge=1, le=100)] = ATTENDANCE_PERCENT_DEFAULT
    document: Text | None = None


class CancelTraining(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A training that was announced will not be held."""

    reason: Annotated[Text, Meta(examples=["The speaker is ill"])]


class TrainingQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which trainings to list, the latest first."""

    state: State | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """A day on which a training is held; `cancelled_at` and why where it is not held after all."""

    no: int
    held_on: date
    venue: str
    cancelled_at: datetime | None
    cancel_reason: str | None


class ElsewhereView(msgspec.Struct, frozen=True, kw_only=True):
    """A place that has some of what is short."""

    place: str
    place_name: str
    region: str
    available: int


class ShortageView(msgspec.Struct, frozen=True, kw_only=True):
    """What is short of an item, and where more of it lies."""

    item: str
    item_name: str
    unit: str
    asked: int
    available: int
    elsewhere: list[ElsewhereView]


class KitLineView(msgspec.Struct, frozen=True, kw_only=True):
    """How much of an item a training needs."""

    item: str
    quantity: int


class TrainingKitsView(msgspec.Struct, frozen=True, kw_only=True):
    """The kits of a training: asked, reserved under a number, refused with what is short, or released.

    Shape:  `because` of a refusal is `short`, `unknown_place`, `unknown_item`, or `over` when it came too late
    """

    state: KitsState
    place: str
    lines: list[KitLineView]
    reservation_id: UUID | None
    number: str | None
    because: str | None
    shortages: list[ShortageView]


class TrainingView(msgspec.Struct, frozen=True, kw_only=True):
    """A training; `kits` is null where it needs none, and `seats_taken` are given or offered."""

    id: UUID
    programme: str
    title: str
    sector: str
    region: str
    venue: str
    seats: int
    seats_taken: int
    attendance_percent: int
    sessions: list[SessionView]
    state: State
    announced_at: datetime
    cancelled_at: datetime | None
    reason: str | None
    finished_at: datetime | None
    document: str | None
    kits: TrainingKitsView | None
    version: int


@routes.post("", allow=Action.ANNOUNCE_TRAINING, location="/registration/trainings/{id}", rules=handlers.mistakes)
async def announce_training(call: Call, body: AnnounceTraining) -> TrainingView:
    """Announce a training; its kits are asked of the stock of a place, and the answer is shown with it."""
    data = TrainingData(
        programme=body.programme,
        title=body.title,
        sector=body.sector,
        region=body.region,
        venue=body.venue,
        seats=body.seats,
        sessions=body.sessions,
        document=body.document,
        attendance_percent=body.attendance_percent,
        kits_place=body.kits.place if body.kits else None,
        kits={line.item: line.quantity for line in body.kits.lines} if body.kits else {},
    )
    return view(await handlers.announce(call.work, data, leaves_of(body)), call.caller)


@routes.get("", allow=Action.SEE_TRAININGS)
async def list_trainings(call: Call, query: TrainingQuery) -> Page[TrainingView]:
    """List the trainings of your regions, the latest first."""
    page = await handlers.page(call.work, query.state, query.cursor, query.limit)
    return Page([view(found, call.caller) for found in page.items], page.next)


@routes.get("/{training_id}", allow=Action.SEE_TRAININGS, refusals=(Absent,))
async def show_training(call: Call, training_id: UUID) -> TrainingView:
    """Show a training with its days and what became of its kits."""
    return view(await handlers.show(call.work, training_id), call.caller)


@routes.post(
    "/{training_id}/cancellation",
    allow=Action.ANNOUNCE_TRAINING,
    location="/registration/trainings/{id}",
    refusals=(Absent, TrainingCancelled, TrainingOver),
)
async def cancel_training(call: Call, training_id: UUID, body: CancelTraining) -> TrainingView:
    """Call a training off; what was reserved for it is released."""
    return view(await handlers.cancel(call.work, training_id, body.reason), call.caller)


@routes.patch(
    "/{training_id}",
    allow=Action.ANNOUNCE_TRAINING,
    refusals=(Absent, TrainingCancelled, TrainingOver, SeatsTaken),
)
async def change_seats(call: Call, training_id: UUID, body: ChangeSeats) -> TrainingView:
    """Give a training another number of seats; more of them are offered to who waits."""
    row = await changing.change_seats(call.work, training_id, call.expected_version, body.seats)
    return view(await handlers.found(call.work, row), call.caller)


@routes.post(
    "/{training_id}/sessions/{session}/move",
    allow=Action.ANNOUNCE_TRAINING,
    location="/registration/trainings/{id}",
    refusals=(Absent, TrainingCancelled, TrainingOver, SessionCancelled, SessionHeld, DayTaken),
    rules=changing.move_mistakes,
)
async def move_session(call: Call, training_id: UUID, session: SessionNo, body: MoveSession) -> TrainingView:
    """Hold a session on another day or elsewhere; everybody who has or awaits a seat is told."""
    row = await changing.move(call.work, training_id, session, body.held_on, body.venue, body.reason)
    return view(await handlers.found(call.work, row), call.caller)


@routes.post(
    "/{training_id}/sessions/{session}/cancellation",
    allow=Action.ANNOUNCE_TRAINING,
    location="/registration/trainings/{id}",
    refusals=(Absent, TrainingCancelled, TrainingOver, SessionCancelled, SessionHeld, LastSession),
)
async def cancel_session(call: Call, training_id: UUID, session: SessionNo, body: Reason) -> TrainingView:
    """Hold a session not at all; everybody who has or awaits a seat is told."""
    row = await changing.cancel_session(call.work, training_id, session, body.reason)
    return view(await handlers.found(call.work, row), call.caller)


def view(found: Found, caller: Caller) -> TrainingView:
    """Show a training; of what lies elsewhere, that of the caller's regions."""
    row = found.training
    return TrainingView(
        id=row.id,
        programme=row.programme,
        title=row.title,
        sector=row.sector,
        region=row.region,
        venue=row.venue,
        seats=row.seats,
        seats_taken=row.seats_taken,
        attendance_percent=row.attendance_percent,
        sessions=[
            SessionView(
                no=one.no,
                held_on=one.held_on,
                venue=one.venue or row.venue,
                cancelled_at=shown(one.cancelled_at) if one.cancelled_at else None,
                cancel_reason=one.cancel_reason,
            )
            for one in found.sessions
        ],
        state=State(row.state),
        announced_at=shown(row.announced_at),
        cancelled_at=shown(row.cancelled_at) if row.cancelled_at else None,
        reason=row.reason,
        finished_at=shown(row.finished_at) if row.finished_at else None,
        document=row.document,
        kits=_kits_view(found, caller),
        version=row.version,
    )


def _kits_view(found: Found, caller: Caller) -> TrainingKitsView | None:
    row = found.training
    if row.kits_place is None:
        return None
    return TrainingKitsView(
        state=KitsState(row.kits_state),
        place=row.kits_place,
        lines=[KitLineView(item=kit.item, quantity=kit.quantity) for kit in found.kits],
        reservation_id=row.kits_reservation_id,
        number=row.kits_number,
        because=row.kits_because,
        shortages=[
            msgspec.structs.replace(short, elsewhere=[one for one in short.elsewhere if caller.sees(one.region)])
            for short in msgspec.convert(row.kits_shortages or [], list[ShortageView])
        ],
    )
