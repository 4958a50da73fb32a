"""The relay: what is committed comes to Redis by its number, whatever happened there."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio
from redis.asyncio import Redis

from shared import relay as relays
from shared import stream
from shared.clock import Clock
from shared.database import Database
from tests.shared.backbone import (
    SOURCE,
    commit,
    commit_each,
    envelope,
    execute,
    fact,
    heads,
    partition,
    published,
    relay_of,
    running,
)
from tests.waiting import wait_until

NAMES = [f"owner {number}" for number in range(12)]
SITI = stream.stream_name(SOURCE, partition("siti"))


@pytest_asyncio.fixture
async def relay(source: Database, redis: Redis) -> AsyncIterator[relays.Relay]:
    """A running relay."""
    relay = relay_of(source, redis)
    async with running(relay):
        yield relay


async def all_sent(source: Database, redis: Redis) -> bool:
    return {number: len(seqs) for number, seqs in (await published(redis)).items()} == await heads(source)


async def test_every_event_comes_to_its_stream_under_its_number(
    source: Database, redis: Redis, relay: relays.Relay
) -> None:
    await commit_each(source, NAMES, range(1, 6))
    await wait_until(lambda: all_sent(source, redis), description="all to be sent")
    for number, seqs in (await published(redis)).items():
        assert seqs == list(range(1, (await heads(source))[number] + 1))


async def test_an_event_is_read_back_as_it_was_recorded(source: Database, redis: Redis, relay: relays.Relay) -> None:
    await commit(source, fact("siti", 1))
    await wait_until(lambda: all_sent(source, redis), description="all to be sent")
    ((entry_id, fields),) = await redis.xrange(SITI)
    event = stream.envelope_of(SOURCE, partition("siti"), stream.seq_of(entry_id), fields)
    assert (event.seq, event.type, event.subject, event.actor, event.region) == (
        1, "serumpun.owner.changed.v1", fact("siti", 1).subject, "officer-7", "19.71",
    )  # fmt: skip
    assert event.traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert event.time.utcoffset() is not None


async def test_a_commit_wakes_the_relay_without_waiting_for_its_next_look(source: Database, redis: Redis) -> None:
    relay = relays.Relay(source, redis, SOURCE, source.partitions, look_seconds=3600)
    async with running(relay):
        await wait_until(lambda: relay.state.succeeded_at, description="the relay to listen")
        for number in range(6):
            await commit(source, fact("siti", number))
            await wait_until(lambda: all_sent(source, redis), description="a commit to be sent at once")


async def test_a_queue_longer_than_a_batch_is_sent_whole(source: Database, redis: Redis) -> None:
    many = relays.BATCH_EVENTS_MAX * 2 + 7
    await commit(source, *(fact("siti", number) for number in range(many)))
    async with running(relay_of(source, redis)):
        await wait_until(lambda: all_sent(source, redis), description="all to be sent")
    assert (await published(redis))[partition("siti")] == list(range(1, many + 1))


async def test_two_relays_send_every_event_once_and_in_order(source: Database, redis: Redis) -> None:
    async with running(relay_of(source, redis), relay_of(source, redis)):
        await commit_each(source, NAMES, range(1, 40))
        await wait_until(lambda: all_sent(source, redis), description="all to be sent")
    for seqs in (await published(redis)).values():
        assert seqs == list(range(1, len(seqs) + 1))


async def test_a_wiped_redis_is_filled_again_from_the_beginning(
    source: Database, redis: Redis, relay: relays.Relay
) -> None:
    await commit_each(source, NAMES, range(1, 10))
    await wait_until(lambda: all_sent(source, redis), description="all to be sent")
    await redis.flushdb()
    await commit(source, fact("siti", 99))
    await wait_until(lambda: all_sent(source, redis), description="the wiped streams to be filled")


async def test_a_stream_rolled_back_to_an_old_snapshot_gets_what_it_lost(
    source: Database, redis: Redis, relay: relays.Relay
) -> None:
    await commit(source, fact("siti", 1), fact("siti", 2))
    await wait_until(lambda: all_sent(source, redis), description="two to be sent")
    snapshot = await redis.dump(SITI)
    await commit(source, fact("siti", 3), fact("siti", 4))
    await wait_until(lambda: all_sent(source, redis), description="four to be sent")
    await redis.restore(SITI, 0, snapshot, replace=True)
    assert (await published(redis))[partition("siti")] == [1, 2]
    await wait_until(lambda: all_sent(source, redis), description="the lost tail to be sent again")
    assert (await published(redis))[partition("siti")] == [1, 2, 3, 4]


async def test_numbering_goes_on_after_everything_was_trimmed(
    source: Database, redis: Redis, relay: relays.Relay
) -> None:
    await commit(source, fact("siti", 1), fact("siti", 2))
    await wait_until(lambda: all_sent(source, redis), description="two to be sent")
    await redis.xtrim(SITI, maxlen=0, approximate=False)
    await commit(source, fact("siti", 3))
    await wait_until(lambda: redis.xlen(SITI), description="the next to be sent")
    assert (await published(redis))[partition("siti")] == [3]


async def test_a_wiped_redis_begins_at_the_oldest_row_when_the_outbox_is_pruned(source: Database, redis: Redis) -> None:
    await commit(source, *(fact("siti", number) for number in range(1, 6)))
    await execute(source, "DELETE FROM outbox WHERE seq < 4")
    async with running(relay_of(source, redis)):
        await wait_until(lambda: redis.xlen(SITI), description="what is kept to be sent")
    assert (await published(redis))[partition("siti")] == [4, 5]


async def test_a_snapshot_older_than_all_that_is_kept_does_not_stop_the_relay(source: Database, redis: Redis) -> None:
    await stream.append(redis, SITI, [envelope("siti", 1)], oldest=False)
    await commit(source, *(fact("siti", number) for number in range(1, 6)))
    await execute(source, "DELETE FROM outbox WHERE seq < 4")
    async with running(relay_of(source, redis)):
        await wait_until(lambda: _ends_at(redis, 5), description="what is kept to be sent")
    assert (await published(redis))[partition("siti")] == [1, 4, 5]


async def _ends_at(redis: Redis, seq: int) -> bool:
    return (await published(redis))[partition("siti")][-1:] == [seq]


async def test_a_relay_whose_database_connection_is_cut_makes_a_new_one(
    source: Database, redis: Redis, relay: relays.Relay
) -> None:
    await commit(source, fact("siti", 1))
    await wait_until(lambda: all_sent(source, redis), description="the first to be sent")
    await execute(
        source, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%-relay'"
    )
    await commit(source, fact("siti", 2))
    await wait_until(lambda: all_sent(source, redis), description="the second to be sent")


async def test_health_sees_the_age_of_the_oldest_event_that_waits(source: Database, redis: Redis) -> None:
    relay = relay_of(source, redis)
    async with running(relay):
        await commit(source, fact("siti", 1))
        await wait_until(lambda: all_sent(source, redis), description="the first to be sent")
        await wait_until(lambda: relay.state.oldest_unsent_seconds(Clock().now()) == 0, description="nothing to wait")
        # Something else stands in the stream's place: it cannot be written, and the relay goes on trying.
        await redis.set(SITI, "in the way")
        await commit(source, fact("siti", 2))
        await wait_until(lambda: relay.state.error, description="the trouble to be seen")
        age = await wait_until(
            lambda: relay.state.oldest_unsent_seconds(Clock().now()), description="an age of what waits"
        )
        assert 0 < age < 60
        state = relay.state.partitions[partition("siti")]
        assert (state.head, state.sent) == (2, 1)
        await redis.delete(SITI)
        await wait_until(lambda: all_sent(source, redis), description="both to be sent")
        await wait_until(lambda: not relay.state.error, description="the trouble to be over")


async def test_a_fault_that_a_person_must_mend_is_told_without_a_break_until_it_is_mended(
    source: Database, redis: Redis, relay: relays.Relay
) -> None:
    state = relay.state.partitions[partition("siti")]
    await redis.xadd(SITI, {"garbage": "x"})  # its id is a moment in milliseconds: far ahead of every number
    await wait_until(lambda: state.fault, description="the fault to be told")
    told, carried = set(), relay.state.succeeded_at
    async with asyncio.timeout(60):
        while relay.state.succeeded_at == carried:  # at every step of the next look
            told.add(bool(state.fault))
            await asyncio.sleep(0)
    assert told == {True}
    await redis.delete(SITI)
    await wait_until(lambda: not state.fault, description="the fault to be over")
