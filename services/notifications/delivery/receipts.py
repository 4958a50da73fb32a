"""What providers tell of deliveries, in any order, also before our own write: kept, and applied when it can be."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Integer, Text, Uuid, text
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notifications.delivery.domain import COST_RUPIAH_MAX, PROVIDER_ID_LENGTH_MAX, Reason
from services.notifications.delivery.store import Delivery, seen

KEPT: Final = timedelta(days=30)
"""How long a receipt is known again; providers give up after days."""

CODE_LENGTH_MAX: Final = 60
BAD_ADDRESSES: Final = [
    "whatsapp 131026",
    "sms unknown_subscriber",
    "sms invalid_number",
    *(f"email {code}" for code in ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.4.4")),
]
"""The channel and the code by which a provider says that a number or an address reaches nobody.

Source: Cloud API, error codes (131026, message undeliverable); docs/decisions/0067 for the gateway of text messages;
        RFC 3463 and RFC 7505, enhanced status codes of mail: no such mailbox, no such host, moved, takes no mail
"""
EVENT_ID_LENGTH_MAX: Final = 300


class ReceiptRow(SQLModel, table=True):
    """One thing that a provider told of a message, once; without `applied_at` its delivery is not known yet."""

    __tablename__ = "receipt"
    __table_args__ = (
        CheckConstraint("channel IN ('whatsapp', 'sms', 'email')", name="receipt_channel_known"),
        CheckConstraint("state IN ('delivered', 'failed')", name="receipt_state_known"),
        CheckConstraint(f"length(event_id) BETWEEN 1 AND {EVENT_ID_LENGTH_MAX}", name="receipt_event_id_length"),
        CheckConstraint(
            f"length(provider_id) BETWEEN 1 AND {PROVIDER_ID_LENGTH_MAX}", name="receipt_provider_id_length"
        ),
        CheckConstraint(f"length(code) <= {CODE_LENGTH_MAX}", name="receipt_code_length"),
        CheckConstraint(f"cost_rupiah BETWEEN 0 AND {COST_RUPIAH_MAX}", name="receipt_cost_limited"),
        Index("receipt_waiting", "channel", "provider_id", postgresql_where=text("applied_at IS NULL")),
        Index(
            "receipt_of_ours", "delivery_id", postgresql_where=text("applied_at IS NULL AND delivery_id IS NOT NULL")
        ),
        Index("receipt_age", "received_at"),
    )

    channel: str = Field(sa_column=Column(Text, primary_key=True))
    event_id: str = Field(sa_column=Column(Text, primary_key=True))
    provider_id: str = Field(sa_column=Column(Text, nullable=False))
    state: str = Field(sa_column=Column(Text, nullable=False))
    code: str = Field(sa_column=Column(Text, nullable=False))
    cost_rupiah: int | None = Field(default=None, sa_column=Column(Integer))
    received_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    applied_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    delivery_id: UUID | None = Field(default=None, sa_column=Column(Uuid))


class Receipt(NamedTuple):
    """What a provider tells: which of its messages came to which end, under an id of this news itself.

    Shape: `delivery_id` is what we gave along with the letter, where the provider gives it back: by it alone is known
           of which delivery it speaks when the answer that named the message never reached us
    """

    event_id: str
    provider_id: str
    state: str
    code: str = ""
    cost_rupiah: int | None = None
    delivery_id: UUID | None = None


KEEP = text(
    """
    INSERT INTO receipt (channel, event_id, provider_id, state, code, cost_rupiah, delivery_id, received_at)
    SELECT :channel, r.*, CAST(:now AS timestamptz) FROM unnest(
        CAST(:event_id AS text[]), CAST(:provider_id AS text[]), CAST(:state AS text[]), CAST(:code AS text[]),
        CAST(:cost_rupiah AS integer[]), CAST(:delivery_id AS uuid[])
    ) AS r
    ON CONFLICT DO NOTHING
    """
)


async def keep(session: AsyncSession, channel: str, receipts: Sequence[Receipt], now: datetime) -> None:
    """Keep receipts; one that is known already adds nothing."""
    columns = dict(zip(Receipt._fields, map(list, zip(*receipts, strict=True)), strict=True))
    await session.execute(KEEP, {**columns, "channel": channel, "now": now})


# A delivery is locked before its receipts are: a sender that settles it at this moment is waited for.
APPLY = text(
    """
    WITH waiting AS (
        SELECT r.channel, r.event_id, r.provider_id, r.state, r.code, r.cost_rupiah, d.id, d.state AS before
        FROM receipt r JOIN delivery d
            ON d.channel = r.channel AND (d.provider_id = r.provider_id OR d.id = r.delivery_id)
        WHERE r.applied_at IS NULL AND d.state NOT IN ('queued', 'sending')
        ORDER BY r.received_at LIMIT :rows FOR UPDATE OF d SKIP LOCKED
    ), applied AS (
        UPDATE receipt r SET applied_at = CAST(:now AS timestamptz) FROM waiting w
        WHERE (r.channel, r.event_id) = (w.channel, w.event_id) AND r.applied_at IS NULL
    ), one AS (
        SELECT DISTINCT ON (id) * FROM waiting ORDER BY id, state  -- of both, delivered: what arrived has arrived
    )
    UPDATE delivery d SET state = one.state, changed_at = CAST(:now AS timestamptz),
        accepted_at = CASE WHEN one.state = 'delivered' THEN coalesce(d.accepted_at, CAST(:now AS timestamptz))
            ELSE d.accepted_at END,
        reason = CASE WHEN one.state <> 'failed' THEN NULL
            WHEN d.channel || ' ' || one.code = ANY(CAST(:bad AS text[])) THEN 'bad_address' ELSE 'refused' END,
        reply = CASE WHEN one.code = '' THEN d.reply ELSE one.code END,
        cost_rupiah = coalesce(one.cost_rupiah, d.cost_rupiah),
        provider_id = coalesce(d.provider_id, one.provider_id)
    FROM one WHERE d.id = one.id AND d.state IN ('accepted', 'unknown')
    RETURNING d.*, one.before
    """
)


class Applied(NamedTuple):
    """A delivery that a receipt has brought to its end, where it stood before, and why it failed."""

    delivery: Delivery
    before: str
    reason: Reason | None


async def apply(session: AsyncSession, *, now: datetime, rows: int) -> list[Applied]:
    """Bring to their end the deliveries of which receipts tell; those that are not known yet keep waiting."""
    found = (await session.execute(APPLY, {"now": now, "rows": rows, "bad": BAD_ADDRESSES})).all()
    return [
        Applied(delivery, row.before, Reason(row.reason) if row.reason else None)
        for delivery, row in zip(seen(found), found, strict=True)
    ]


FORGET = text(
    "DELETE FROM receipt WHERE (channel, event_id) IN ("
    "SELECT channel, event_id FROM receipt WHERE received_at <= CAST(:before AS timestamptz) LIMIT :rows)"
)


async def forget(session: AsyncSession, *, before: datetime, rows: int) -> None:
    """Let go of receipts that came before a moment."""
    await session.execute(FORGET, {"before": before, "rows": rows})


RESOLVE = text(
    """
    UPDATE delivery SET state = :state, reason = :reason, resolved_by = :who, resolution = :why,
        changed_at = CAST(:now AS timestamptz),
        accepted_at = CASE WHEN CAST(:state AS text) = 'delivered'
            THEN coalesce(accepted_at, CAST(:now AS timestamptz)) ELSE accepted_at END
    WHERE id = :id AND state = 'unknown' RETURNING *
    """
)


async def resolve(
    session: AsyncSession, delivery_id: UUID, state: str, reason: str | None, who: str, why: str, now: datetime
) -> bool:
    """Write what a person has found out; False when the delivery is in no doubt."""
    asked = {"id": delivery_id, "state": state, "reason": reason, "who": who, "why": why, "now": now}
    return (await session.execute(RESOLVE, asked)).one_or_none() is not None
