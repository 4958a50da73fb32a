"""What may be asked of reservations, and what they answer."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from services.aid_distribution.ledger.orders import LooseLines, LotNoteView, Moment, Order, PlaceCode
from services.aid_distribution.ledger.reserved import State
from shared.routes import PAGE_ITEMS_DEFAULT, Code, Cursor, Limit, Text


class ReserveStock(Order, frozen=True, kw_only=True):
    """Goods are promised to somebody until a moment; without a lot the earliest expiry is taken first.

    Shape: with `wanted_on` only of lots that are still good on that local day; those that are not are told of
    """

    place: PlaceCode
    purpose: Annotated[Text, msgspec.Meta(examples=["Training of tailors, 12 October"])]
    expires_at: Moment
    wanted_on: Annotated[date | None, msgspec.Meta(examples=["2020-10-12"])] = None
    lines: LooseLines


class ReleaseReservation(Order, frozen=True, kw_only=True):
    """What is left of a promise is free again."""

    reason: Annotated[Text, msgspec.Meta(examples=["The training was called off"])]


class ReservationQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which reservations to list, newest first."""

    place: Code | None = None
    state: State | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class ReservationLineView(msgspec.Struct, frozen=True, kw_only=True):
    """What is reserved of an item and lot: `quantity` was promised, of which `left` is not used or released yet."""

    item: str
    lot: str | None
    quantity: int
    used: int
    released: int
    left: int


class ReservationUseView(msgspec.Struct, frozen=True, kw_only=True):
    """What a posting took out of a reservation; `returned` when it was reversed."""

    posting_id: UUID
    item: str
    lot: str | None
    quantity: int
    returned: bool


class UseQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stretch of the uses of a reservation to list, the earliest posting first."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class ReservationView(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation and how far it has come; it is open while anything of it is left.

    Shape: `uses` are the first ones; with `uses_next` there are more, which `/uses` lists from that cursor on
    """

    id: UUID
    number: str
    state: State
    place: str
    region: str
    purpose: str
    training_id: UUID | None
    document: str | None
    reserved_at: datetime
    expires_at: datetime
    wanted_on: date | None
    ended_at: datetime | None
    reason: str | None
    posting_id: UUID
    release_posting_id: UUID | None
    lines: list[ReservationLineView]
    lot_notes: list[LotNoteView]
    uses: list[ReservationUseView]
    uses_next: str | None
    version: int


class KitsOf(msgspec.Struct, frozen=True, kw_only=True):
    """For which training something is reserved, in the words in which its end is told."""

    training_id: UUID
    programme: str
    title: str
    region: str
    starts_on: date
    place_name: str
