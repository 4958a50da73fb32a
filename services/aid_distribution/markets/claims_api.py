"""Sellers' claims over HTTP."""

from uuid import UUID

from services.aid_distribution.markets import claims
from services.aid_distribution.markets.claim_rules import (
    AlreadyClaimed,
    ClaimOutstanding,
    NothingToClaim,
    SalesParked,
    WrongClaimState,
)
from services.aid_distribution.markets.claims import ClaimView, DecideClaim, PayClaim, SettleMarket, SubmitClaim
from services.aid_distribution.markets.domain import WrongMarketState
from services.aid_distribution.markets.orders import MarketView
from shared.roles import Action
from shared.routes import Call, Routes

market_claims = Routes("/aid/markets", tag="Markets")


@market_claims.post(
    "/{market_id}/claims", Action.RUN_MARKETS, refusals=[WrongMarketState, NothingToClaim, AlreadyClaimed, SalesParked]
)
async def submit_claim(call: Call, market_id: UUID, body: SubmitClaim) -> ClaimView:
    """Claim what a seller sold below its price; what was handed out for a used coupon is left out and listed."""
    return await claims.submit(call.work, call.caller, market_id, body)


@market_claims.get("/{market_id}/claims/{claim_id}", Action.SEE_MARKETS)
async def show_claim(call: Call, market_id: UUID, claim_id: UUID) -> ClaimView:
    """Show a claim."""
    return await claims.show(call.work, call.caller, market_id, claim_id)


@market_claims.post(
    "/{market_id}/claims/{claim_id}/decision", Action.SETTLE_CLAIMS, refusals=[WrongMarketState, WrongClaimState]
)
async def decide_claim(call: Call, market_id: UUID, claim_id: UUID, body: DecideClaim) -> ClaimView:
    """Approve or refuse every line of a claim, each refusal with its reason."""
    return await claims.decide(call.work, call.caller, market_id, claim_id, body)


@market_claims.post(
    "/{market_id}/claims/{claim_id}/payment",
    Action.SETTLE_CLAIMS,
    refusals=[WrongMarketState, WrongClaimState, SalesParked],
)
async def pay_claim(call: Call, market_id: UUID, claim_id: UUID, body: PayClaim) -> ClaimView:
    """Note that what was settled has been paid; the market is settled."""
    return await claims.pay(call.work, call.caller, market_id, claim_id, body)


@market_claims.post(
    "/{market_id}/settlement", Action.SETTLE_CLAIMS, refusals=[WrongMarketState, ClaimOutstanding, SalesParked]
)
async def settle_market(call: Call, market_id: UUID, body: SettleMarket) -> MarketView:  # noqa: ARG001 - nothing to say
    """Close the book of a market that no seller claims for."""
    return await claims.settle(call.work, call.caller, market_id)
