"""Reservations over HTTP."""

from uuid import UUID

from services.aid_distribution.ledger import reservation_questions, reservations
from services.aid_distribution.ledger.domain import CountedSince, LotHeld, ShortOfStock
from services.aid_distribution.ledger.reservation_orders import (
    ReleaseReservation,
    ReservationQuery,
    ReservationUseView,
    ReservationView,
    ReserveStock,
    UseQuery,
)
from services.aid_distribution.ledger.reserved_use import ReservationEnded
from shared.roles import Action
from shared.routes import Call, Page, Routes

reserving = Routes("/aid/reservations", tag="Reservations")


@reserving.post(
    "",
    Action.RESERVE_STOCK,
    location="/aid/reservations/{id}",
    refusals=[CountedSince, LotHeld, ShortOfStock],
    rules=reservations.reserve_mistakes,
)
async def reserve_stock(call: Call, body: ReserveStock) -> ReservationView:
    """Promise goods of a place to somebody until a moment: they still lie there, and are not available to others."""
    return await reservations.reserve(call.work, call.caller, body)


@reserving.get("", Action.SEE_STOCK)
async def list_reservations(call: Call, query: ReservationQuery) -> Page[ReservationView]:
    """List the reservations at the places of your regions, newest first."""
    return await reservation_questions.page(call.work, call.caller, query)


@reserving.get("/{reservation_id}", Action.SEE_STOCK)
async def show_reservation(call: Call, reservation_id: UUID) -> ReservationView:
    """Show a reservation: what it holds, what of it was used, and by which postings first."""
    return await reservation_questions.show(call.work, call.caller, reservation_id)


@reserving.get("/{reservation_id}/uses", Action.SEE_STOCK)
async def list_reservation_uses(call: Call, reservation_id: UUID, query: UseQuery) -> Page[ReservationUseView]:
    """List what was taken out of a reservation, the earliest posting first."""
    return await reservation_questions.uses(call.work, call.caller, reservation_id, query)


@reserving.post(
    "/{reservation_id}/release",
    Action.RESERVE_STOCK,
    location="/aid/reservations/{id}",
    refusals=[CountedSince, ReservationEnded],
)
async def release_reservation(call: Call, reservation_id: UUID, body: ReleaseReservation) -> ReservationView:
    """Let go of what is left of a reservation: it is available again."""
    return await reservations.release(call.work, call.caller, reservation_id, body)
