"""Production over HTTP."""

from uuid import UUID

from services.aid_distribution.exceptions.domain import NotShort
from services.aid_distribution.exceptions.orders import ExceptionView
from services.aid_distribution.ledger.domain import TooMuch
from services.aid_distribution.production import calls, deliveries, handlers, parked, producers
from services.aid_distribution.production.domain import (
    MoreThanDue,
    MoreThanNeeded,
    MoreThanOrdered,
    NewerProfileKnown,
    NotAccepted,
    NotOffered,
    OfferExpired,
    OrderIsOver,
    OverCap,
    PaymentKnown,
    TooFewLayers,
)
from services.aid_distribution.production.shapes import (
    CallForProduction,
    CallQuery,
    CallView,
    CandidateView,
    DeclineOrder,
    OfferOrder,
    OrderQuery,
    ParkDelivery,
    ProductionOrderView,
    ProfileView,
    RankingView,
    RecordDelivery,
    RecordPayment,
    SetProfile,
    SupplierView,
    TakeBack,
)
from shared.roles import Action
from shared.routes import Call, Page, Routes

production = Routes("/aid", tag="Production")
parked_deliveries = Routes("/aid/exceptions/deliveries", tag="Exceptions")


@production.post(
    "/producers/{business_id}/profile",
    Action.ORDER_PRODUCTION,
    refusals=[NewerProfileKnown],
    rules=producers.profile_mistakes,
)
async def set_producer_profile(call: Call, business_id: UUID, body: SetProfile) -> ProfileView:
    """Set what a business can make in a week and how hard it was hit."""
    return await producers.set_profile(call.work, call.caller, business_id, body)


@production.get("/producers/{business_id}", Action.SEE_PRODUCTION)
async def show_producer(call: Call, business_id: UUID) -> SupplierView:
    """Show the record of a producer: ordered, delivered, accepted, rejected, on time, due, paid."""
    return await producers.record_of(call.work, call.caller, business_id)


@production.post(
    "/production-calls",
    Action.ORDER_PRODUCTION,
    location="/aid/production-calls/{id}",
    rules=calls.call_mistakes,
)
async def call_for_production(call: Call, body: CallForProduction) -> CallView:
    """Say what is needed, until when, and for how much."""
    return await calls.add_call(call.work, call.caller, body)


@production.get("/production-calls", Action.SEE_PRODUCTION)
async def list_production_calls(call: Call, query: CallQuery) -> Page[CallView]:
    """List calls, newest first."""
    return await calls.calls(call.work, call.caller, query)


@production.get("/production-calls/{call_id}", Action.SEE_PRODUCTION)
async def show_production_call(call: Call, call_id: UUID) -> CallView:
    """Show a call."""
    return await calls.show_call(call.work, call.caller, call_id)


@production.get("/production-calls/{call_id}/candidates", Action.SEE_PRODUCTION)
async def list_candidates(call: Call, call_id: UUID, query: CallQuery) -> RankingView:
    """Rank the businesses that may be asked, each line explained, with the quantity to offer."""
    return await calls.candidates(call.work, call.caller, call_id, query)


@production.post(
    "/production-orders",
    Action.ORDER_PRODUCTION,
    location="/aid/production-orders/{id}",
    refusals=[OverCap, MoreThanNeeded],
    rules=handlers.offer_mistakes,
)
async def offer_production_order(call: Call, body: OfferOrder) -> ProductionOrderView:
    """Offer a business a part of a call; the ranking by which it was chosen is kept."""
    return await handlers.offer(call.work, call.caller, body)


@production.get("/production-orders", Action.SEE_PRODUCTION)
async def list_production_orders(call: Call, query: OrderQuery) -> Page[ProductionOrderView]:
    """List production orders, newest first."""
    return await producers.orders(call.work, call.caller, query)


@production.get("/my/production-orders", Action.SEE_OWN_PRODUCTION)
async def list_own_production_orders(call: Call, query: OrderQuery) -> Page[ProductionOrderView]:
    """List the production orders of the owner who asks, newest first."""
    return await producers.own_orders(call.work, call.caller, query)


@production.get("/production-orders/{order_id}", Action.SEE_PRODUCTION)
async def show_production_order(call: Call, order_id: UUID) -> ProductionOrderView:
    """Show a production order with its deliveries and payments."""
    return await producers.show(call.work, call.caller, order_id)


@production.get("/production-orders/{order_id}/ranking", Action.SEE_PRODUCTION)
async def show_ranking(call: Call, order_id: UUID, query: CallQuery) -> Page[CandidateView]:
    """Show the ranking by which a business was chosen, as it stood when the order was offered."""
    return await producers.ranking_at(call.work, call.caller, order_id, query)


@production.post(
    "/production-orders/{order_id}/acceptance", Action.ANSWER_PRODUCTION, refusals=[NotOffered, OfferExpired]
)
async def accept_production_order(call: Call, order_id: UUID) -> ProductionOrderView:
    """Take an order: the owner, or the office for whoever has said so."""
    return await handlers.accept(call.work, call.caller, order_id)


@production.post("/production-orders/{order_id}/decline", Action.ANSWER_PRODUCTION, refusals=[NotOffered, OfferExpired])
async def decline_production_order(call: Call, order_id: UUID, body: DeclineOrder) -> ProductionOrderView:
    """Do not take an order, and say why."""
    return await handlers.decline(call.work, call.caller, order_id, body)


@production.post(
    "/production-orders/{order_id}/deliveries",
    Action.RECEIVE_PRODUCTION,
    refusals=[NotAccepted, MoreThanOrdered, TooFewLayers, TooMuch],
    rules=deliveries.mistakes,
)
async def record_production_delivery(call: Call, order_id: UUID, body: RecordDelivery) -> ProductionOrderView:
    """Take in a delivery: what the inspection accepts comes into stock and is due."""
    return await deliveries.deliver(call.work, call.caller, order_id, body)


@production.post(
    "/production-orders/{order_id}/payments",
    Action.PAY_PRODUCTION,
    refusals=[MoreThanDue, PaymentKnown],
    rules=deliveries.payment_mistakes,
)
async def record_production_payment(call: Call, order_id: UUID, body: RecordPayment) -> ProductionOrderView:
    """Record a payment for what was accepted, never more than is due."""
    return await deliveries.pay(call.work, call.caller, order_id, body)


@production.post("/production-orders/{order_id}/taking-back", Action.ORDER_PRODUCTION, refusals=[OrderIsOver])
async def take_back_production_order(call: Call, order_id: UUID, body: TakeBack) -> ProductionOrderView:
    """Take the rest of an order back, so that it may be offered to another; what was delivered stays."""
    return await handlers.take_back(call.work, call.caller, order_id, body)


@parked_deliveries.post(
    "",
    Action.PARK_EXCEPTION,
    location="/aid/exceptions/{id}",
    refusals=[MoreThanOrdered, NotAccepted, NotShort, TooFewLayers],
    rules=deliveries.mistakes,
)
async def park_delivery(call: Call, body: ParkDelivery) -> ExceptionView:
    """Park a delivery that has come and that its order does not allow."""
    return await parked.park_delivery(call.work, call.caller, body)
