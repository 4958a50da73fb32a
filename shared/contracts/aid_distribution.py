"""What `aid_distribution` tells the others: goods that moved, aid that was handed out, what things cost.

Units: quantities are whole numbers of the item's base unit, always positive; money in whole rupiah;
       times are aware UTC.
"""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from shared.contracts.event import Event

PRODUCTION_LOT = "PO-"
"""How the lot of ordered goods begins."""


class Goods(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity of one item, with the words people know it by."""

    item: str
    item_name: str
    unit: str
    quantity: int
    lot: str | None = None


class AidEvent(Event, frozen=True, kw_only=True):
    """Any fact that aid_distribution publishes."""

    source: ClassVar[str] = "aid_distribution"


class PostingEvent(AidEvent, frozen=True, kw_only=True):
    """A posting in the stock ledger: which document moved which goods, where and when."""

    posting_id: UUID
    number: str
    region: str
    occurred_at: datetime
    lines: list[Goods]

    @property
    def subject(self) -> str:
        """Give `posting/<id>`."""
        return f"posting/{self.posting_id}"


class StockReceived(PostingEvent, frozen=True, kw_only=True):
    """Goods have come into a place from outside."""

    type: ClassVar[str] = "serumpun.stock.received.v1"

    place: str
    origin: str


class StockIssued(PostingEvent, frozen=True, kw_only=True):
    """Goods have left a place for a reason other than a distribution."""

    type: ClassVar[str] = "serumpun.stock.issued.v1"

    place: str
    reason: str


class StockReversed(PostingEvent, frozen=True, kw_only=True):
    """An earlier posting has been undone by this one."""

    type: ClassVar[str] = "serumpun.stock.reversed.v1"

    reverses: UUID
    reason: str


class CountDifference(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted of an item and lot, and what the book had said."""

    item: str
    lot: str | None
    counted: int
    book: int
    reason: str


class StockCounted(PostingEvent, frozen=True, kw_only=True):
    """Goods were counted: from that moment the card holds what was counted; the lines are what that corrected."""

    type: ClassVar[str] = "serumpun.stock.counted.v1"

    place: str
    counted: list[CountDifference]


class StockReserved(PostingEvent, frozen=True, kw_only=True):
    """Goods of a place are promised to somebody until a moment; they still lie there."""

    type: ClassVar[str] = "serumpun.stock.reserved.v1"

    reservation_id: UUID
    place: str
    place_name: str
    purpose: str
    expires_at: datetime


class StockReleased(PostingEvent, frozen=True, kw_only=True):
    """What was left of a reservation is available again: it was released, or has expired."""

    type: ClassVar[str] = "serumpun.stock.released.v1"

    reservation_id: UUID
    place: str
    place_name: str
    purpose: str
    reason: str


class KitsAssembled(PostingEvent, frozen=True, kw_only=True):
    """Kits were put together at a place; the lines are the components that went into them, and the kits."""

    type: ClassVar[str] = "serumpun.kits.assembled.v1"

    place: str
    kit: str
    kit_name: str
    quantity: int


class KitsUnpacked(PostingEvent, frozen=True, kw_only=True):
    """Kits were taken apart at a place; the lines are the kits, and the components that came out of them."""

    type: ClassVar[str] = "serumpun.kits.unpacked.v1"

    place: str
    kit: str
    kit_name: str
    quantity: int


class Restated(msgspec.Struct, frozen=True, kw_only=True):
    """What a late posting changed on one card: every closing of these days, or the difference of a later count."""

    place: str
    item: str
    lot: str | None
    change: int
    first_day: str | None
    last_day: str | None
    taken_up_by: UUID | None


class StockRestated(AidEvent, frozen=True, kw_only=True):
    """A posting that was dated back has changed figures that somebody may have read."""

    type: ClassVar[str] = "serumpun.stock.restated.v1"

    posting_id: UUID
    number: str
    region: str
    occurred_at: datetime
    cards: list[Restated]

    @property
    def subject(self) -> str:
        """Give `posting/<id>`."""
        return f"posting/{self.posting_id}"


class TransferEvent(AidEvent, frozen=True, kw_only=True):
    """A transfer between two places; both halves share one subject so that they keep their order."""

    transfer_id: UUID
    posting_id: UUID
    number: str
    from_place: str
    to_place: str
    from_region: str
    to_region: str
    occurred_at: datetime

    @property
    def subject(self) -> str:
        """Give `transfer/<id>`."""
        return f"transfer/{self.transfer_id}"


class TransferDispatched(TransferEvent, frozen=True, kw_only=True):
    """Goods are on their way between two places."""

    type: ClassVar[str] = "serumpun.transfer.dispatched.v1"

    lines: list[Goods]


class TransferReceived(TransferEvent, frozen=True, kw_only=True):
    """Goods on their way have arrived; what was rejected is named apart."""

    type: ClassVar[str] = "serumpun.transfer.received.v1"

    accepted: list[Goods]
    rejected: list[Goods]


class TransferVoided(TransferEvent, frozen=True, kw_only=True):
    """A transfer that was posted in error has been taken back by this posting before it arrived."""

    type: ClassVar[str] = "serumpun.transfer.voided.v1"

    lines: list[Goods]
    reverses: UUID
    reason: str


class BusinessShare(msgspec.Struct, frozen=True, kw_only=True):
    """What one business received of one item."""

    business_id: UUID
    item: str
    quantity: int


class DistributionEvent(AidEvent, frozen=True, kw_only=True):
    """A distribution event of a programme at one place.

    Shape: `shares` are those of every business named, or none when they were not told
    """

    distribution_id: UUID
    number: str
    programme: str
    place: str
    place_name: str
    region: str
    occurred_at: datetime
    lines: list[Goods]
    public_heads: int
    businesses: list[UUID]
    shares: list[BusinessShare] = msgspec.field(default_factory=list)

    @property
    def subject(self) -> str:
        """Give `distribution/<id>`."""
        return f"distribution/{self.distribution_id}"


class DistributionPosted(DistributionEvent, frozen=True, kw_only=True):
    """Aid has been handed out to the public, to named businesses, or to both."""

    type: ClassVar[str] = "serumpun.distribution.posted.v1"


class DistributionVoided(DistributionEvent, frozen=True, kw_only=True):
    """A distribution that was posted in error has been taken back; its stock is there again."""

    type: ClassVar[str] = "serumpun.distribution.voided.v1"

    reason: str


class ProductionEvent(AidEvent, frozen=True, kw_only=True):
    """An order that a business makes goods for the programmes.

    Shape: `quantity` is what was ordered; `region` is where the business is, `place` where the goods are delivered
    """

    order_id: UUID
    call_id: UUID
    business_id: UUID
    region: str
    place: str
    place_name: str
    place_region: str
    item: str
    item_name: str
    unit: str
    quantity: int
    price_rupiah: int
    due_on: date

    @property
    def subject(self) -> str:
        """Give `production_order/<id>`."""
        return f"production_order/{self.order_id}"


def production_lot(order_id: UUID) -> str:
    """Give the lot under which the goods of an order lie in stock, so that who made them is known wherever they go."""
    return f"{PRODUCTION_LOT}{order_id.hex[-12:].upper()}"


class ProductionOffered(ProductionEvent, frozen=True, kw_only=True):
    """An order has been offered to a business, which may answer until `answer_by`."""

    type: ClassVar[str] = "serumpun.production.offered.v1"

    answer_by: datetime


class ProductionAccepted(ProductionEvent, frozen=True, kw_only=True):
    """The business has taken the order."""

    type: ClassVar[str] = "serumpun.production.accepted.v1"


class ProductionDeclined(ProductionEvent, frozen=True, kw_only=True):
    """The business does not take the order; its quantity may be offered to another."""

    type: ClassVar[str] = "serumpun.production.declined.v1"

    reason: str


class ProductionExpired(ProductionEvent, frozen=True, kw_only=True):
    """The offer was not answered in time; its quantity may be offered to another."""

    type: ClassVar[str] = "serumpun.production.expired.v1"

    answer_by: datetime


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """What was rejected for one reason."""

    reason: str
    quantity: int


class ProductionDelivered(ProductionEvent, frozen=True, kw_only=True):
    """Goods of an order were delivered and inspected; what was accepted is in stock by the posting `number`.

    Shape:  `delivery_no` counts the deliveries of the order; without anything accepted there is no posting and `lines`
            is empty; `state` is that of the order after this delivery
    Units:  `amount_due_rupiah` for this delivery, `due_rupiah` for all that was accepted until now
    """

    type: ClassVar[str] = "serumpun.production.delivered.v1"

    delivery_no: int
    occurred_at: datetime
    document: str | None
    delivered: int
    accepted: int
    rejected: int
    reasons: list[Rejected]
    posting_id: UUID | None
    number: str | None
    lines: list[Goods]
    amount_due_rupiah: int
    due_rupiah: int
    state: str

    @property
    def matter(self) -> str:
        """Give this delivery among those of the order."""
        return f"{self.subject}#delivery-{self.delivery_no}"


class ProductionPaid(ProductionEvent, frozen=True, kw_only=True):
    """Money was paid for what was accepted of an order; `balance_rupiah` is still due after it."""

    type: ClassVar[str] = "serumpun.production.paid.v1"

    payment_no: int
    amount_rupiah: int
    paid_at: datetime
    reference: str
    due_rupiah: int
    paid_rupiah: int
    balance_rupiah: int

    @property
    def matter(self) -> str:
        """Give this payment among those of the order."""
        return f"{self.subject}#payment-{self.payment_no}"


class ProductionTakenBack(ProductionEvent, frozen=True, kw_only=True):
    """An order was taken back: `released` may be offered to another, what was accepted stays accepted and due."""

    type: ClassVar[str] = "serumpun.production.takenback.v1"

    reason: str
    accepted: int
    released: int


class StationEvent(AidEvent, frozen=True, kw_only=True):
    """A fact about one station at its site."""

    station_id: UUID
    code: str
    name: str
    site: str
    site_name: str
    region: str
    occurred_at: datetime

    @property
    def subject(self) -> str:
        """Give `station/<id>`."""
        return f"station/{self.station_id}"


class StationPlaced(StationEvent, frozen=True, kw_only=True):
    """A station was put up; it and what was filled in left a warehouse."""

    type: ClassVar[str] = "serumpun.station.placed.v1"

    from_place: str
    posting_id: UUID
    number: str
    lines: list[Goods]
    next_visit_at: datetime


class StationServiced(StationEvent, frozen=True, kw_only=True):
    """A station was visited: how it was found, how it was left, and which goods were taken for it, if any."""

    type: ClassVar[str] = "serumpun.station.serviced.v1"

    visit_id: UUID
    seen: str
    left_as: str
    lines: list[Goods]
    next_visit_at: datetime
    posting_id: UUID | None = None
    number: str | None = None


class StationOutOfUse(StationEvent, frozen=True, kw_only=True):
    """A station cannot be used since `occurred_at`: each time is a fact of its own, told each time."""

    outage_id: UUID

    @property
    def subject(self) -> str:
        """Give `outage/<id>`."""
        return f"outage/{self.outage_id}"


class StationDry(StationOutOfUse, frozen=True, kw_only=True):
    """A station is without water or soap since `occurred_at`, as a visit has confirmed."""

    type: ClassVar[str] = "serumpun.station.dry.v1"


class StationBroken(StationOutOfUse, frozen=True, kw_only=True):
    """A station is broken since `occurred_at`, as a visit has confirmed."""

    type: ClassVar[str] = "serumpun.station.broken.v1"


class StationReported(StationOutOfUse, frozen=True, kw_only=True):
    """The public says that a station cannot be used, since `occurred_at`; somebody has to look."""

    type: ClassVar[str] = "serumpun.station.reported.v1"

    problem: str


class StationRemoved(StationEvent, frozen=True, kw_only=True):
    """A station was taken away: back to a place, or written off."""

    type: ClassVar[str] = "serumpun.station.removed.v1"

    outcome: str
    posting_id: UUID
    number: str
    lines: list[Goods]
    to_place: str | None = None


class PriceEvent(AidEvent, frozen=True, kw_only=True):
    """A price of one item at one market place, for one base unit, in whole rupiah."""

    observation_id: UUID
    place: str
    place_name: str
    region: str
    item: str
    item_name: str
    unit: str
    observed_at: datetime
    price_rupiah: int


class PriceObserved(PriceEvent, frozen=True, kw_only=True):
    """Somebody has seen what an item costs; `supersedes` names the observation that this one corrects."""

    type: ClassVar[str] = "serumpun.price.observed.v1"

    ceiling_rupiah: int | None = None
    supersedes: UUID | None = None

    @property
    def subject(self) -> str:
        """Give `price/<region>/<item>`."""
        return f"price/{self.region}/{self.item}"


class PriceAlert(PriceEvent, frozen=True, kw_only=True):
    """A price has passed its ceiling; said once, until the place was back below it."""

    type: ClassVar[str] = "serumpun.price.alert.v1"

    ceiling_rupiah: int

    @property
    def subject(self) -> str:
        """Give `price_alert/<observation>`: every crossing is a matter of its own, of which people are told anew."""
        return f"price_alert/{self.observation_id}"


class AlertEvent(AidEvent, frozen=True, kw_only=True):
    """Something about an alert that is not of stock; `about` is what it is about, such as `station/<id>`."""

    alert_id: UUID
    kind: str
    about: str
    region: str
    place: str | None = None
    item: str | None = None
    lot: str | None = None

    @property
    def subject(self) -> str:
        """Give `alert/<id>`."""
        return f"alert/{self.alert_id}"


class AlertRaised(AlertEvent, frozen=True, kw_only=True):
    """Something is not as it should be; it is said once for as long as it lasts.

    A price stands above its ceiling, a station is dry, an exception is overdue, a promised lot expires before the day
    on which it is wanted, or the nightly audit of the ledger has found something.

    Shape:  `figure` is what was found (a price, how much of the lot, or how many figures of the ledger disagree),
            `threshold` what a price was held against, `due_on` the local day that it is about, where there is one
    Units:  prices in whole rupiah
    """

    type: ClassVar[str] = "serumpun.alert.raised.v1"

    place_name: str | None = None
    item_name: str | None = None
    unit: str | None = None
    figure: int | None = None
    threshold: int | None = None
    due_on: date | None = None


class AlertCleared(AlertEvent, frozen=True, kw_only=True):
    """What such an alert was about is as it should be again, or is settled."""

    type: ClassVar[str] = "serumpun.alert.cleared.v1"


class ShelfEvent(AidEvent, frozen=True, kw_only=True):
    """Something about the stock of one item at one place, all its lots together."""

    place: str
    place_name: str
    region: str
    item: str
    item_name: str
    unit: str

    @property
    def subject(self) -> str:
        """Give `stock/<place>/<item>`."""
        return f"stock/{self.place}/{self.item}"


class StockAlert(ShelfEvent, frozen=True, kw_only=True):
    """An alert is raised: told once, and not again before it was cleared."""

    alert_id: UUID
    on_hand: int

    @property
    def matter(self) -> str:
        """Give `stock/<place>/<item>#<alert>`: a shelf can run low again and again."""
        return f"{self.subject}#{self.alert_id}"


class StockFell(StockAlert, frozen=True, kw_only=True):
    """What can be handed out has fallen to `low_at` or below.

    Shape: `on_hand` is what can be handed out, `expiring` what of it expires within 30 days; `expired` and `held` lie
           there too and are not counted
    """

    low_at: int
    expiring: int = 0
    expired: int = 0
    held: int = 0


class StockLow(StockFell, frozen=True, kw_only=True):
    """Stock has fallen to its level or below."""

    type: ClassVar[str] = "serumpun.stock.low.v1"


class StockOut(StockFell, frozen=True, kw_only=True):
    """Nothing is left to hand out of an item that is watched."""

    type: ClassVar[str] = "serumpun.stock.out.v1"


class StockExpiring(StockAlert, frozen=True, kw_only=True):
    """A lot of which there is stock expires soon, or has expired; `on_hand` is what there is of the lot."""

    type: ClassVar[str] = "serumpun.stock.expiring.v1"

    lot: str
    expires_on: date


class StockRestored(ShelfEvent, frozen=True, kw_only=True):
    """What was told of a shelf, or of one lot on it, is over: these alerts are cleared."""

    type: ClassVar[str] = "serumpun.stock.restored.v1"

    alert_ids: list[UUID]
    kinds: list[str]
    lot: str | None = None
    on_hand: int | None = None


class MarketOffer(msgspec.Struct, frozen=True, kw_only=True):
    """An item on sale at a market: what a family pays, what it costs elsewhere, how much there is and was sold."""

    item: str
    item_name: str
    unit: str
    price_rupiah: int
    market_price_rupiah: int
    allotment: int
    sold: int


class MarketEvent(AidEvent, frozen=True, kw_only=True):
    """A cheap market at one place."""

    market_id: UUID
    number: str
    model: str
    place: str
    place_name: str
    region: str
    opens_at: datetime
    closes_at: datetime
    offers: list[MarketOffer]

    @property
    def subject(self) -> str:
        """Give `market/<id>`."""
        return f"market/{self.market_id}"


class MarketAnnounced(MarketEvent, frozen=True, kw_only=True):
    """A cheap market will be held."""

    type: ClassVar[str] = "serumpun.market.announced.v1"


class MarketOpened(MarketEvent, frozen=True, kw_only=True):
    """A market has begun."""

    type: ClassVar[str] = "serumpun.market.opened.v1"


class MarketClosed(MarketEvent, frozen=True, kw_only=True):
    """A market is over."""

    type: ClassVar[str] = "serumpun.market.closed.v1"


class MarketCancelled(MarketEvent, frozen=True, kw_only=True):
    """A market that was announced will not be held."""

    type: ClassVar[str] = "serumpun.market.cancelled.v1"

    reason: str


class CouponsIssued(PostingEvent, frozen=True, kw_only=True):
    """Families were given coupons of a market; the lines are the entitlement."""

    type: ClassVar[str] = "serumpun.coupons.issued.v1"

    market_id: UUID
    place: str


class MarketSold(PostingEvent, frozen=True, kw_only=True):
    """A family has bought at a market; the lines are the goods, and the entitlement that was used for them.

    Shape: `double_of` names the sale at which the same coupon was used before
    """

    type: ClassVar[str] = "serumpun.market.sold.v1"

    market_id: UUID
    place: str
    counter: str
    amount_rupiah: int
    double_of: UUID | None = None


class KitsEvent(AidEvent, frozen=True, kw_only=True):
    """What became of the kits that a training asked for, of the stock of which place.

    Shape: `region` is that of the training, `place_region` that of the office whose stock it is
    """

    training_id: UUID
    programme: str
    title: str
    region: str
    starts_on: date
    place: str
    place_name: str
    place_region: str

    @property
    def subject(self) -> str:
        """Give `training/<id>`."""
        return f"training/{self.training_id}"


class KitsReserved(KitsEvent, frozen=True, kw_only=True):
    """The kits of a training are reserved until a moment, under the number of the reservation."""

    type: ClassVar[str] = "serumpun.kits.reserved.v1"

    reservation_id: UUID
    number: str
    expires_at: datetime
    lines: list[Goods]


class KitElsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """A place that has some of what is short available."""

    place: str
    place_name: str
    region: str
    available: int


class KitShortage(msgspec.Struct, frozen=True, kw_only=True):
    """What is short of an item at the place that was asked, and where more of it lies, the most first."""

    item: str
    item_name: str
    unit: str
    asked: int
    available: int
    elsewhere: list[KitElsewhere]


class KitsRefused(KitsEvent, frozen=True, kw_only=True):
    """The kits of a training cannot be reserved; nothing of them was.

    Shape: `because` is `short`, `unknown_place`, `unknown_item`, or `over` when it was heard of too late
    """

    type: ClassVar[str] = "serumpun.kits.refused.v1"

    because: str
    shortages: list[KitShortage]


class KitsReleased(KitsEvent, frozen=True, kw_only=True):
    """What was left of the kits of a training is available again.

    Shape: `because` is `released` when somebody said so, as the office that called the training off, or `expired`
    """

    type: ClassVar[str] = "serumpun.kits.released.v1"

    reservation_id: UUID
    number: str
    because: str
    reason: str


class ExceptionEvent(AidEvent, frozen=True, kw_only=True):
    """Something that has happened in the field and could not be entered: no card held the goods, or a rule said no.

    Shape: `short` is what was missing when it ran short, `refusal` the code of what stood against it at the last
           attempt, `due_at` by when it is to be settled
    """

    exception_id: UUID
    kind: str
    region: str
    place: str
    place_name: str
    occurred_at: datetime
    due_at: datetime
    short: list[Goods]
    refusal: str = "short_of_stock"

    @property
    def subject(self) -> str:
        """Give `exception/<id>`."""
        return f"exception/{self.exception_id}"


class ExceptionOpened(ExceptionEvent, frozen=True, kw_only=True):
    """It is parked until somebody settles it; `causes` are likely ones, the likeliest first."""

    type: ClassVar[str] = "serumpun.exception.opened.v1"

    causes: list[str]


class ExceptionApplied(ExceptionEvent, frozen=True, kw_only=True):
    """It has been entered after all, at the moment at which it happened.

    Shape: `breach` is the rule that was broken and that somebody accepted, for `breach_reason`
    """

    type: ClassVar[str] = "serumpun.exception.applied.v1"

    posting_id: UUID
    number: str
    breach: str | None = None
    breach_reason: str | None = None


class ExceptionDropped(ExceptionEvent, frozen=True, kw_only=True):
    """It was given up: it has not happened, or not so."""

    type: ClassVar[str] = "serumpun.exception.dropped.v1"

    reason: str


class ExceptionChanged(ExceptionEvent, frozen=True, kw_only=True):
    """Somebody else is to settle it, or by another time; both as they are since.

    Shape: `change_no` is the version that the exception has since, by which one change is told from the next;
           `owner_before` is who was to settle it until then, the same where only the deadline was changed
    """

    type: ClassVar[str] = "serumpun.exception.changed.v1"

    owner: str
    reason: str
    change_no: int = 1
    owner_before: str | None = None

    @property
    def matter(self) -> str:
        """Give this change among those of the exception."""
        return f"{self.subject}#change-{self.change_no}"


class ExceptionOverdue(ExceptionEvent, frozen=True, kw_only=True):
    """Its time is over and nobody has settled it; said once for each deadline that it was given."""

    type: ClassVar[str] = "serumpun.exception.overdue.v1"

    owner: str
    deadline_no: int = 1

    @property
    def matter(self) -> str:
        """Give this deadline among those of the exception; the first one is the exception itself."""
        return self.subject if self.deadline_no == 1 else f"{self.subject}#deadline-{self.deadline_no}"


class StockReturned(PostingEvent, frozen=True, kw_only=True):
    """Goods have gone back: from the public to a place, or from a place to whoever gave them.

    Shape: `direction` is `from_public`, `to_supplier` or `to_donor`; `returns` is the posting that had moved the goods
    """

    type: ClassVar[str] = "serumpun.stock.returned.v1"

    place: str
    direction: str
    reason: str
    returns: UUID | None = None


class ReturnVoided(PostingEvent, frozen=True, kw_only=True):
    """A return that was posted in error has been taken back by this posting; the lines are what moved back."""

    type: ClassVar[str] = "serumpun.return.voided.v1"

    place: str
    direction: str
    reverses: UUID
    reason: str
    returns: UUID | None = None


class LoanEvent(PostingEvent, frozen=True, kw_only=True):
    """Assets that were lent; the lines are what its document moved."""

    loan_id: UUID
    place: str

    @property
    def subject(self) -> str:
        """Give `loan/<id>`."""
        return f"loan/{self.loan_id}"


class LoanOpened(LoanEvent, frozen=True, kw_only=True):
    """Assets have gone out and are due back on a day."""

    type: ClassVar[str] = "serumpun.loan.opened.v1"

    place_name: str
    due_on: date
    business_id: UUID | None = None


class LoanReturned(LoanEvent, frozen=True, kw_only=True):
    """Something of a loan has come back; `lost` is what of the lines was written off, `closed` that nothing is out."""

    type: ClassVar[str] = "serumpun.loan.returned.v1"

    lost: list[Goods]
    closed: bool


class LoanVoided(LoanEvent, frozen=True, kw_only=True):
    """A loan that was posted in error has been taken back by this posting."""

    type: ClassVar[str] = "serumpun.loan.voided.v1"

    reverses: UUID
    reason: str


class LoanReturnVoided(LoanEvent, frozen=True, kw_only=True):
    """What had come back of a loan, or was written off, is out again by this posting; the loan is open."""

    type: ClassVar[str] = "serumpun.loan.returnvoided.v1"

    reverses: UUID
    reason: str
