"""What the libraries really do, where we rely on it or have stepped around it: an upgrade that changes it is noticed.

FastStream on Redis Streams, redis-py, Redis itself and PostgreSQL, as far as the backbone is concerned.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from inspect import signature

import msgspec
import pytest
from faststream.redis import RedisBroker, StreamSub
from redis.asyncio import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ResponseError
from sqlalchemy import text

from shared import consumer, stream
from shared.consumer import arrived
from shared.effects import Arrived
from shared.loops import rest
from tests.conftest import Servers
from tests.shared.backbone import SOURCE, Seen, consumers_of, envelope, execute, partition, running
from tests.waiting import SECONDS_MAX, wait_until

HERE = partition("siti")
STREAM = stream.stream_name(SOURCE, HERE)


async def filled(redis: Redis, last: int) -> None:
    await stream.append(redis, STREAM, [envelope("siti", seq) for seq in range(1, last + 1)], oldest=False)


@asynccontextmanager
async def started(broker: RedisBroker) -> AsyncIterator[None]:
    await broker.start()
    try:
        yield
    finally:
        await broker.stop()


# FastStream


async def test_faststream_reads_on_from_the_plain_id_that_last_id_is_set_to_at_run_time(
    redis: Redis, servers: Servers
) -> None:
    """Not a documented interface, and what the whole consuming side stands on."""
    await filled(redis, 6)
    broker = RedisBroker(servers.redis_url, apply_types=False, logger=None)
    batches: list[list[int]] = []

    subscriber = broker.subscriber(
        stream=StreamSub(STREAM, last_id="2-0", batch=True, max_records=3, polling_interval=50),
        parser=consumer.parse,
        decoder=lambda message: arrived(SOURCE, HERE, message.raw_message),
    )

    async def handle(batch: list[Arrived]) -> None:
        batches.append([event.seq for event in batch])
        if len(batches) == 1:
            subscriber.last_id = "3-0"

    subscriber(handle)
    async with started(broker):
        await wait_until(lambda: batches and batches[-1][-1] == 6, description="the end of the stream")
    assert batches == [[3, 4, 5], [4, 5, 6]]


async def test_faststreams_own_parser_never_calls_a_batch_handler_when_one_entry_is_poison(
    redis: Redis, servers: Servers
) -> None:
    for seq, data in enumerate([b"\x81", b"\xff\xfe\xfd"], 1):
        await redis.xadd(STREAM, {"__data__": data}, id=f"{seq}-0")
    broker = RedisBroker(servers.redis_url, apply_types=False, logger=None)
    theirs: list[object] = []
    ours: list[list[Arrived]] = []

    async def handle_theirs(batch: object) -> None:
        theirs.append(batch)

    async def handle_ours(batch: list[Arrived]) -> None:
        ours.append(batch)

    plain = StreamSub(STREAM, last_id="0-0", batch=True, polling_interval=50)
    broker.subscriber(stream=plain)(handle_theirs)
    broker.subscriber(
        stream=plain, parser=consumer.parse, decoder=lambda message: arrived(SOURCE, HERE, message.raw_message)
    )(handle_ours)
    async with started(broker):
        await wait_until(lambda: ours, description="our parser to hand the batch over")
    assert [event.envelope for event in ours[0]] == [None, None]
    assert theirs == []


async def test_a_subscriber_without_a_group_survives_a_wiped_redis(redis: Redis, seen: Seen, servers: Servers) -> None:
    async with running(consumers_of(seen, servers.redis_url)):
        await filled(redis, 3)
        await seen.has(3)
        await redis.flushall()
        await filled(redis, 5)
        await seen.has(5)


async def test_an_error_reply_to_a_read_does_not_make_a_busy_loop(redis: Redis, seen: Seen, servers: Servers) -> None:
    await redis.set(STREAM, "in the way")
    await redis.config_resetstat()
    async with running(consumers_of(seen, servers.redis_url)):
        failed = await wait_until(lambda: _failed_reads(redis, 3), description="a few reads that are refused")
        assert failed < 20
        await redis.delete(STREAM)
        await filled(redis, 2)
        await seen.has(2)


async def _failed_reads(redis: Redis, least: int) -> int:
    stats = await redis.info("commandstats")
    failed = int(stats.get("cmdstat_xread", {}).get("failed_calls", 0))
    return failed if failed >= least else 0


async def test_reads_wait_well_below_the_socket_timeout() -> None:
    assert stream.BLOCK_MS <= 2000
    assert stream.BLOCK_MS / 1000 < stream.SOCKET_TIMEOUT_SECONDS / 2


# redis-py


async def test_our_client_has_time_outs_and_no_retries_of_its_own(servers: Servers) -> None:
    client = stream.connect(servers.redis_url)
    connection = client.connection_pool.make_connection()
    assert connection.socket_timeout == stream.SOCKET_TIMEOUT_SECONDS
    assert connection.socket_connect_timeout == stream.CONNECT_TIMEOUT_SECONDS
    assert connection.retry.get_retries() == 0
    await client.aclose()


async def test_redis_py_by_itself_retries_many_times_so_a_plain_xadd_could_be_doubled() -> None:
    client = Redis()
    assert client.connection_pool.make_connection().retry.get_retries() >= 3
    await client.aclose()


def test_the_growing_pause_of_redis_py_overflows_in_a_long_outage() -> None:
    with pytest.raises(OverflowError):
        ExponentialBackoff(cap=1, base=0.05).compute(1100)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="asyncio.wait_for was mended in Python 3.12")
async def test_wait_for_loses_a_cancellation_that_comes_as_its_task_ends() -> None:
    async def at_once() -> None:
        return None

    async def lost() -> bool:
        task = asyncio.create_task(_waits(at_once))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        return (await task) == "went on"

    assert await lost()


async def _waits(work: Callable[[], Awaitable[None]]) -> str:
    await asyncio.wait_for(work(), 5)
    return "went on"


async def test_a_pause_of_ours_ends_a_loop_whose_cancellation_was_lost() -> None:
    async def loses_it() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.01)

    async def loop() -> None:
        while True:
            await loses_it()
            await rest(0)

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=SECONDS_MAX)
    assert done
    assert task.cancelled()


# Redis


async def test_redis_refuses_an_id_at_or_below_the_last_one(redis: Redis) -> None:
    await redis.xadd(STREAM, {"a": "b"}, id="5-0")
    for low in ("5-0", "4-0"):
        with pytest.raises(ResponseError, match="equal or smaller"):
            await redis.xadd(STREAM, {"a": "b"}, id=low)


@pytest.mark.parametrize("empty", ["trim", "delete"])
async def test_a_stream_remembers_its_last_number_when_nothing_is_left_in_it(redis: Redis, empty: str) -> None:
    await filled(redis, 5)
    if empty == "trim":
        await redis.xtrim(STREAM, maxlen=0, approximate=False)
    else:
        await redis.xdel(STREAM, *(f"{seq}-0" for seq in range(1, 6)))
    assert await redis.xlen(STREAM) == 0
    assert (await stream.tails(redis, SOURCE, [HERE]))[0].last == 5
    with pytest.raises(ResponseError):
        await redis.xadd(STREAM, {"a": "b"}, id="5-0")


async def test_trimming_asks_no_reader(redis: Redis) -> None:
    await filled(redis, 5)
    assert await redis.xtrim(STREAM, minid="4-0", approximate=False) == 3
    ((_, entries),) = await redis.xread({STREAM: "1-0"})
    assert [entry_id for entry_id, _ in entries] == [b"4-0", b"5-0"]  # 2 and 3 are missing without a word


async def test_an_entry_is_about_four_hundred_bytes(redis: Redis) -> None:
    flat = stream.flat(envelope("siti", 1))
    assert sum(len(part) for part in flat) < 450
    assert len(msgspec.msgpack.encode(flat)) < 500


# PostgreSQL


async def test_a_question_inside_the_locking_statement_is_as_old_as_the_wait_for_the_lock(seen: Seen) -> None:
    """Why the waiting subjects are asked for in a statement of their own, after the lock is held."""
    await execute(seen.database, "INSERT INTO checkpoint VALUES ('registration', 0, 1)")
    together = text("SELECT last_seq, (SELECT count(*) FROM effect) FROM checkpoint FOR UPDATE")
    async with seen.database.engine.begin() as first:
        await first.execute(text("UPDATE checkpoint SET last_seq = 2"))
        async with seen.database.engine.connect() as second:
            waiting = asyncio.create_task(second.execute(together))
            await wait_until(lambda: _someone_waits(seen), description="the second to wait for the lock")
            await first.execute(text("INSERT INTO effect (owner, number, actor, traceparent) "
                                     "VALUES (gen_random_uuid(), 1, '', '')"))  # fmt: skip
            await first.commit()
            ((last_seq, effects),) = (await waiting).all()
            assert (last_seq, effects) == (2, 0)  # the row is new, what was asked beside it is old
            assert (await second.execute(text("SELECT count(*) FROM effect"))).scalar_one() == 1


async def _someone_waits(seen: Seen) -> bool:
    async with seen.database.engine.connect() as connection:
        found = await connection.execute(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
        )
        return bool(found.scalar_one())


def test_faststream_has_the_parameters_that_we_give_it() -> None:
    known = set(signature(StreamSub.__init__).parameters)
    assert {"last_id", "batch", "max_records", "polling_interval"} <= known
