"""The relay: carries what is committed in the outbox into the streams; stateless, in any number of copies.

It compares two numbers for each partition, the last one given and the last one in Redis, and sends what lies
between. Nothing is marked as sent, so there is nothing to be wrong about after a crash; and a Redis that was
wiped, rolled back or failed over is behind by its own number and is filled again without being asked.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Final

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared import fence, stream
from shared.crashpoints import reach
from shared.database import Database
from shared.listening import OUTAGES as STORE_OUTAGES
from shared.listening import listening
from shared.loops import rest
from shared.telemetry import log

BATCH_EVENTS_MAX: Final = 500
LOOK_SECONDS: Final = 1.0
"""How old the last numbers read from Redis may be, and how long the relay sleeps when nobody wakes it."""
PAUSE_SECONDS_MIN: Final = 0.1
PAUSE_SECONDS_MAX: Final = 1.0
OUTAGES: Final = (*STORE_OUTAGES, RedisError)
"""What says only that a server is away: it is told in a line without the way there."""

HEADS = """
    SELECT head.partition, head.last_seq, waiting.time
    FROM unnest($1::smallint[], $2::bigint[]) AS known (partition, sent)
    JOIN outbox_head head USING (partition)
    LEFT JOIN outbox waiting ON waiting.partition = known.partition AND waiting.seq = known.sent + 1
"""
CONTRADICTED = """
    SELECT known.partition
    FROM unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::text[]) AS known (partition, used, standing, id)
    JOIN outbox_head head USING (partition)
    LEFT JOIN outbox ours ON ours.partition = known.partition AND ours.seq = known.standing
    WHERE known.used > head.last_seq OR (ours.id::text <> known.id AND ours.type <> $5)
"""
# As entries of a stream, in words already: to make them here of values of ours took a third of the time. The row at
# `sent` goes along, because the script compares it with the entry that stands there.
ENTRIES = """
    SELECT seq, id::text, type, subject, to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
           actor, region, traceparent, data
    FROM outbox WHERE partition = $1 AND seq >= $2 ORDER BY seq LIMIT $3
