"""The part of a process that tells of exceptions whose time is over."""

from services.aid_distribution.exceptions.handlers import sweep
from shared.database import Database
from shared.service import Runtime
from shared.sweeping import APART_SECONDS, LOOK_SECONDS, when_woken


async def sweeper(runtime: Runtime) -> None:
    """Look until cancelled; a look that fails ends it, is logged, and begun anew by whoever runs it."""
    await run(runtime.database)


async def run(database: Database, *, apart_seconds: float = APART_SECONDS, look_seconds: float = LOOK_SECONDS) -> None:
    """Look through a store until cancelled."""
    await when_woken(database, "exceptions", sweep, apart_seconds=apart_seconds, look_seconds=look_seconds)
