"""What is stored of deliveries, and the conditional moves between their states."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notifications.delivery.domain import (
    ATTEMPTS_MAX,
    COST_RUPIAH_MAX,
    ERRORS_MAX,
    PROVIDER_ID_LENGTH_MAX,
    REPLY_LENGTH_MAX,
    Attempt,
    Change,
    Reason,
    State,
)
from services.notifications.plans import BY_PHONE, HELD_LANE, Channel, Lane, Plan

WAKE_CHANNEL = "delivery"
"""The NOTIFY channel on which senders hear that something was queued."""

STATES_SQL = ", ".join(repr(state.value) for state in State)
CHANNELS_SQL = ", ".join(repr(channel.value) for channel in Channel)
REASONS_SQL = ", ".join(repr(reason.value) for reason in Reason)


class DeliveryRow(SQLModel, table=True):
    """One message on its way over one channel; a trigger keeps later states from moving back."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("message_id", "channel", name="delivery_once"),
        CheckConstraint(f"channel IN ({CHANNELS_SQL})", name="delivery_channel_known"),
        CheckConstraint(f"state IN ({STATES_SQL})", name="delivery_state_known"),
        CheckConstraint(f"reason IN ({REASONS_SQL})", name="delivery_reason_known"),
        CheckConstraint("state NOT IN ('failed', 'unknown') OR reason IS NOT NULL", name="delivery_reason_given"),
        CheckConstraint(
            "state <> 'sending' OR (leased_by IS NOT NULL AND leased_until IS NOT NULL)", name="delivery_sending_leased"
        ),
        CheckConstraint(
            "state NOT IN ('accepted', 'delivered') OR accepted_at IS NOT NULL", name="delivery_accepted_at_given"
        ),
        CheckConstraint(f"attempts BETWEEN 0 AND {ATTEMPTS_MAX}", name="delivery_attempts_limited"),
        CheckConstraint(f"errors BETWEEN 0 AND {ERRORS_MAX}", name="delivery_errors_limited"),
        CheckConstraint(f"lane BETWEEN 0 AND {HELD_LANE}", name="delivery_lane_known"),
        CheckConstraint(
            f"cardinality(rest) <= {len(Channel)} AND NOT channel = ANY (rest)", name="delivery_rest_limited"
        ),
        CheckConstraint(
            f"length(provider_id) BETWEEN 1 AND {PROVIDER_ID_LENGTH_MAX}", name="delivery_provider_id_length"
        ),
        CheckConstraint(f"cost_rupiah BETWEEN 0 AND {COST_RUPIAH_MAX}", name="delivery_cost_limited"),
        CheckConstraint("length(resolution) BETWEEN 1 AND 200", name="delivery_resolution_length"),
        CheckConstraint("(resolved_by IS NULL) = (resolution IS NULL)", name="delivery_resolution_whole"),
        CheckConstraint(f"length(reply) <= {REPLY_LENGTH_MAX}", name="delivery_reply_length"),
        CheckConstraint("length(person) BETWEEN 7 AND 206", name="delivery_person_length"),
        CheckConstraint("length(region) BETWEEN 2 AND 13", name="delivery_region_length"),
        CheckConstraint("length(traceparent) <= 55", name="delivery_traceparent_length"),
        Index("delivery_due", "channel", "lane", "due_at", "id", postgresql_where=text("state = 'queued'")),
        Index("delivery_expiry", "expires_at", postgresql_where=text("state = 'queued'")),
        Index("delivery_provider", "channel", "provider_id"),
        Index("delivery_leased", "leased_until", postgresql_where=text("state = 'sending'")),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    message_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("message.id"), nullable=False))
    person: str = Field(sa_column=Column(Text, nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    channel: str = Field(sa_column=Column(Text, nullable=False))
    state: str = Field(default=State.QUEUED.value, sa_column=Column(Text, nullable=False))
    lane: int = Field(sa_column=Column(SmallInteger, nullable=False))
    rest: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    attempts: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False))
    errors: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False))
    doubted: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    due_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    leased_by: UUID | None = Field(default=None, sa_column=Column(Uuid))
    leased_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    reply: str = Field(default="", sa_column=Column(Text, nullable=False))
    provider_id: str | None = Field(default=None, sa_column=Column(Text))
    cost_rupiah: int | None = Field(default=None, sa_column=Column(Integer))
    resolved_by: str | None = Field(default=None, sa_column=Column(Text))
    resolution: str | None = Field(default=None, sa_column=Column(Text))
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
    state: str
    attempts: int
    traceparent: str
    lane: int


