"""What may be asked of a market, and what it answers."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec

from services.aid_distribution.coupons.signing import TOKEN_LENGTH_MAX
from services.aid_distribution.ledger.orders import Moment, Order
from services.aid_distribution.markets.domain import ALLOTMENT_MAX, PACKAGES_MAX, Model, State
from services.aid_distribution.markets.store import MarketItemRow, MarketRow, MarketSlotRow
from services.aid_distribution.prices.domain import PRICE_RUPIAH_MAX
from shared.clock import shown
from shared.routes import PAGE_ITEMS_DEFAULT, Code, Cursor, Limit, RegionCode, Text

ITEMS_MAX, SLOTS_MAX, COUPONS_MAX, ENTRIES_MAX, SOLD_LINES_MAX = 50, 200, 200, 500, 50
CAPACITY_MAX = 100_000

StapleCode = Annotated[Code, msgspec.Meta(examples=["RICE-5KG"])]
VenueCode = Annotated[Code, msgspec.Meta(examples=["MV-19.71-01"])]
Quantity = Annotated[int, msgspec.Meta(ge=1, le=ALLOTMENT_MAX, examples=[100])]
Few = Annotated[int, msgspec.Meta(ge=1, le=ALLOTMENT_MAX, examples=[1])]
Rupiah = Annotated[int, msgspec.Meta(ge=0, le=PRICE_RUPIAH_MAX, examples=[45_000])]
Family = Annotated[
    str,
    msgspec.Meta(
        min_length=16, max_length=64, pattern=r"^[A-Za-z0-9_\-]{16,64}$(?!\n)", examples=["b1946ac92492d2347c6235b4"]
    ),
]
"""A reference that an office makes of a family card with a secret of its own; it is never the number of the card."""


class OfferedItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An item of the offer: what a family pays, what it costs elsewhere that day, how much there is, and for each."""

    item: StapleCode
    price_rupiah: Rupiah
    market_price_rupiah: Annotated[int, msgspec.Meta(ge=0, le=PRICE_RUPIAH_MAX, examples=[52_000])]
    allotment: Quantity
    limit_per_family: Few


class Slot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stretch of time, and for how many coupons it has room."""

    from_: Moment = msgspec.field(name="from")
    to: Moment
    capacity: Annotated[int, msgspec.Meta(ge=1, le=CAPACITY_MAX, examples=[100])]


class AnnounceMarket(Order, frozen=True, kw_only=True):
    """A cheap market will be held."""

    place: VenueCode
    model: Annotated[Model, msgspec.Meta(examples=["subsidised_package"])]
    opens_at: Annotated[Moment, msgspec.Meta(examples=["2020-09-26T08:00:00+07:00"])]
    closes_at: Annotated[Moment, msgspec.Meta(examples=["2020-09-26T12:00:00+07:00"])]
    items: Annotated[list[OfferedItem], msgspec.Meta(min_length=1, max_length=ITEMS_MAX)]
    slots: Annotated[list[Slot], msgspec.Meta(max_length=SLOTS_MAX)] = msgspec.field(default_factory=list)
    seller: UUID | None = None


class OpenMarket(Order, frozen=True, kw_only=True):
    """The market begins."""


class CloseMarket(Order, frozen=True, kw_only=True):
    """The market is over; counters that were offline may still tell their sales."""


class CancelMarket(Order, frozen=True, kw_only=True):
    """The market will not be held."""

    reason: Annotated[Text, msgspec.Meta(examples=["Banjir"])]


class CouponOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A coupon for one family; where the market has slots it is for one of them."""

    family: Family
    packages: Annotated[int, msgspec.Meta(ge=1, le=PACKAGES_MAX)] = 1
    slot: Annotated[int, msgspec.Meta(ge=1, le=SLOTS_MAX)] | None = None


class IssueCoupons(Order, frozen=True, kw_only=True):
    """Families are given coupons: all of these or none."""

    coupons: Annotated[list[CouponOrder], msgspec.Meta(min_length=1, max_length=COUPONS_MAX)]


class SoldLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was handed out of an item; what cannot be is refused with its entry alone."""

    item: Annotated[str, msgspec.Meta(max_length=100, examples=["RICE-5KG"])]
    quantity: Annotated[int, msgspec.Meta(examples=[1])]


class SaleEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sale; its id is made by the counter, so that it is taken once however often it is told."""

    id: UUID
    sold_at: Moment
    coupon: Annotated[str, msgspec.Meta(max_length=TOKEN_LENGTH_MAX)] | None = None
    family: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    lines: Annotated[list[SoldLine], msgspec.Meta(max_length=SOLD_LINES_MAX)]


