"""Takes turns of a channel in a process of its own: `python lone_turns.py DATABASE_URL CHANNEL PER_SECOND COUNT`.

It says that it is ready, begins when a line comes, and tells the moment of each turn.
"""

import asyncio
import sys
import time

from services.notifications.delivery.channels.limits import SharedBucket
from services.notifications.main import drawing
from shared.clock import Clock
from shared.database import Database


async def take(database_url: str, channel: str, per_second: int, count: int) -> None:
    """Take so many, as many at once as may be."""
    database = Database(database_url, "notifications", partitions=4, clock=Clock())
    bucket = SharedBucket(per_second, drawing(database, channel, per_second))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)

    async def turn() -> None:
        await bucket.take()
        sys.stdout.write(f"{time.time()}\n")

    await asyncio.gather(*(turn() for _ in range(count)))
    await database.close()


if __name__ == "__main__":
    asyncio.run(take(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