def seen(rows: Iterable[Any]) -> list[Delivery]:
    """Give stored deliveries as the sender knows them."""
    return [
        Delivery(
            id=row.id,
            message_id=row.message_id,
            person=row.person,
            region=row.region,
            channel=row.channel,
            state=row.state,
            attempts=row.attempts,
            traceparent=row.traceparent,
            lane=row.lane,
        )
        for row in rows
    ]


async def one(session: AsyncSession, delivery_id: UUID) -> DeliveryRow | None:
    """Find a delivery."""
    return await session.get(DeliveryRow, delivery_id, populate_existing=True)


class Wanted(NamedTuple):
    """A message that is to be sent to a person, and how."""

    message_id: UUID
    person: str
    region: str
    traceparent: str
    plan: Plan


QUEUE = text(
    f"""
    WITH queued AS (
        INSERT INTO delivery (id, message_id, person, region, traceparent, channel, lane, due_at, expires_at, rest,
                              state, attempts, errors, doubted, reply, created_at, changed_at)
        SELECT id, message_id, person, region, traceparent, channels[1], lane, due_at, expires_at, channels[2:],
               'queued', 0, 0, false, '', CAST(:now AS timestamptz), CAST(:now AS timestamptz)
        FROM (
            SELECT *, string_to_array(ways, ' ') AS channels FROM unnest(
                CAST(:id AS uuid[]), CAST(:message_id AS uuid[]), CAST(:person AS text[]), CAST(:region AS text[]),
                CAST(:traceparent AS text[]), CAST(:ways AS text[]), CAST(:lane AS smallint[]),
                CAST(:due_at AS timestamptz[]), CAST(:expires_at AS timestamptz[])
            ) AS w(id, message_id, person, region, traceparent, ways, lane, due_at, expires_at)
        ) AS wanted
        ON CONFLICT ON CONSTRAINT delivery_once DO NOTHING
    )
    SELECT pg_notify('{WAKE_CHANNEL}', '')
    """  # noqa: S608  the channel is a constant of ours
)


async def queue(session: AsyncSession, ids: Sequence[UUID], wanted: Sequence[Wanted], *, now: datetime) -> None:
    """Queue deliveries over the first channel of their plans, each under its own id, and wake the senders at commit."""
    asked = {
        "id": list(ids),
        "message_id": [one.message_id for one in wanted],
        "person": [one.person for one in wanted],
        "region": [one.region for one in wanted],
        "traceparent": [one.traceparent for one in wanted],
        "ways": [" ".join(one.plan.channels) for one in wanted],  # arrays of arrays would have to be of one length
        "lane": [int(one.plan.lane) for one in wanted],
        "due_at": [one.plan.due_at for one in wanted],
        "expires_at": [one.plan.expires_at for one in wanted],
        "now": now,
    }
    await session.execute(QUEUE, asked)


NEXT = text(
    f"""
    WITH queued AS (
        INSERT INTO delivery (id, message_id, person, region, traceparent, channel, lane, due_at, expires_at, rest,
                              state, attempts, errors, doubted, reply, created_at, changed_at)
        SELECT n.new_id, message_id, person, region, traceparent, rest[1], lane, CAST(:now AS timestamptz), expires_at,
               rest[2:], 'queued', 0, 0, false, '', CAST(:now AS timestamptz), CAST(:now AS timestamptz)
        FROM unnest(CAST(:ids AS uuid[]), CAST(:new_ids AS uuid[])) AS n(id, new_id) JOIN delivery USING (id)
        WHERE cardinality(rest) > 0 AND expires_at > CAST(:now AS timestamptz)
        ON CONFLICT ON CONSTRAINT delivery_once DO NOTHING
    )
    SELECT pg_notify('{WAKE_CHANNEL}', '')
    """  # noqa: S608  the channel is a constant of ours
)


