"""The HTTP face of the delivery ledger: staff see who was told, who was not, and why."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from services.notifications.delivery import store
from shared import cursor
from shared.clock import shown
from shared.roles import Action
from shared.routes import PAGE_ITEMS_DEFAULT, Call, Cursor, Limit, Page, Routes
from shared.telemetry import trace_id

routes = Routes("/notifications", tag="Deliveries")

DeliveryState = Literal["queued", "sending", "accepted", "delivered", "failed", "unknown"]


class DeliveryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which deliveries, and which stretch of them."""

    state: DeliveryState | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class DeliveryView(msgspec.Struct, frozen=True):
    """One message on its way over one channel; `reply` is what the provider said last."""

    id: UUID
    message_id: UUID
    person: str
    region: str
    channel: str
    state: DeliveryState
    attempts: int
    reason: str | None
    reply: str
    created_at: datetime
    changed_at: datetime
    accepted_at: datetime | None
    trace_id: str
    cost_rupiah: int | None
    resolved_by: str | None
    resolution: str | None


@routes.get("/deliveries", allow=Action.SEE_MESSAGES)
async def list_deliveries(call: Call, query: DeliveryQuery) -> Page[DeliveryView]:
    """List what was sent to the people of the caller's regions, newest first."""
    (after,) = cursor.decode(query.cursor, tuple[UUID]) if query.cursor else (None,)
    rows = await store.page(call.work.session, call.caller.regions, query.state, after, query.limit)
    return cursor.page(rows, query.limit, view, lambda row: (row.id,))


def view(row: store.DeliveryRow) -> DeliveryView:
    """Show a delivery."""
    return msgspec.convert(
        {
            **row.model_dump(),
            "created_at": shown(row.created_at),
            "changed_at": shown(row.changed_at),
            "accepted_at": shown(row.accepted_at) if row.accepted_at else None,
            "trace_id": trace_id(row.traceparent),
        },
        DeliveryView,
    )
