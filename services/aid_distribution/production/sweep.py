"""Writes down the offers that nobody answered in time, so that the others hear of it."""

from services.aid_distribution.production import handlers
from shared.database import Database, Work
from shared.service import Runtime
from shared.sweeping import by_the_clock, sweeping


async def sweep(database: Database) -> int:
    """Look once, in a transaction of its own; gives the number of calls that had such offers."""
    return await database.run(sweeping(database), handlers.sweep)


async def sweeper(runtime: Runtime) -> None:
    """Look every half minute until cancelled; what has expired counts as expired in between as well."""
    await by_the_clock(runtime.database, _more, "sweep_interrupted")


async def _more(work: Work) -> bool:
    return await handlers.sweep(work) >= handlers.CALLS_PER_SWEEP
