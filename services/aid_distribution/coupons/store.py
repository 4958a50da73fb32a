"""What is stored of coupon rounds and of the coupons of households."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlmodel import Field, SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.coupons.domain import COUPONS_MAX, HOUSEHOLD_SQL
from services.aid_distribution.ledger.programmes import PROGRAMMES_SQL


class CouponRoundRow(SQLModel, table=True):
    """A round of coupons for one programme at one place; its item is what its coupons are the stock of."""

    __tablename__ = "coupon_round"
    __table_args__ = (
        CheckConstraint(f"coupons_max BETWEEN 1 AND {COUPONS_MAX}", name="coupon_round_size"),
        CheckConstraint(f"programme IN ({PROGRAMMES_SQL})", name="coupon_round_programme_known"),
        CheckConstraint("issued BETWEEN 0 AND coupons_max", name="coupon_round_issued_within_size"),
        CheckConstraint(
            "state IN ('open', 'closed') AND (state = 'closed') = (closed_at IS NOT NULL)", name="coupon_round_state"
        ),
        CheckConstraint("closed_at >= opened_at", name="coupon_round_closed_later"),
        Index("coupon_round_by_region", "region", "opened_at", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    number: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    programme: str
    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    region: str
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), nullable=False, unique=True))
    coupons_max: int = Field(sa_column=Column(Integer, nullable=False))
    issued: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    state: str
    actor: str
    document: str | None = None
    opened_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    closed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    version: int = Field(default=1, sa_column=Column(BigInteger, nullable=False, server_default="1"))


class HouseholdCouponRow(SQLModel, table=True):
    """The coupon of a household, and the distribution at which it was used."""

    __tablename__ = "household_coupon"
    __table_args__ = (
        CheckConstraint("serial > 0", name="household_coupon_serial"),
        CheckConstraint(HOUSEHOLD_SQL, name="household_coupon_household_form"),
        CheckConstraint("(distribution_id IS NULL) = (used_at IS NULL)", name="household_coupon_used_at_a_moment"),
        CheckConstraint("used_at >= issued_at", name="household_coupon_used_after_it_was_given"),
        UniqueConstraint("round_id", "household", name="household_coupon_one_for_a_household"),
        UniqueConstraint("round_id", "serial", name="household_coupon_serial_once"),
        Index(
            "household_coupon_of_distribution",
            "distribution_id",
            postgresql_where=text("distribution_id IS NOT NULL"),
        ),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    round_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("coupon_round.id"), nullable=False))
    serial: int = Field(sa_column=Column(Integer, nullable=False))
    household: str
    posting_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), nullable=False))
    issued_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    distribution_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("distribution.id")))
    used_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class CouponSeriesRow(SQLModel, table=True):
    """The last number given to a round in an office and month."""

    __tablename__ = "coupon_series"
    __table_args__ = (CheckConstraint("last > 0", name="coupon_series_last_positive"),)

    office: str = Field(primary_key=True)
    month: date = Field(sa_column=Column(Date, primary_key=True))
    last: int = Field(sa_column=Column(BigInteger, nullable=False))


TAKE_NUMBER = text(
    "INSERT INTO coupon_series AS s (office, month, last) VALUES (:office, :month, 1)"
    " ON CONFLICT (office, month) DO UPDATE SET last = s.last + 1 RETURNING last"
)
# Whoever uses a coupon holds its round open; whoever closes a round waits for them.
LOCK = text(
    """
    SELECT c.id, c.serial, c.issued_at, c.used_at, c.distribution_id, r.id AS round_id, r.number, r.programme, r.place,
           r.region, r.item, r.state
    FROM household_coupon c JOIN coupon_round r ON r.id = c.round_id
    WHERE c.id = ANY(CAST(:ids AS uuid[])) ORDER BY r.id, c.id FOR UPDATE OF c FOR SHARE OF r
    """
)
LOCK_USED = text(
    """
    SELECT c.id, r.state FROM household_coupon c JOIN coupon_round r ON r.id = c.round_id
    WHERE c.distribution_id = :distribution ORDER BY r.id, c.id FOR UPDATE OF c FOR SHARE OF r
    """
)
USE = text(
    """
    UPDATE household_coupon c SET distribution_id = n.distribution_id, used_at = n.used_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:distributions AS uuid[]), CAST(:moments AS timestamptz[]))
        AS n(id, distribution_id, used_at) WHERE c.id = n.id
    """
)
GIVE_BACK = text(
    "UPDATE household_coupon SET distribution_id = NULL, used_at = NULL WHERE id = ANY(CAST(:ids AS uuid[]))"
)
USED = text(
    "SELECT round_id, count(*)::int AS used FROM household_coupon"
    " WHERE round_id = ANY(CAST(:ids AS uuid[])) AND distribution_id IS NOT NULL GROUP BY round_id"
)


async def take_number(session: AsyncSession, office: str, month: date) -> str:
    """Give the number of a round: `2026-05-19.71-KR-0001`, without a gap."""
    (last,) = (await session.execute(TAKE_NUMBER, {"office": office, "month": month})).one()
    return f"{month:%Y-%m}-{office}-KR-{last:04d}"


async def locked(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Any]:
    """Lock coupons, and their rounds against being closed; always in the same order."""
    return {row.id: row for row in await session.execute(LOCK, {"ids": list(ids)})} if ids else {}


async def locked_of(session: AsyncSession, distribution_id: UUID) -> Sequence[Any]:
    """Lock the coupons that were used at a distribution."""
    return (await session.execute(LOCK_USED, {"distribution": distribution_id})).all()


async def use(session: AsyncSession, used: Sequence[tuple[UUID, UUID, datetime]]) -> None:
    """Note at which distribution coupons were used, and when: their id, the distribution's, the moment."""
    ids, distributions, moments = zip(*used, strict=True)
    await session.execute(USE, {"ids": list(ids), "distributions": list(distributions), "moments": list(moments)})


async def give_back(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Note that coupons were not used after all."""
    await session.execute(GIVE_BACK, {"ids": list(ids)})


async def used_of(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, int]:
    """Count the coupons of each round that were used."""
    rows = await session.execute(USED, {"ids": list(ids)})
    return {row.round_id: row.used for row in rows}


async def households_with_coupon(session: AsyncSession, round_id: UUID, households: Collection[str]) -> set[str]:
    """Name those of these households that have a coupon of a round."""
    question = select(HouseholdCouponRow.household).where(
        HouseholdCouponRow.round_id == round_id, col(HouseholdCouponRow.household).in_(list(households))
    )
    return set(await session.exec(question))


async def last_serial(session: AsyncSession, round_id: UUID) -> int:
    """Give the highest serial of a round's coupons."""
    question = select(func.max(HouseholdCouponRow.serial)).where(HouseholdCouponRow.round_id == round_id)
    return (await session.exec(question)).one() or 0
