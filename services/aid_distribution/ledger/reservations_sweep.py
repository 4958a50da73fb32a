"""Ends the reservations whose time is over, so that what was promised is available again."""

from typing import Final

from services.aid_distribution.ledger import reservations
from shared.caller import Caller, Role
from shared.database import Database
from shared.loops import rest
from shared.service import ALL_REGIONS, Runtime
from shared.telemetry import log

SWEEP_SECONDS: Final = 30.0


async def sweep(database: Database) -> int:
    """Look once, in a transaction of its own; gives the number of reservations that have ended."""
    caller = Caller(f"service-{database.source}", Role.SERVICE, ALL_REGIONS)
    return await database.run(caller, reservations.sweep)


async def sweeper(runtime: Runtime) -> None:
    """Look every half minute until cancelled; what has expired is not used in between either."""
    while True:
        try:
            ended = await sweep(runtime.database)
        except Exception as fault:  # noqa: BLE001  the edge of a worker: whatever it was, the next round comes
            log.warning("reservations_sweep_interrupted", service=runtime.name, error=type(fault).__name__)
            ended = 0
        if ended < reservations.LAPSED_PER_SWEEP:
            await rest(SWEEP_SECONDS)
