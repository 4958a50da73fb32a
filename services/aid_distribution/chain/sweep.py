"""Signs the heads of the chains that have moved, by itself."""

from datetime import timedelta

from services.aid_distribution.chain import handlers
from shared.database import Database, Work
from shared.service import Runtime
from shared.sweeping import by_the_clock, sweeping


async def sweep(database: Database, apart: timedelta) -> int:
    """Look once, in a transaction of its own; gives the number of heads that were signed."""
    return await database.run(sweeping(database), lambda work: handlers.sign_due(work, apart))


async def sweeper(runtime: Runtime) -> None:
    """Look every half minute until cancelled."""
    apart = timedelta(minutes=runtime.settings.chain_sign_minutes)

    async def look(work: Work) -> bool:
        await handlers.sign_due(work, apart)
        return False  # all heads that have moved are looked at in one go

    await by_the_clock(runtime.database, look, "signing_interrupted")
