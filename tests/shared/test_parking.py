"""Parking: poison holds up its own aggregate, in order, and nothing else."""

from datetime import timedelta

import msgspec
import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from shared import operator_acts, parking, stream
from shared.consumer import Consumers, NotYet, on
from shared.contracts import OwnerChanged
from shared.database import Database, Work
from shared.effects import Arrived, Effects
from shared.operator_acts import Operator
from shared.problems import Refusal
from tests.conftest import Servers
from tests.shared.backbone import (
    CONSUMER,
    OFFICER,
    SOURCE,
    DatabaseFeed,
    Seen,
    commit,
    commit_each,
    commit_raw,
    consumers_of,
    envelope,
    execute,
    fact,
    partition,
    recorded,
    relay_of,
    running,
    scalars,
    subject,
)
from tests.waiting import wait_until

NAMES = [f"owner {number}" for number in range(12)]
HERE = partition("siti")
NEIGHBOUR = next(name for name in NAMES if partition(name) == HERE)


def by(work: Work) -> Operator:
    return Operator("operator-1", "it was a test", work.now, work.new_id)


async def make_due(seen: Seen) -> None:
    """Let the time pass after which the first of every subject is tried again."""
    await execute(seen.database, "UPDATE parked SET due_at = now() WHERE due_at IS NOT NULL")


