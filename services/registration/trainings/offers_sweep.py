"""The part of a process that ends offers which nobody answered: woken by what is recorded, and by time."""

from services.registration.trainings.offers import sweep
from shared.database import Database, Work
from shared.service import Runtime
from shared.sweeping import APART_SECONDS, LOOK_SECONDS, when_woken


async def sweeper(runtime: Runtime) -> None:
    """Look until cancelled; a look that fails ends it, is logged, and begun anew by whoever runs it."""
    await run(runtime.database)


async def run(database: Database, *, apart_seconds: float = APART_SECONDS, look_seconds: float = LOOK_SECONDS) -> None:
    """Look through a store until cancelled; what has expired counts as expired in between as well."""
    await when_woken(database, "offers", _look, apart_seconds=apart_seconds, look_seconds=look_seconds)


async def _look(work: Work) -> bool:
    return await sweep(work) > 0
