"""Into the stream and out of it: the relay, the append script and FastStream against the plain commands of Redis."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import cast

from faststream.redis import RedisBroker, StreamSub
from faststream.redis.message import BatchStreamMessage, RedisBatchStreamMessage
from redis.asyncio import Redis
from redis.typing import EncodableT, FieldT

from benchmarks.figures import Budget, Row
from benchmarks.pipeline import OFFICER, Line, connect, filled
from benchmarks.stage import PARTITIONS, SOURCE, Stage
from shared import stream
from shared.consumer import BATCH_EVENTS_MAX, arrived, parse
from shared.contracts.envelope import Envelope
from shared.effects import Arrived
from shared.feed import events_after
from shared.relay import Relay

EVENTS = 40_000
SENT = 4_000
"""Events that are appended by themselves, without the outbox: one XADD takes as long as ten of the script's."""
EVENTS_PER_APPEND = 100


async def rows(stage: Stage) -> list[Row]:
    """Write the same entries in every way, then read them in both."""
    async with filled(stage, stage.scaled(EVENTS)) as line:
        events = await _recorded(line, stage.scaled(SENT))
        written = await stage.in_turns(
            {
                "relay": lambda: _relayed(line),
                "append script": lambda: _scripted(line, events),
                "pipeline of XADD": lambda: _piped(line, events),
                "single XADD": lambda: _one_by_one(line, events),
            },
        )
        await _relayed(line)
        read = await stage.in_turns(
            {"FastStream, in batches": lambda: _faststream(line), "raw XREAD": lambda: _raw(line)},
        )
    relay, script, pipeline, single = written.values()
    faststream, raw = read.values()
    return [
        Row(what="Relay, outbox → stream", unit="/s", figures=relay, against="single XADD of entries at hand",
            others=single, budgets=(Budget(10, ratio=True),)),
        Row(what=f"Append script, by {EVENTS_PER_APPEND}", unit="/s", figures=script, against="single XADD",
            others=single),
        Row(what=f"Append script, by {EVENTS_PER_APPEND}", unit="/s", figures=script,
            against=f"pipeline of {EVENTS_PER_APPEND} XADD", others=pipeline),
        Row(what=f"FastStream in batches of {BATCH_EVENTS_MAX}, as typed envelopes", unit="/s", figures=faststream,
            against="raw XREAD, the same envelopes", others=raw),
    ]  # fmt: skip


async def _recorded(line: Line, count: int) -> list[Envelope]:
    """Give the first events of partition 0."""
    events: list[Envelope] = []
    async with line.outbox.reading(OFFICER) as work:
        while len(events) < count and (more := await events_after(work.session, SOURCE, 0, len(events))):
            events += more
    return events[:count]


async def _relayed(line: Line) -> float:
    await line.empty()
    relay = Relay(line.outbox, line.redis, SOURCE, PARTITIONS)
    store = await connect(line.outbox)
    try:
        began = perf_counter()
        await relay.carry(store)
        seconds = perf_counter() - began
    finally:
        await store.close()
    sent = {partition: await line.redis.xlen(stream.stream_name(SOURCE, partition)) for partition in line.heads}
    if sent != line.heads:
        raise RuntimeError(f"{line.heads} came to {sent}")
    return line.events / seconds


async def _scripted(line: Line, events: Sequence[Envelope]) -> float:
    await line.empty()
    name = stream.stream_name(SOURCE, 0)
    began = perf_counter()
    for batch in _batches(events):
        await stream.append(line.redis, name, batch, oldest=False)
    return await _checked(line.redis, name, events, perf_counter() - began)


async def _piped(line: Line, events: Sequence[Envelope]) -> float:
    await line.empty()
    name = stream.stream_name(SOURCE, 0)
    began = perf_counter()
    for batch in _batches(events):
        pipeline = line.redis.pipeline(transaction=False)
        for event in batch:
            pipeline.xadd(name, _entry(event), id=f"{event.seq}-0")
        await pipeline.execute()
    return await _checked(line.redis, name, events, perf_counter() - began)


async def _one_by_one(line: Line, events: Sequence[Envelope]) -> float:
    await line.empty()
    name = stream.stream_name(SOURCE, 0)
    began = perf_counter()
    for event in events:
        await line.redis.xadd(name, _entry(event), id=f"{event.seq}-0")
    return await _checked(line.redis, name, events, perf_counter() - began)


def _batches(events: Sequence[Envelope]) -> list[Sequence[Envelope]]:
    return [events[first : first + EVENTS_PER_APPEND] for first in range(0, len(events), EVENTS_PER_APPEND)]


def _entry(event: Envelope) -> dict[FieldT, EncodableT]:
    flat = stream.flat(event)
    return dict(zip(flat[::2], flat[1::2], strict=True))


async def _checked(redis: Redis, name: str, events: Sequence[Envelope], seconds: float) -> float:
    if (length := await redis.xlen(name)) != len(events):
        raise RuntimeError(f"{len(events)} events came to {length} entries")
    return len(events) / seconds


async def _faststream(line: Line) -> float:
    """Read one partition as the consumers of a service do, and do nothing about it; timed from the first batch on."""
    broker = RedisBroker(line.redis_url, apply_types=False, logger=None)  # type: ignore[arg-type]  # as consumers do
    pace, done = Pace(), asyncio.Event()

    async def decode(message: RedisBatchStreamMessage) -> list[Arrived]:
        return arrived(SOURCE, 0, message.raw_message)

    async def take(batch: list[Arrived]) -> None:
        pace.note(batch)
        if batch[-1].seq == line.heads[0]:
            done.set()

    source = StreamSub(stream.stream_name(SOURCE, 0), last_id="0-0", batch=True, max_records=BATCH_EVENTS_MAX,
                       polling_interval=stream.BLOCK_MS)  # fmt: skip
    broker.subscriber(stream=source, parser=parse, decoder=decode, no_reply=True)(take)
    async with _started(broker):
        await done.wait()
    return pace.per_second


@dataclass(slots=True)
class Pace:
    """How fast batches come after the first one, with which the clock starts."""

    began: float = 0.0
    ended: float = 0.0
    events: int = 0

    def note(self, batch: Sequence[Arrived]) -> None:
        """Count a batch that has come."""
        self.ended = perf_counter()
        if self.began:
            self.events += len(batch)
        else:
            self.began = self.ended

    @property
    def per_second(self) -> float:
        """Give the events in a second."""
        return self.events / (self.ended - self.began)


@asynccontextmanager
async def _started(broker: RedisBroker) -> AsyncIterator[None]:
    await broker.start()
    try:
        yield
    finally:
        await broker.stop()


async def _raw(line: Line) -> float:
    name, position, pace = stream.stream_name(SOURCE, 0), 0, Pace()
    while position < line.heads[0]:
        read = await line.redis.xread({name: f"{position}-0"}, count=BATCH_EVENTS_MAX, block=stream.BLOCK_MS)
        ((_, entries),) = cast("list[tuple[bytes, list[tuple[bytes, stream.Fields]]]]", read)
        ids, data = [entry_id for entry_id, _ in entries], [fields for _, fields in entries]
        batch = arrived(SOURCE, 0, BatchStreamMessage(type="bstream", channel=name, message_ids=ids, data=data))
        pace.note(batch)
        position = batch[-1].seq
    return pace.per_second