@pytest.mark.parks
async def test_poison_waits_with_what_follows_it_and_all_others_flow(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    seen.break_at("siti", 3)
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        await commit_each(source, ["siti", NEIGHBOUR], range(1, 8))
        await seen.has(2 + 7)
        await wait_until(lambda: _parked(seen, 5), description="five to be parked")
    assert await seen.numbers("siti") == [1, 2]
    assert await seen.numbers(NEIGHBOUR) == list(range(1, 8))
    assert await seen.parked() == [("poison", "ArithmeticError")] + [("behind", "")] * 4
    assert await scalars(seen.database, "SELECT last_seq FROM checkpoint WHERE last_seq > 0") == [14]


async def _parked(seen: Seen, number: int) -> bool:
    return len(await seen.parked()) == number


async def test_after_the_fix_what_was_parked_runs_in_order_and_so_does_what_comes_then(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    seen.break_at("siti", 3)
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        await commit_each(source, ["siti", NEIGHBOUR], range(1, 8))
        await wait_until(lambda: _parked(seen, 5), description="five to be parked")
        seen.broken.clear()
        await make_due(seen)
        await commit_each(source, ["siti"], range(8, 11))
        await seen.has(10 + 7)
    assert await seen.numbers("siti") == list(range(1, 11))


async def test_the_event_is_tried_three_times_before_it_is_parked(seen: Seen) -> None:
    seen.break_at("siti", 1)
    effects = Effects(CONSUMER, seen.database, seen.reactions)
    await effects.take(SOURCE, HERE, [Arrived(1, envelope("siti", 1))])
    assert seen.calls == 3
    await execute(seen.database, "DELETE FROM parked")


@pytest.mark.parks
async def test_every_failure_makes_the_wait_longer(seen: Seen) -> None:
    seen.break_at("siti", 1)
    effects, clock = Effects(CONSUMER, seen.database, seen.reactions), seen.database.clock
    began = clock.now()
    await effects.take(SOURCE, HERE, [Arrived(1, envelope("siti", 1)), Arrived(2, envelope("siti", 2))])
    assert (await _rows(seen))[1].due_at is None
    for attempts, seconds in [(1, 5), (2, 10), (3, 20), (4, 40)]:
        row = (await _rows(seen))[0]
        assert row.due_at
        failed_at = row.due_at - timedelta(seconds=seconds)
        assert (row.attempts, began <= failed_at <= clock.now()) == (attempts, True)
        await make_due(seen)
        began = clock.now()
        assert await effects.retry_due() == 0
    assert parking.delay(ValueError(), 1000) == timedelta(hours=1)


async def _rows(seen: Seen) -> list[parking.ParkedRow]:
    async with seen.database.reading(OFFICER) as work:
        return list(await parking.listed(work.session))


@pytest.mark.parks
async def test_an_event_of_an_unknown_type_waits_for_a_version_that_knows_it(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        await commit(source, fact("siti", 1))
        await commit_raw(source, "siti", "serumpun.owner.changed.v99", b"\xc1 whatever it is")
        await commit(source, fact("siti", 2), fact(NEIGHBOUR, 1))
        await seen.has(2)
        await wait_until(lambda: _parked(seen, 2), description="two to be parked")
    poison, behind = await _rows(seen)
    assert poison.type == "serumpun.owner.changed.v99"
    assert poison.data == b"\xc1 whatever it is"
    assert "does not know" in poison.error
    assert behind.reason == "behind"


@pytest.mark.parks
async def test_bytes_that_are_not_the_event_they_claim_to_be_are_parked_with_their_bytes(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    good = msgspec.msgpack.encode(fact("siti", 2))
    flipped = bytes([good[0] ^ 0x40]) + good[1:]
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        await commit(source, fact("siti", 1))
        await commit_raw(source, "siti", OwnerChanged.type, flipped)
        await commit(source, fact(NEIGHBOUR, 1))
        await seen.has(2)
    (poison,) = await _rows(seen)
    assert poison.data == flipped
    assert poison.reason == "poison"


@pytest.mark.parks
async def test_an_entry_without_an_envelope_is_parked_with_all_that_stood_there(
    redis: Redis, seen: Seen, servers: Servers
) -> None:
    name = stream.stream_name(SOURCE, HERE)
    await stream.append(redis, name, [envelope("siti", 1)], oldest=False)
    await redis.xadd(name, {b"\xff\xfe": b"\x00\x01", "subject": "owner/x"}, id="2-0")
    await redis.xadd(name, {"id": "not a uuid", "type": "x", "subject": "s", "time": "yesterday", "actor": "",
                            "region": "", "traceparent": "", "data": b""}, id="3-0")  # fmt: skip
    await stream.append(redis, name, [envelope("siti", 4)], oldest=False)
    async with running(consumers_of(seen, servers.redis_url)):
        await seen.has(2)
    missing, wrong = await _rows(seen)
    assert msgspec.msgpack.decode(missing.data) == [[b"\xff\xfe", b"\x00\x01"], [b"subject", b"owner/x"]]
    assert missing.error == "Unreadable: a field is missing"
    assert wrong.error == "Unreadable: a field cannot be read: ValidationError"
    effects = Effects(CONSUMER, seen.database, seen.reactions)
    await make_due(seen)
    assert await effects.retry_due() == 0  # it stays poison, and trying it does no harm
    assert [row.attempts for row in await _rows(seen)] == [missing.attempts + 1, wrong.attempts + 1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"time": "0001-01-01T00:00:00+07:00"},
        {"time": "2020-09-01T00:00:00"},
        {"subject": "x" * 10_000},
        {"subject": "a\0b"},
        {"traceparent": "\0"},
        {"region": b"\xff"},
    ],
    ids=str,
)
@pytest.mark.parks
async def test_an_envelope_that_could_not_be_stored_is_parked_as_unreadable(
    seen: Seen, redis: Redis, wrong: dict[str, str | bytes]
) -> None:
    fields = stream.fields_of(envelope("siti", 1))
    for name, value in wrong.items():
        fields[name.encode()] = value if isinstance(value, bytes) else value.encode()
    with pytest.raises(stream.Unreadable):
        stream.envelope_of(SOURCE, HERE, 1, fields)
    effects = Effects(CONSUMER, seen.database, seen.reactions)
    await effects.take(SOURCE, HERE, [Arrived(1, None, stream.bytes_of(fields), "x"), Arrived(2, envelope("siti", 2))])
    assert len(await seen.parked()) == 1


@pytest.mark.parks
async def test_what_is_poison_in_the_stream_is_poison_also_when_the_feed_gives_it(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    await commit_each(source, ["siti"], [1, 2, 3])
    await execute(source, "UPDATE outbox SET subject = repeat('x', :length) WHERE seq = 2", length=10_000)
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        await seen.has(2)
    (told,) = await _rows(seen)
    await execute(seen.database, "TRUNCATE parked, effect")
    await execute(seen.database, "UPDATE checkpoint SET last_seq = 1")  # as after a restore; the stream is trimmed
    await redis.xtrim(stream.stream_name(SOURCE, HERE), minid="3-0", approximate=False)
    async with running(consumers_of(seen, servers.redis_url, DatabaseFeed(source))):
        await seen.has(1)
    (filled,) = await _rows(seen)
    assert await seen.numbers("siti") == [3]
    assert (filled.seq, filled.error, filled.reason) == (told.seq, told.error, told.reason)


@pytest.mark.parks
async def test_a_value_that_the_database_cannot_hold_is_the_events_fault_not_an_outage(seen: Seen) -> None:
    async def too_big(work: Work, event: OwnerChanged) -> None:
        await work.session.execute(
            text("INSERT INTO effect (owner, number, actor, traceparent) VALUES (:owner, :number, '', '')"),
            {"owner": event.owner_id, "number": 2**70},
        )

    effects = Effects(CONSUMER, seen.database, [on(OwnerChanged, too_big)])
    assert await effects.take(SOURCE, HERE, [Arrived(1, envelope("siti", 1)), Arrived(2, envelope("siti", 2))]) == 2
    (reason, error), _ = await seen.parked()
    assert (reason, error.split()[0]) == ("poison", "DataError")


@pytest.mark.parks
async def test_a_missing_file_in_a_handler_is_not_taken_for_an_outage(seen: Seen) -> None:
    async def look(_work: Work, _event: OwnerChanged) -> None:
        raise FileNotFoundError("template.txt")

    effects = Effects(CONSUMER, seen.database, [on(OwnerChanged, look)])
    assert await effects.take(SOURCE, HERE, [Arrived(1, envelope("siti", 1))]) == 1
    assert await seen.parked() == [("poison", "FileNotFoundError")]


@pytest.mark.parks
async def test_what_is_told_of_an_error_names_nobody(seen: Seen) -> None:
    class PhoneRefused(Refusal):
        code = "phone_refused"

    async def refuse(_work: Work, event: OwnerChanged) -> None:
        if event.name == "1":
            raise PhoneRefused("Siti Aminah, 0812 3456 7890")
        raise ValueError("Siti Aminah, 0812 3456 7890")

    async def clash(work: Work, _event: OwnerChanged) -> None:
        await work.session.execute(text("INSERT INTO outbox_head VALUES (0, 0)"))

    effects = Effects(CONSUMER, seen.database, [on(OwnerChanged, refuse)])
    await effects.take(SOURCE, HERE, [Arrived(1, envelope("siti", 1)), Arrived(2, envelope("budi", 2))])
    await Effects(CONSUMER, seen.database, [on(OwnerChanged, clash)]).take(
        SOURCE, HERE, [Arrived(3, envelope("ani", 3))]
    )
    assert [error for _, error in await seen.parked()] == [
        "PhoneRefused phone_refused", "ValueError", "UniqueViolationError 23505",
    ]  # fmt: skip


async def test_an_event_that_came_too_early_runs_soon_after_what_it_needs(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    known: set[str] = set()

    async def needs(work: Work, event: OwnerChanged) -> None:
        if event.owner_id.hex not in known:
            raise NotYet("the owner is not known yet")
        await seen.note(work, event)

    consumers = Consumers(CONSUMER, seen.database, servers.redis_url, [on(OwnerChanged, needs)], [SOURCE], None)
    async with running(relay_of(source, redis), consumers):
        await commit(source, fact("siti", 1), fact("siti", 2))
        await wait_until(lambda: _parked(seen, 2), description="both to wait")
        assert await seen.parked() == [("not_yet", "NotYet: the owner is not known yet"), ("behind", "")]
        await wait_until(lambda: consumers.state.parked["not_yet"] == 1, description="health to count it apart")
        assert consumers.state.parked["poison"] == 0
        known.add(fact("siti", 1).owner_id.hex)
        await seen.has(2)
    assert await seen.numbers("siti") == [1, 2]


async def test_the_first_wait_of_what_came_too_early_is_a_second_and_never_over_a_minute() -> None:
    assert [parking.delay(NotYet("x"), attempts).total_seconds() for attempts in (1, 2, 3, 50)] == [1, 2, 4, 60]


async def test_a_replayed_event_takes_its_subject_along_from_the_first(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    seen.break_at("siti", 1)
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        await commit_each(source, ["siti"], range(1, 4))
        await wait_until(lambda: _parked(seen, 3), description="three to be parked")
        seen.broken.clear()
        async with seen.database.work(OFFICER) as work:
            first = await parking.replay(work.session, SOURCE, HERE, 3, work.now)
        assert first is not None
        assert first.seq == 1
        await seen.has(3)
    assert await seen.numbers("siti") == [1, 2, 3]


async def test_a_dropped_event_lets_the_next_of_its_subject_run(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    seen.break_at("siti", 1)
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        await commit_each(source, ["siti"], range(1, 4))
        await wait_until(lambda: _parked(seen, 3), description="three to be parked")
        async with seen.database.work(OFFICER) as work:
            dropped = await parking.drop(work.session, SOURCE, HERE, 1, by(work))
        assert dropped is not None
        assert dropped.subject == subject("siti")
        await seen.has(2)
    assert await seen.numbers("siti") == [2, 3]
    async with seen.database.reading(OFFICER) as work:
        (record,) = await operator_acts.listed(work.session)
    assert (record.actor, record.act, record.reason) == ("operator-1", "drop", "it was a test")
    assert (record.source, record.partition, record.first_seq, record.subject) == (SOURCE, HERE, 1, dropped.subject)
    kept = msgspec.msgpack.decode(record.event or b"", type=dict[str, object])
    assert (kept["id"], kept["data"], kept["error"]) == (str(dropped.id), dropped.data, "ArithmeticError")


@pytest.mark.parametrize("change", ["event = NULL", "reason = ''", "actor = ''", "first_seq = 2", "act = 'forget'"])
async def test_the_database_itself_refuses_a_record_that_loses_what_it_is_for(seen: Seen, change: str) -> None:
    await Effects(CONSUMER, seen.database, ()).take(SOURCE, HERE, [Arrived(1, None, b"raw", "bad")])
    async with seen.database.work(OFFICER) as work:
        await parking.drop(work.session, SOURCE, HERE, 1, by(work))
    with pytest.raises(IntegrityError):
        await execute(seen.database, f"UPDATE operator_act SET {change}")  # noqa: S608  the words of this test


async def test_events_handed_again_run_once_more_in_order_and_new_ones_wait_behind_them(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        await commit_each(source, ["siti"], range(1, 4))
        await seen.has(3)
    async with seen.database.work(OFFICER) as work:
        await parking.lock(work.session, SOURCE, HERE)
        again = (await recorded(source, HERE))[1:]
        assert await parking.hand_again(work.session, again, work.now) == 2
        assert await parking.hand_again(work.session, again, work.now) == 0
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        await commit_each(source, ["siti"], range(4, 6))
        await seen.has(3 + 2 + 2)
    assert await seen.numbers("siti") == [1, 2, 3, 2, 3, 4, 5]


async def test_events_handed_again_before_one_that_is_parked_run_before_it(
    source: Database, redis: Redis, seen: Seen, servers: Servers
) -> None:
    seen.break_at("siti", 3)
    async with running(relay_of(source, redis), consumers_of(seen, servers.redis_url)):
        await commit_each(source, ["siti"], range(1, 4))
        await wait_until(lambda: _parked(seen, 1), description="the third to be parked")
        async with seen.database.work(OFFICER) as work:
            await parking.lock(work.session, SOURCE, HERE)
            assert await parking.hand_again(work.session, await recorded(source, HERE), work.now) == 2
        seen.broken.clear()
        await seen.has(2 + 3)
    assert await seen.numbers("siti") == [1, 2, 1, 2, 3]


async def test_what_is_not_parked_can_neither_be_shown_replayed_nor_dropped(seen: Seen) -> None:
    async with seen.database.work(OFFICER) as work:
        assert await parking.shown(work.session, SOURCE, HERE, 9) is None
        assert await parking.replay(work.session, SOURCE, HERE, 9, work.now) is None
        assert await parking.drop(work.session, SOURCE, HERE, 9, by(work)) is None


async def test_two_copies_run_a_parked_event_once(source: Database, redis: Redis, seen: Seen, servers: Servers) -> None:
    seen.break_at("siti", 1)
    copies = [consumers_of(seen, servers.redis_url) for _ in range(2)]
    async with running(relay_of(source, redis), *copies):
        await commit_each(source, ["siti"], range(1, 20))
        await wait_until(lambda: _parked(seen, 19), description="all to be parked")
        seen.broken.clear()
        await make_due(seen)
        await seen.has(19)
    assert await seen.numbers("siti") == list(range(1, 20))


@pytest.mark.parametrize(
    "change", ["attempts = -1", "reason = 'bored'", "due_at = NULL", "seq = 0", "time = NULL"], ids=str
)
@pytest.mark.parks
async def test_the_database_itself_refuses_a_parked_row_that_makes_no_sense(seen: Seen, change: str) -> None:
    seen.break_at("siti", 1)
    await Effects(CONSUMER, seen.database, seen.reactions).take(SOURCE, HERE, [Arrived(1, envelope("siti", 1))])
    with pytest.raises(IntegrityError):
        await execute(seen.database, f"UPDATE parked SET {change}")  # noqa: S608  the words of this test