async def queue_next(session: AsyncSession, ids: Mapping[UUID, UUID], now: datetime) -> None:
    """Queue the next channel of deliveries that failed, where their plan has one; `ids` names each new one."""
    await session.execute(NEXT, {"ids": list(ids), "new_ids": list(ids.values()), "now": now})


# What failed and has no next channel, unless another delivery of the message is still under way, or has arrived.
LOST = text(
    """
    SELECT DISTINCT message_id FROM delivery d
    WHERE id = ANY(CAST(:ids AS uuid[])) AND state = 'failed'
      AND NOT EXISTS (SELECT FROM delivery o WHERE o.message_id = d.message_id AND o.state <> 'failed')
    ORDER BY message_id
    """
)


async def lost(session: AsyncSession, ids: Sequence[UUID]) -> list[UUID]:
    """Name the messages of deliveries that failed which no channel will bring any more."""
    return list((await session.execute(LOST, {"ids": list(ids)})).scalars())


# Whoever has no WhatsApp may still get text messages: a number is bad when no channel by telephone is left to try.
BAD_NUMBERS = text(
    """
    SELECT * FROM delivery d
    WHERE id = ANY(CAST(:ids AS uuid[])) AND state = 'failed' AND starts_with(person, 'owner/')
      AND channel = ANY(CAST(:by_phone AS text[])) AND NOT rest && CAST(:by_phone AS text[])
      AND reason IN ('bad_address', 'not_set_up')
      AND EXISTS (SELECT FROM delivery o WHERE o.message_id = d.message_id
        AND o.channel = ANY(CAST(:by_phone AS text[])) AND o.reason = 'bad_address')
    ORDER BY id
    """
)


async def bad_numbers(session: AsyncSession, ids: Sequence[UUID]) -> list[Delivery]:
    """Give the deliveries to owners, of those that failed, by which it is known that their number reaches nobody."""
    return seen(await session.execute(BAD_NUMBERS, {"ids": list(ids), "by_phone": sorted(BY_PHONE)}))


# Lane by lane, each in the order of its index: what waits for its moment in one lane does not stand before another.
LEASE = text(
    """
    UPDATE delivery SET leased_by = :sender, leased_until = CAST(:until AS timestamptz)
    WHERE id IN (
        SELECT due.id FROM unnest(CAST(:lanes AS smallint[])) WITH ORDINALITY AS l(lane, place)
        CROSS JOIN LATERAL (
            SELECT id FROM delivery d
            WHERE state = 'queued' AND channel = :channel AND d.lane = l.lane AND due_at <= CAST(:now AS timestamptz)
              AND expires_at > CAST(:now AS timestamptz)
              AND (leased_until IS NULL OR leased_until <= CAST(:now AS timestamptz))
            ORDER BY due_at, id LIMIT :rows FOR UPDATE SKIP LOCKED
        ) AS due
        LIMIT :rows
    )
    RETURNING *
    """
)


async def lease(
    session: AsyncSession,
    sender: UUID,
    channel: str,
    *,
    lanes: Sequence[Lane],
    now: datetime,
    until: datetime,
    rows: int,
) -> list[Delivery]:
    """Take what is due for one sender alone until a moment, by lane; what others are taking is passed over."""
    asked = {"sender": sender, "channel": channel, "lanes": sorted(lanes), "now": now, "until": until, "rows": rows}
    found = (await session.execute(LEASE, asked)).all()
    return seen(sorted(found, key=lambda row: (row.lane, row.due_at, row.id)))


BEGIN = text(
    "UPDATE delivery SET state = 'sending', attempts = attempts + 1, changed_at = CAST(:now AS timestamptz),"
    " leased_until = CAST(:until AS timestamptz)"
    " WHERE id = ANY(CAST(:ids AS uuid[])) AND state = 'queued' AND leased_by = :sender"
    " AND leased_until > CAST(:now AS timestamptz) RETURNING id, attempts, errors, doubted"
)


async def begin(
    session: AsyncSession, sender: UUID, ids: Sequence[UUID], *, now: datetime, until: datetime
) -> dict[UUID, Attempt]:
    """Mark deliveries as being handed over; those whose lease is not the sender's any more are left out."""
    rows = await session.execute(BEGIN, {"ids": list(ids), "sender": sender, "now": now, "until": until})
    return {row.id: Attempt(row.attempts, row.errors, row.doubted) for row in rows}


