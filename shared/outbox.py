"""The numbered outbox: every event gets the next number of its partition in the transaction of its change.

The head row of a partition stays locked from the moment a number is given until the commit, so the order of
numbers is the order of commits, and a rollback gives its numbers back: there is never a hole.
"""

from datetime import datetime
from uuid import UUID
from zlib import crc32

import msgspec
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Uuid,
    text,
)
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.arrays import array, of_arrays
from shared.caller import Caller
from shared.contracts import Event
from shared.crashpoints import reach
from shared.problems import TooLarge

EVENT_BYTES_MAX = 500_000
"""The most that the data of one event may be: twice what the largest order that we accept has to tell.

It bounds what many events come to: a batch of a consumer (100) stays below 50 MB, a page of a feed or a batch of the
relay (500) below 250 MB, and in practice far below: an event has some 400 bytes.
"""

EVENTS_PER_STATEMENT = 5_000
"""So that a transaction with a hundred thousand events neither runs out of time nor fills the memory twice."""

WAKE_CHANNEL = "outbox"
"""The NOTIFY channel on which a relay hears that something was committed."""


class OutboxHeadRow(SQLModel, table=True):
    """The last number given in one partition; as many rows as the installation has partitions."""

    __tablename__ = "outbox_head"
    __table_args__ = (CheckConstraint("last_seq >= 0", name="outbox_head_last_seq_not_negative"),)

    partition: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    last_seq: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))


class OutboxRow(SQLModel, table=True):
    """One recorded event with its number; rows are only ever added, and pruned when everyone has passed them."""

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("seq > 0", name="outbox_seq_positive"),
        Index("outbox_time", "time"),
        Index("outbox_id", "id", unique=True),
    )

    partition: int = Field(
        sa_column=Column(SmallInteger, ForeignKey("outbox_head.partition"), primary_key=True, autoincrement=False)
    )
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    type: str
    subject: str
    time: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    actor: str
    region: str
    traceparent: str
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class EventTooLarge(TooLarge):
    """What happened has more to tell than one event may carry; the change that it reports is not made."""

    code = "event_too_large"
    title = "Too much for one order"


class Recorded(msgspec.Struct, frozen=True):
    """An event that waits for its number."""

    id: UUID
    type: str
    subject: str
    time: datetime
    actor: str
    region: str
    traceparent: str
    data: bytes


def recorded(event: Event, caller: Caller, region: str, event_id: UUID, now: datetime) -> Recorded:
    """Turn a fact into the row that will carry it; the trace of the request goes along.

    Raises: EventTooLarge (413), before anything is written
    """
    data = msgspec.msgpack.encode(event)
    if len(data) > EVENT_BYTES_MAX:
        raise EventTooLarge(
            f"{event.type} would have {len(data)} bytes, at most {EVENT_BYTES_MAX} are carried: ask for it in parts.",
            bytes=len(data),
            limit_bytes=EVENT_BYTES_MAX,
        )
    return Recorded(
        id=event_id,
        type=event.type,
        subject=event.subject,
        time=now,
        actor=caller.subject,
        region=region,
        traceparent=caller.traceparent,
        data=data,
    )


def partition_of(subject: str, partitions: int) -> int:
    """Give the partition of an aggregate; all its events share one, which is what keeps their order."""
    return crc32(subject.encode()) % partitions


# One statement raises the heads and inserts the rows: two cost a third more. Heads are locked in ascending
# order first, so that two transactions over several partitions cannot wait for each other in a circle.
WRITE = of_arrays(
    """
    WITH incoming AS (
        SELECT * FROM unnest(
            CAST(:partitions AS smallint[]), CAST(:ids AS uuid[]), CAST(:types AS text[]), CAST(:subjects AS text[]),
            CAST(:times AS timestamptz[]), CAST(:actors AS text[]), CAST(:regions AS text[]),
            CAST(:traceparents AS text[]), CAST(:data AS bytea[])
        ) WITH ORDINALITY AS i(partition, id, type, subject, time, actor, region, traceparent, data, position)
    ), locked AS MATERIALIZED (
        SELECT partition FROM outbox_head
        WHERE partition IN (SELECT partition FROM incoming) ORDER BY partition FOR UPDATE
    ), raised AS (
        UPDATE outbox_head AS head SET last_seq = head.last_seq + fresh.events
        FROM (SELECT partition, count(*) AS events FROM locked JOIN incoming USING (partition) GROUP BY partition) fresh
        WHERE head.partition = fresh.partition
        RETURNING head.partition, head.last_seq - fresh.events AS before
    ), written AS (
        INSERT INTO outbox (partition, seq, id, type, subject, time, actor, region, traceparent, data)
        SELECT partition, before + row_number() OVER (PARTITION BY partition ORDER BY position),
               id, type, subject, time, actor, region, traceparent, data
        FROM incoming JOIN raised USING (partition)
        RETURNING seq
    )
    SELECT (SELECT count(*) FROM written), pg_notify('outbox', '')
    """
)


LOCK = text(
    "SELECT partition FROM outbox_head WHERE partition = ANY(CAST(:partitions AS smallint[]))"
    " ORDER BY partition FOR UPDATE"
)


async def write(session: AsyncSession, events: list[Recorded], partitions: int) -> None:
    """Number and insert the events of a transaction; must be the last statement before its commit."""
    if len(events) > EVENTS_PER_STATEMENT:  # all that the statements will need, or they would lock in another order
        needed = sorted({partition_of(event.subject, partitions) for event in events})
        await session.execute(LOCK, {"partitions": needed})
    for begin in range(0, len(events), EVENTS_PER_STATEMENT):
        await _write(session, events[begin : begin + EVENTS_PER_STATEMENT], partitions)
    if events:
        reach("outbox.after_numbering")


async def _write(session: AsyncSession, events: list[Recorded], partitions: int) -> None:
    answer = await session.execute(
        WRITE,
        {
            "partitions": array([partition_of(event.subject, partitions) for event in events]),
            "ids": array([event.id for event in events]),
            "types": array([event.type for event in events]),
            "subjects": array([event.subject for event in events]),
            "times": array([event.time for event in events]),
            "actors": array([event.actor for event in events]),
            "regions": array([event.region for event in events]),
            "traceparents": array([event.traceparent for event in events]),
            "data": [event.data for event in events],
        },
    )
    if answer.scalar_one() != len(events):
        raise LookupError("the outbox has no head for a partition: PARTITIONS differs from the installed number")


async def install_heads(session: AsyncSession, partitions: int) -> None:
    """Make the head rows at installation; a different number later is refused, since it would break the order."""
    present = (await session.execute(text("SELECT count(*) FROM outbox_head"))).scalar_one()
    if present not in (0, partitions):
        raise ValueError(f"installed with {present} partitions, PARTITIONS asks for {partitions}: set it to {present}")
    for partition in range(partitions):
        await session.execute(
            text("INSERT INTO outbox_head (partition) VALUES (:partition) ON CONFLICT DO NOTHING"),
            {"partition": partition},
        )