class RecordSales(Order, frozen=True, kw_only=True):
    """What a counter has sold while it was offline, in any order, told again if need be.

    Shape:  `sent_at` is what the counter's clock says when it sends, anew at each try: by it the moments of its sales
            are put right where its clock is off. Without it they are taken at their word
    """

    anew: ClassVar[tuple[str, ...]] = ("sent_at",)

    counter: Annotated[Text, msgspec.Meta(examples=["Loket 1, HP Nurhayati"])]
    sent_at: Moment | None = None
    entries: Annotated[list[SaleEntry], msgspec.Meta(min_length=1, max_length=ENTRIES_MAX)]


class MarketQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which markets to list, the latest first."""

    region: RegionCode | None = None
    state: State | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class OfferView(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the offer, and how much of it was sold."""

    item: str
    price_rupiah: int
    market_price_rupiah: int
    allotment: int
    limit_per_family: int
    sold: int


class SlotView(msgspec.Struct, frozen=True, kw_only=True):
    """A slot, and how many coupons were given for it."""

    slot: int
    from_: datetime = msgspec.field(name="from")
    to: datetime
    capacity: int
    issued: int


class MarketView(msgspec.Struct, frozen=True, kw_only=True):
    """A market."""

    id: UUID
    number: str
    state: str
    model: str
    place: str
    region: str
    opens_at: datetime
    closes_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None
    cancel_reason: str | None
    seller: UUID | None
    document: str | None
    items: list[OfferView]
    slots: list[SlotView]
    coupon_item: str | None
    packages_max: int
    packages_issued: int
    version: int


class CouponView(msgspec.Struct, frozen=True, kw_only=True):
    """A coupon: `token` is what its QR code says, and what a counter checks with the public key."""

    id: UUID
    serial: int
    packages: int
    slot: int | None
    token: str


class IssuedView(msgspec.Struct, frozen=True, kw_only=True):
    """Coupons that were given together; `id` and `number` are those of the posting of their entitlement."""

    id: UUID
    number: str
    packages_issued: int
    packages_max: int
    coupons: list[CouponView]


class CouponPaper(msgspec.Struct, frozen=True, kw_only=True):
    """A coupon to be printed: `qr` is an image (SVG as a data URI); and where it was used, if it was."""

    id: UUID
    market_id: UUID
    serial: int
    packages: int
    slot: int | None
    token: str
    qr: str
    used: "UseView | None"


class UseView(msgspec.Struct, frozen=True, kw_only=True):
    """Who took a coupon, and when: the counter, whoever told it, the moment on the counter's clock and on ours."""

    sale_id: UUID
    counter: str
    told_by: str
    sold_at: datetime
    recorded_at: datetime


class CouponKeyView(msgspec.Struct, frozen=True, kw_only=True):
    """The public key that every coupon is checked with, as a JSON Web Key (RFC 8037)."""

    kty: str
    crv: str
    alg: str
    x: str


class SaleOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one entry: `recorded`, `repeated`, `double_use`, `parked` or `refused`.

    Shape: `code` and `detail` say why it was refused or parked, or why the goods of a double use are not off the book;
           `first_use` is the other side of a double use, `exception_id` where a sale is parked
    """

    id: UUID
    outcome: str
    code: str | None = None
    detail: str | None = None
    number: str | None = None
    amount_rupiah: int | None = None
    first_use: UseView | None = None
    exception_id: UUID | None = None


class SalesView(msgspec.Struct, frozen=True, kw_only=True):
    """One outcome for each entry, in the order in which they were told."""

    market_id: UUID
    outcomes: list[SaleOutcome]


class DoubleUseView(msgspec.Struct, frozen=True, kw_only=True):
    """A coupon that was used a second time: both sides, and whether the goods of the second are off the book."""

    coupon_id: UUID
    first: UseView
    second: UseView
    number: str | None
    unposted_reason: str | None


def market_view(row: MarketRow, items: list[MarketItemRow], slots: list[MarketSlotRow]) -> MarketView:
    """Show a market."""
    return MarketView(
        id=row.id,
        number=row.number,
        state=row.state,
        model=row.model,
        place=row.place,
        region=row.region,
        opens_at=shown(row.opens_at),
        closes_at=shown(row.closes_at),
        opened_at=shown(row.opened_at) if row.opened_at else None,
        closed_at=shown(row.closed_at) if row.closed_at else None,
        cancel_reason=row.cancel_reason,
        seller=row.seller,
        document=row.document,
        items=[
            OfferView(
                item=one.item,
                price_rupiah=one.price_rupiah,
                market_price_rupiah=one.market_price_rupiah,
                allotment=one.allotment,
                limit_per_family=one.limit_per_family,
                sold=one.sold,
            )
            for one in items
        ],
        slots=[
            SlotView(
                slot=one.slot_no,
                from_=shown(one.starts_at),
                to=shown(one.ends_at),
                capacity=one.capacity,
                issued=one.issued,
            )
            for one in slots
        ],
        coupon_item=row.coupon_item,
        packages_max=row.packages_max,
        packages_issued=row.packages_issued,
        version=row.version,
    )