# A sender that was away until its delivery fell into doubt may still say what became of it, but not send it again.
SETTLE = text(
    """
    UPDATE delivery d SET state = c.state, reason = c.reason, reply = c.reply, leased_until = NULL,
        changed_at = CAST(:now AS timestamptz), due_at = coalesce(c.due_at, d.due_at), errors = c.errors,
        doubted = d.doubted OR c.doubted, provider_id = coalesce(c.provider_id, d.provider_id),
        cost_rupiah = coalesce(c.cost_rupiah, d.cost_rupiah),
        accepted_at = CASE WHEN c.state = 'accepted' THEN CAST(:now AS timestamptz) ELSE accepted_at END
    FROM unnest(
        CAST(:id AS uuid[]), CAST(:state AS text[]), CAST(:reason AS text[]), CAST(:reply AS text[]),
        CAST(:due_at AS timestamptz[]), CAST(:errors AS smallint[]), CAST(:doubted AS boolean[]),
        CAST(:provider_id AS text[]), CAST(:cost_rupiah AS integer[])
    ) AS c(id, state, reason, reply, due_at, errors, doubted, provider_id, cost_rupiah)
    WHERE d.id = c.id AND leased_by = :sender
      AND (d.state = 'sending' OR (d.state = 'unknown' AND c.state NOT IN ('unknown', 'queued')))
    RETURNING d.id
    """
)


async def settle(session: AsyncSession, sender: UUID, changes: Mapping[UUID, Change], now: datetime) -> set[UUID]:
    """Write what became of deliveries; gives those that a receipt or a person had not settled already."""
    told = list(changes.values())
    moved = await session.execute(
        SETTLE,
        {
            "sender": sender,
            "id": list(changes),
            "state": [change.state.value for change in told],
            "reason": [change.reason.value if change.reason else None for change in told],
            "reply": [change.reply for change in told],
            "due_at": [change.due_at for change in told],
            "errors": [change.errors for change in told],
            "doubted": [change.doubted for change in told],
            "provider_id": [change.provider_id for change in told],
            "cost_rupiah": [change.cost_rupiah for change in told],
            "now": now,
        },
    )
    return set(moved.scalars())


RELEASE = text(
    "UPDATE delivery SET leased_by = NULL, leased_until = NULL"
    " WHERE id = ANY(CAST(:ids AS uuid[])) AND leased_by = :sender AND state = 'queued'"
)


async def release(session: AsyncSession, sender: UUID, ids: Sequence[UUID]) -> None:
    """Give back those deliveries that a sender has taken and not begun."""
    await session.execute(RELEASE, {"sender": sender, "ids": list(ids)})


PUT_OFF = text(
    "UPDATE delivery d SET due_at = c.due_at, leased_by = NULL, leased_until = NULL"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:due_at AS timestamptz[])) AS c(id, due_at)"
    " WHERE d.id = c.id AND state = 'queued' AND leased_by = :sender"
)


async def put_off(session: AsyncSession, sender: UUID, due_at: Mapping[UUID, datetime]) -> None:
    """Give back deliveries that a sender has taken and not begun, each until a moment; it counts as no attempt."""
    await session.execute(PUT_OFF, {"sender": sender, "ids": list(due_at), "due_at": list(due_at.values())})


FORGET = text(
    "UPDATE delivery SET reply = '', resolution = CASE WHEN resolution IS NOT NULL THEN '(dihapus)' END"
    " WHERE person = :person AND (reply <> '' OR resolution IS NOT NULL)"
)


async def forget(session: AsyncSession, person: str) -> None:
    """Take away what servers answered about the address of a person."""
    await session.execute(FORGET, {"person": person})


DOUBT = text(
    f"""
    UPDATE delivery SET leased_until = NULL, doubted = true, changed_at = CAST(:now AS timestamptz),
        state = CASE WHEN channel = ANY(CAST(:keyed AS text[])) AND attempts < {ATTEMPTS_MAX}
            THEN 'queued' ELSE 'unknown' END,
        reason = CASE WHEN channel = ANY(CAST(:keyed AS text[])) AND attempts < {ATTEMPTS_MAX}
            THEN reason ELSE 'answer_lost' END
    WHERE id IN (
        SELECT id FROM delivery WHERE state = 'sending' AND leased_until <= CAST(:now AS timestamptz)
        ORDER BY leased_until LIMIT :rows FOR UPDATE SKIP LOCKED
    )
    RETURNING *
    """  # noqa: S608  a number of ours
)


