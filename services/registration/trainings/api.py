"""The HTTP face of trainings."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from services.registration.trainings import handlers
from services.registration.trainings.domain import (
    KIT_LINES_MAX,
    KITS_MAX,
    SEATS_MAX,
    SESSIONS_MAX,
    KitsState,
    State,
    TrainingCancelled,
    TrainingOver,
)
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
    """A day on which a training is held."""

    no: int
    held_on: date


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
    """A training; `kits` is null where it needs none."""

    id: UUID
    programme: str
    title: str
    sector: str
    region: str
    venue: str
    seats: int
    sessions: list[SessionView]
    state: State
    announced_at: datetime
    cancelled_at: datetime | None
    reason: str | None
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
        sessions=[SessionView(no=one.no, held_on=one.held_on) for one in found.sessions],
        state=State(row.state),
        announced_at=shown(row.announced_at),
        cancelled_at=shown(row.cancelled_at) if row.cancelled_at else None,
        reason=row.reason,
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
