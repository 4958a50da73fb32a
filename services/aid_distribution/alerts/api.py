"""Levels, alerts and the live feed over HTTP."""

from typing import Any
from uuid import UUID

from services.aid_distribution.alerts import handlers
from services.aid_distribution.alerts.domain import LevelExists
from services.aid_distribution.alerts.handlers import (
    AlertQuery,
    AlertView,
    ChangeLevel,
    LevelQuery,
    LevelView,
    SetLevel,
)
from shared.caller import Caller
from shared.contracts.aid_distribution import KitsRefused, TransferDispatched, TransferReceived
from shared.live.happened import Happened
from shared.roles import Action
from shared.routes import Call, Page, Routes

alerts = Routes("/aid", tag="Alerts")

BETWEEN_PLACES = (TransferDispatched.type, TransferReceived.type)


@alerts.post(
    "/levels",
    Action.SET_LEVELS,
    location="/aid/levels/{id}",
    refusals=[LevelExists],
    rules=handlers.mistakes,
)
async def set_level(call: Call, body: SetLevel) -> LevelView:
    """Set when an item at a place is low, and when it is well again."""
    return await handlers.set_level(call.work, call.caller, body)


@alerts.get("/levels", Action.SEE_ALERTS)
async def list_levels(call: Call, query: LevelQuery) -> Page[LevelView]:
    """List the levels of your regions."""
    return await handlers.levels(call.work, call.caller, query)


@alerts.get("/levels/{level_id}", Action.SEE_ALERTS)
async def show_level(call: Call, level_id: UUID) -> LevelView:
    """Show a level."""
    return await handlers.show_level(call.work, call.caller, level_id)


@alerts.patch("/levels/{level_id}", Action.SET_LEVELS)
async def change_level(call: Call, level_id: UUID, body: ChangeLevel) -> LevelView:
    """Change a level."""
    return await handlers.change_level(call.work, call.caller, level_id, call.expected_version, body)


@alerts.get("/alerts", Action.SEE_ALERTS)
async def list_alerts(call: Call, query: AlertQuery) -> Page[AlertView]:
    """List what is or was not as it should be, newest first."""
    return await handlers.alerts(call.work, call.caller, query)


def _of_their_regions(caller: Caller, event: Happened) -> dict[str, Any] | None:
    """Leave out, of where more of what is short lies, the stock of other regions."""
    if event.type != KitsRefused.type:
        return None
    shortages = [
        short | {"elsewhere": [one for one in short["elsewhere"] if caller.sees(one["region"])]}
        for short in event.fact["shortages"]
    ]
    return {**event.fact, "shortages": shortages}


@alerts.live("/live", Action.FOLLOW_STOCK, narrows=_of_their_regions)
def follow_stock(caller: Caller, event: Happened) -> bool:
    """Follow what happens to stock and aid in your regions, as it happens."""
    return caller.sees(event.region) or (
        event.type in BETWEEN_PLACES and caller.sees(str(event.fact.get("from_region", "")))
    )
