"""The consumer: every event takes effect once, in order within its aggregate, and a replica needs no coordination."""

import asyncio
from collections.abc import Sequence
from time import monotonic

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from shared import stream
from shared.caller import Role
from shared.consumer import Consumers, Heard, on, on_run
from shared.contracts import Event, OwnerChanged, OwnerRegistered, StockReceived
from shared.database import Database, Work
from shared.effects import Arrived, Effects, Gap
from shared.reaction import Reactions
from tests.conftest import Servers
from tests.shared.backbone import (
    CONSUMER,
    OFFICER,
    SOURCE,
    DatabaseFeed,
    Seen,
    commit,
    commit_each,
    consumers_of,
    envelope,
    execute,
    fact,
    owner,
    partition,
    relay_of,
    running,
    scalars,
    subject,
)
from tests.waiting import SECONDS_MAX, wait_until

NAMES = [f"owner {number}" for number in range(12)]
NUMBERS = range(1, 11)
HERE = partition("siti")


async def test_every_event_takes_effect_once_and_in_order(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    consumers = consumers_of(seen, servers.redis_url)
    async with running(relay_of(source, redis), consumers):
        await commit_each(source, NAMES, NUMBERS)
        await seen.has(len(NAMES) * len(NUMBERS))
        for name in NAMES:
            assert await seen.numbers(name) == list(NUMBERS)
        await wait_until(lambda: consumers.state.lag == 0 and consumers.state.alive(monotonic()), description="no lag")
    positions = await scalars(seen.database, "SELECT last_seq FROM checkpoint ORDER BY partition")
    assert positions == await scalars(source, "SELECT last_seq FROM outbox_head ORDER BY partition")


async def test_an_event_arrives_within_a_fraction_of_a_second(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        await commit(source, fact("siti", 0))
        await seen.has(1)
        took = []
        for number in range(1, 11):
            began = monotonic()
            await commit(source, fact("siti", number))
            await seen.has(number + 1)
            took.append(monotonic() - began)
        assert min(took) < 0.5  # nobody who must wait for the next look is so quick even once


async def test_a_consumer_goes_on_where_its_database_says(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    async with running(relay_of(source, redis)):
        for number in range(1, 6):
            async with running(consumers_of(seen, servers.redis_url)):
                await commit_each(source, NAMES, [number])
                await seen.has(len(NAMES) * number)
    for name in NAMES:
        assert await seen.numbers(name) == [1, 2, 3, 4, 5]


async def test_two_copies_bring_about_every_effect_once(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    copies = [consumers_of(seen, servers.redis_url) for _ in range(2)]
    async with running(relay_of(source, redis), *copies):
        await commit_each(source, NAMES, range(1, 31))
        await seen.has(len(NAMES) * 30)
        await wait_until(
            lambda: all(copy.state.lag == 0 for copy in copies), description="both copies to be at the end"
        )
    for name in NAMES:
        assert await seen.numbers(name) == list(range(1, 31))


async def test_stopping_and_starting_in_the_middle_loses_and_doubles_nothing(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    async with running(relay_of(source, redis)):
        await commit_each(source, NAMES, range(1, 101))
        for stop_at in range(100, 1000, 150):
            async with running(consumers_of(seen, servers.redis_url)):
                await wait_until(lambda at=stop_at: _at_least(seen, at), description=f"{stop_at} effects")
        async with running(consumers_of(seen, servers.redis_url)):
            await seen.has(len(NAMES) * 100)
    for name in NAMES:
        assert await seen.numbers(name) == list(range(1, 101))


async def _at_least(seen: Seen, number: int) -> bool:
    return await seen.count() >= number


async def test_the_handler_acts_for_whoever_caused_the_event_and_keeps_the_trace(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        await commit(source, fact("siti", 1))
        await seen.has(1)
    assert await scalars(seen.database, "SELECT actor FROM effect") == ["officer-7"]
    (trace,) = await scalars(seen.database, "SELECT traceparent FROM effect")
    assert str(trace).startswith("00-0af7651916cd43dd8448eb211c80319c-")


async def test_every_handled_event_leaves_one_line_without_its_content(seen: Seen) -> None:
    effects = Effects(CONSUMER, seen.database, seen.reactions)
    with capture_logs() as lines:
        await effects.take(SOURCE, HERE, [Arrived(seq, envelope("siti", seq)) for seq in (1, 2)])
    assert [line["seq"] for line in lines] == [1, 2]
    line = lines[0]
    assert line["outcome"] == "handled"
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert (line["type"], line["source"], line["actor"], line["region"]) == (
        "serumpun.owner.changed.v1", "registration", "officer-7", "19.71",
    )  # fmt: skip
    assert set(line) == {
        "event", "log_level", "service", "outcome", "event_id", "type", "subject", "source", "partition", "seq",
        "trace_id", "actor", "region",
    }  # fmt: skip


async def test_an_event_that_a_handler_records_commits_with_the_effect(seen: Seen) -> None:
    async def pass_on(work: Work, event: OwnerChanged) -> None:
        work.record(event, region=event.region)
        if event.name == "2":
            raise ArithmeticError

    effects = Effects(CONSUMER, seen.database, [on(OwnerChanged, pass_on)])
    await effects.take(SOURCE, HERE, [Arrived(1, envelope("siti", 1))])
    await effects.take(SOURCE, HERE, [Arrived(2, envelope("siti", 2)), Arrived(3, envelope("budi", 3))])
    recorded = await scalars(seen.database, "SELECT subject FROM outbox ORDER BY time")
    assert recorded == [fact("siti", 1).subject, fact("budi", 3).subject]
    await execute(seen.database, "DELETE FROM parked")


async def test_several_reactions_to_one_event_share_its_transaction(seen: Seen) -> None:
    async def second(work: Work, event: OwnerChanged) -> None:
        assert work.caller.role is Role.SERVICE
        assert work.caller.sees("19.71")
        assert not work.caller.sees("19.01")
        await seen.note(work, OwnerChanged(owner_id=owner("copy"), name=event.name, region="19.71", language="id"))

    effects = Effects(CONSUMER, seen.database, [*seen.reactions, on(OwnerChanged, second)])
    await effects.take(SOURCE, HERE, [Arrived(1, envelope("siti", 1))])
    assert await seen.numbers("siti") == await seen.numbers("copy") == [1]


def runs_of(*names: str) -> list[list[tuple[str, int]]]:
    """Give the runs that a batch of one table becomes; each name is the next event of that aggregate."""
    batch = [envelope(name, seq) for seq, name in enumerate(names, 1)]
    runs = Reactions([on(OwnerChanged, ignore)]).runs(batch)
    return [[(names[one.seq - 1], one.seq) for one in run] for run in runs]


async def ignore(work: Work, event: OwnerChanged) -> None:
    """Do nothing about an event."""


def test_a_run_has_each_aggregate_once_and_keeps_the_order_within_it() -> None:
    assert runs_of("siti", "budi", "siti", "hasan", "siti", "budi") == [
        [("siti", 1), ("budi", 2), ("hasan", 4)],
        [("siti", 3), ("budi", 6)],
        [("siti", 5)],
    ]


def test_the_table_says_which_type_of_a_batch_comes_first_unless_an_aggregate_had_it_otherwise() -> None:
    reactions = Reactions([on(OwnerRegistered, ignore_registered), on(OwnerChanged, ignore)])
    registered = msgspec.structs.replace(envelope("hasan", 3), type=OwnerRegistered.type)
    batch = [envelope("siti", 1), envelope("budi", 2), registered, envelope("hasan", 4)]
    assert [[one.seq for one in run] for run in reactions.runs(batch)] == [[3], [1, 2], [4]]


async def ignore_registered(work: Work, event: OwnerRegistered) -> None:
    """Do nothing about an event."""


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from([OwnerRegistered, OwnerChanged])), max_size=30))
def test_no_event_is_lost_doubled_or_overtaken_by_one_of_its_aggregate(happened: list[tuple[str, type[Event]]]) -> None:
    reactions = Reactions([on(OwnerRegistered, ignore_registered), on(OwnerChanged, ignore)])
    batch = [
        msgspec.structs.replace(envelope(name, seq), type=event.type) for seq, (name, event) in enumerate(happened, 1)
    ]
    runs = list(reactions.runs(batch))
    for run in runs:
        assert len({one.subject for one in run}) == len(run)
        assert len({one.type for one in run}) == 1
    for name in "abcd":
        mine = [one.seq for one in batch if one.subject == subject(name)]
        assert [one.seq for run in runs for one in run if one.subject == subject(name)] == mine


async def test_a_reaction_to_a_run_is_called_once_for_it_and_knows_the_caller_of_each(seen: Seen) -> None:
    calls: list[list[tuple[str, str]]] = []

    async def together(work: Work, run: Sequence[Heard[OwnerChanged]]) -> None:
        calls.append([(one.event.name, one.caller.subject) for one in run])
        assert (work.caller.subject, work.caller.regions) == (CONSUMER, ())
        for one in run:
            assert one.caller.traceparent == OFFICER.traceparent
            assert one.caller.sees("19.71")
            work.record(one.event, region=one.event.region, caller=one.caller)

    effects = Effects(CONSUMER, seen.database, [on_run(OwnerChanged, together)])
    second = msgspec.structs.replace(envelope("budi", 2), actor="officer-8")
    await effects.take(SOURCE, HERE, [Arrived(1, envelope("siti", 1)), Arrived(2, second)])
    assert calls == [[("1", "officer-7"), ("2", "officer-8")]]
    assert set(await scalars(seen.database, "SELECT actor || ' ' || traceparent FROM outbox")) == {
        f"officer-7 {OFFICER.traceparent}",
        f"officer-8 {OFFICER.traceparent}",
    }


@pytest.mark.parks
async def test_one_bad_event_of_a_run_is_parked_alone_and_the_others_take_effect(seen: Seen) -> None:
    calls: list[int] = []

    async def together(work: Work, run: Sequence[Heard[OwnerChanged]]) -> None:
        calls.append(len(run))
        for one in run:
            await seen.note(work, one.event)

    seen.break_at("budi", 2)
    effects = Effects(CONSUMER, seen.database, [on_run(OwnerChanged, together)])
    batch = [
        Arrived(seq, msgspec.structs.replace(envelope(name, seq), partition=HERE))
        for seq, name in enumerate(["siti", "budi", "hasan", "budi"], 1)
    ]
    assert await effects.take(SOURCE, HERE, batch) == 4
    assert calls[0] == 3
    assert set(calls[1:]) == {1}
    assert [await seen.numbers(name) for name in ("siti", "budi", "hasan")] == [[1], [], [3]]
    assert await seen.parked() == [("poison", "ArithmeticError"), ("behind", "")]


async def test_a_type_that_nobody_here_reacts_to_only_moves_the_position(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    registered = OwnerRegistered(owner_id=owner("siti"), name="Siti", region="19.71", language="id")
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        await commit(source, registered, registered, fact("siti", 1))
        await seen.has(1)
    assert await scalars(seen.database, "SELECT last_seq FROM checkpoint WHERE last_seq > 0") == [3]


async def test_what_was_handled_is_skipped_by_its_number(seen: Seen) -> None:
    effects = Effects(CONSUMER, seen.database, seen.reactions)
    events = [Arrived(seq, envelope("siti", seq)) for seq in range(1, 6)]
    assert await effects.take(SOURCE, HERE, events[:3]) == 3
    assert await effects.take(SOURCE, HERE, events) == 5
    assert await effects.take(SOURCE, HERE, events) == 5
    assert await seen.numbers("siti") == [1, 2, 3, 4, 5]


async def test_a_missing_number_is_never_passed_over(seen: Seen) -> None:
    effects = Effects(CONSUMER, seen.database, seen.reactions)
    await effects.take(SOURCE, HERE, [Arrived(1, envelope("siti", 1))])
    with pytest.raises(Gap) as gap:
        await effects.take(SOURCE, HERE, [Arrived(3, envelope("siti", 3))])
    assert (gap.value.position, gap.value.found) == (1, 3)
    assert await seen.numbers("siti") == [1]
    batch = [Arrived(seq, envelope("siti", seq)) for seq in (2, 3, 5, 6)]
    assert await effects.take(SOURCE, HERE, batch) == 3  # what stands before the hole
    with pytest.raises(Gap) as gap:
        await effects.take(SOURCE, HERE, batch)
    assert (gap.value.position, gap.value.found) == (3, 5)
    assert await seen.numbers("siti") == [1, 2, 3]


async def test_a_hole_in_the_middle_of_a_batch_is_filled_from_the_feed(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    async with running(relay_of(source, redis)):
        await commit(source, *(fact("siti", number) for number in range(1, 11)))
        name = stream.stream_name(SOURCE, HERE)
        await wait_until(lambda: _length(redis, name, 10), description="all to be sent")
        await redis.xdel(name, "3-0", "7-0", "8-0")
        async with running(consumers_of(seen, servers.redis_url, DatabaseFeed(source))):
            await seen.has(10)
    assert await seen.numbers("siti") == list(range(1, 11))


async def test_events_that_the_stream_does_not_hold_are_fetched_from_the_feed(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    feed = DatabaseFeed(source)
    async with running(relay_of(source, redis)):
        await commit(source, *(fact("siti", number) for number in range(1, 701)))
        name = stream.stream_name(SOURCE, HERE)
        await wait_until(lambda: _length(redis, name, 700), description="all to be sent")
        await redis.xtrim(name, minid="690-0", approximate=False)
        await redis.xdel(name, "695-0", "696-0")
        async with running(consumers_of(seen, servers.redis_url, feed)):
            await seen.has(700)
    assert await seen.numbers("siti") == list(range(1, 701))
    assert feed.questions == 3  # 500, the 690th to compare, and the rest


async def _length(redis: Redis, name: str, length: int) -> bool:
    return bool(await redis.xlen(name) == length)


async def test_without_a_feed_a_consumer_waits_at_a_gap_and_says_so(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    consumers = consumers_of(seen, servers.redis_url)
    async with running(relay_of(source, redis)):
        await commit(source, *(fact("siti", number) for number in range(1, 6)))
        name = stream.stream_name(SOURCE, HERE)
        await wait_until(lambda: _length(redis, name, 5), description="all to be sent")
        await redis.xtrim(name, minid="3-0", approximate=False)
        async with running(consumers):
            lane = consumers.state.lanes[HERE]
            await wait_until(lambda: "FeedUnavailable" in lane.error, description="the gap to be told")
            await wait_until(lambda: lane.lag == 5, description="the lag to be exact")
            assert lane.behind_seconds(monotonic() + 20) > 15
            assert not lane.alive(monotonic() + 20)
    assert await seen.count() == 0


async def test_a_new_consumer_begins_where_the_kept_history_begins(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    await commit(source, *(fact("siti", number) for number in range(1, 11)))
    await execute(source, "DELETE FROM outbox WHERE seq <= 6")
    feed = DatabaseFeed(source)
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url, feed)):
        await seen.has(4)
    assert await seen.numbers("siti") == [7, 8, 9, 10]


async def test_an_old_consumer_whose_history_is_gone_stops_and_says_so(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    await execute(seen.database, "INSERT INTO checkpoint VALUES ('registration', :here, 2)", here=HERE)
    await commit(source, *(fact("siti", number) for number in range(1, 11)))
    await execute(source, "DELETE FROM outbox WHERE seq <= 6")
    consumers = consumers_of(seen, servers.redis_url, DatabaseFeed(source))
    async with running(relay_of(source, redis), consumers):
        lane = consumers.state.lanes[HERE]
        await wait_until(lambda: "HistoryGone" in lane.error, description="the lost history to be told")
    assert await seen.count() == 0


async def test_a_deadlock_is_tried_again_and_nothing_is_parked(seen: Seen) -> None:
    tried = 0

    async def collide(work: Work, event: OwnerChanged) -> None:
        nonlocal tried
        tried += 1
        await seen.note(work, event)
        if tried < 4:  # alone, in a batch, and alone after the batch
            await work.session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$"))

    effects = Effects(CONSUMER, seen.database, [on(OwnerChanged, collide)])
    events = [Arrived(1, envelope("siti", 1)), Arrived(2, envelope("siti", 2))]
    with pytest.raises(DBAPIError):
        await effects.take(SOURCE, HERE, events[:1])
    with pytest.raises(DBAPIError):
        await effects.take(SOURCE, HERE, events)
    assert await effects.take(SOURCE, HERE, events) == 2
    assert await seen.numbers("siti") == [1, 2]


async def test_a_lost_database_connection_is_not_the_events_fault(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    cuts = 0

    async def cut_off(work: Work, event: OwnerChanged) -> None:
        nonlocal cuts
        await seen.note(work, event)
        if cuts < 4 and event.name == "5":
            cuts += 1
            await work.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    consumers = Consumers(CONSUMER, seen.database, servers.redis_url, [on(OwnerChanged, cut_off)], [SOURCE], None)
    async with running(relay_of(source, redis), consumers):
        await commit(source, *(fact("siti", number) for number in range(1, 11)))
        await seen.has(10)
    assert cuts == 4  # once more than an event of its own fault is tried
    assert await seen.numbers("siti") == list(range(1, 11))


async def test_a_graceful_stop_lets_the_batch_under_way_finish(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(work: Work, event: OwnerChanged) -> None:
        entered.set()
        await go_on.wait()
        await seen.note(work, event)

    consumers = Consumers(CONSUMER, seen.database, servers.redis_url, [on(OwnerChanged, slow)], [SOURCE], None)
    async with running(relay_of(source, redis)):
        await commit(source, fact("siti", 1))
        task = asyncio.create_task(consumers.run())
        await asyncio.wait_for(entered.wait(), SECONDS_MAX)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=0.3)
        assert not done
        go_on.set()
        done, _ = await asyncio.wait({task}, timeout=SECONDS_MAX)
        assert done
    assert await seen.numbers("siti") == [1]


async def test_a_service_that_listens_to_nobody_has_nothing_to_run(seen: Seen, servers: Servers) -> None:
    consumers = Consumers(CONSUMER, seen.database, servers.redis_url, [], [], None)
    await asyncio.wait_for(consumers.run(), SECONDS_MAX)
    assert consumers.state.alive(monotonic())


async def test_one_event_of_another_source_does_not_touch_the_position_of_this_one(seen: Seen) -> None:
    effects = Effects(CONSUMER, seen.database, seen.reactions)
    await effects.take(SOURCE, HERE, [Arrived(1, envelope("siti", 1))])
    assert await effects.position("aid_distribution", HERE) == 0
    assert await effects.position(SOURCE, HERE) == 1
    assert StockReceived.source == "aid_distribution"
