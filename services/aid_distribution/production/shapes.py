"""What may be asked of production, and what it answers."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from services.aid_distribution.ledger.orders import ItemCode, Moment, Order, PlaceCode
from services.aid_distribution.production.domain import (
    CAPACITY_MAX,
    LAYERS_MAX,
    ORDER_QUANTITY_MAX,
    PRICE_RUPIAH_MAX,
    Defect,
    State,
)
from services.aid_distribution.production.scoring import PERMILLE
from shared.routes import PAGE_ITEMS_DEFAULT, Cursor, Limit, Page, RegionCode, Text

REGIONS_MAX = 50

Pieces = Annotated[int, msgspec.Meta(ge=1, le=ORDER_QUANTITY_MAX, examples=[100])]
PiecesOrNone = Annotated[int, msgspec.Meta(ge=0, le=ORDER_QUANTITY_MAX)]
Price = Annotated[int, msgspec.Meta(ge=1, le=PRICE_RUPIAH_MAX, examples=[5_000])]
Amount = Annotated[int, msgspec.Meta(ge=1, le=ORDER_QUANTITY_MAX * PRICE_RUPIAH_MAX, examples=[450_000])]
SectorCode = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"^[a-z][a-z_]*$(?!\n)")]


class SetProfile(Order, frozen=True, kw_only=True):
    """What a business can make, and how hard it was hit."""

    capacity_per_week: Annotated[int, msgspec.Meta(ge=0, le=CAPACITY_MAX, examples=[400])]
    decline_permille: Annotated[int, msgspec.Meta(ge=0, le=PERMILLE, examples=[450])]
    as_of: Annotated[date, msgspec.Meta(examples=["2020-04-30"])]
    source: Annotated[Text, msgspec.Meta(examples=["Survei April 2020"])]


class CallForProduction(Order, frozen=True, kw_only=True):
    """Something is needed that businesses of a sector can make."""

    item: ItemCode
    quantity: Annotated[Pieces, msgspec.Meta(examples=[1_000])]
    price_rupiah: Price
    due_on: Annotated[date, msgspec.Meta(examples=["2030-09-30"])]
    regions: Annotated[list[RegionCode], msgspec.Meta(min_length=1, max_length=REGIONS_MAX)]
    place: PlaceCode
    sector: Annotated[SectorCode, msgspec.Meta(examples=["garment"])]
    cap_per_business: Annotated[Pieces, msgspec.Meta(examples=[200])]


class OfferOrder(Order, frozen=True, kw_only=True):
    """Offer a business a part of a call: what is proposed for it, or another quantity with the reason for that."""

    call: UUID
    business: UUID
    quantity: Pieces | None = None
    reason: Text | None = None
    answer_by: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class DeclineOrder(Order, frozen=True, kw_only=True):
    """The business does not take the order."""

    reason: Annotated[Text, msgspec.Meta(examples=["Mesin jahit rusak"])]


class RejectedPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was rejected for one reason."""

    reason: Annotated[Defect, msgspec.Meta(examples=["seams"])]
    quantity: Pieces


