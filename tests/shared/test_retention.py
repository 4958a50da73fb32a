"""Pruning: by age, and never past anyone who may still need it."""

from datetime import timedelta

from prometheus_client import REGISTRY
from redis.asyncio import Redis
from structlog.testing import capture_logs

from shared import stream
from shared.database import Database
from shared.retention import PER_ROUND_MAX, ROUND_SECONDS, Pruned, Retention, recall, retire
from tests.shared.backbone import (
    OFFICER,
    SOURCE,
    commit,
    execute,
    fact,
    heads,
    partition,
    published,
    recorded,
    relay_of,
    running,
    scalars,
)
from tests.waiting import wait_until

HERE = partition("siti")
STREAM = stream.stream_name(SOURCE, HERE)
NOTHING, DAY = timedelta(0), timedelta(days=1)


def retention(
    source: Database,
    redis: Redis,
    *,
    outbox: timedelta = NOTHING,
    entries: timedelta = NOTHING,
    share: int = PER_ROUND_MAX,
    round_seconds: float = ROUND_SECONDS,
) -> Retention:
    return Retention(
        source,
        redis,
        SOURCE,
        outbox_kept=outbox,
        idempotency_kept=DAY,
        stream_kept=entries,
        consumers=("ours", "theirs"),
        per_round_max=share,
        round_seconds=round_seconds,
    )


async def ten_sent(source: Database, redis: Redis) -> None:
    await commit(source, *(fact("siti", number) for number in range(1, 11)))
    async with running(relay_of(source, redis)):
        await wait_until(lambda: _length(redis, 10), description="ten to be sent")


async def _length(redis: Redis, length: int) -> bool:
    return bool(await redis.xlen(STREAM) == length)


async def at(redis: Redis, consumer: str, position: int) -> None:
    await stream.leave_word(redis, consumer, SOURCE, {HERE: position})


async def kept(source: Database) -> list[int]:
    return [row.seq for row in await recorded(source, HERE)]


async def test_nothing_goes_while_a_registered_consumer_is_silent(source: Database, redis: Redis) -> None:
    await ten_sent(source, redis)
    await at(redis, "ours", 10)
    assert await retention(source, redis).prune() == Pruned()
    assert await kept(source) == (await published(redis))[HERE] == list(range(1, 11))


async def test_what_everyone_has_passed_goes_and_what_one_has_not_stays(source: Database, redis: Redis) -> None:
    await ten_sent(source, redis)
    await at(redis, "ours", 10)
    await at(redis, "theirs", 4)
    assert await retention(source, redis).prune() == Pruned(entries=4, outbox_rows=4)
    assert await kept(source) == (await published(redis))[HERE] == [5, 6, 7, 8, 9, 10]


async def test_a_consumer_that_nobody_registered_holds_up_nothing(source: Database, redis: Redis) -> None:
    await ten_sent(source, redis)
    for consumer, position in {"ours": 10, "theirs": 10, "a stranger": 1}.items():
        await at(redis, consumer, position)
    await retention(source, redis).prune()
    assert await kept(source) == [10]


async def test_the_last_entry_and_the_last_row_always_stay_so_that_they_can_be_compared(
    source: Database, redis: Redis
) -> None:
    await ten_sent(source, redis)
    await at(redis, "ours", 10)
    await at(redis, "theirs", 10)
    await retention(source, redis).prune()
    assert await kept(source) == (await published(redis))[HERE] == [10]


async def test_what_is_young_stays_although_everyone_has_passed_it(source: Database, redis: Redis) -> None:
    await ten_sent(source, redis)
    await at(redis, "ours", 10)
    await at(redis, "theirs", 10)
    assert await retention(source, redis, outbox=DAY, entries=DAY).prune() == Pruned()
    await execute(source, "UPDATE outbox SET time = time - interval '2 days' WHERE seq <= 6")
    assert await retention(source, redis, outbox=DAY, entries=DAY).prune() == Pruned(entries=6, outbox_rows=6)


async def test_an_old_row_behind_a_young_one_stays_so_that_the_outbox_has_no_hole(
    source: Database, redis: Redis
) -> None:
    await ten_sent(source, redis)
    await at(redis, "ours", 10)
    await at(redis, "theirs", 10)
    await execute(source, "UPDATE outbox SET time = time - interval '2 days' WHERE seq <> 3")
    await retention(source, redis, outbox=DAY, entries=DAY).prune()
    assert await kept(source) == list(range(3, 11))


