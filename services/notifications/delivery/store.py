"""What is stored of deliveries, and the conditional moves between their states."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Row,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notifications.delivery.domain import ERRORS_MAX, REPLY_LENGTH_MAX, Change, Reason, State

WAKE_CHANNEL = "delivery"
"""The NOTIFY channel on which senders hear that something was queued."""

STATES_SQL = ", ".join(repr(state.value) for state in State)
REASONS_SQL = ", ".join(repr(reason.value) for reason in Reason)


class DeliveryRow(SQLModel, table=True):
    """One message on its way over one channel; a trigger keeps later states from moving back."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("message_id", "channel", name="delivery_once"),
        CheckConstraint("channel IN ('email')", name="delivery_channel_known"),
        CheckConstraint(f"state IN ({STATES_SQL})", name="delivery_state_known"),
        CheckConstraint(f"reason IN ({REASONS_SQL})", name="delivery_reason_known"),
        CheckConstraint("state NOT IN ('failed', 'unknown') OR reason IS NOT NULL", name="delivery_reason_given"),
        CheckConstraint(
            "state <> 'sending' OR (leased_by IS NOT NULL AND leased_until IS NOT NULL)", name="delivery_sending_leased"
        ),
        CheckConstraint(
            "state NOT IN ('accepted', 'delivered') OR accepted_at IS NOT NULL", name="delivery_accepted_at_given"
        ),
        CheckConstraint(f"attempts BETWEEN 0 AND {ERRORS_MAX}", name="delivery_attempts_limited"),
        CheckConstraint(f"length(reply) <= {REPLY_LENGTH_MAX}", name="delivery_reply_length"),
        CheckConstraint("length(person) BETWEEN 7 AND 206", name="delivery_person_length"),
        CheckConstraint("length(region) BETWEEN 2 AND 13", name="delivery_region_length"),
        CheckConstraint("length(traceparent) <= 55", name="delivery_traceparent_length"),
        Index("delivery_due", "due_at", "id", postgresql_where=text("state = 'queued'")),
        Index("delivery_age", "created_at", postgresql_where=text("state = 'queued'")),
        Index("delivery_leased", "leased_until", postgresql_where=text("state = 'sending'")),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    message_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("message.id"), nullable=False))
    person: str = Field(sa_column=Column(Text, nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    channel: str = Field(sa_column=Column(Text, nullable=False))
    state: str = Field(default=State.QUEUED.value, sa_column=Column(Text, nullable=False))
    attempts: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False))
    due_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    leased_by: UUID | None = Field(default=None, sa_column=Column(Uuid))
    leased_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    reply: str = Field(default="", sa_column=Column(Text, nullable=False))
    traceparent: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    changed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    accepted_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as the sender needs to know it."""

    id: UUID
    message_id: UUID
    person: str
    region: str
    channel: str
    attempts: int
    traceparent: str


def _seen(rows: Iterable[Row[Any]]) -> list[Delivery]:
    return [
        Delivery(row.id, row.message_id, row.person, row.region, row.channel, row.attempts, row.traceparent)
        for row in rows
    ]


class Wanted(NamedTuple):
    """A message that is to be sent to a person."""

    message_id: UUID
    person: str
    region: str
    traceparent: str


QUEUE = text(
    f"""
    WITH queued AS (
        INSERT INTO delivery (id, message_id, person, region, traceparent, channel, state, attempts, due_at, reply,
                              created_at, changed_at)
        SELECT wanted.*, :channel, 'queued', 0, CAST(:now AS timestamptz), '', CAST(:now AS timestamptz),
               CAST(:now AS timestamptz)
        FROM unnest(
            CAST(:id AS uuid[]), CAST(:message_id AS uuid[]), CAST(:person AS text[]), CAST(:region AS text[]),
            CAST(:traceparent AS text[])
        ) AS wanted
        ON CONFLICT ON CONSTRAINT delivery_once DO NOTHING
    )
    SELECT pg_notify('{WAKE_CHANNEL}', '')
    """  # noqa: S608  the channel is a constant of ours
)


async def queue(
    session: AsyncSession, ids: Sequence[UUID], wanted: Sequence[Wanted], *, channel: str, now: datetime
) -> None:
    """Queue deliveries, each under its own id, and wake the senders at commit."""
    columns = zip(Wanted._fields, map(list, zip(*wanted, strict=True)), strict=True)
    await session.execute(QUEUE, {**dict(columns), "id": list(ids), "channel": channel, "now": now})


LEASE = text(
    """
    UPDATE delivery SET leased_by = :sender, leased_until = CAST(:until AS timestamptz)
    WHERE id IN (
        SELECT id FROM delivery
        WHERE state = 'queued' AND channel = :channel AND due_at <= CAST(:now AS timestamptz)
          AND (leased_until IS NULL OR leased_until <= CAST(:now AS timestamptz))
        ORDER BY due_at, id LIMIT :rows FOR UPDATE SKIP LOCKED
    )
    RETURNING *
    """
)


async def lease(
    session: AsyncSession, sender: UUID, channel: str, *, now: datetime, until: datetime, rows: int
) -> list[Delivery]:
    """Take what is due for one sender alone until a moment; what others are taking is passed over."""
    found = await session.execute(
        LEASE, {"sender": sender, "channel": channel, "now": now, "until": until, "rows": rows}
    )
    return sorted(_seen(found), key=lambda delivery: delivery.id)


BEGIN = text(
    "UPDATE delivery SET state = 'sending', attempts = attempts + 1, changed_at = CAST(:now AS timestamptz),"
    " leased_until = CAST(:until AS timestamptz)"
    " WHERE id = :id AND state = 'queued' AND leased_by = :sender AND leased_until > CAST(:now AS timestamptz)"
    " RETURNING attempts"
)


async def begin(
    session: AsyncSession, sender: UUID, delivery_id: UUID, *, now: datetime, until: datetime
) -> int | None:
    """Mark a delivery as being handed over and give its attempt; None when the lease is not the sender's any more."""
    row = await session.execute(BEGIN, {"id": delivery_id, "sender": sender, "now": now, "until": until})
    attempts: int | None = row.scalar_one_or_none()
    return attempts


