"""What befalls PostgreSQL: killed whole, one backend cut off or killed, silence on the line, put back to a backup."""

import os
import signal
from contextlib import suppress
from time import monotonic
from uuid import UUID

import asyncpg

from shared.stream import backwards, connect, stream_name
from tests.faults import oracle
from tests.faults.nemesis.databases import name_of
from tests.faults.nemesis.history import Outcome
from tests.faults.nemesis.nemesis import Fault, Nemesis
from tests.faults.nemesis.restored import Restored
from tests.waiting import wait_until

SOURCE = "aid_distribution"
PARTITIONS = 4
LOST_LEAST = 10
LOSING_SECONDS_MAX = 30
BACKEND_SECONDS_MAX = 60
ENTRIES_MAX = 100_000
FORGOTTEN = "SELECT count(*) FROM unnest($1::uuid[]) AS known (id) WHERE id NOT IN (SELECT id FROM outbox)"
OURS = """
    SELECT pid FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND application_name LIKE 'serumpun-%' ORDER BY backend_start, pid
"""


async def kill_postgres(nemesis: Nemesis) -> None:
    nemesis.note("kill -9 PostgreSQL")
    await nemesis.plant.whole.kill("postgres")
    await nemesis.plant.whole.bring_back("postgres")


async def terminate_backend(nemesis: Nemesis) -> None:
    """Cut off one connection at the server's end."""
    async with nemesis.plant.databases.opened("postgres") as admin:
        pid = await _one_of_ours(nemesis, admin)
        nemesis.note("pg_terminate_backend", str(pid))
        await admin.execute("SELECT pg_terminate_backend($1)", pid)
    await nemesis.moment(0.3, 1)


async def kill_backend(nemesis: Nemesis) -> None:
    """Kill one backend, over which PostgreSQL ends all others and recovers as after a crash."""
    async with nemesis.plant.databases.opened("postgres") as admin:
        pid = await _one_of_ours(nemesis, admin)
        nemesis.note("kill -9 of a backend", str(pid))
        os.kill(pid, signal.SIGKILL)
    await nemesis.moment(0.5, 1.5)
    await nemesis.plant.whole.bring_back("postgres")


async def silence(nemesis: Nemesis) -> None:
    """Let nothing through between a service and its database, without either of them being told."""
    service = nemesis.rng.choice(sorted(nemesis.plant.to_postgres))
    nemesis.note("silent line to PostgreSQL", service)
    nemesis.plant.to_postgres[service].hold()
    try:
        await nemesis.moment(1, 4)
    finally:
        nemesis.plant.to_postgres[service].release()


async def restore_backup(nemesis: Nemesis) -> None:
    """Put the ledger's database back to a backup that is older than Redis; then the offices send again."""
    databases, number = nemesis.plant.databases, len(nemesis.restored)
    backup, aside = f"backup_{number}", f"aside_{number}"
    backed_up_at = monotonic()
    await databases.back_up(SOURCE, backup)
    nemesis.say("backup of the ledger's database taken")
    await nemesis.moment(2, 4)
    with suppress(AssertionError):  # when something else is broken for long, there is nothing to lose
        await wait_until(lambda: _acknowledged(nemesis, backed_up_at) >= LOST_LEAST, LOSING_SECONDS_MAX)
    published: set[UUID] = set()

    async def look() -> None:
        await _look_at_streams(nemesis, published)

    await databases.restore(SOURCE, backup, aside, look)
    recalled = nemesis.offices.recall(backed_up_at)
    nemesis.note("database restored from a backup", f"({recalled} acknowledgements lost)")
    async with databases.opened(aside) as store:
        outbox = await oracle.outbox_of(store)
    nemesis.restored.append(Restored(SOURCE, backed_up_at, recalled, outbox, frozenset(published)))
    await databases.drop(backup)
    await databases.drop(aside)
    await _fence_has_acted(nemesis, published)


def _acknowledged(nemesis: Nemesis, since: float) -> int:
    operations = nemesis.offices.history.of(Outcome.OK)
    return sum(one.service == SOURCE and one.settled_at >= since for one in operations)


async def _look_at_streams(nemesis: Nemesis, published: set[UUID]) -> None:
    """Note what stands in Redis, while nobody can add to it."""
    redis = connect(nemesis.plant.whole.running.redis_url)
    for partition in range(PARTITIONS):
        entries = await backwards(redis, stream_name(SOURCE, partition), None, ENTRIES_MAX)
        published |= {UUID(fields[b"id"].decode()) for _, fields in entries}
    await redis.aclose()


async def _fence_has_acted(nemesis: Nemesis, published: set[UUID]) -> None:
    """Wait until all that the world has seen is in the outbox again; whether it is so in the end, the checker will say.

    Nothing is done to Redis before: once it is gone there as well, nobody has the evidence any more.
    """

    async def acted() -> bool:
        async with nemesis.plant.databases.opened(name_of(SOURCE)) as store:
            return not await store.fetchval(FORGOTTEN, list(published))

    try:
        await wait_until(acted, nemesis.fence_seconds_max, "the fence")
    except AssertionError:
        nemesis.say("the fence has not acted")


async def _one_of_ours(nemesis: Nemesis, admin: asyncpg.Connection) -> int:
    """Give a backend that serves one of our services; waits until there is one."""
    pids = await wait_until(lambda: admin.fetch(OURS), BACKEND_SECONDS_MAX, "a service to be connected")
    pid: int = nemesis.rng.choice(pids)["pid"]
    assert pid > 1, "to kill it would be to kill ourselves"
    return pid


TO_POSTGRES: list[Fault] = [kill_postgres, terminate_backend, terminate_backend, kill_backend, silence, restore_backup]
