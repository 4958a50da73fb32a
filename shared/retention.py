"""What is pruned and when: streams and outbox by age, never past a registered consumer; answers kept by age.

Positions in Redis are hints that consumers leave each second. While one is missing, after a wipe or before a new
consumer has spoken, nothing that it may need is taken away. A consumer that is gone for good is retired by command;
should it speak again all the same, it is waited for like every other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast

from prometheus_client import Counter, Gauge
from redis.asyncio import Redis
from sqlalchemy import Column, DateTime, Text, TextClause, text
from sqlalchemy.engine import CursorResult
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from shared import ended_sessions, stream
from shared.caller import Caller, Role
from shared.contracts import consumers_of
from shared.crashpoints import reach
from shared.database import Database
from shared.loops import rest
from shared.telemetry import log

STREAM_KEPT: Final = timedelta(days=3)
"""How long an event stands in Redis at least: what a restored database can learn again from there (the fence)."""
ROUND_SECONDS: Final = 60.0
ROWS_PER_DELETE: Final = 5_000
PER_ROUND_MAX: Final = 100_000
"""How much of a partition, or of the answers kept for retries, goes in one round: more than a minute can bring."""
SEQ_MAX: Final = 2**53  # beyond it the append script could not tell two numbers apart

# What is older than the moment is a stretch from the beginning; it ends before the first row that is younger.
OLDER_THAN = text(
    """
    SELECT head.partition, head.last_seq, coalesce(
        (SELECT min(seq) - 1 FROM outbox WHERE outbox.partition = head.partition AND time >= :moment), head.last_seq
    ) AS older
    FROM outbox_head head ORDER BY head.partition
    """
)
PRUNE_OUTBOX = text(
    """
    DELETE FROM outbox WHERE partition = :partition AND seq <= :upto AND seq IN (
        SELECT seq FROM outbox WHERE partition = :partition AND seq <= :upto ORDER BY seq LIMIT :rows
    )
    """
)
PRUNE_IDEMPOTENCY = text(
    """
    DELETE FROM idempotency WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM idempotency WHERE created_at < :moment LIMIT :rows
    ))
    """
)


RETIRED = text("SELECT consumer FROM retired_consumer")
RETIRE = text("INSERT INTO retired_consumer (consumer, retired_at) VALUES (:consumer, :now) ON CONFLICT DO NOTHING")
RECALL = text("DELETE FROM retired_consumer WHERE consumer = :consumer")

PRUNED = Counter("serumpun_pruned_total", "What was pruned by age.", ("service", "kind"))
HELD_UP = Gauge("serumpun_pruning_held_up", "Registered consumers without a position: nothing is pruned.", ("service",))


class RetiredConsumerRow(SQLModel, table=True):
    """A consumer of this service's events that is gone for good: pruning waits for its word no more."""

    __tablename__ = "retired_consumer"

    consumer: str = Field(sa_column=Column(Text, primary_key=True))
    retired_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


async def retired(session: AsyncSession) -> set[str]:
    """Name the consumers that were retired."""
    return set((await session.execute(RETIRED)).scalars())


async def retire(session: AsyncSession, consumer: str, now: datetime) -> None:
    """Wait for a consumer no more; its last words in Redis are to be taken away too."""
    await session.execute(RETIRE, {"consumer": consumer, "now": now})


async def recall(session: AsyncSession, consumer: str) -> None:
    """Wait for a consumer again."""
    await session.execute(RECALL, {"consumer": consumer})


@dataclass(frozen=True, slots=True)
class Pruned:
    """What one round has taken away."""

    entries: int = 0
    outbox_rows: int = 0
    idempotency_rows: int = 0
    ended_sessions: int = 0


