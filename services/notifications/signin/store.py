"""What is stored of signing in: neither a telephone nor an address nor a code, only keyed marks of them."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, Index, LargeBinary, SmallInteger, Uuid, text
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notifications.signin.domain import TRIES_MAX

HELD_BYTES_MAX = 100


class SignInCodeRow(SQLModel, table=True):
    """A code that was made for a telephone; the newest is the only one that counts.

    Shape: `phone_held` is the sealed number until the code is sent, whether or not anybody has it
    """

    __tablename__ = "sign_in_code"
    __table_args__ = (
        CheckConstraint("length(phone_mark) = 32 AND length(code_mark) = 32", name="sign_in_code_marks"),
        CheckConstraint(f"tries BETWEEN 0 AND {TRIES_MAX}", name="sign_in_code_tries"),
        CheckConstraint("used_at >= sent_at", name="sign_in_code_used_after_sent"),
        CheckConstraint(f"length(phone_held) BETWEEN 1 AND {HELD_BYTES_MAX}", name="sign_in_code_phone_length"),
        Index("sign_in_code_unsent", "sent_at", postgresql_where=text("phone_held IS NOT NULL")),
        Index("sign_in_code_newest", "phone_mark", "sent_at", "id"),
        Index("sign_in_code_age", "sent_at"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    phone_mark: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    code_mark: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sent_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    tries: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False))
    used_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    phone_held: bytes | None = Field(default=None, sa_column=Column(LargeBinary))


class SignInAskRow(SQLModel, table=True):
    """That somebody asked for a code, whether or not the telephone is known; what the limits are counted by."""

    __tablename__ = "sign_in_ask"
    __table_args__ = (
        CheckConstraint("length(phone_mark) = 32 AND length(address_mark) = 32", name="sign_in_ask_marks"),
        Index("sign_in_ask_phone", "phone_mark", "asked_at"),
        Index("sign_in_ask_address", "address_mark", "asked_at"),
        Index("sign_in_ask_age", "asked_at"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    phone_mark: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    address_mark: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    asked_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class Asked(NamedTuple):
    """When codes were asked for, the last first: for a telephone, and from an address."""

    phone: list[datetime]
    address: list[datetime]


LOCK = text("SELECT pg_advisory_xact_lock(:lock)")


async def lock(session: AsyncSession, number: int) -> None:
    """Let nobody else ask for the same telephone, or from the same address, until the end of the transaction."""
    await session.execute(LOCK, {"lock": number})


OF_PHONE = text("SELECT asked_at FROM sign_in_ask WHERE phone_mark = :mark ORDER BY asked_at DESC LIMIT :rows")
OF_ADDRESS = text("SELECT asked_at FROM sign_in_ask WHERE address_mark = :mark ORDER BY asked_at DESC LIMIT :rows")


async def asked(session: AsyncSession, phone_mark: bytes, address_mark: bytes, rows: int) -> Asked:
    """Give when codes were asked for last."""
    phone = (await session.execute(OF_PHONE, {"mark": phone_mark, "rows": rows})).scalars().all()
    address = (await session.execute(OF_ADDRESS, {"mark": address_mark, "rows": rows})).scalars().all()
    return Asked(list(phone), list(address))


NEWEST = text("SELECT id FROM sign_in_code WHERE phone_mark = :mark ORDER BY sent_at DESC, id DESC LIMIT 1 FOR UPDATE")


async def newest(session: AsyncSession, phone_mark: bytes) -> SignInCodeRow | None:
    """Lock the newest code of a telephone and give it as it is now: of two who try it one waits for the other."""
    found = (await session.execute(NEWEST, {"mark": phone_mark})).scalar_one_or_none()
    return await session.get(SignInCodeRow, found, populate_existing=True) if found else None


UNSENT = text(
    "SELECT id FROM sign_in_code WHERE phone_held IS NOT NULL ORDER BY sent_at LIMIT :rows FOR UPDATE SKIP LOCKED"
)


async def unsent(session: AsyncSession, rows: int) -> list[SignInCodeRow]:
    """Give the codes that are to be sent, the first asked for first, and that nobody else has in hand; locks them."""
    ids = (await session.execute(UNSENT, {"rows": rows})).scalars().all()
    found = [await session.get(SignInCodeRow, one, populate_existing=True) for one in ids]
    return [row for row in found if row is not None]


FORGET_CODES = text(
    "DELETE FROM sign_in_code WHERE id IN (SELECT id FROM sign_in_code WHERE sent_at <= CAST(:before AS timestamptz)"
    " ORDER BY sent_at LIMIT :rows FOR UPDATE SKIP LOCKED) RETURNING id"
)
FORGET_ASKS = text(
    "DELETE FROM sign_in_ask WHERE id IN (SELECT id FROM sign_in_ask WHERE asked_at <= CAST(:before AS timestamptz)"
    " ORDER BY asked_at LIMIT :rows FOR UPDATE SKIP LOCKED) RETURNING id"
)


async def forget_old(session: AsyncSession, before: datetime, rows: int) -> int:
    """Take away what is from before a moment; gives the larger number of rows of the two tables."""
    counts = [
        len((await session.execute(statement, {"before": before, "rows": rows})).all())
        for statement in (FORGET_CODES, FORGET_ASKS)
    ]
    return max(counts)
