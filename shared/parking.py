"""Parked events: what could not be handled waits here, in order, and holds up nothing but its own aggregate.

An event that fails is parked, and behind it every later one of the same subject. The first of a subject is tried
again with a growing delay; when it goes through or is dropped, the next one's turn comes at once. Whoever changes
what is parked holds the lock of the checkpoint of that partition.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Uuid,
    text,
    tuple_,
)
from sqlalchemy.exc import DBAPIError
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.envelope import Envelope
from shared.database import sqlstate
from shared.operator_acts import Act, Operator, note
from shared.problems import Refusal
from shared.reaction import NotYet
from shared.stream import Unreadable

POISON_DELAY_SECONDS: Final = 5
POISON_DELAY_SECONDS_MAX: Final = 3600
NOT_YET_DELAY_SECONDS: Final = 1
NOT_YET_DELAY_SECONDS_MAX: Final = 60
LISTED_MAX: Final = 500


class ParkedBecause(StrEnum):
    """Why an event is parked: it fails, it came before what it needs, or an earlier one of its subject is parked."""

    POISON = "poison"
    NOT_YET = "not_yet"
    BEHIND = "behind"


class ParkedRow(SQLModel, table=True):
    """One event that waits, with what is needed to run it later.

    Shape: `due_at` is null while an earlier event of the subject is parked; `id` and `time` are null when the entry
           could not be read at all, and `data` then holds what stood in the stream
    """

    __tablename__ = "parked"
    __table_args__ = (
        CheckConstraint("seq > 0", name="parked_seq_positive"),
        CheckConstraint("attempts >= 0", name="parked_attempts_not_negative"),
        CheckConstraint("reason IN ('poison', 'not_yet', 'behind')", name="parked_reason_known"),
        CheckConstraint("due_at IS NOT NULL OR reason = 'behind'", name="parked_first_is_due"),
        CheckConstraint("(id IS NULL) = (time IS NULL)", name="parked_unreadable_whole"),
        Index("parked_subject", "source", "partition", "subject", "seq"),
        Index("parked_due_at", "due_at"),
    )

    source: str = Field(primary_key=True)
    partition: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    id: UUID | None = Field(default=None, sa_column=Column(Uuid, nullable=True))
    type: str
    subject: str
    time: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=True))
    actor: str
    region: str
    traceparent: str
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    reason: str
    attempts: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    due_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=True))
    error: str = ""
    parked_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))

    @property
    def envelope(self) -> Envelope:
        """Give the event as it came; raises Unreadable when it could not be read then either."""
        if self.id is None or self.time is None:
            raise Unreadable("the entry could not be read when it arrived")
        return Envelope(
            source=self.source,
            partition=self.partition,
            seq=self.seq,
            id=self.id,
            type=self.type,
            subject=self.subject,
            time=self.time,
            actor=self.actor,
            region=self.region,
            traceparent=self.traceparent,
            data=self.data,
        )


def parked(envelope: Envelope, now: datetime, error: Exception | None, attempts: int = 1) -> ParkedRow:
    """Give the row of an event that waits: for its own sake when there is an error, else behind an earlier one."""
    return ParkedRow(
        source=envelope.source,
        partition=envelope.partition,
        seq=envelope.seq,
        id=envelope.id,
        type=envelope.type,
        subject=envelope.subject,
        time=envelope.time,
        actor=envelope.actor,
        region=envelope.region,
        traceparent=envelope.traceparent,
        data=envelope.data,
        reason=reason_of(error) if error else ParkedBecause.BEHIND,
        attempts=attempts if error else 0,
        due_at=now + delay(error, attempts) if error else None,
        error=told(error) if error else "",
        parked_at=now,
    )


def unreadable(source: str, partition: int, seq: int, raw: bytes, fault: str, now: datetime) -> ParkedRow:
    """Give the row of an entry that is not an event; nobody can say what it is about, so nothing waits behind it."""
    error = Unreadable(fault)
    return ParkedRow(
        source=source,
        partition=partition,
        seq=seq,
        type="",
        subject=f"unreadable/{seq}",
        actor="",
        region="",
        traceparent="",
        data=raw,
        reason=ParkedBecause.POISON,
        attempts=1,
        due_at=now + delay(error, 1),
        error=told(error),
        parked_at=now,
    )


def reason_of(error: Exception) -> ParkedBecause:
    """Tell an event that came too early from one that fails."""
    return ParkedBecause.NOT_YET if isinstance(error, NotYet) else ParkedBecause.POISON


def delay(error: Exception, attempts: int) -> timedelta:
    """Give how long to wait after so many attempts: doubling, within bounds."""
    first, most = (
        (NOT_YET_DELAY_SECONDS, NOT_YET_DELAY_SECONDS_MAX)
        if isinstance(error, NotYet)
        else (POISON_DELAY_SECONDS, POISON_DELAY_SECONDS_MAX)
    )
    return timedelta(seconds=min(first * 2 ** min(attempts - 1, 16), most))


def told(error: Exception) -> str:
    """Say what went wrong without saying about whom: class and code, and the text only where it is our own."""
    name = type(error).__name__
    if isinstance(error, NotYet | Unreadable):
        return f"{name}: {error}"
    if isinstance(error, Refusal):
        return f"{name} {error.code}"
    if isinstance(error, DBAPIError):
        driver = error.orig.__cause__ if error.orig and error.orig.__cause__ else error.orig
        return f"{type(driver).__name__} {sqlstate(error) or ''}".rstrip()
    return name


async def waiting_subjects(session: AsyncSession, source: str, partition: int) -> set[str]:
    """Name the subjects that have an event parked, behind which later ones must wait."""
    found = await session.execute(
        text("SELECT DISTINCT subject FROM parked WHERE source = :source AND partition = :partition"),
        {"source": source, "partition": partition},
    )
    return set(found.scalars())


async def due(session: AsyncSession, now: datetime, limit: int = 100) -> list[ParkedRow]:
    """Give the events whose turn it is, longest due first."""
    rows = await session.exec(
        select(ParkedRow).where(col(ParkedRow.due_at) <= now).order_by(col(ParkedRow.due_at)).limit(limit)
    )
    return list(rows)


async def first_of(session: AsyncSession, source: str, partition: int, subject: str) -> ParkedRow | None:
    """Give the first parked event of a subject, the only one that may run."""
    rows = await session.exec(
        select(ParkedRow)
        .where(ParkedRow.source == source, ParkedRow.partition == partition, ParkedRow.subject == subject)
        .order_by(col(ParkedRow.seq))
        .limit(1)
    )
    return rows.first()


async def leave(session: AsyncSession, row: ParkedRow, now: datetime) -> None:
    """Take an event out; the next one of its subject is due at once."""
    await session.delete(row)
    await session.flush()
    following = await first_of(session, row.source, row.partition, row.subject)
    if following is not None and following.due_at is None:
        following.due_at = now
        await session.flush()


def postpone(row: ParkedRow, error: Exception, now: datetime) -> None:
    """Note one more failure and wait longer than the last time."""
    row.attempts += 1
    row.reason = reason_of(error)
    row.due_at = now + delay(error, row.attempts)
    row.error = told(error)


async def counts(session: AsyncSession) -> dict[ParkedBecause, int]:
    """Count what is parked by its reason; an event that only waits for another fact is not poison."""
    found = await session.execute(text("SELECT reason, count(*) FROM parked GROUP BY reason"))
    counted = {str(reason): int(number) for reason, number in found}
    return {reason: counted.get(reason, 0) for reason in ParkedBecause}


async def listed(
    session: AsyncSession, limit: int = LISTED_MAX, after: tuple[str, int, int] | None = None
) -> Sequence[ParkedRow]:
    """List what is parked by its numbers, which is the order in which each subject will run.

    Shape: `after` is (source, partition, seq) of the last one of the page before
    """
    order = col(ParkedRow.source), col(ParkedRow.partition), col(ParkedRow.seq)
    rows = select(ParkedRow).order_by(*order).limit(min(limit, LISTED_MAX))
    if after is not None:
        rows = rows.where(tuple_(*order) > after)
    return (await session.exec(rows)).all()


async def shown(session: AsyncSession, source: str, partition: int, seq: int) -> ParkedRow | None:
    """Give one parked event, or None when there is none of that number."""
    return await session.get(ParkedRow, (source, partition, seq))


async def replay(session: AsyncSession, source: str, partition: int, seq: int, now: datetime) -> ParkedRow | None:
    """Make the subject of a parked event due now; the running consumers take it up within a second, first to last.

    Shape: answers with the event that will run first, which may be an earlier one of the same subject
    """
    await lock(session, source, partition)
    row = await shown(session, source, partition, seq)
    first = row and await first_of(session, source, partition, row.subject)
    if first:
        first.due_at = now
    return first


async def drop(session: AsyncSession, source: str, partition: int, seq: int, operator: Operator) -> ParkedRow | None:
    """Throw one parked event away; answers with what it was. The next of its subject is due at once.

    Who did it and why is kept with the event itself, in the same transaction.
    """
    await lock(session, source, partition)
    row = await shown(session, source, partition, seq)
    if row:
        event = msgspec.msgpack.encode(row.model_dump())
        note(session, operator, Act.DROP, source, partition, numbers=(seq, seq), subject=row.subject, event=event)
        await leave(session, row, operator.now)
    return row


async def hand_again(session: AsyncSession, envelopes: Iterable[Envelope], now: datetime) -> int:
    """Park events that took effect before, so that the running consumers handle them once more; gives how many.

    Each subject runs in the order of its numbers, and what arrives meanwhile waits behind it. So whoever hands an
    event again must hand all later ones of its subject too, or what an earlier one says would be the last word.
    An event that is parked already stays as it is. The caller holds the lock of each partition concerned.
    """
    lanes: set[tuple[str, int, str]] = set()
    handed = 0
    for envelope in envelopes:
        lanes.add((envelope.source, envelope.partition, envelope.subject))
        if await shown(session, envelope.source, envelope.partition, envelope.seq) is None:
            session.add(parked(envelope, now, None))
            handed += 1
    await session.flush()
    for lane in sorted(lanes):
        first = await first_of(session, *lane)
        if first is not None and first.due_at is None:
            first.due_at = now
    return handed


async def lock(session: AsyncSession, source: str, partition: int) -> int | None:
    """Hold the checkpoint of a partition until the end of the transaction; gives its position, None when new."""
    found = await session.execute(
        text("SELECT last_seq FROM checkpoint WHERE source = :source AND partition = :partition FOR UPDATE"),
        {"source": source, "partition": partition},
    )
    position: int | None = found.scalar_one_or_none()
    return position
