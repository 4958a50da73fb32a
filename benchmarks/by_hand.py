"""The loop that a careful person would write with nothing but redis-py and asyncpg: what the pipeline is measured by.

It does the same writes as the pipeline: every event into its stream under its own number, every effect and the
position in one transaction for each batch. It gives nothing else that the pipeline gives: no fence, no refill, no
parking, no order behind a parked event, no gaps filled from a feed, no word for trimming, no log, no figures.
"""

import asyncio
from collections.abc import Sequence
from typing import cast
from uuid import UUID

import asyncpg
import msgspec
from redis.asyncio import Redis
from redis.typing import EncodableT, FieldT

from shared.contracts.registration import OwnerChanged

Streams = list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]

ROWS_PER_SEND = 500
ENTRIES_PER_READ = 100

ROWS = """
    SELECT seq, id, type, subject, time, actor, region, traceparent, data FROM outbox
    WHERE partition = $1 AND seq > $2 ORDER BY seq LIMIT $3
"""
EFFECTS = """
    INSERT INTO effect (owner, number, actor, traceparent)
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[])
"""
POSITION = "UPDATE checkpoint SET last_seq = $1 WHERE source = $2 AND partition = $3"


async def carry(
    outbox: asyncpg.Connection, effects: Sequence[asyncpg.Connection], redis: Redis, source: str, heads: dict[int, int]
) -> None:
    """Carry all that the outbox holds to its effects: one sender, and for each partition a reader of its own."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_send(outbox, redis, source, heads))
        for (partition, head), store in zip(heads.items(), effects, strict=True):
            tasks.create_task(_take(store, redis, source, partition, head))


async def _send(store: asyncpg.Connection, redis: Redis, source: str, heads: dict[int, int]) -> None:
    sent = dict.fromkeys(heads, 0)
    while any(sent[partition] < head for partition, head in heads.items()):
        for partition in heads:
            rows = await store.fetch(ROWS, partition, sent[partition], ROWS_PER_SEND)
            pipeline = redis.pipeline(transaction=False)
            for seq, event_id, kind, subject, time, actor, region, traceparent, data in rows:
                entry: dict[FieldT, EncodableT] = {
                    "id": str(event_id), "source": source, "type": kind, "subject": subject, "time": time.isoformat(),
                    "actor": actor, "region": region, "traceparent": traceparent, "data": data,
                }  # fmt: skip
                pipeline.xadd(_stream(source, partition), entry, id=f"{seq}-0")
                sent[partition] = seq
            await pipeline.execute()


async def _take(store: asyncpg.Connection, redis: Redis, source: str, partition: int, head: int) -> None:
    decoder = msgspec.msgpack.Decoder(OwnerChanged)
    position = 0
    while position < head:
        read = await redis.xread({_stream(source, partition): f"{position}-0"}, count=ENTRIES_PER_READ, block=1000)
        for _, entries in cast("Streams", read):
            owners: list[UUID] = []
            numbers: list[int] = []
            actors: list[str] = []
            traceparents: list[str] = []
            for _, fields in entries:
                event = decoder.decode(fields[b"data"])
                owners.append(event.owner_id)
                numbers.append(int(event.name))
                actors.append(fields[b"actor"].decode())
                traceparents.append(fields[b"traceparent"].decode())
            position = int(entries[-1][0].partition(b"-")[0])
            async with store.transaction():
                await store.execute(EFFECTS, owners, numbers, actors, traceparents)
                await store.execute(POSITION, position, source, partition)


def _stream(source: str, partition: int) -> str:
    return f"by-hand:{source}:{{{partition}}}"
