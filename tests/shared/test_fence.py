"""The fence: a database that has lost what was already published never gives the same number to something else."""

import asyncio
from dataclasses import dataclass

import msgspec
import pytest_asyncio
from redis.asyncio import Redis
from sqlalchemy.engine import make_url

from shared import fence, stream
from shared.clock import Clock
from shared.database import Database
from tests.conftest import Databases, Servers
from tests.shared.backbone import (
    SOURCE,
    DatabaseFeed,
    Seen,
    commit,
    consumers_of,
    envelope,
    execute,
    fact,
    heads,
    partition,
    published,
    recorded,
    relay_of,
    running,
)
from tests.waiting import wait_until

HERE = partition("siti")
STREAM = stream.stream_name(SOURCE, HERE)


@dataclass(slots=True)
class Backup:
    """A copy of the source's database, to go back to."""

    databases: Databases
    original: Database

    async def restore(self) -> Database:
        await self.original.close()
        return await self.databases.copy(str(make_url(self.original.url).database), SOURCE)


@pytest_asyncio.fixture
async def restored(databases: Databases, source: Database, redis: Redis) -> Database:
    """The source as it was after two events, while five were published already."""
    await commit(source, fact("siti", 1), fact("siti", 2))
    backup = await Backup(databases, source).restore()
    async with running(relay_of(source, redis)):
        await commit(source, fact("siti", 3), fact("siti", 4), fact("siti", 5))
        await wait_until(lambda: _sent(redis, [1, 2, 3, 4, 5]), description="five to be sent")
    await source.close()
    return backup


async def _sent(redis: Redis, numbers: list[int]) -> bool:
    return (await published(redis))[HERE] == numbers


async def said(database: Database) -> list[str]:
    feed = await recorded(database, HERE)
    assert [row.seq for row in feed] == list(range(1, len(feed) + 1)), "the outbox has a hole"
    return ["lost" if row.type == stream.LOST else _name(row.data) for row in feed]


def _name(data: bytes) -> str:
    return str(msgspec.msgpack.decode(data)["name"])


