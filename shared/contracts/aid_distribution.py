"""What `aid_distribution` tells the others: goods that moved and aid that was handed out.

Units: quantities are whole numbers of the item's base unit, always positive; times are aware UTC.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from shared.contracts.event import Event


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


class DistributionEvent(AidEvent, frozen=True, kw_only=True):
    """A distribution event of a programme at one place."""

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
