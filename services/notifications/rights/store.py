"""What is stored of last words: the address of somebody who was erased, sealed, while the word is on its way."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, LargeBinary, Text, Uuid, text
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

HELD_BYTES_MAX = 400


class LastWordRow(SQLModel, table=True):
    """Where a last word goes; gone once it is sent, given up, or too late."""

    __tablename__ = "last_word"
    __table_args__ = (
        CheckConstraint("phone_held IS NOT NULL OR email_held IS NOT NULL", name="last_word_goes_somewhere"),
        CheckConstraint(f"length(phone_held) BETWEEN 1 AND {HELD_BYTES_MAX}", name="last_word_phone_length"),
        CheckConstraint(f"length(email_held) BETWEEN 1 AND {HELD_BYTES_MAX}", name="last_word_email_length"),
        Index("last_word_until", "until"),
    )

    message_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("message.id"), primary_key=True))
    person: str = Field(sa_column=Column(Text, nullable=False))
    phone_held: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    email_held: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    until: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


# A word over one channel that failed is on its way still: the next channel is queued in the same transaction.
FORGET = text(
    """
    DELETE FROM last_word WHERE message_id IN (
        SELECT w.message_id FROM last_word w
        WHERE w.until <= CAST(:now AS timestamptz) OR NOT EXISTS (
            SELECT FROM delivery d WHERE d.message_id = w.message_id AND d.state IN ('queued', 'sending', 'unknown'))
        ORDER BY w.message_id LIMIT :rows FOR UPDATE SKIP LOCKED
    )
    RETURNING message_id
    """
)


async def words(session: AsyncSession, message_ids: Collection[UUID]) -> dict[UUID, LastWordRow]:
    """Give where these last words go; those of which the address is gone are left out."""
    found = select(LastWordRow).where(col(LastWordRow.message_id).in_(message_ids))
    return {row.message_id: row for row in await session.exec(found)}


async def forget(session: AsyncSession, now: datetime, rows: int) -> int:
    """Forget the addresses of last words that are sent, given up or too late; gives how many."""
    return len((await session.execute(FORGET, {"now": now, "rows": rows})).all())