# A sender that was away until its delivery fell into doubt may still say what became of it, but not send it again.
SETTLE = text(
    """
    UPDATE delivery SET state = CAST(:state AS text), reason = :reason, reply = :reply, leased_until = NULL,
        changed_at = CAST(:now AS timestamptz), due_at = coalesce(CAST(:due_at AS timestamptz), due_at),
        accepted_at = CASE WHEN CAST(:state AS text) = 'accepted' THEN CAST(:now AS timestamptz) ELSE accepted_at END
    WHERE id = :id AND leased_by = :sender
      AND (state = 'sending' OR (state = 'unknown' AND CAST(:state AS text) NOT IN ('unknown', 'queued')))
    RETURNING id
    """
)


async def settle(session: AsyncSession, sender: UUID, delivery_id: UUID, change: Change, now: datetime) -> bool:
    """Write what became of a delivery; False when a receipt or a person has settled it already."""
    moved = await session.execute(
        SETTLE,
        {
            "id": delivery_id,
            "sender": sender,
            "state": change.state.value,
            "reason": change.reason.value if change.reason else None,
            "reply": change.reply,
            "due_at": change.due_at,
            "now": now,
        },
    )
    return moved.scalar_one_or_none() is not None


RELEASE = text(
    "UPDATE delivery SET leased_by = NULL, leased_until = NULL WHERE leased_by = :sender AND state = 'queued'"
)


async def release(session: AsyncSession, sender: UUID) -> None:
    """Give back everything that a sender has taken and not begun."""
    await session.execute(RELEASE, {"sender": sender})


FORGET = text("UPDATE delivery SET reply = '' WHERE person = :person AND reply <> ''")


async def forget(session: AsyncSession, person: str) -> None:
    """Take away what servers answered about the address of a person."""
    await session.execute(FORGET, {"person": person})


DOUBT = text(
    """
    UPDATE delivery SET state = 'unknown', reason = 'answer_lost', leased_until = NULL,
        changed_at = CAST(:now AS timestamptz)
    WHERE id IN (
        SELECT id FROM delivery WHERE state = 'sending' AND leased_until <= CAST(:now AS timestamptz)
        ORDER BY leased_until LIMIT :rows FOR UPDATE SKIP LOCKED
    )
    RETURNING *
    """
)


async def doubt(session: AsyncSession, *, now: datetime, rows: int) -> list[Delivery]:
    """Put in doubt what a sender began and never finished; gives what is in doubt from now on."""
    return _seen(await session.execute(DOUBT, {"now": now, "rows": rows}))


AGE = text(
    """
    UPDATE delivery SET state = 'failed', reason = 'too_old', leased_by = NULL, leased_until = NULL,
        changed_at = CAST(:now AS timestamptz)
    WHERE id IN (
        SELECT id FROM delivery WHERE state = 'queued' AND created_at <= CAST(:before AS timestamptz)
          AND (leased_until IS NULL OR leased_until <= CAST(:now AS timestamptz))
        ORDER BY created_at LIMIT :rows FOR UPDATE SKIP LOCKED
    )
    RETURNING *
    """
)


async def age(session: AsyncSession, *, before: datetime, now: datetime, rows: int) -> list[Delivery]:
    """Fail what has been waiting since before a moment; gives what has failed by it."""
    return _seen(await session.execute(AGE, {"before": before, "now": now, "rows": rows}))


PAGE = text(
    "SELECT * FROM delivery"
    " WHERE (CAST(:after AS uuid) IS NULL OR id < CAST(:after AS uuid))"
    " AND (CAST(:state AS text) IS NULL OR state = CAST(:state AS text))"
    " AND EXISTS (SELECT FROM unnest(CAST(:regions AS text[])) AS own"
    " WHERE region = own OR starts_with(region, own || '.'))"
    " ORDER BY id DESC LIMIT :rows"
)


async def page(
    session: AsyncSession, regions: Sequence[str], state: str | None, after: UUID | None, limit: int
) -> list[DeliveryRow]:
    """List the deliveries of some regions, newest first, and one row more than the limit."""
    rows = await session.execute(PAGE, {"regions": list(regions), "state": state, "after": after, "rows": limit + 1})
    return [DeliveryRow(**row) for row in rows.mappings()]
