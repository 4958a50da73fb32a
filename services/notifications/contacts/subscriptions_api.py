"""The HTTP face of subscriptions: staff choose what they are told of, and where."""

from typing import Annotated, Literal

import msgspec

from services.notifications.contacts import subscriptions
from services.notifications.contacts.subscriptions import SubscriptionRow
from shared.roles import Action
from shared.routes import Call, RegionCode, Routes

routes = Routes("/notifications", tag="Subscriptions")

KindName = Literal[
    "stock_low", "stock_out", "stock_expiring", "price", "station", "discrepancy", "exception", "not_told"
]
Kinds = Annotated[list[KindName], msgspec.Meta(max_length=8, examples=[["stock_out", "station"]])]
SubscribedRegions = Annotated[list[RegionCode], msgspec.Meta(min_length=1, max_length=50)]


class Subscribe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What you want to be told of, in which of your regions; what is left out stays as it is."""

    kinds: Kinds | None = None
    regions: SubscribedRegions | None = None


class SubscriptionView(msgspec.Struct, frozen=True, kw_only=True):
    """What a member of staff is told of, and where; `by_role` is true as long as they never chose."""

    kinds: list[KindName]
    regions: list[str]
    by_role: bool
    version: int


@routes.get("/subscriptions", Action.SUBSCRIBE)
async def show_subscription(call: Call) -> SubscriptionView:
    """Show what you are told of."""
    return _view(await subscriptions.of(call.work, call.caller))


@routes.patch("/subscriptions", Action.SUBSCRIBE)
async def subscribe(call: Call, body: Subscribe) -> SubscriptionView:
    """Choose what you are told of, and in which of your regions; a region stands for all that lie in it."""
    kinds = list[str](body.kinds) if body.kinds is not None else None
    row = await subscriptions.change(call.work, call.caller, call.expected_version, kinds, body.regions)
    return _view(row)


def _view(row: SubscriptionRow) -> SubscriptionView:
    told = {"kinds": row.kinds, "regions": row.regions, "by_role": row.version == 1, "version": row.version}
    return msgspec.convert(told, SubscriptionView)