class Retention:
    """Prune what one service publishes and remembers, each minute, until cancelled."""

    def __init__(
        self,
        database: Database,
        redis: Redis,
        source: str,
        *,
        outbox_kept: timedelta,
        idempotency_kept: timedelta,
        stream_kept: timedelta = STREAM_KEPT,
        consumers: Sequence[str] | None = None,
        per_round_max: int = PER_ROUND_MAX,
        round_seconds: float = ROUND_SECONDS,
    ):
        """Take the ages; the consumers are those that the contracts register for the source."""
        self._per_round_max = per_round_max
        self._round_seconds = round_seconds
        self._database = database
        self._redis = redis
        self._source = source
        self._outbox_kept = outbox_kept
        self._idempotency_kept = idempotency_kept
        self._stream_kept = stream_kept
        self._consumers = consumers_of(source) if consumers is None else consumers
        self._caller = Caller(subject=source, role=Role.SERVICE, regions=())
        self._silent: set[str] = set()

    async def run(self) -> None:
        """Prune each minute until cancelled."""
        while True:
            try:
                pruned = await self.prune()
                if pruned != Pruned():
                    log.info("pruned", source=self._source, entries=pruned.entries, outbox_rows=pruned.outbox_rows,
                             idempotency_rows=pruned.idempotency_rows,
                             ended_sessions=pruned.ended_sessions)  # fmt: skip
            except Exception as error:  # noqa: BLE001  the edge of a worker: whatever it was, the next round comes
                log.warning("pruning interrupted", source=self._source, error=type(error).__name__)
            await rest(self._round_seconds)

    async def prune(self) -> Pruned:
        """Take away all that is old enough and that everyone has passed."""
        now = self._database.clock.now()
        async with self._database.reading(self._caller) as work:
            retired_consumers = await retired(work.session)
        lowest = await self._lowest_positions(retired_consumers)
        pruned = Pruned(
            entries=await self._trim_streams(now - self._stream_kept, lowest),
            outbox_rows=await self._prune_outbox(now - self._outbox_kept, lowest),
            idempotency_rows=await self._delete(PRUNE_IDEMPOTENCY, {"moment": now - self._idempotency_kept}),
            ended_sessions=await self._delete(ended_sessions.PRUNE, {"moment": now}),
        )
        PRUNED.labels(self._source, "stream_entries").inc(pruned.entries)
        PRUNED.labels(self._source, "outbox_rows").inc(pruned.outbox_rows)
        PRUNED.labels(self._source, "kept_answers").inc(pruned.idempotency_rows)
        PRUNED.labels(self._source, "ended_sessions").inc(pruned.ended_sessions)
        return pruned

    async def _lowest_positions(self, retired_consumers: set[str]) -> dict[int, int | None]:
        """Give for each partition the number that every registered consumer has passed, None when one is silent."""
        found: dict[int, int | None] = {}
        all_silent: set[str] = set()
        for partition in range(self._database.partitions):
            name = stream.positions_name(self._source, partition)
            words = cast("dict[bytes, bytes]", await self._redis.hgetall(name))
            positions = {consumer.decode(): int(position) for consumer, position in words.items()}
            silent = {consumer for consumer in self._consumers if consumer not in positions} - retired_consumers
            passed = [positions[consumer] for consumer in self._consumers if consumer in positions]
            found[partition] = None if silent else min(passed, default=SEQ_MAX)
            all_silent |= silent
        self._tell_of(all_silent)
        return found

    def _tell_of(self, silent: set[str]) -> None:
        """Make visible whom pruning waits for: once in the log, and as a figure."""
        HELD_UP.labels(self._source).set(len(silent))
        if silent - self._silent:
            log.warning("pruning waits", source=self._source, silent=sorted(silent))
        self._silent = silent

    async def _older_than(self, session: AsyncSession, moment: datetime) -> dict[int, tuple[int, int]]:
        rows = await session.execute(OLDER_THAN, {"moment": moment})
        return {row.partition: (row.older, row.last_seq) for row in rows}

    async def _trim_streams(self, moment: datetime, lowest: dict[int, int | None]) -> int:
        async with self._database.reading(self._caller) as work:
            older = await self._older_than(work.session, moment)
        trimmed = 0
        for partition, (upto, _) in older.items():
            passed = lowest.get(partition)
            (tail,) = await stream.tails(self._redis, self._source, [partition])
            if passed is None or tail.standing == 0:
                continue
            name = stream.stream_name(self._source, partition)
            (oldest, _), *_ = await stream.forwards(self._redis, name, None, 1)
            most = stream.number_of(oldest) + self._per_round_max
            first_kept = min(upto + 1, passed + 1, tail.standing, most)  # the last entry always stays
            reach("retention.before_trim")
            trimmed += await self._redis.xtrim(name, minid=f"{first_kept}-0", approximate=False)
        return trimmed

    async def _prune_outbox(self, moment: datetime, lowest: dict[int, int | None]) -> int:
        async with self._database.reading(self._caller) as work:
            older = await self._older_than(work.session, moment)
        reach("retention.after_trim")
        pruned = 0
        for partition, (upto, head) in older.items():
            if (passed := lowest.get(partition)) is not None:
                last = min(upto, passed, head - 1)  # the last row always stays: the fence compares it
                pruned += await self._delete(PRUNE_OUTBOX, {"partition": partition, "upto": last})
        reach("retention.after_outbox")
        return pruned

    async def _delete(self, statement: TextClause, parameters: dict[str, object]) -> int:
        """Delete in small transactions until nothing is left to delete, or the round has had its share."""
        deleted = 0
        while deleted < self._per_round_max:
            rows_max = min(ROWS_PER_DELETE, self._per_round_max - deleted)
            async with self._database.work(self._caller) as work:
                result = await work.session.execute(statement, {**parameters, "rows": rows_max})
            rows = cast("CursorResult[object]", result).rowcount
            deleted += rows
            reach("retention.between_deletes")
            if rows < rows_max:
                break
        return deleted
