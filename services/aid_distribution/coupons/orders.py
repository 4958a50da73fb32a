"""What may be asked of coupon rounds, and what they answer."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from services.aid_distribution.coupons.domain import COUPONS_MAX, State
from services.aid_distribution.ledger.orders import Order, PlaceCode
from services.aid_distribution.ledger.programmes import Programme
from shared.routes import PAGE_ITEMS_DEFAULT, Cursor, Limit, RegionCode

HOUSEHOLDS_AT_ONCE_MAX = 200

Household = Annotated[
    str,
    msgspec.Meta(
        min_length=16, max_length=64, pattern=r"^[A-Za-z0-9_\-]{16,64}$(?!\n)", examples=["b1946ac92492d2347c6235b4"]
    ),
]


class OpenRound(Order, frozen=True, kw_only=True):
    """So many households are to receive once under a programme at a place."""

    programme: Annotated[Programme, msgspec.Meta(examples=["free-masks"])]
    place: PlaceCode
    coupons_max: Annotated[int, msgspec.Meta(ge=1, le=COUPONS_MAX, examples=[500])]


class IssueHouseholds(Order, frozen=True, kw_only=True):
    """Households are given coupons: all of these or none."""

    households: Annotated[list[Household], msgspec.Meta(min_length=1, max_length=HOUSEHOLDS_AT_ONCE_MAX)]


class CloseRound(Order, frozen=True, kw_only=True):
    """The round is over: coupons that were not used entitle to nothing any more."""


class RoundQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rounds to list, newest first."""

    region: RegionCode | None = None
    state: State | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class RoundView(msgspec.Struct, frozen=True, kw_only=True):
    """A round: how many coupons it has at most, how many were given, and how many of those were used."""

    id: UUID
    number: str
    programme: str
    place: str
    region: str
    coupons_max: int
    issued: int
    used: int
    state: str
    document: str | None
    opened_at: datetime
    closed_at: datetime | None
    version: int


class HouseholdCouponView(msgspec.Struct, frozen=True, kw_only=True):
    """A coupon as it is given: `token` is what its QR code says, signed; it names no household."""

    id: UUID
    serial: int
    token: str


class HouseholdsIssued(msgspec.Struct, frozen=True, kw_only=True):
    """The coupons that were just given, in the order of the households; `number` is the document of the entitlement."""

    id: UUID
    number: str
    issued: int
    coupons_max: int
    coupons: list[HouseholdCouponView]


class HouseholdCouponPaper(HouseholdCouponView, frozen=True, kw_only=True):
    """A coupon with its QR code (an address of an SVG picture), and the distribution at which it was used, if any."""

    round_id: UUID
    qr: str
    distribution_id: UUID | None
    used_at: datetime | None


class HouseholdKeyView(msgspec.Struct, frozen=True, kw_only=True):
    """The public key (a JWK, RFC 8037) with which anybody at a counter checks coupons without a network."""

    kty: str
    crv: str
    alg: str
    x: str
