"""Whoever writes the message of the day, in a process of its own for tests that kill it.

`python lone_digester.py DATABASE_URL MOMENT`: by a clock that stands at that moment.
"""

import asyncio
import sys
from datetime import datetime

from services.notifications.digesting import look
from shared.database import Database
from shared.sweeping import by_the_clock
from tests.notifications.story import StoppedClock


async def digest(database_url: str, moment: str) -> None:
    """Write what is due until killed."""
    database = Database(database_url, "notifications", partitions=4, clock=StoppedClock(datetime.fromisoformat(moment)))
    await by_the_clock(database, look, "digest_interrupted")


if __name__ == "__main__":
    asyncio.run(digest(*sys.argv[1:3]))
