"""The HTTP face of doubt: staff say what became of a delivery whose answer was lost."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from services.notifications.delivery import handlers
from services.notifications.delivery.api import DeliveryView, view
from services.notifications.giving_up import could_not_be_told
from shared.roles import Action
from shared.routes import Call, Routes, Text

routes = Routes("/notifications", tag="Deliveries")


class ResolveDelivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of a delivery in doubt, and how that was found out."""

    outcome: Literal["delivered", "not_delivered"]
    reason: Annotated[Text, msgspec.Meta(examples=["Ia menelepon dan sudah membacanya"])]


@routes.post(
    "/deliveries/{delivery_id}/resolution",
    Action.RESOLVE_DELIVERY,
    status=200,
    refusals=[handlers.NotInDoubt],
)
async def resolve_delivery(call: Call, delivery_id: UUID, body: ResolveDelivery) -> DeliveryView:
    """Say what became of a delivery in doubt; what did not arrive goes over the next channel."""
    delivered = body.outcome == "delivered"
    row = await handlers.resolve(
        call.work, call.caller, delivery_id, could_not_be_told, delivered=delivered, why=body.reason
    )
    return view(row)
