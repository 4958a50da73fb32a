"""The rules of coupon rounds: so many households, one coupon for each, each good once, at one place and programme."""

from enum import StrEnum

from shared.problems import Refusal

COUPONS_MAX = 1_000_000
HOUSEHOLD_SQL = "household ~ '^[A-Za-z0-9_-]{16,64}$'"
"""A reference that an office makes of a family card with a secret of its own; it is never the number of the card."""


class State(StrEnum):
    """How far a round has come."""

    OPEN = "open"
    CLOSED = "closed"


class RoundClosed(Refusal):
    """A round that is closed entitles to nothing any more."""

    code = "coupon_round_closed"
    title = "This round of coupons is closed"


class RoundExhausted(Refusal):
    """No more coupons are given than the round has."""

    code = "coupons_exhausted"
    title = "The round has no more coupons"


class HouseholdHasCoupon(Refusal):
    """A household has one coupon of a round."""

    code = "household_has_coupon"
    title = "This household has a coupon already"


class CouponUsed(Refusal):
    """A coupon is good for one hand-out."""

    code = "coupon_used"
    title = "This coupon was used already"
