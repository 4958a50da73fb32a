"""Ends the reservations whose time is over, so that what was promised is available again."""

from services.aid_distribution.ledger import reservations
from shared.database import Work
from shared.service import Runtime
from shared.sweeping import by_the_clock


async def sweep(work: Work) -> bool:
    """Look once; tells whether there may be more that have ended."""
    return await reservations.sweep(work) >= reservations.LAPSED_PER_SWEEP


async def sweeper(runtime: Runtime) -> None:
    """Look every half minute until cancelled; what has expired is not used in between either."""
    await by_the_clock(runtime.database, sweep, "reservations_sweep_interrupted")
