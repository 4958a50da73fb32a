"""What is stored of contact tasks: of each owner one that is open, and those that have ended."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Row, Text, Uuid, text
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.contact_tasks.domain import State

STATES_SQL = ", ".join(repr(state.value) for state in State)


class ContactTaskRow(SQLModel, table=True):
    """An owner whose number reached nobody; where it is worked off follows from where the owner is now."""

    __tablename__ = "contact_task"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES_SQL})", name="contact_task_state_known"),
        CheckConstraint(
            "(state = 'open') = (ended_at IS NULL) AND (ended_at IS NULL) = (ended_by IS NULL)",
            name="contact_task_end_whole",
        ),
        CheckConstraint("(state = 'closed') = (ended_reason IS NOT NULL)", name="contact_task_closed_for_a_reason"),
        CheckConstraint("length(ended_reason) BETWEEN 1 AND 200", name="contact_task_reason_length"),
        CheckConstraint("length(channel) BETWEEN 1 AND 20", name="contact_task_channel_length"),
        CheckConstraint("length(reason) BETWEEN 1 AND 40", name="contact_task_cause_length"),
        Index("contact_task_one_open", "owner_id", unique=True, postgresql_where=text("state = 'open'")),
        Index("contact_task_of_owner", "owner_id"),
        Index("contact_task_by_state", "state", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    owner_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("owner.id"), nullable=False))
    channel: str = Field(sa_column=Column(Text, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    failed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    state: str = Field(sa_column=Column(Text, nullable=False))
    opened_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    ended_by: str | None = Field(default=None, sa_column=Column(Text))
    ended_reason: str | None = Field(default=None, sa_column=Column(Text))


# Whoever corrects the number holds the owner too: a task is opened before, and ends with it, or not at all.
LOCK = text("SELECT FROM owner WHERE id = :owner_id FOR NO KEY UPDATE")
# What is heard after the number was corrected speaks of the one before.
OPEN = text(
    """
    INSERT INTO contact_task (id, owner_id, channel, reason, failed_at, state, opened_at)
    SELECT :id, o.id, :channel, :reason, CAST(:failed_at AS timestamptz), 'open', CAST(:now AS timestamptz)
    FROM owner o
    WHERE o.id = :owner_id AND o.phone IS NOT NULL AND o.erased_at IS NULL
      AND NOT EXISTS (SELECT FROM record_change c WHERE c.subject_id = o.id AND c.subject = 'owner'
        AND c.field = 'phone' AND c.changed_at >= CAST(:failed_at AS timestamptz))
      AND NOT EXISTS (SELECT FROM contact_task t WHERE t.owner_id = o.id AND t.state <> 'open'
        AND t.ended_at >= CAST(:failed_at AS timestamptz))
    ON CONFLICT (owner_id) WHERE state = 'open' DO NOTHING
    """
)


async def open_one(
    session: AsyncSession, task_id: UUID, owner_id: UUID, channel: str, reason: str, failed_at: datetime, now: datetime
) -> None:
    """Open the task of an owner, unless one is open, or what is told was overtaken; of who is erased nothing is."""
    await session.execute(LOCK, {"owner_id": owner_id})
    asked = {"id": task_id, "owner_id": owner_id, "channel": channel, "reason": reason, "failed_at": failed_at}
    await session.execute(OPEN, asked | {"now": now})


CORRECT = text(
    "UPDATE contact_task SET state = 'corrected', ended_at = CAST(:now AS timestamptz), ended_by = :who"
    " WHERE owner_id = :owner_id AND state = 'open'"
)


async def correct(session: AsyncSession, owner_id: UUID, who: str, now: datetime) -> None:
    """End the open task of an owner, where there is one: another number is known."""
    await session.execute(CORRECT, {"owner_id": owner_id, "who": who, "now": now})


SHOWN = "SELECT t.*, o.name, o.phone, o.region FROM contact_task t JOIN owner o ON o.id = t.owner_id"
PAGE = text(
    SHOWN + " WHERE (CAST(:after AS uuid) IS NULL OR t.id < CAST(:after AS uuid))"
    " AND (CAST(:state AS text) IS NULL OR t.state = CAST(:state AS text))"
    " AND EXISTS (SELECT FROM unnest(CAST(:regions AS text[])) AS own"
    " WHERE o.region = own OR starts_with(o.region, own || '.'))"
    " ORDER BY t.id DESC LIMIT :rows"
)
ONE = text(SHOWN + " WHERE t.id = :id FOR UPDATE OF t")
CLOSE = text(
    "UPDATE contact_task SET state = 'closed', ended_at = CAST(:now AS timestamptz), ended_by = :who,"
    " ended_reason = :why WHERE id = :id"
)


async def page(
    session: AsyncSession, regions: Sequence[str], state: str | None, after: UUID | None, rows: int
) -> Sequence[Row[tuple[object, ...]]]:
    """List the tasks of some regions with their owners, the newest first."""
    asked = {"regions": list(regions), "state": state, "after": after, "rows": rows}
    return (await session.execute(PAGE, asked)).all()


async def locked(session: AsyncSession, task_id: UUID) -> Row[tuple[object, ...]] | None:
    """Give a task with its owner, which nobody else ends meanwhile."""
    return (await session.execute(ONE, {"id": task_id})).one_or_none()


async def close(session: AsyncSession, task_id: UUID, who: str, why: str, now: datetime) -> None:
    """End a task for a reason."""
    await session.execute(CLOSE, {"id": task_id, "who": who, "why": why, "now": now})
