"""Signs the heads of the chains that have moved, by itself."""

from datetime import timedelta
from typing import Final

from services.aid_distribution.chain import handlers
from shared.caller import Caller, Role
from shared.database import Database
from shared.loops import rest
from shared.service import ALL_REGIONS, Runtime
from shared.telemetry import log

SWEEP_SECONDS: Final = 30.0


async def sweep(database: Database, apart: timedelta) -> int:
    """Look once, in a transaction of its own; gives the number of heads that were signed."""
    caller = Caller(f"service-{database.source}", Role.SERVICE, ALL_REGIONS)
    return await database.run(caller, lambda work: handlers.sign_due(work, apart))


async def sweeper(runtime: Runtime) -> None:
    """Look every half minute until cancelled."""
    while True:
        try:
            await sweep(runtime.database, timedelta(minutes=runtime.settings.chain_sign_minutes))
        except Exception as fault:  # noqa: BLE001  the edge of a worker: whatever it was, the next round comes
            log.warning("signing_interrupted", service=runtime.name, error=type(fault).__name__)
        await rest(SWEEP_SECONDS)
