"""What numbers cost: the statement that numbers and records events against a plain insert of the same rows."""

from collections.abc import Iterator
from itertools import count
from time import perf_counter

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from benchmarks.figures import Row
from benchmarks.pipeline import OFFICER
from benchmarks.stage import PARTITIONS, Stage, database
from shared import outbox
from shared.contracts.registration import OwnerChanged
from shared.database import Database

TRANSACTIONS = 400
EVENTS = 10
"""Events that one transaction records: a few when it serves a request, dozens when it serves a batch."""

PLAIN = text(
    """
    INSERT INTO outbox (partition, seq, id, type, subject, time, actor, region, traceparent, data)
    SELECT partition, seq, id, type, subject, time, actor, region, traceparent, data FROM unnest(
        CAST(:partitions AS smallint[]), CAST(:seqs AS bigint[]), CAST(:ids AS uuid[]), CAST(:types AS text[]),
        CAST(:subjects AS text[]), CAST(:times AS timestamptz[]), CAST(:actors AS text[]), CAST(:regions AS text[]),
        CAST(:traceparents AS text[]), CAST(:data AS bytea[])
    ) AS i(partition, seq, id, type, subject, time, actor, region, traceparent, data)
    """
)


async def rows(stage: Stage) -> list[Row]:
    """Commit the same events in both ways; a transaction does nothing else, so the difference is at its largest."""
    async with database(stage, "numbering") as store:
        numbers = count(1)
        transactions = stage.scaled(TRANSACTIONS)
        found = await stage.in_turns(
            {
                "numbered": lambda: _numbered(store, transactions),
                "plain": lambda: _plain(store, transactions, numbers),
            },
        )
    numbered, plain = found.values()
    return [
        Row(what=f"Recording {EVENTS} events with their numbers, commit included", unit="ms", figures=numbered,
            against="a plain insert of the same rows", others=plain),
    ]  # fmt: skip


def _events(store: Database) -> list[outbox.Recorded]:
    now = store.clock.now()
    ids = [store.clock.new_id() for _ in range(EVENTS)]
    facts = [OwnerChanged(owner_id=one, name="Siti", region="19.71", language="id") for one in ids]
    return [outbox.recorded(fact, OFFICER, "19.71", store.clock.new_id(), now) for fact in facts]


async def _numbered(store: Database, transactions: int) -> float:
    began = perf_counter()
    for _ in range(transactions):
        async with AsyncSession(store.engine) as session:
            await outbox.write(session, _events(store), PARTITIONS)
            await session.commit()
    return (perf_counter() - began) / transactions * 1000


async def _plain(store: Database, transactions: int, numbers: Iterator[int]) -> float:
    await _emptied(store)
    began = perf_counter()
    for _ in range(transactions):
        async with AsyncSession(store.engine) as session:
            events = _events(store)
            values = {
                "partitions": [outbox.partition_of(event.subject, PARTITIONS) for event in events],
                "seqs": [next(numbers) for _ in events],
                "ids": [event.id for event in events],
                "types": [event.type for event in events],
                "subjects": [event.subject for event in events],
                "times": [event.time for event in events],
                "actors": [event.actor for event in events],
                "regions": [event.region for event in events],
                "traceparents": [event.traceparent for event in events],
                "data": [event.data for event in events],
            }
            await session.execute(PLAIN, values)
            await session.commit()
    seconds = perf_counter() - began
    await _emptied(store)
    return seconds / transactions * 1000


async def _emptied(store: Database) -> None:
    """Begin with an empty outbox, so that neither way meets numbers of the other."""
    async with store.engine.begin() as connection:
        await connection.execute(text("TRUNCATE outbox"))
        await connection.execute(text("UPDATE outbox_head SET last_seq = 0"))