async def doubt(session: AsyncSession, *, keyed: Sequence[str], now: datetime, rows: int) -> list[Delivery]:
    """Put in doubt what a sender began and never finished, or queue it again where the channel knows our key."""
    return seen(await session.execute(DOUBT, {"keyed": list(keyed), "now": now, "rows": rows}))


AGE = text(
    """
    UPDATE delivery SET leased_by = NULL, leased_until = NULL, changed_at = CAST(:now AS timestamptz),
        state = CASE WHEN doubted THEN 'unknown' ELSE 'failed' END,
        reason = CASE WHEN doubted THEN 'answer_lost' ELSE 'too_old' END
    WHERE id IN (
        SELECT id FROM delivery WHERE state = 'queued' AND expires_at <= CAST(:now AS timestamptz)
          AND (leased_until IS NULL OR leased_until <= CAST(:now AS timestamptz))
        ORDER BY expires_at LIMIT :rows FOR UPDATE SKIP LOCKED
    )
    RETURNING *
    """
)


async def age(session: AsyncSession, *, now: datetime, rows: int) -> list[Delivery]:
    """Fail what is worth nothing any more, or leave it in doubt if it may have been taken; gives both."""
    return seen(await session.execute(AGE, {"now": now, "rows": rows}))


REROUTE = text(
    """
    UPDATE delivery SET channel = rest[1], rest = rest[2:], changed_at = CAST(:now AS timestamptz)
    WHERE id IN (
        SELECT id FROM delivery d WHERE state = 'queued' AND attempts = 0 AND channel = ANY(CAST(:lacking AS text[]))
          AND cardinality(rest) > 0
          AND NOT EXISTS (SELECT FROM delivery o WHERE o.message_id = d.message_id AND o.channel = d.rest[1])
        ORDER BY lane LIMIT :rows FOR UPDATE SKIP LOCKED
    )
    RETURNING *
    """
)
STRAND = text(
    """
    UPDATE delivery SET state = 'failed', reason = 'not_set_up', leased_by = NULL, leased_until = NULL,
        changed_at = CAST(:now AS timestamptz)
    WHERE id IN (
        SELECT id FROM delivery WHERE state = 'queued' AND NOT doubted AND channel = ANY(CAST(:lacking AS text[]))
          AND cardinality(rest) = 0 LIMIT :rows FOR UPDATE SKIP LOCKED
    )
    RETURNING *
    """
)


async def reroute(
    session: AsyncSession, lacking: Sequence[str], *, now: datetime, rows: int
) -> tuple[list[Delivery], list[Delivery]]:
    """Send over the next channel what is planned for one that is not set up; gives it, and what had no other way."""
    asked = {"lacking": list(lacking), "now": now, "rows": rows}
    moved = seen(await session.execute(REROUTE, asked))
    return moved, seen(await session.execute(STRAND, asked))


PAGE = text(
    "SELECT * FROM delivery"
    " WHERE (CAST(:after AS uuid) IS NULL OR id < CAST(:after AS uuid))"
    " AND (CAST(:state AS text) IS NULL OR state = CAST(:state AS text))"
    " AND (CAST(:reply AS text) IS NULL OR reply = CAST(:reply AS text))"
    " AND EXISTS (SELECT FROM unnest(CAST(:regions AS text[])) AS own"
    " WHERE region = own OR starts_with(region, own || '.'))"
    " ORDER BY id DESC LIMIT :rows"
)


async def page(
    session: AsyncSession,
    regions: Sequence[str],
    state: str | None,
    after: UUID | None,
    limit: int,
    *,
    reply: str | None = None,
) -> list[DeliveryRow]:
    """List the deliveries of some regions, newest first, and one row more than the limit."""
    asked = {"regions": list(regions), "state": state, "reply": reply, "after": after, "rows": limit + 1}
    rows = await session.execute(PAGE, asked)
    return [DeliveryRow(**row) for row in rows.mappings()]
