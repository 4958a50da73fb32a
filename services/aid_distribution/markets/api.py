"""Cheap markets over HTTP."""

from uuid import UUID

from services.aid_distribution.markets import coupons, double_uses, effect, handlers, pressure, sales
from services.aid_distribution.markets.domain import (
    CouponsExhausted,
    FamilyHasCoupon,
    NoCoupons,
    SlotFull,
    WrongMarketState,
)
from services.aid_distribution.markets.double_uses import DoubleUseQuery
from services.aid_distribution.markets.effect import EffectQuery, EffectView
from services.aid_distribution.markets.mistakes import mistakes
from services.aid_distribution.markets.orders import (
    AnnounceMarket,
    CancelMarket,
    CloseMarket,
    CouponKeyView,
    CouponPaper,
    DoubleUseView,
    IssueCoupons,
    IssuedView,
    MarketQuery,
    MarketView,
    OpenMarket,
    RecordSales,
    SalesView,
)
from services.aid_distribution.markets.pressure import PressureQuery, PressureView
from shared.roles import Action
from shared.routes import Call, Page, Routes

markets = Routes("/aid", tag="Markets")


@markets.post("/markets", Action.RUN_MARKETS, location="/aid/markets/{id}", rules=mistakes)
async def announce_market(call: Call, body: AnnounceMarket) -> MarketView:
    """Announce a cheap market: what is sold at which price, how much of it, and for whom."""
    return await handlers.announce(call.work, call.caller, body)


@markets.get("/markets", Action.SEE_MARKETS)
async def list_markets(call: Call, query: MarketQuery) -> Page[MarketView]:
    """List the markets of your regions, the latest first."""
    return await handlers.page(call.work, call.caller, query)


@markets.get("/markets/{market_id}", Action.SEE_MARKETS)
async def show_market(call: Call, market_id: UUID) -> MarketView:
    """Show a market."""
    return await handlers.show(call.work, call.caller, market_id)


@markets.post("/markets/{market_id}/opening", Action.RUN_MARKETS, refusals=[WrongMarketState])
async def open_market(call: Call, market_id: UUID, body: OpenMarket) -> MarketView:  # noqa: ARG001 - nothing to say
    """Begin a market."""
    return await handlers.open_market(call.work, call.caller, market_id)


@markets.post("/markets/{market_id}/closing", Action.RUN_MARKETS, refusals=[WrongMarketState])
async def close_market(call: Call, market_id: UUID, body: CloseMarket) -> MarketView:  # noqa: ARG001 - nothing to say
    """End a market; sales of counters that were offline may still follow."""
    return await handlers.close_market(call.work, call.caller, market_id)


@markets.post("/markets/{market_id}/cancellation", Action.RUN_MARKETS, refusals=[WrongMarketState])
async def cancel_market(call: Call, market_id: UUID, body: CancelMarket) -> MarketView:
    """Call off a market that was announced."""
    return await handlers.cancel_market(call.work, call.caller, market_id, body)


@markets.post(
    "/markets/{market_id}/coupons",
    Action.RUN_MARKETS,
    refusals=[WrongMarketState, NoCoupons, FamilyHasCoupon, SlotFull, CouponsExhausted],
)
async def issue_coupons(call: Call, market_id: UUID, body: IssueCoupons) -> IssuedView:
    """Give coupons to families: all of these or none, and never more than the allotment holds."""
    return await coupons.issue(call.work, call.caller, market_id, body)


@markets.get("/markets/{market_id}/coupons/{coupon_id}", Action.SEE_MARKETS)
async def show_coupon(call: Call, market_id: UUID, coupon_id: UUID) -> CouponPaper:
    """Show a coupon with its QR code, and where it was used."""
    return await coupons.paper(call.work, call.caller, market_id, coupon_id)


@markets.get("/coupon-key", Action.SEE_MARKETS)
async def show_coupon_key(call: Call) -> CouponKeyView:
    """Give the public key with which a counter checks coupons offline."""
    return await coupons.public_key(call.work)


@markets.post("/markets/{market_id}/sales", Action.RUN_MARKETS, status=200, refusals=[WrongMarketState])
async def record_sales(call: Call, market_id: UUID, body: RecordSales) -> SalesView:
    """Take the sales of a counter that was offline: an outcome for each entry, each entry once."""
    return await sales.record(call.work, call.caller, market_id, body)


@markets.get("/markets/{market_id}/double-uses", Action.SEE_MARKETS)
async def list_double_uses(call: Call, market_id: UUID, query: DoubleUseQuery) -> Page[DoubleUseView]:
    """List the coupons that were used twice: which counters, and when."""
    return await double_uses.page(call.work, call.caller, market_id, query)


@markets.get("/markets/{market_id}/effect", Action.SEE_PRESSURE, refusals=[WrongMarketState])
async def show_effect(call: Call, market_id: UUID, query: EffectQuery) -> EffectView:
    """Compare the prices before and after a market with those of districts that had none."""
    return await effect.of_market(call.work, call.caller, market_id, query)


@markets.get("/pressure", Action.SEE_PRESSURE)
async def show_pressure(call: Call, query: PressureQuery) -> PressureView:
    """Rank the regions by the pressure of a price, each explained, and propose where the next market is held."""
    return await pressure.ranking(call.work, call.caller, query)
