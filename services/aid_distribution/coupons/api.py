"""Coupon rounds over HTTP."""

from uuid import UUID

from services.aid_distribution.coupons import handlers
from services.aid_distribution.coupons.domain import HouseholdHasCoupon, RoundClosed, RoundExhausted
from services.aid_distribution.coupons.orders import (
    CloseRound,
    HouseholdCouponPaper,
    HouseholdKeyView,
    HouseholdsIssued,
    IssueHouseholds,
    OpenRound,
    RoundQuery,
    RoundView,
)
from services.aid_distribution.ledger.domain import TooMuch
from shared.roles import Action
from shared.routes import Call, Page, Routes

coupon_rounds = Routes("/aid", tag="Coupons of households")


@coupon_rounds.post("/coupon-rounds", Action.RUN_COUPONS, location="/aid/coupon-rounds/{id}", rules=handlers.mistakes)
async def open_coupon_round(call: Call, body: OpenRound) -> RoundView:
    """Open a round of coupons: so many households are to receive once under a programme at a place."""
    return await handlers.open_round(call.work, call.caller, body)


@coupon_rounds.get("/coupon-rounds", Action.SEE_COUPONS)
async def list_coupon_rounds(call: Call, query: RoundQuery) -> Page[RoundView]:
    """List the rounds of your regions, newest first."""
    return await handlers.page(call.work, call.caller, query)


@coupon_rounds.get("/coupon-rounds/{round_id}", Action.SEE_COUPONS)
async def show_coupon_round(call: Call, round_id: UUID) -> RoundView:
    """Show a round: how many coupons were given, and how many of those were used."""
    return await handlers.show(call.work, call.caller, round_id)


@coupon_rounds.post(
    "/coupon-rounds/{round_id}/coupons",
    Action.RUN_COUPONS,
    refusals=[HouseholdHasCoupon, RoundClosed, RoundExhausted, TooMuch],
)
async def issue_household_coupons(call: Call, round_id: UUID, body: IssueHouseholds) -> HouseholdsIssued:
    """Give coupons to households: all of these or none, and never more than the round has."""
    return await handlers.issue(call.work, call.caller, round_id, body)


@coupon_rounds.get("/coupon-rounds/{round_id}/coupons/{coupon_id}", Action.RUN_COUPONS)
async def show_household_coupon(call: Call, round_id: UUID, coupon_id: UUID) -> HouseholdCouponPaper:
    """Show a coupon with its QR code, and the distribution at which it was used."""
    return await handlers.paper(call.work, call.caller, round_id, coupon_id)


@coupon_rounds.post(
    "/coupon-rounds/{round_id}/closing",
    Action.RUN_COUPONS,
    location="/aid/coupon-rounds/{id}",
    refusals=[RoundClosed],
)
async def close_coupon_round(call: Call, round_id: UUID, body: CloseRound) -> RoundView:
    """Close a round: coupons that were not used entitle to nothing any more."""
    return await handlers.close_round(call.work, call.caller, round_id, body)


@coupon_rounds.get("/household-coupon-key", Action.SEE_COUPONS)
async def show_household_coupon_key(call: Call) -> HouseholdKeyView:
    """Give the public key with which coupons of households are checked without a network."""
    return await handlers.public_key(call.work)
