"""The part of a process that ends offers which nobody answered: woken by what is recorded, and by time."""

import asyncio
from typing import Final

from services.registration.trainings.offers import sweep
from shared.caller import Caller, Role
from shared.database import Database
from shared.listening import listening
from shared.loops import rest
from shared.service import ALL_REGIONS, Runtime

APART_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 30.0
"""After so long it looks though nothing was recorded: time passes by itself."""


async def sweeper(runtime: Runtime) -> None:
    """Look until cancelled; a look that fails ends it, is logged, and begun anew by whoever runs it."""
    await run(runtime.database)


async def run(database: Database, *, apart_seconds: float = APART_SECONDS, look_seconds: float = LOOK_SECONDS) -> None:
    """Look through a store until cancelled; what has expired counts as expired in between as well."""
    caller = Caller(f"service-{database.source}", Role.SERVICE, ALL_REGIONS)
    woken = asyncio.Event()
    async with listening(database, "offers", woken.set):
        while True:
            woken.clear()
            while await database.run(caller, sweep):
                pass
            await rest(apart_seconds)
            await rest(look_seconds, woken)