"""


@dataclass(slots=True)
class PartitionState:
    """How far one partition has been carried.

    Shape:  `head` is the last number given, `sent` the last one in Redis (-1: not known yet);
            `unsent_since` is when the oldest event that waits was recorded;
            `fault` says what a person must mend, empty when nothing is wrong
    """

    head: int = 0
    sent: int = -1
    unsent_since: datetime | None = None
    fault: str = ""

    def oldest_unsent_seconds(self, now: datetime) -> float:
        """Give how long the oldest event has waited to be sent, 0 when none waits."""
        return max(0.0, (now - self.unsent_since).total_seconds()) if self.unsent_since else 0.0


@dataclass(slots=True)
class RelayState:
    """What health may know of the relay; `succeeded_at` is the last time everything was compared and sent."""

    partitions: list[PartitionState]
    succeeded_at: datetime | None = None
    error: str = ""

    def oldest_unsent_seconds(self, now: datetime) -> float:
        """Give how long the oldest event of any partition has waited to be sent."""
        return max((state.oldest_unsent_seconds(now) for state in self.partitions), default=0.0)


class Relay:
    """Carry the events of one service to Redis until cancelled; each commit makes it look at once."""

    def __init__(
        self,
        database: Database,
        redis: Redis,
        source: str,
        partitions: int,
        *,
        look_seconds: float = LOOK_SECONDS,
    ):
        """Prepare the relay; nothing is opened before `run`."""
        self.state = RelayState([PartitionState() for _ in range(partitions)])
        self._database = database
        self._redis = redis
        self._source = source
        self._partitions = range(partitions)
        self._look_seconds = look_seconds
        self._woken = asyncio.Event()
        self._reading = asyncio.Lock()
        self._looked_at = float("-inf")

    async def run(self) -> None:
        """Carry events until cancelled, through every outage of PostgreSQL and of Redis."""
        pause = PAUSE_SECONDS_MIN
        while True:
            try:
                async with listening(self._database, "relay", self._woken.set) as store:
                    while True:
                        self._woken.clear()
                        await self.carry(store)
                        pause = PAUSE_SECONDS_MIN
                        await rest(self._look_seconds, self._woken)
            except Exception as error:  # noqa: BLE001  the edge of a worker: whatever it was, look again
                self._failed(error)
                await rest(pause)
                pause = min(pause * 2, PAUSE_SECONDS_MAX)

    async def carry(self, store: asyncpg.Connection) -> None:
        """Compare, and send all that is behind."""
        try:
            await self._read_heads(store)
            if monotonic() - self._looked_at >= LOOK_SECONDS:
                await self._look(store)
            await self._send_all(store, [partition for partition in self._partitions if self._behind(partition)])
        except BaseException:
            self._looked_at = float("-inf")
            raise
        self.state.succeeded_at, self.state.error = datetime.now(UTC), ""

    def _behind(self, partition: int) -> bool:
        state = self.state.partitions[partition]
        return state.sent < state.head and not state.fault

    async def _read_heads(self, store: asyncpg.Connection) -> None:
        states = self.state.partitions
        for partition, head, waiting_since in await store.fetch(
            HEADS, list(self._partitions), [state.sent for state in states]
        ):
            states[partition].head, states[partition].unsent_since = head, waiting_since

    async def _look(self, store: asyncpg.Connection) -> None:
        """Ask Redis for its last numbers, and mend every partition in which they contradict ours."""
        tails = await stream.tails(self._redis, self._source, self._partitions)
        for state, tail in zip(self.state.partitions, tails, strict=True):
            state.sent = tail.last
        contradicted = await store.fetch(
            CONTRADICTED,
            list(self._partitions),
            [max(tail.last, tail.passed) for tail in tails],
            [tail.standing for tail in tails],
            [tail.standing_id for tail in tails],
            stream.LOST,
        )
        at_odds = {partition for (partition,) in contradicted}
        for partition in self._partitions:
            if partition in at_odds:
                await self._mend(partition)
            else:
                self.state.partitions[partition].fault = ""
        self._looked_at = monotonic()

    async def _mend(self, partition: int) -> None:
        state = self.state.partitions[partition]
        try:
            mended = await fence.mend(self._database, self._redis, self._source, partition)
        except fence.FenceRefused as error:
            if state.fault != str(error):  # it stays until a person has mended it, and is told once
                log.error("fence refused", source=self._source, partition=partition, error=str(error))
            state.fault = str(error)
            return
        state.fault = ""
        if mended:
            state.head = mended.head

    async def _send_all(self, store: asyncpg.Connection, partitions: Sequence[int]) -> None:
        """Send all that is behind, every partition by itself: while Redis writes for one, the next one is read."""
        outcomes = await asyncio.gather(*(self._drain(store, at) for at in partitions), return_exceptions=True)
        if faults := [fault for fault in outcomes if isinstance(fault, BaseException)]:
            raise faults[0]

    async def _drain(self, store: asyncpg.Connection, partition: int) -> None:
        while await self._send(store, partition):
            pass

    async def _send(self, store: asyncpg.Connection, partition: int) -> bool:
        """Send one batch; tells whether there is more."""
        state = self.state.partitions[partition]
        async with self._reading:
            entries: list[stream.Entry] = await store.fetch(ENTRIES, partition, state.sent, BATCH_EVENTS_MAX + 1)
        if not entries or entries[-1][0] <= state.sent:
            return False
        oldest = entries[0][0] > state.sent + 1
        name = stream.stream_name(self._source, partition)
        reach("relay.before_append")
        answer = await stream.append_entries(self._redis, name, self._source, entries, oldest=oldest)
        reach("relay.after_append")
        if answer.verdict == "clash":
            await self._mend(partition)
        elif answer.last > state.head:  # another relay was faster, or Redis is ahead: the next look tells
            self._looked_at = float("-inf")
        state.sent = answer.last
        if state.sent >= state.head:
            state.unsent_since = None
        return self._behind(partition)

    def _failed(self, error: Exception) -> None:
        if not self.state.error:  # an outage is one line, not one for each attempt
            known = isinstance(error, OUTAGES)
            log.warning("relay interrupted", source=self._source, error=type(error).__name__,
                        exc_info=None if known else error)  # fmt: skip
        self.state.error = type(error).__name__
