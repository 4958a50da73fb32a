"""What is stored of people beside their businesses: family cards, what was revealed to whom, and acts by command."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.people.domain import REVEALS_PER_DAY, SAME_CARD_MAX, Secret
from shared.within import within

SECRETS_SQL = ", ".join(repr(one.value) for one in Secret)
ACTS = ("export", "restrict", "release", "erase", "rotate", "retention")
ACTS_SQL = ", ".join(map(repr, ACTS))
ACTOR_LENGTH_MAX = 200
REASON_LENGTH_MAX = 500


class OwnerKkRow(SQLModel, table=True):
    """The family card of a person from one day until another, the latter not included; open while it holds."""

    __tablename__ = "owner_kk"
    __table_args__ = (
        CheckConstraint("octet_length(kk_index) = 32", name="owner_kk_index_length"),
        CheckConstraint("since < until", name="owner_kk_days_ascend"),
        CheckConstraint(f"length(recorded_by) BETWEEN 1 AND {ACTOR_LENGTH_MAX}", name="owner_kk_recorded_by_length"),
        UniqueConstraint("owner_id", "since", name="owner_kk_one_a_day"),
        Index("owner_kk_current", "owner_id", unique=True, postgresql_where=text("until IS NULL")),
        Index("owner_kk_by_index", "kk_index"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    owner_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("owner.id"), nullable=False))
    kk_sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    kk_index: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    since: date = Field(sa_column=Column(Date, nullable=False))
    until: date | None = Field(default=None, sa_column=Column(Date))
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    recorded_by: str = Field(sa_column=Column(Text, nullable=False))


class RevealRow(SQLModel, table=True):
    """Somebody has looked behind a mask: their `no`th look of a day in WIB. A row is never changed nor taken away."""

    __tablename__ = "reveal"
    __table_args__ = (
        CheckConstraint(f"field IN ({SECRETS_SQL})", name="reveal_field_known"),
        CheckConstraint(f"length(actor) BETWEEN 1 AND {ACTOR_LENGTH_MAX}", name="reveal_actor_length"),
        CheckConstraint("length(reason) BETWEEN 1 AND 200", name="reveal_reason_length"),
        CheckConstraint(f"no BETWEEN 1 AND {REVEALS_PER_DAY}", name="reveal_within_the_limit"),
        UniqueConstraint("actor", "day", "no", name="reveal_counted_once"),
        Index("reveal_by_owner", "owner_id", "id"),
        Index("reveal_by_region", "region", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    owner_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("owner.id"), nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    field: str = Field(sa_column=Column(Text, nullable=False))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    day: date = Field(sa_column=Column(Date, nullable=False))
    no: int = Field(sa_column=Column(SmallInteger, nullable=False))
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class PersonActRow(SQLModel, table=True):
    """What was done with personal data by command: who, what, why, and how many rows of which table.

    Shape: `owner_id` is null where the act concerns nobody in particular, or nobody any more
    """

    __tablename__ = "person_act"
    __table_args__ = (
        CheckConstraint(f"act IN ({ACTS_SQL})", name="person_act_known"),
        CheckConstraint("act <> 'erase' OR owner_id IS NULL", name="person_act_keeps_no_erased_person"),
        CheckConstraint(f"length(actor) BETWEEN 1 AND {ACTOR_LENGTH_MAX}", name="person_act_actor_length"),
        CheckConstraint(f"length(reason) BETWEEN 1 AND {REASON_LENGTH_MAX}", name="person_act_reason_length"),
        Index("person_act_by_owner", "owner_id", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    act: str = Field(sa_column=Column(Text, nullable=False))
    owner_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("owner.id")))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    counts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))


ONE_BY_ONE = text("SELECT pg_advisory_xact_lock(hashtextextended('reveal/' || :actor, 0))")


async def looks(session: AsyncSession, actor: str, day: date) -> int:
    """Count how often somebody has looked in a day; nobody else counts theirs until the end of the transaction."""
    await session.execute(ONE_BY_ONE, {"actor": actor})
    found = select(func.count()).where(col(RevealRow.actor) == actor, col(RevealRow.day) == day)
    return (await session.exec(found)).one()


async def cards(session: AsyncSession, owner_id: UUID) -> Sequence[OwnerKkRow]:
    """Give the family cards of a person, the one that holds now first."""
    found = select(OwnerKkRow).where(col(OwnerKkRow.owner_id) == owner_id)
    return (await session.exec(found.order_by(col(OwnerKkRow.since).desc()))).all()


SAME_CARD = text(
    f"""
    SELECT DISTINCT other.owner_id FROM owner_kk other JOIN owner ON owner.id = other.owner_id
    WHERE other.kk_index = ANY(CAST(:indexes AS bytea[])) AND other.until IS NULL AND other.owner_id <> :owner_id
      AND EXISTS (SELECT FROM unnest(CAST(:regions AS text[])) AS own
                  WHERE owner.region = own OR starts_with(owner.region, own || '.'))
    ORDER BY other.owner_id LIMIT {SAME_CARD_MAX}
    """  # noqa: S608  the limit is a constant of ours
)


async def same_card(
    session: AsyncSession, owner_id: UUID, indexes: Sequence[bytes], regions: Sequence[str]
) -> list[UUID]:
    """Name the others of some regions who are on the same family card now."""
    asked = {"owner_id": owner_id, "indexes": list(indexes), "regions": list(regions)}
    return list((await session.execute(SAME_CARD, asked)).scalars())


async def reveals(
    session: AsyncSession,
    *,
    regions: Sequence[str] | None = None,
    owner_id: UUID | None = None,
    actor: str | None = None,
    before: UUID | None,
    limit: int,
) -> Sequence[RevealRow]:
    """List who looked at what, the latest first; `regions` None means that they do not matter."""
    found = select(RevealRow).order_by(col(RevealRow.id).desc()).limit(limit)
    if regions is not None:
        found = found.where(within(col(RevealRow.region), regions))
    if owner_id is not None:
        found = found.where(col(RevealRow.owner_id) == owner_id)
    if actor is not None:
        found = found.where(col(RevealRow.actor) == actor)
    if before is not None:
        found = found.where(col(RevealRow.id) < before)
    return (await session.exec(found)).all()


async def reveals_of(session: AsyncSession, owner_id: UUID) -> int:
    """Count how often somebody looked at a person's data."""
    found = select(func.count()).select_from(RevealRow).where(col(RevealRow.owner_id) == owner_id)
    return (await session.exec(found)).one()
