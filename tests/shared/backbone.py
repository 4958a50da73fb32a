"""What the tests of the backbone have in common: a source that records, a consumer that notes, and their workers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid5

import msgspec
from redis.asyncio import Redis
from sqlalchemy import text

from shared import outbox, stream
from shared.caller import Caller, Role
from shared.clock import Clock
from shared.consumer import Consumers, Reaction, on
from shared.contracts import OwnerChanged, OwnerRegistered
from shared.contracts.envelope import Envelope
from shared.database import Database, Work
from shared.feed import events_after
from shared.outbox import partition_of
from shared.relay import Relay
from shared.retention import Retention
from tests.waiting import wait_until

SOURCE = "registration"
CONSUMER = "notifications"
OFFICER = Caller(
    "officer-7", Role.REGENCY_OFFICER, ("19.71",), traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
)


def owner(name: str) -> UUID:
    return uuid5(UUID(int=0), name)


def subject(name: str) -> str:
    return f"owner/{owner(name)}"


def fact(name: str, number: int) -> OwnerChanged:
    """Give an event of the aggregate `name`; the numbers of an aggregate must take effect in order."""
    return OwnerChanged(owner_id=owner(name), name=str(number), region="19.71", language="id")


def partition(name: str, partitions: int = 4) -> int:
    return partition_of(subject(name), partitions)


async def commit(database: Database, *events: OwnerChanged | OwnerRegistered) -> None:
    async with database.work(OFFICER) as work:
        for event in events:
            work.record(event, region=event.region)


async def commit_each(database: Database, names: Sequence[str], numbers: Sequence[int]) -> None:
    """Record for every name every number, each number in a transaction of its own."""
    for number in numbers:
        await commit(database, *(fact(name, number) for name in names))


async def commit_raw(database: Database, name: str, kind: str, data: bytes) -> None:
    """Record what no contract allows: poison from a newer version or a broken program."""
    now = database.clock.now()
    poison = outbox.Recorded(
        id=database.clock.new_id(), type=kind, subject=subject(name), time=now, actor="x", region="19.71",
        traceparent="", data=data,
    )  # fmt: skip
    async with database.work(OFFICER) as work:
        work.recorded.append(poison)


async def published(redis: Redis, source: str = SOURCE, partitions: int = 4) -> dict[int, list[int]]:
    """Give the numbers that stand in every stream, in their order."""
    found = {}
    for number in range(partitions):
        entries = await redis.xrange(stream.stream_name(source, number))
        found[number] = [stream.seq_of(entry_id) for entry_id, _ in entries]
    return found


async def heads(database: Database) -> dict[int, int]:
    async with database.reading(OFFICER) as work:
        rows = await work.session.execute(text("SELECT partition, last_seq FROM outbox_head ORDER BY partition"))
        return {row.partition: row.last_seq for row in rows}


async def recorded(database: Database, number: int, source: str = SOURCE) -> list[Envelope]:
    async with database.reading(OFFICER) as work:
        return await events_after(work.session, source, number, 0)


async def scalars(database: Database, question: str) -> list[object]:
    async with database.reading(OFFICER) as work:
        return list((await work.session.execute(text(question))).scalars())


async def execute(database: Database, statement: str, **values: object) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text(statement), values)


class DatabaseFeed:
    """The feed of a source, asked of its database without HTTP between."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.questions = 0

    async def events(self, source: str, number: int, after: int, limit: int) -> list[Envelope]:
        self.questions += 1
        async with self.database.reading(OFFICER) as work:
            return await events_after(work.session, source, number, after, limit)


NOTE = text("INSERT INTO effect (owner, number, actor, traceparent) VALUES (:owner, :number, :actor, :trace)")


@dataclass(slots=True)
class Seen:
    """What a consumer has brought about, read from its own database."""

    database: Database
    broken: set[str] = field(default_factory=set)
    calls: int = 0

    async def note(self, work: Work, event: OwnerChanged) -> None:
        """The handler of these tests: one row for each event."""
        self.calls += 1
        await work.session.execute(
            NOTE,
            {"owner": event.owner_id, "number": int(event.name), "actor": work.caller.subject,
             "trace": work.caller.traceparent},
        )  # fmt: skip
        if f"{event.owner_id}/{event.name}" in self.broken:
            raise ArithmeticError(f"no good: {event.name}")

    @property
    def reactions(self) -> tuple[Reaction, ...]:
        return (on(OwnerChanged, self.note),)

    def break_at(self, name: str, number: int) -> None:
        self.broken.add(f"{owner(name)}/{number}")

    async def numbers(self, name: str) -> list[int]:
        """Give the numbers of one aggregate in the order in which they took effect."""
        async with self.database.reading(OFFICER) as work:
            rows = await work.session.execute(
                text("SELECT number FROM effect WHERE owner = :owner ORDER BY place"), {"owner": owner(name)}
            )
            return list(rows.scalars())

    async def count(self) -> int:
        return int(str((await scalars(self.database, "SELECT count(*) FROM effect"))[0]))

    async def parked(self) -> list[tuple[str, str]]:
        async with self.database.reading(OFFICER) as work:
            rows = await work.session.execute(text("SELECT reason, error FROM parked ORDER BY seq, partition"))
            return [(reason, error) for reason, error in rows]

    async def has(self, events: int) -> None:
        """Wait until so many events have taken effect, and no more."""
        await wait_until(lambda: self._has(events), description=f"{events} effects")

    async def _has(self, events: int) -> bool:
        count = await self.count()
        assert count <= events, f"{count} effects of {events} events: something was doubled"
        return count == events


EFFECT_TABLE = """
    CREATE TABLE effect (place bigserial PRIMARY KEY, owner uuid NOT NULL, number bigint NOT NULL, actor text NOT NULL,
                         traceparent text NOT NULL)
"""


async def seen_by(database: Database) -> Seen:
    await execute(database, EFFECT_TABLE)
    return Seen(database)


@asynccontextmanager
async def running(*workers: Relay | Consumers | Retention) -> AsyncIterator[None]:
    """Run workers as a service does, and stop them as a service does."""
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
        for task in tasks:
            assert not task.done(), "a worker ended by itself"
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


def relay_of(database: Database, redis: Redis) -> Relay:
    return Relay(database, redis, SOURCE, database.partitions)


def consumers_of(seen: Seen, redis_url: str, feed: DatabaseFeed | None = None) -> Consumers:
    return Consumers(CONSUMER, seen.database, redis_url, seen.reactions, [SOURCE], feed)


def envelope(name: str, seq: int, clock: Clock | None = None) -> Envelope:
    """Give an event with a number, as if the outbox had given it."""
    clock = clock or Clock()
    event = fact(name, seq)
    return Envelope(
        source=SOURCE, partition=partition(name), seq=seq, id=clock.new_id(), type=event.type, subject=event.subject,
        time=clock.now(), actor="officer-7", region="19.71", traceparent=OFFICER.traceparent,
        data=msgspec.msgpack.encode(event),
    )  # fmt: skip
