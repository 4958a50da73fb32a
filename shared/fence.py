"""The fence: what to do when Redis or a consumer knows numbers that the database does not.

That happens when the database was restored from a backup or failed over with a lost tail. Its next events would
take numbers that consumers have already passed, and be skipped without a word. So, under the lock of the head and
in one transaction: events that took such a number get a new one above all that is used; events that stand in Redis
at a number that the database has lost are adopted, since they are published facts; a number whose event nobody has
is filled with a tombstone. The outbox stays dense, so a Redis that is wiped later is refilled without a hole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import stream
from shared.contracts.envelope import Envelope
from shared.crashpoints import reach
from shared.database import Database
from shared.telemetry import log

AHEAD_MAX: Final = 1_000_000
ENTRIES_PER_READ: Final = 500
ASIDE: Final = 1 << 60
"""Added to a number while its row is on the way to a new one, above all numbers that are ever given."""

LOCK_HEAD = text("SELECT last_seq FROM outbox_head WHERE partition = :partition FOR UPDATE")
IDS_AT = text("SELECT seq, id, type FROM outbox WHERE partition = :partition AND seq = ANY(:seqs)")
LAST_BEFORE = text(
    """
    SELECT coalesce(
        (SELECT max(seq) FROM outbox WHERE partition = :partition AND seq < :below
         AND time <= coalesce(CAST(:latest AS timestamptz), 'infinity')),
        (SELECT min(seq) - 1 FROM outbox WHERE partition = :partition),
        (SELECT last_seq FROM outbox_head WHERE partition = :partition)
    )
    """
)
FORGET_PUBLISHED = text("DELETE FROM outbox WHERE partition = :partition AND seq > :agreed AND id = ANY(:ids)")
SET_ASIDE = text("UPDATE outbox SET seq = seq + :aside WHERE partition = :partition AND seq > :agreed")
RENUMBER = text(
    """
    UPDATE outbox AS moved SET seq = fresh.seq
    FROM (SELECT seq AS aside, CAST(:used AS bigint) + row_number() OVER (ORDER BY seq) AS seq
          FROM outbox WHERE partition = :partition AND seq > :aside) AS fresh
    WHERE moved.partition = :partition AND moved.seq = fresh.aside
    """
)
ADOPT = text(
    """
    INSERT INTO outbox (partition, seq, id, type, subject, time, actor, region, traceparent, data)
    VALUES (:partition, :seq, :id, :type, :subject, :time, :actor, :region, :traceparent, :data)
    ON CONFLICT DO NOTHING
    """
)
BURY = text(
    """
    INSERT INTO outbox (partition, seq, id, type, subject, time, actor, region, traceparent, data)
    SELECT CAST(:partition AS smallint), seq, gen_random_uuid(), :type, 'lost/' || seq, now(), 'fence', '', '', :data
    FROM generate_series(CAST(:agreed AS bigint) + 1, CAST(:used AS bigint)) AS seq
    ON CONFLICT DO NOTHING
    """
)
RAISE_HEAD = text(
    """
    UPDATE outbox_head SET last_seq = greatest(
        CAST(:used AS bigint), (SELECT max(seq) FROM outbox WHERE partition = :partition)
    )
    WHERE partition = :partition RETURNING last_seq
    """
)


class FenceRefused(Exception):
    """The stream is ahead by more than can be mended without a person; the message says how to go on."""


@dataclass(frozen=True, slots=True)
class Mended:
    """What was done to bring database and streams together again."""

    renumbered: int
    adopted: int
    lost: int
    head: int


@dataclass(slots=True)
class Published:
    """The entries of a stream that the database does not have at their number.

    Shape: `agreed` is the last number at which both have the same event, None when no entry tells;
           `lowest` is the lowest number at which an entry stands
    """

    lowest: int
    agreed: int | None = None
    events: list[Envelope] = field(default_factory=list)


async def mend(database: Database, redis: Redis, source: str, partition: int) -> Mended | None:
    """Bring one partition together again, or answer None when nothing is wrong; safe to call at any time, by many."""
    async with database.engine.begin() as connection:
        # From here on nobody gives a number in this partition, so whatever is above the head is truly ahead.
        head: int = (await connection.execute(LOCK_HEAD, {"partition": partition})).scalar_one()
        (tail,) = await stream.tails(redis, source, [partition])
        used = max(tail.last, tail.passed if tail.passed > head else 0)
        agreed, events = await _compare(connection, redis, source, partition, head, tail)
        if agreed >= used:
            return None
        if used - agreed > AHEAD_MAX:
            raise FenceRefused(
                f"{stream.stream_name(source, partition)} is ahead by {used - agreed} numbers: "
                "when it was not filled by this installation, delete it and its positions, and it is filled again"
            )
        mended = await _rewrite(connection, partition, agreed, used, events)
    reach("fence.after_commit")
    log.warning(
        "fence mended", source=source, partition=partition, agreed=agreed, used=used, **msgspec.to_builtins(mended)
    )
    return mended


async def _rewrite(
    connection: AsyncConnection, partition: int, agreed: int, used: int, events: Sequence[Envelope]
) -> Mended:
    at = {"partition": partition, "agreed": agreed, "used": used}
    # An event that was renumbered and sent before the restore stands in Redis already: it must not be sent again.
    await connection.execute(FORGET_PUBLISHED, {**at, "ids": [event.id for event in events]})
    await connection.execute(SET_ASIDE, {**at, "aside": ASIDE})
    reach("fence.between_updates")
    renumbered = (await connection.execute(RENUMBER, {**at, "aside": ASIDE})).rowcount
    if events:
        await connection.execute(ADOPT, [_row(event) for event in events])
    lost = (await connection.execute(BURY, {**at, "type": stream.LOST, "data": msgspec.msgpack.encode({})})).rowcount
    head: int = (await connection.execute(RAISE_HEAD, at)).scalar_one()
    reach("fence.before_commit")
    return Mended(renumbered=renumbered, adopted=used - agreed - lost, lost=lost, head=head)


async def _compare(
    connection: AsyncConnection, redis: Redis, source: str, partition: int, head: int, tail: stream.Tail
) -> tuple[int, list[Envelope]]:
    """Find the last number that both have in common, and the events that stand in Redis above it."""
    published = await _published(connection, redis, source, partition, head, tail)
    if published.lowest > max(tail.last, head):
        return head, []  # no entry speaks against what we have
    if published.agreed is None:
        # No entry tells where they part. A row from after the restore is younger than all that stands in Redis.
        latest: datetime | None = max((event.time for event in published.events), default=None)
        found = await connection.execute(
            LAST_BEFORE, {"partition": partition, "below": published.lowest, "latest": latest}
        )
        published.agreed = min(found.scalar_one(), published.lowest - 1)
    return published.agreed, [event for event in published.events if event.seq > published.agreed]


async def _published(
    connection: AsyncConnection, redis: Redis, source: str, partition: int, head: int, tail: stream.Tail
) -> Published:
    """Walk back from the end of the stream to the first entry whose event the database has at that number."""
    published = Published(lowest=max(tail.last, head) + 1)
    before: bytes | None = None
    while True:
        entries = await stream.backwards(redis, stream.stream_name(source, partition), before, ENTRIES_PER_READ)
        if not entries:
            return published
        seqs = [stream.number_of(entry_id) for entry_id, _ in entries]
        rows = await connection.execute(IDS_AT, {"partition": partition, "seqs": seqs})
        ours = {row.seq: row for row in rows}
        for seq, (entry_id, fields) in zip(seqs, entries, strict=True):
            row = ours.get(seq)
            if (row is None and seq <= head) or (row is not None and _same(row.id, row.type, fields)):
                published.agreed = seq
                return published
            published.lowest = seq
            if (event := _readable(source, partition, entry_id, fields)) is not None:
                published.events.append(event)
            if len(published.events) > AHEAD_MAX:
                return published
        before = entries[-1][0]


def _same(event_id: UUID, kind: str, fields: stream.Fields) -> bool:
    """Tell whether a row is the event of an entry; a tombstone stands for whatever it meets at its number."""
    return kind == stream.LOST or fields.get(b"id", b"") == str(event_id).encode()


def _readable(source: str, partition: int, entry_id: bytes, fields: stream.Fields) -> Envelope | None:
    try:
        return stream.envelope_of(source, partition, stream.seq_of(entry_id), fields)
    except stream.Unreadable:
        return None


def _row(event: Envelope) -> dict[str, object]:
    row = msgspec.structs.asdict(event)
    del row["source"]
    return row
