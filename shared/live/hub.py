"""What all live feeds of a process share: one connection that hears of each commit, and one reading of what is new.

The hub lives while somebody follows. It reads each event once, and hands it to all; whoever has more waiting than is
kept for one client is let go, and comes back for the rest.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final

import asyncpg
from prometheus_client import Gauge

from shared.database import Database
from shared.listening import OUTAGES, listening
from shared.live.happened import Happened
from shared.live.position import Position
from shared.loops import rest
from shared.problems import Unavailable
from shared.telemetry import log

STREAMS_MAX: Final = 100
"""At most so many follow in one process: each holds a connection, of which the front door gives a process 250."""
HEARTBEAT_SECONDS: Final = 15.0
"""How long a stream is ever silent: the front door closes what is silent for 45 seconds."""
PAGE_EVENTS_MAX: Final = 200
"""Of each partition, in one reading."""
WAITING_BYTES_MAX: Final = 4_000_000
ANSWER_SECONDS_MAX: Final = 10.0
LOOK_SECONDS: Final = 5.0
"""How long the hub sleeps when no commit wakes it, and about how long it stays when nobody follows any more."""
PAUSE_SECONDS: Final = 0.02
"""Between two readings, so that a thousand commits are not a thousand readings."""
RETRY_SECONDS_MIN: Final = 0.1
RETRY_SECONDS_MAX: Final = 2.0

HEADS = "SELECT last_seq FROM outbox_head ORDER BY partition"
FOLLOWING = """
    SELECT o.* FROM unnest($1::smallint[], $2::bigint[]) AS known (partition, passed)
    CROSS JOIN LATERAL (
        SELECT partition, seq, id, type, subject, time, region, data FROM outbox
        WHERE outbox.partition = known.partition AND seq > known.passed ORDER BY seq LIMIT $3
    ) o ORDER BY o.partition, o.seq
