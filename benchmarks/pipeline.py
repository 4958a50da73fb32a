"""The event pipeline, outbox → stream → effect + position, against a loop written by hand that does the same writes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from uuid import UUID, uuid5

import asyncpg
from redis.asyncio import Redis
from sqlalchemy import text

from benchmarks import by_hand
from benchmarks.figures import Budget, Row
from benchmarks.stage import PARTITIONS, SOURCE, Stage, database
from shared import stream
from shared.caller import Caller, Role
from shared.consumer import Consumers, Heard, Reaction, on, on_run
from shared.contracts.registration import OwnerChanged
from shared.database import Database, Work
from shared.relay import Relay

EVENTS = 40_000
EVENTS_PER_COMMIT = 500
OWNERS = 5_000
LOOK_SECONDS = 0.002
OFFICER = Caller(
    "officer-19.71",
    Role.REGENCY_OFFICER,
    ("19.71",),
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)

EFFECT_TABLE = """
    CREATE TABLE effect (place bigserial PRIMARY KEY, owner uuid NOT NULL, number bigint NOT NULL, actor text NOT NULL,
                         traceparent text NOT NULL)
"""
NOTE = text("INSERT INTO effect (owner, number, actor, traceparent) VALUES (:owner, :number, :actor, :traceparent)")
NOTES = text(
    """
    INSERT INTO effect (owner, number, actor, traceparent)
    SELECT * FROM unnest(CAST(:owners AS uuid[]), CAST(:numbers AS bigint[]), CAST(:actors AS text[]),
                         CAST(:traceparents AS text[]))
    """
)


async def note_run(work: Work, run: Sequence[Heard[OwnerChanged]]) -> None:
    """Note a run of events in one statement, as the hot reactions of the services do."""
    await work.session.execute(
        NOTES,
        {
            "owners": [one.event.owner_id for one in run],
            "numbers": [int(one.event.name) for one in run],
            "actors": [one.caller.subject for one in run],
            "traceparents": [one.caller.traceparent for one in run],
        },
    )


async def note(work: Work, event: OwnerChanged) -> None:
    """Note one event in a statement of its own."""
    caller = work.caller
    await work.session.execute(
        NOTE,
        {
            "owner": event.owner_id,
            "number": int(event.name),
            "actor": caller.subject,
            "traceparent": caller.traceparent,
        },
    )


@dataclass(frozen=True, slots=True)
class Line:
    """A pipeline with its outbox filled: from the source's store through Redis to the effects' store."""

    outbox: Database
    effects: Database
    redis: Redis
    redis_url: str
    heads: dict[int, int]

    @property
    def events(self) -> int:
        """Give how many events there are to carry."""
        return sum(self.heads.values())

    async def empty(self) -> None:
        """Forget everything but the outbox."""
        if found := [key async for key in self.redis.scan_iter(f"*:{SOURCE}:*")]:
            await self.redis.delete(*found)
        async with self.effects.engine.begin() as connection:
            await connection.execute(text("TRUNCATE effect, checkpoint, parked"))
            await connection.execute(
                text("INSERT INTO checkpoint SELECT :source, p, 0 FROM generate_series(0, :last) AS p"),
                {"source": SOURCE, "last": PARTITIONS - 1},
            )

    async def per_second(self, carry: Callable[["Line"], Awaitable[float]]) -> float:
        """Carry everything once and give the events in a second; raises when an effect is missing or doubled."""
        await self.empty()
        seconds = await carry(self)
        async with self.effects.engine.connect() as connection:
            found = (await connection.execute(text("SELECT count(*), count(DISTINCT number) FROM effect"))).one()
            positions = (await connection.execute(text("SELECT partition, last_seq FROM checkpoint"))).all()
        if tuple(found) != (self.events, self.events) or dict(tuple(row) for row in positions) != self.heads:
            raise RuntimeError(f"{self.events} events came to {tuple(found)} effects and {positions}")
        return self.events / seconds


@asynccontextmanager
async def filled(stage: Stage, events: int) -> AsyncIterator[Line]:
    """Give a pipeline whose outbox holds so many events of many aggregates."""
    redis = stream.connect(stage.redis_url)
    async with database(stage, "outbox") as outbox, database(stage, "effects", ping=False) as effects:
        for first in range(0, events, EVENTS_PER_COMMIT):
            async with outbox.work(OFFICER) as work:
                for number in range(first, min(first + EVENTS_PER_COMMIT, events)):
                    owner = uuid5(UUID(int=0), str(number % OWNERS))
                    fact = OwnerChanged(owner_id=owner, name=str(number), region="19.71", language="id")
                    work.record(fact, region="19.71")
        async with outbox.engine.connect() as connection:
            found = await connection.execute(text("SELECT partition, last_seq FROM outbox_head"))
            heads = {row.partition: row.last_seq for row in found}
        async with effects.engine.begin() as connection:
            await connection.execute(text(EFFECT_TABLE))
        line = Line(outbox, effects, redis, stage.redis_url, heads)
        try:
            yield line
            await line.empty()
        finally:
            await redis.aclose()


async def rows(stage: Stage) -> list[Row]:
    """Carry the same events through the pipeline and by hand, in turns."""
    together, single = on_run(OwnerChanged, note_run), on(OwnerChanged, note)
    async with filled(stage, stage.scaled(EVENTS)) as line:
        found = await stage.in_turns(
            {
                "pipeline": lambda: line.per_second(lambda it: _through(it, together)),
                "pipeline, one event a call": lambda: line.per_second(lambda it: _through(it, single)),
                "by hand": lambda: line.per_second(_by_hand),
            },
        )
    by_runs, one_by_one, hand = found.values()
    return [
        Row(
            what="Event pipeline, outbox → stream → effect + position",
            unit="/s",
            figures=by_runs,
            against="redis-py and asyncpg by hand, the same writes",
            others=hand,
            budgets=(Budget(0.6, ratio=True),),
        ),
        Row(
            what="The same with a handler that takes one event a call, a statement each",
            unit="/s",
            figures=one_by_one,
            against="by hand, one statement for each batch",
            others=hand,
        ),
    ]


async def _through(line: Line, reaction: Reaction) -> float:
    redis = stream.connect(line.redis_url)
    relay = Relay(line.outbox, redis, SOURCE, PARTITIONS)
    consumers = Consumers("notifications", line.effects, line.redis_url, [reaction], [SOURCE], None)
    workers = [asyncio.create_task(consumers.run())]
    try:
        while (await redis.info("clients"))["blocked_clients"] < PARTITIONS:
            await asyncio.sleep(LOOK_SECONDS)
        began = perf_counter()
        workers.append(asyncio.create_task(relay.run()))
        while any(lane.position < line.heads[lane.partition] for lane in consumers.state.lanes):
            await asyncio.sleep(LOOK_SECONDS)
        return perf_counter() - began
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await redis.aclose()


async def _by_hand(line: Line) -> float:
    outbox, *effects = [await connect(store) for store in (line.outbox, *[line.effects] * PARTITIONS)]
    began = perf_counter()
    await by_hand.carry(outbox, effects, line.redis, SOURCE, line.heads)
    seconds = perf_counter() - began
    for store in (outbox, *effects):
        await store.close()
    return seconds


async def connect(store: Database) -> asyncpg.Connection:
    """Give a connection of the driver's own, as one has that does without SQLAlchemy."""
    url = store.engine.url.set(drivername="postgresql")
    return await asyncpg.connect(url.render_as_string(hide_password=False))