async def test_numbering_goes_on_after_everything_is_pruned_and_redis_is_wiped(source: Database, redis: Redis) -> None:
    await ten_sent(source, redis)
    await at(redis, "ours", 10)
    await at(redis, "theirs", 10)
    await retention(source, redis).prune()
    await redis.flushdb()
    async with running(relay_of(source, redis)):
        await commit(source, fact("siti", 11))
        await wait_until(lambda: _length(redis, 2), description="what is kept to be sent again")
    assert (await published(redis))[HERE] == [10, 11]
    assert (await heads(source))[HERE] == 11


async def test_a_wiped_redis_stops_pruning_until_everyone_has_spoken_again(source: Database, redis: Redis) -> None:
    await ten_sent(source, redis)
    await at(redis, "ours", 10)
    await at(redis, "theirs", 10)
    await redis.flushdb()
    assert await retention(source, redis).prune() == Pruned()


async def test_answers_kept_for_retries_go_by_age(source: Database, redis: Redis) -> None:
    await execute(
        source,
        """INSERT INTO idempotency (caller, key, request_hash, status, headers, body, created_at)
           SELECT 'c', 'key ' || n, decode(repeat('00', 32), 'hex'), 201, '', '', now() - n * interval '12 hours'
           FROM generate_series(0, 5) n""",
    )
    assert (await retention(source, redis).prune()).idempotency_rows == 4
    assert await scalars(source, "SELECT key FROM idempotency ORDER BY key") == ["key 0", "key 1"]


async def test_a_source_without_consumers_is_pruned_by_age_alone(source: Database, redis: Redis) -> None:
    await ten_sent(source, redis)
    alone = Retention(
        source, redis, SOURCE, outbox_kept=NOTHING, idempotency_kept=DAY, stream_kept=NOTHING, consumers=()
    )
    assert await alone.prune() == Pruned(entries=9, outbox_rows=9)


async def test_a_retired_consumer_is_not_waited_for_and_counts_again_as_soon_as_it_speaks(
    source: Database, redis: Redis
) -> None:
    await ten_sent(source, redis)
    await at(redis, "ours", 10)
    async with source.work(OFFICER) as work:
        await retire(work.session, "theirs", work.now)
    await at(redis, "theirs", 4)
    assert await retention(source, redis).prune() == Pruned(entries=4, outbox_rows=4)
    await redis.hdel(stream.positions_name(SOURCE, HERE), "theirs")
    assert await retention(source, redis).prune() == Pruned(entries=5, outbox_rows=5)


async def test_a_consumer_that_was_recalled_is_waited_for_again(source: Database, redis: Redis) -> None:
    await ten_sent(source, redis)
    await at(redis, "ours", 10)
    async with source.work(OFFICER) as work:
        await retire(work.session, "theirs", work.now)
        await recall(work.session, "theirs")
    assert await retention(source, redis).prune() == Pruned()


async def test_a_round_takes_its_share_and_the_next_one_goes_on(source: Database, redis: Redis) -> None:
    await ten_sent(source, redis)
    await at(redis, "ours", 10)
    await at(redis, "theirs", 10)
    small = retention(source, redis, share=4)
    assert await small.prune() == Pruned(entries=4, outbox_rows=4)
    assert await kept(source) == (await published(redis))[HERE] == [5, 6, 7, 8, 9, 10]
    assert await small.prune() == Pruned(entries=4, outbox_rows=4)
    assert await small.prune() == Pruned(entries=1, outbox_rows=1)


async def test_pruning_goes_on_by_itself_and_leaves_figures_and_a_line(source: Database, redis: Redis) -> None:
    await ten_sent(source, redis)
    everywhere = dict.fromkeys(range(source.partitions), 10)
    await stream.leave_word(redis, "ours", SOURCE, everywhere)
    before = figure("serumpun_pruned_total", kind="outbox_rows")
    with capture_logs() as lines:
        async with running(retention(source, redis, round_seconds=0.05)):
            await wait_until(lambda: figure("serumpun_pruning_held_up") == 1, description="the silent one to be told")
            assert await kept(source) == list(range(1, 11))
            await stream.leave_word(redis, "theirs", SOURCE, everywhere)
            await wait_until(lambda: [line for line in lines if line["event"] == "pruned"], description="a later round")
    assert await kept(source) == [10]
    assert figure("serumpun_pruning_held_up") == 0
    assert figure("serumpun_pruned_total", kind="outbox_rows") == before + 9
    told = [(line["event"], line.get("silent"), line.get("outbox_rows")) for line in lines]
    assert told == [("pruning waits", ["theirs"], None), ("pruned", None, 9)]


def figure(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"service": SOURCE, **labels}) or 0.0
