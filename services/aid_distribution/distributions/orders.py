"""What may be asked of distributions, and what they answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from services.aid_distribution.coupons.signing import TOKEN_LENGTH_MAX
from services.aid_distribution.distributions.store import HEADS_MAX, DistributionRow
from services.aid_distribution.ledger.domain import Line
from services.aid_distribution.ledger.orders import (
    GoodsLines,
    ItemCode,
    LotNoteView,
    Moment,
    Order,
    PlaceCode,
    PostedLine,
    Quantity,
    line_view,
)
from services.aid_distribution.ledger.programmes import Programme
from shared.clock import shown
from shared.routes import PAGE_ITEMS_DEFAULT, Code, Cursor, Limit, RegionCode, Text

BUSINESSES_MAX = 1_000
SHARES_MAX = 2_000
"""Their event is carried whole, so there are no more of them than fit into one."""


class Share(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one business received of one item."""

    business: UUID
    item: ItemCode
    quantity: Quantity


class Recipients(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who received: so many of the public, these businesses, or both.

    Shape: `shares` says what each business received, and then of every business named; without them it is not known,
           and no share is made up: see `limit_rules` for what a limit on quantities then counts
    """

    public: Annotated[int, msgspec.Meta(ge=0, le=HEADS_MAX, examples=[100])] = 0
    businesses: Annotated[list[UUID], msgspec.Meta(max_length=BUSINESSES_MAX)] = []
    shares: Annotated[list[Share], msgspec.Meta(max_length=SHARES_MAX)] = []


CouponToken = Annotated[str, msgspec.Meta(max_length=TOKEN_LENGTH_MAX)]
COUPONS_MAX = 500


class Position(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a telephone was, in millionths of a degree (WGS 84), and within how many metres."""

    latitude_microdegrees: Annotated[int, msgspec.Meta(ge=-90_000_000, le=90_000_000, examples=[-2_131_627])]
    longitude_microdegrees: Annotated[int, msgspec.Meta(ge=-180_000_000, le=180_000_000, examples=[106_116_930])]
    accuracy_metres: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shows that a hand-out took place: a photo that is kept elsewhere, where it was, who signed for it."""

    photo_reference: Text | None = None
    position: Position | None = None
    signature_name: Text | None = None


class AddEvidence(Evidence, frozen=True, kw_only=True):
    """Evidence that comes later than its distribution."""

    document: Text | None = None


class PostDistribution(Order, frozen=True, kw_only=True):
    """Aid has been handed out; with a reservation it was taken out of that.

    Shape: `coupons` are what the QR codes of the households' coupons say; these households are among the public
    """

    programme: Annotated[Programme, msgspec.Meta(examples=["free-masks"])]
    place: PlaceCode
    occurred_at: Moment
    lines: GoodsLines
    recipients: Recipients
    evidence: Evidence | None = None
    reservation: UUID | None = None
    coupons: Annotated[list[CouponToken], msgspec.Meta(max_length=COUPONS_MAX)] = msgspec.field(default_factory=list)


class ParkDistribution(PostDistribution, frozen=True, kw_only=True):
    """A distribution that has happened and that no card holds the goods of; `due_at`: by when it is to be settled."""

    due_at: Moment | None = None


class VoidDistribution(Order, frozen=True, kw_only=True):
    """A distribution was posted in error."""

    reason: Annotated[Text, msgspec.Meta(examples=["Posted for the wrong place"])]


class DistributionQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which distributions to list, newest first."""

    place: Code | None = None
    region: RegionCode | None = None
    programme: Programme | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class DistributionView(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution and its receipt: `number` stands on the paper that is given.

    Shape: `households` is how many of the public were known by a coupon
    """

    id: UUID
    number: str
    state: str
    programme: str
    place: str
    region: str
    occurred_at: datetime
    recorded_at: datetime
    document: str | None
    lines: list[PostedLine]
    lot_notes: list[LotNoteView]
    recipients: Recipients
    households: int
    posting_id: UUID
    void_posting_id: UUID | None
    void_reason: str | None
    version: int


def distribution_view(
    row: DistributionRow, lines: Sequence[Line], recipients: Recipients, notes: list[LotNoteView]
) -> DistributionView:
    """Show a distribution."""
    return DistributionView(
        id=row.id,
        number=row.number,
        state=row.state,
        programme=row.programme,
        place=row.place,
        region=row.region,
        occurred_at=shown(row.occurred_at),
        recorded_at=shown(row.recorded_at),
        document=row.document,
        lines=[line_view(line) for line in lines],
        lot_notes=notes,
        recipients=Recipients(
            public=recipients.public,
            businesses=sorted(recipients.businesses),
            shares=sorted(recipients.shares, key=lambda share: (share.business, share.item)),
        ),
        households=row.households,
        posting_id=row.posting_id,
        void_posting_id=row.void_posting_id,
        void_reason=row.void_reason,
        version=row.version,
    )