"""

STREAMS = Gauge("serumpun_live_streams", "Clients that follow the live feed.", ("service",))


@dataclass(slots=True)
class Waiting:
    """What waits for one client; `ended` says why there will be no more."""

    events: deque[Happened] = field(default_factory=deque)
    bytes: int = 0
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    ended: str = ""

    def offer(self, batch: Sequence[Happened]) -> None:
        """Take events in, unless too much waits already."""
        self.bytes += sum(event.weight_bytes for event in batch)
        if self.bytes > WAITING_BYTES_MAX:
            self.end("slow")
        else:
            self.events.extend(batch)
        self.woken.set()

    def end(self, reason: str) -> None:
        """Take no more, and drop what waits: it is read again by whoever comes back."""
        self.ended = self.ended or reason
        self.events.clear()
        self.woken.set()

    def take(self) -> list[Happened]:
        """Give all that waits."""
        taken = list(self.events)
        self.events.clear()
        self.bytes = 0
        self.woken.clear()
        return taken


class Hub:
    """Reads the outbox of one service for all who follow it in this process."""

    def __init__(
        self,
        database: Database,
        *,
        streams_max: int = STREAMS_MAX,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        look_seconds: float = LOOK_SECONDS,
        answer_seconds_max: float = ANSWER_SECONDS_MAX,
    ) -> None:
        """Prepare the hub; it connects when the first one follows."""
        self.closing = False
        self.heartbeat_seconds = heartbeat_seconds
        self._answer_seconds_max = answer_seconds_max
        self._look_seconds = look_seconds
        self.partitions = database.partitions
        self._database = database
        self._streams_max = streams_max
        self._followers = 0
        self._questions = 0
        self._waiting: list[Waiting] = []
        self._position: Position | None = None
        self._woken = asyncio.Event()
        self._reading = asyncio.Lock()
        self._store: asyncio.Future[asyncpg.Connection] | None = None
        self._task: asyncio.Task[None] | None = None

    def check_room(self) -> None:
        """Raise Unavailable (503) when as many follow as this process takes on, or when it is about to stop."""
        if self.closing or self._followers >= self._streams_max:
            raise Unavailable("As many follow here as can.", headers={"Retry-After": "10"})

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Count one who follows; the connection is there while at least one does, and a little longer."""
        self._followers += 1
        STREAMS.labels(self._database.source).inc()
        try:
            yield
        finally:
            self._followers -= 1
            STREAMS.labels(self._database.source).dec()

    @contextmanager
    def offered(self) -> Iterator[Waiting]:
        """Give what is new from now on."""
        waiting = Waiting()
        self._waiting.append(waiting)
        try:
            yield waiting
        finally:
            self._waiting.remove(waiting)

    async def heads(self) -> Position:
        """Give the last number of every partition; raises Unavailable (503) while the store is away."""
        rows = await self._fetch(HEADS)
        return tuple(row["last_seq"] for row in rows)

    async def page(self, position: Position) -> list[Happened]:
        """Give what follows a position, in the order of the numbers; raises Unavailable (503) as above."""
        rows = await self._fetch(FOLLOWING, list(range(self.partitions)), list(position), PAGE_EVENTS_MAX)
        return [Happened(**row) for row in rows]

    async def close(self) -> None:
        """Let everybody go: the process stops."""
        self.closing = True
        for waiting in self._waiting:
            waiting.end("stop")
        if task := self._stop():
            await asyncio.wait({task})

    def _stop(self) -> asyncio.Task[None] | None:
        task, self._task = self._task, None
        if self._store and not self._store.done():
            self._store.set_exception(asyncpg.InterfaceError("nobody follows any more"))
            self._store.exception()  # whether anybody waits for it or not
        self._store = self._position = None
        if task:
            task.cancel()
        return task

    async def _fetch(self, question: str, *values: object) -> list[asyncpg.Record]:
        if self.closing:
            raise Unavailable
        if self._task is None or self._store is None:
            self._store = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._run())
        connected = self._store
        self._questions += 1
        try:
            async with asyncio.timeout(self._answer_seconds_max), self._reading:
                store = await asyncio.shield(connected)
                rows: list[asyncpg.Record] = await store.fetch(question, *values)
        except (*OUTAGES, asyncpg.InternalClientError) as fault:
            # The latter is what a question hears whose connection is closed under it, as a stop does.
            raise Unavailable("The store cannot be reached.") from fault
        finally:
            self._questions -= 1
        return rows

    async def _run(self) -> None:
        pause, told = RETRY_SECONDS_MIN, False
        while True:
            try:
                async with listening(self._database, "live", self._woken.set) as store:
                    await self._begin(store)
                    pause, told = RETRY_SECONDS_MIN, False
                    await self._share_for_ever()
            except Exception as error:  # noqa: BLE001 - whatever it was, those who follow are told again soon
                if not told:  # an outage is one line, not one for each attempt
                    known = isinstance(error, (*OUTAGES, Unavailable))
                    log.warning("live feed interrupted", source=self._database.source, error=type(error).__name__,
                                exc_info=None if known else error)  # fmt: skip
                told = True
            await rest(pause)
            pause = min(pause * 2, RETRY_SECONDS_MAX)
            if self._store is None or self._store.done():
                self._store = asyncio.get_running_loop().create_future()

    async def _share_for_ever(self) -> None:
        while True:
            self._woken.clear()
            await self._share()
            await rest(PAUSE_SECONDS)
            await rest(self._look_seconds, self._woken)
            if not self._followers and not self._questions:  # whoever waits for its turn at the connection needs it
                self._stop()

    async def _begin(self, store: asyncpg.Connection) -> None:
        """Take up where the last connection ended; a store that was put back to an earlier state sends all away."""
        heads = tuple(row["last_seq"] for row in await store.fetch(HEADS))
        known = self._position or heads
        if any(head < passed for head, passed in zip(heads, known, strict=True)):
            for waiting in self._waiting:
                waiting.end("restored")
            known = heads
        self._position = known
        if self._store and not self._store.done():
            self._store.set_result(store)

    async def _share(self) -> None:
        """Read what is new and hand it to all."""
        full = True
        while full and self._position is not None:
            batch = await self.page(self._position)
            self._position = passed(self._position, batch)
            full = len(batch) >= PAGE_EVENTS_MAX
            for waiting in self._waiting:
                waiting.offer(batch)


def passed(position: Position, batch: Sequence[Happened]) -> Position:
    """Give where a reader stands after a batch."""
    numbers = list(position)
    for event in batch:
        numbers[event.partition] = event.seq
    return tuple(numbers)
