"""One worker of the backbone in a process of its own, to be killed: `-m tests.shared.worker ROLE DATABASE REDIS`."""

import asyncio
import os
import signal
import sys

from shared import outbox
from shared.clock import Clock
from shared.database import Database
from shared.stream import connect
from tests.shared.backbone import CONSUMER, OFFICER, SOURCE, Seen, commit, consumers_of, fact, relay_of

PARTITIONS = 4


async def work(role: str, database_url: str, redis_url: str) -> None:
    database = Database(
        database_url, CONSUMER if role.startswith("consume") else SOURCE, partitions=PARTITIONS, clock=Clock()
    )
    if role == "relay":
        await relay_of(database, connect(redis_url)).run()
    elif role == "post and die before commit":
        async with database.work(OFFICER) as work:
            work.record(fact("siti", 1), region="19.71")
            await outbox.write(work.session, work.recorded, PARTITIONS)
            os.kill(os.getpid(), signal.SIGKILL)
    elif role == "post and die after commit":
        await commit(database, fact("siti", 1))
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        seen = Seen(database)
        if role == "consume with poison":
            seen.break_at("siti", 2)
        await consumers_of(seen, redis_url).run()


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