async def test_events_after_a_restore_get_numbers_above_all_that_was_published(
    restored: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    async with running(consumers_of(seen, servers.redis_url)):
        await seen.has(5)
        await commit(restored, fact("siti", 6), fact("siti", 7))
        async with running(relay_of(restored, redis)):
            await commit(restored, fact("siti", 8))
            await seen.has(8)
    assert await seen.numbers("siti") == [1, 2, 3, 4, 5, 6, 7, 8]
    assert await said(restored) == ["1", "2", "3", "4", "5", "6", "7", "8"]
    assert (await heads(restored))[HERE] == 8


async def test_a_gap_is_not_filled_from_a_feed_that_is_not_yet_mended(
    restored: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    """What the restored source recorded under 3 and 4 gets other numbers, under which it would take effect again."""
    await commit(restored, fact("siti", 6), fact("siti", 7))
    await redis.xdel(STREAM, "3-0")
    consumers = consumers_of(seen, servers.redis_url, DatabaseFeed(restored))
    async with running(consumers):
        lane = consumers.state.lanes[HERE]
        await wait_until(lambda: "its fence has not yet" in lane.error, description="the feed to be doubted")
        assert await seen.numbers("siti") == [1, 2]
        async with running(relay_of(restored, redis)):
            await seen.has(6)  # 3 is gone for good
    assert await seen.numbers("siti") == [1, 2, 4, 5, 6, 7]
    assert await said(restored) == ["1", "2", "lost", "4", "5", "6", "7"]


async def test_without_the_fence_events_are_lost_without_a_word(
    restored: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    """The control: a relay that only sends what is above the last number in Redis."""
    async with running(consumers_of(seen, servers.redis_url)):
        await seen.has(5)
        await commit(restored, *(fact("siti", number) for number in (6, 7, 8, 9)))
        rows = await recorded(restored, HERE)
        await stream.append(redis, STREAM, [row for row in rows if row.seq > 5], oldest=False)
        await seen.has(6)
    assert await seen.numbers("siti") == [1, 2, 3, 4, 5, 9]


async def test_the_script_itself_refuses_to_continue_another_history(restored: Database, redis: Redis) -> None:
    await commit(restored, *(fact("siti", number) for number in (6, 7, 8, 9)))
    answer = await stream.append(redis, STREAM, await recorded(restored, HERE), oldest=False)
    assert answer == stream.Appended("clash", 5)
    assert await _sent(redis, [1, 2, 3, 4, 5])


async def test_a_history_that_has_grown_past_the_streams_end_is_told_from_the_published_one(
    restored: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    await commit(restored, *(fact("siti", number) for number in range(6, 16)))
    async with running(consumers_of(seen, servers.redis_url), relay_of(restored, redis)):
        await seen.has(15)
    assert await seen.numbers("siti") == list(range(1, 16))
    assert await said(restored) == [str(number) for number in range(1, 16)]


async def test_a_restored_database_whose_clients_write_nothing_learns_what_it_lost(
    restored: Database, redis: Redis
) -> None:
    assert await said(restored) == ["1", "2"]
    async with running(relay_of(restored, redis)):
        await wait_until(lambda: _head(restored, 5), description="the lost events to be adopted")
    assert await said(restored) == ["1", "2", "3", "4", "5"]


async def _head(database: Database, head: int) -> bool:
    return (await heads(database))[HERE] == head


async def test_after_the_fence_a_wiped_redis_is_filled_without_a_hole(
    restored: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    await redis.xtrim(STREAM, minid="5-0", approximate=False)  # 3 and 4 are nowhere any more
    async with running(relay_of(restored, redis)):
        await commit(restored, fact("siti", 6))
        await wait_until(lambda: _head(restored, 6), description="the fence")
        assert await said(restored) == ["1", "2", "lost", "lost", "5", "6"]
        await redis.flushdb()
        async with running(consumers_of(seen, servers.redis_url)):
            await seen.has(4)
            await wait_until(lambda: _sent(redis, [1, 2, 3, 4, 5, 6]), description="the stream to be dense")
    assert await seen.numbers("siti") == [1, 2, 5, 6]


async def test_rows_younger_than_all_in_redis_are_new_where_no_entry_tells(
    restored: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    async with running(consumers_of(seen, servers.redis_url)):
        await seen.has(5)
        await redis.xtrim(STREAM, minid="5-0", approximate=False)
        await commit(restored, fact("siti", 6), fact("siti", 7))  # they take 3 and 4, whose entries are gone
        async with running(relay_of(restored, redis)):
            await seen.has(7)
    assert await seen.numbers("siti") == [1, 2, 3, 4, 5, 6, 7]
    assert await said(restored) == ["1", "2", "lost", "lost", "5", "6", "7"]


async def test_an_empty_stream_that_remembers_its_last_number_raises_the_head(
    restored: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    async with running(consumers_of(seen, servers.redis_url)):
        await seen.has(5)
        await redis.xtrim(STREAM, maxlen=0, approximate=False)
        async with running(relay_of(restored, redis)):
            await wait_until(lambda: _head(restored, 5), description="the head to be raised")
            await commit(restored, fact("siti", 6))
            await seen.has(6)
    assert await seen.numbers("siti") == [1, 2, 3, 4, 5, 6]
    assert await said(restored) == ["1", "2", "lost", "lost", "lost", "6"]


async def test_a_consumer_ahead_of_both_raises_the_head_by_its_word(
    restored: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    """Database and Redis both went back, as when a whole machine is restored, and only the consumer did not."""
    async with running(consumers_of(seen, servers.redis_url)):
        await seen.has(5)
        await redis.flushdb()
        async with running(relay_of(restored, redis)):
            await wait_until(lambda: _head(restored, 5), description="the head to be raised")
            await commit(restored, fact("siti", 6))
            await seen.has(6)
    assert await seen.numbers("siti") == [1, 2, 3, 4, 5, 6]


async def test_a_consumer_further_than_a_stream_that_is_being_filled_again_is_no_reason_for_anything(
    source: Database, redis: Redis
) -> None:
    await commit(source, *(fact("siti", number) for number in range(1, 6)))
    await stream.append(redis, STREAM, (await recorded(source, HERE))[:2], oldest=False)
    await stream.leave_word(redis, "notifications", SOURCE, {HERE: 5})
    assert await fence.mend(source, redis, SOURCE, HERE) is None
    assert await said(source) == ["1", "2", "3", "4", "5"]


async def test_an_event_that_was_renumbered_and_sent_before_a_second_restore_is_not_sent_twice(
    databases: Databases, restored: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    await commit(restored, fact("siti", 6))
    second = await Backup(databases, restored).restore()  # it holds 6 at the number 3
    async with running(relay_of(restored, redis)):
        await wait_until(lambda: _sent(redis, [1, 2, 3, 4, 5, 6]), description="6 to be sent at its new number")
    async with running(consumers_of(seen, servers.redis_url), relay_of(second, redis)):
        await seen.has(6)
        await commit(second, fact("siti", 7))
        await seen.has(7)
    assert await seen.numbers("siti") == [1, 2, 3, 4, 5, 6, 7]


async def test_an_entry_that_nobody_can_read_becomes_a_tombstone_and_is_not_mended_again(
    source: Database, redis: Redis
) -> None:
    await commit(source, fact("siti", 1))
    async with running(relay_of(source, redis)):
        await wait_until(lambda: _sent(redis, [1]), description="the first to be sent")
        await redis.xadd(STREAM, {"garbage": "x"}, id="2-0")
        await wait_until(lambda: _head(source, 2), description="the head to be raised")
        await commit(source, fact("siti", 3))
        await wait_until(lambda: _sent(redis, [1, 2, 3]), description="the third to be sent")
    assert await said(source) == ["1", "lost", "3"]
    assert await fence.mend(source, redis, SOURCE, HERE) is None


async def test_a_stream_that_somebody_else_has_written_far_ahead_is_left_to_a_person(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    other = next(name for name in (f"owner {n}" for n in range(20)) if partition(name) != HERE)
    relay = relay_of(source, redis)
    async with running(relay, consumers_of(seen, servers.redis_url, DatabaseFeed(source))):
        await redis.xadd(STREAM, {"garbage": "x"})  # its id is a moment in milliseconds
        await wait_until(lambda: relay.state.partitions[HERE].fault, description="the fault to be told")
        await commit(source, fact("siti", 1), fact(other, 1))
        await seen.has(2)  # the other partitions go on, and this one is fed from the feed, more slowly
        assert "delete it" in relay.state.partitions[HERE].fault
        await redis.delete(STREAM)
        await commit(source, fact("siti", 2))
        await seen.has(3)
        await wait_until(lambda: _sent(redis, [1, 2]), description="the stream to be filled again")
        assert not relay.state.partitions[HERE].fault


async def test_many_relays_mend_once(restored: Database, redis: Redis) -> None:
    await commit(restored, fact("siti", 6))
    done = await asyncio.gather(*(fence.mend(restored, redis, SOURCE, HERE) for _ in range(8)))
    assert [mended for mended in done if mended] == [fence.Mended(renumbered=1, adopted=3, lost=0, head=6)]
    assert await said(restored) == ["1", "2", "3", "4", "5", "6"]


async def test_a_fence_that_fails_half_way_leaves_everything_as_it_was(restored: Database, redis: Redis) -> None:
    await commit(restored, fact("siti", 6))
    await execute(
        restored,
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$",
    )
    await execute(restored, "CREATE TRIGGER no BEFORE UPDATE ON outbox_head FOR EACH ROW EXECUTE FUNCTION no()")
    relay = relay_of(restored, redis)
    async with running(relay):
        await wait_until(lambda: relay.state.error, description="the failure to be seen")
        assert await said(restored) == ["1", "2", "6"]
        await execute(restored, "DROP TRIGGER no ON outbox_head")
        await wait_until(lambda: _sent(redis, [1, 2, 3, 4, 5, 6]), description="the fence after the cure")


async def test_pruned_rows_are_not_taken_for_lost_ones(source: Database, redis: Redis) -> None:
    await commit(source, *(fact("siti", number) for number in range(1, 6)))
    async with running(relay_of(source, redis)):
        await wait_until(lambda: _sent(redis, [1, 2, 3, 4, 5]), description="five to be sent")
    await execute(source, "DELETE FROM outbox")
    assert await fence.mend(source, redis, SOURCE, HERE) is None
    async with running(relay_of(source, redis)):
        await commit(source, fact("siti", 6))
        await wait_until(lambda: _sent(redis, [1, 2, 3, 4, 5, 6]), description="the next to be sent")


async def test_a_fresh_database_beside_an_old_redis_keeps_what_was_published(source: Database, redis: Redis) -> None:
    clock = Clock()
    await stream.append(redis, STREAM, [envelope("siti", seq, clock) for seq in range(1, 4)], oldest=False)
    await commit(source, fact("siti", 4))
    async with running(relay_of(source, redis)):
        await wait_until(lambda: _sent(redis, [1, 2, 3, 4]), description="the next to be sent")
    assert await said(source) == ["1", "2", "3", "4"]
