"""Prices over HTTP."""

from services.aid_distribution.ledger.mistakes import asked_of_leaves
from services.aid_distribution.prices import handlers, pages
from services.aid_distribution.prices.handlers import CeilingView, ObservationView, ObservePrice, SetCeiling
from services.aid_distribution.prices.pages import CeilingQuery, MedianQuery, MedianView, PriceQuery
from shared.roles import Action
from shared.routes import Call, Page, Routes

prices = Routes("/aid", tag="Prices")


@prices.post("/prices", Action.OBSERVE_PRICES, rules=asked_of_leaves(handlers.observation_mistakes))
async def observe_price(call: Call, body: ObservePrice) -> ObservationView:
    """Keep what an item costs at a market place on a day; the last one told counts, the earlier ones are kept."""
    return await handlers.observe(call.work, call.caller, body)


@prices.get("/prices", Action.SEE_PRICES)
async def list_prices(call: Call, query: PriceQuery) -> Page[ObservationView]:
    """List the prices that were seen in your regions, newest first."""
    return await pages.observations(call.work, call.caller, query)


@prices.get("/prices/medians", Action.SEE_PRICES)
async def list_medians(call: Call, query: MedianQuery) -> Page[MedianView]:
    """Give the median price of an item by region and day, latest first."""
    return await pages.medians(call.work, call.caller, query)


@prices.post("/ceilings", Action.SET_CEILINGS, rules=asked_of_leaves(handlers.ceiling_mistakes))
async def set_ceiling(call: Call, body: SetCeiling) -> CeilingView:
    """Keep what an item may cost at most in a region from a day on, with its source."""
    return await handlers.set_ceiling(call.work, call.caller, body)


@prices.get("/ceilings", Action.SEE_PRICES)
async def list_ceilings(call: Call, query: CeilingQuery) -> Page[CeilingView]:
    """List ceilings, the latest first."""
    return await pages.ceilings(call.work, query)
