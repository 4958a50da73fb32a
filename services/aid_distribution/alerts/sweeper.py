"""The part of a process that sweeps: woken by what is recorded, at most about once a second."""

import asyncio

from prometheus_client import Gauge

from services.aid_distribution.alerts.sweep import sweep
from shared.caller import Caller, Role
from shared.database import Database
from shared.listening import listening
from shared.loops import rest
from shared.service import Runtime

APART_SECONDS = 1.0
LOOK_SECONDS = 30.0
"""After so long it sweeps though nothing was recorded: a new day, on which lots come close to their expiry."""

SWEPT_AT = Gauge("serumpun_alerts_swept_at_seconds", "When the last sweep for alerts ended, since the epoch.")


async def sweeper(runtime: Runtime) -> None:
    """Sweep until cancelled; a sweep that fails ends it, is logged, and begun anew by whoever runs it."""
    await run(runtime.database)


async def run(database: Database, *, apart_seconds: float = APART_SECONDS, look_seconds: float = LOOK_SECONDS) -> None:
    """Sweep a store until cancelled."""
    caller = Caller(f"service-{database.source}", Role.SERVICE, ())
    woken = asyncio.Event()
    async with listening(database, "alerts", woken.set):
        while True:
            woken.clear()
            while await database.run(caller, sweep):
                pass
            SWEPT_AT.set(database.clock.now().timestamp())
            await rest(apart_seconds)
            await rest(look_seconds, woken)
