"""Writes down the offers that nobody answered in time, so that the others hear of it."""

from typing import Final

from services.aid_distribution.production import handlers
from shared.caller import Caller, Role
from shared.database import Database
from shared.loops import rest
from shared.service import ALL_REGIONS, Runtime
from shared.telemetry import log

SWEEP_SECONDS: Final = 30.0


async def sweep(database: Database) -> int:
    """Look once, in a transaction of its own; gives the number of calls that had such offers."""
    caller = Caller(f"service-{database.source}", Role.SERVICE, ALL_REGIONS)
    return await database.run(caller, handlers.sweep)


async def sweeper(runtime: Runtime) -> None:
    """Look every half minute until cancelled; what has expired counts as expired in between as well."""
    while True:
        try:
            calls = await sweep(runtime.database)
        except Exception as fault:  # noqa: BLE001  the edge of a worker: whatever it was, the next round comes
            log.warning("sweep_interrupted", service=runtime.name, error=type(fault).__name__)
            calls = 0
        if calls < handlers.CALLS_PER_SWEEP:
            await rest(SWEEP_SECONDS)