class Inspection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the inspection of a delivery found; cloth masks have two layers at least (SNI 8914:2020)."""

    accepted: Annotated[PiecesOrNone, msgspec.Meta(examples=[100])]
    rejected: PiecesOrNone
    layers: Annotated[int, msgspec.Meta(ge=0, le=LAYERS_MAX, examples=[2])] | None = None
    reasons: Annotated[list[RejectedPart], msgspec.Meta(max_length=len(Defect))] = []


class RecordDelivery(Order, frozen=True, kw_only=True):
    """Goods were delivered; `last` says that no more will come, so that the order ends short if it is not complete."""

    occurred_at: Moment
    quantity: Pieces
    inspection: Inspection
    last: bool = False


class ParkedDelivery(RecordDelivery, frozen=True, kw_only=True):
    """A delivery of an order, as it is parked."""

    order: UUID


class ParkDelivery(ParkedDelivery, frozen=True, kw_only=True):
    """A delivery that has come and that its order does not allow; `due_at` is by when it is to be settled."""

    due_at: Moment | None = None


class RecordPayment(Order, frozen=True, kw_only=True):
    """Money was paid for what was accepted."""

    amount_rupiah: Amount
    paid_at: Moment
    reference: Annotated[Text, msgspec.Meta(examples=["SP2D-2020-0917"])]


class TakeBack(Order, frozen=True, kw_only=True):
    """The office takes the rest of an order back."""

    reason: Annotated[Text, msgspec.Meta(examples=["Terlambat dua minggu"])]


class CallQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which calls to list, newest first."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class OrderQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which orders to list, newest first; `late` those that are open past their day."""

    call: UUID | None = None
    business: UUID | None = None
    state: State | None = None
    late: bool = False
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class ProfileView(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a business as a producer."""

    id: UUID
    capacity_per_week: int
    decline_permille: int
    as_of: date
    source: str
    changed_at: datetime
    version: int


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """A call: of `quantity`, `held` is on order or was accepted, and `open` may still be offered."""

    id: UUID
    item: str
    quantity: int
    price_rupiah: int
    due_on: date
    regions: list[str]
    place: str
    sector: str
    cap_per_business: int
    held: int
    open: int
    document: str | None
    created_at: datetime
    version: int


class CandidateView(msgspec.Struct, frozen=True, kw_only=True):
    """A business that may be asked, and why in this place: score = decline x capacity x not yet served.

    Shape:  `share` is its part of the whole need, `held` what it has of it already, `proposed` what to offer it now;
            `left_out` says why it has no part beyond that
    Units:  permille are thousandths; the score is in millionths of a piece a week
    """

    rank: int
    business_id: UUID
    name: str
    region: str
    decline_permille: int
    capacity_per_week: int
    served: int
    not_yet_served_permille: int
    score: int
    share: int
    held: int
    proposed: int
    left_out: str | None


class RankingView(Page[CandidateView], frozen=True, kw_only=True):
    """The candidates of a call in the order of their scores.

    Shape: `proposed` is the sum over all candidates and, with `short`, what is still to be offered; `short` is more
           than nothing where the caps do not allow the need to be met
    """

    rule: str
    candidates: int
    quantity: int
    held: int
    proposed: int
    short: int


class RejectedView(msgspec.Struct, frozen=True, kw_only=True):
    """What was rejected for one reason."""

    reason: str
    quantity: int


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery as it was inspected; `number` is the document by which the accepted goods came into stock."""

    no: int
    occurred_at: datetime
    recorded_at: datetime
    document: str | None
    quantity: int
    layers: int | None
    accepted: int
    rejected: int
    reasons: list[RejectedView]
    amount_due_rupiah: int
    posting_id: UUID | None
    number: str | None


class PaymentView(msgspec.Struct, frozen=True, kw_only=True):
    """A payment."""

    no: int
    amount_rupiah: int
    paid_at: datetime
    reference: str
    document: str | None


class ProductionOrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order with all that came of it.

    Shape: `proposed` is what the score gave and `override_reason` why another quantity was offered; `outstanding` is
           still to be delivered; `lot` is where the accepted goods lie; `days_late` counts to the end or to today
    """

    id: UUID
    call_id: UUID
    business_id: UUID
    business_name: str
    region: str
    item: str
    quantity: int
    proposed: int
    override_reason: str | None
    score: int
    rule: str
    price_rupiah: int
    due_on: date
    place: str
    lot: str
    state: str
    offered_at: datetime
    answer_by: datetime
    accepted_at: datetime | None
    decline_reason: str | None
    taken_back_reason: str | None
    delivered: int
    accepted: int
    rejected: int
    outstanding: int
    days_late: int
    due_rupiah: int
    paid_rupiah: int
    balance_rupiah: int
    deliveries: list[DeliveryView]
    payments: list[PaymentView]
    document: str | None
    version: int


class SupplierView(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a business as a producer.

    Shape: quantities over all its orders; `on_time` of `completed` orders came in full by their day
    """

    id: UUID
    name: str
    sector: str
    region: str
    state: str
    profile: ProfileView | None
    offered: int
    declined: int
    expired: int
    taken_back: int
    open: int
    completed: int
    on_time: int
    on_time_permille: int | None
    ordered: int
    delivered: int
    accepted: int
    rejected: int
    rejected_by_reason: list[RejectedView]
    due_rupiah: int
    paid_rupiah: int
    balance_rupiah: int
    open_orders: list[ProductionOrderView]
