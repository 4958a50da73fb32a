"""Two workers that look again and again for what is due: one by the clock alone, one that is woken by what is recorded.

Each look is a transaction of its own, made by the service itself; any number of processes may have the same worker.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from shared.caller import Caller, Role
from shared.database import Database, Work
from shared.listening import listening
from shared.loops import rest
from shared.service import ALL_REGIONS
from shared.telemetry import log

SWEEP_SECONDS: Final = 30.0
APART_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 30.0
"""After so long it looks though nothing was recorded: time passes by itself."""

Look = Callable[[Work], Awaitable[bool]]
"""Looks once, and tells whether there may be more to be done at once."""


def sweeping(database: Database) -> Caller:
    """Give who a service is when it does something by itself."""
    return Caller(f"service-{database.source}", Role.SERVICE, ALL_REGIONS)


async def by_the_clock(
    database: Database,
    look: Look,
    interrupted: str,
    *,
    looked: Callable[[], object] = lambda: None,
    seconds: float = SWEEP_SECONDS,
) -> None:
    """Look every so many seconds until cancelled; a look that fails is logged by that name, and the next one comes.

    Shape: `looked` is told after each look that is committed
    """
    caller = sweeping(database)
    while True:
        try:
            more = await database.run(caller, look)
            looked()
        except Exception as fault:  # noqa: BLE001  the edge of a worker: whatever it was, the next round comes
            log.warning(interrupted, service=database.source, error=type(fault).__name__)
            more = False
        if not more:
            await rest(seconds)


async def when_woken(
    database: Database,
    role: str,
    look: Look,
    *,
    looked: Callable[[], object] = lambda: None,
    apart_seconds: float = APART_SECONDS,
    look_seconds: float = LOOK_SECONDS,
) -> None:
    """Look at each commit of events until cancelled, and at most about once a second.

    A look that fails ends it, is logged, and begun anew by whoever runs it.

    Shape: `role` is what its connection is called; `looked` is told when nothing was left to be done
    """
    caller = sweeping(database)
    woken = asyncio.Event()
    async with listening(database, role, woken.set):
        while True:
            woken.clear()
            while await database.run(caller, look):
                pass
            looked()
            await rest(apart_seconds)
            await rest(look_seconds, woken)
