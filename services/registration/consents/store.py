"""What is stored of consent: every act for good, of which the last one of a kind is what holds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    Row,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
    tuple_,
)
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.consents.domain import How, Kind


class ConsentActRow(SQLModel, table=True):
    """An owner agreed to a text, or took that back; no row ever changes (a trigger sees to it)."""

    __tablename__ = "consent_act"
    __table_args__ = (
        CheckConstraint(f"kind IN ({', '.join(repr(one.value) for one in Kind)})", name="consent_kind_known"),
        CheckConstraint(f"how IN ({', '.join(repr(one.value) for one in How)})", name="consent_how_known"),
        CheckConstraint("no > 0", name="consent_no_positive"),
        CheckConstraint("NOT given OR how <> 'spoken' OR witness IS NOT NULL", name="consent_spoken_with_witness"),
        CheckConstraint(
            "NOT given OR how NOT IN ('signature', 'thumbprint') OR proof IS NOT NULL", name="consent_paper_is_kept"
        ),
        CheckConstraint(
            "given = (text_id IS NOT NULL) AND given = (text_version IS NOT NULL)"
            " AND given = (text_language IS NOT NULL) AND given = (text_hash IS NOT NULL)",
            name="consent_given_to_a_text",
        ),
        CheckConstraint("text_language IN ('id', 'en')", name="consent_language_known"),
        CheckConstraint("octet_length(text_hash) = 32", name="consent_hash_length"),
        CheckConstraint("happened_at <= recorded_at", name="consent_recorded_after"),
        CheckConstraint("no > 1 OR given", name="consent_begins_given"),
        UniqueConstraint("owner_id", "kind", "no", name="consent_act_one_after_the_other"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    owner_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("owner.id"), nullable=False))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    no: int = Field(sa_column=Column(Integer, nullable=False))
    given: bool = Field(sa_column=Column(Boolean, nullable=False))
    text_id: str | None = Field(default=None, sa_column=Column(Text))
    text_version: int | None = Field(default=None, sa_column=Column(Integer))
    text_language: str | None = Field(default=None, sa_column=Column(Text))
    text_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    how: str = Field(sa_column=Column(Text, nullable=False))
    proof: str | None = Field(default=None, sa_column=Column(Text))
    witness: str | None = Field(default=None, sa_column=Column(Text))
    happened_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    recorded_by: str = Field(sa_column=Column(Text, nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))


REGIONS = text(
    "SELECT region FROM owner WHERE id = CAST(:owner AS uuid)"
    " UNION SELECT region FROM business WHERE owner_id = CAST(:owner AS uuid)"
)
LOCK = text("SELECT region, restricted_at, erased_at FROM owner WHERE id = CAST(:owner AS uuid) FOR NO KEY UPDATE")


async def regions_of(session: AsyncSession, owner_id: UUID) -> list[str]:
    """Give the regions in which an owner is known: their own, and those of their businesses; none for a stranger."""
    return list((await session.execute(REGIONS, {"owner": owner_id})).scalars())


async def lock_owner(session: AsyncSession, owner_id: UUID) -> Row[Any] | None:
    """Lock an owner, under which all that they say is written one after the other.

    Shape: gives their region, and since when their data are restricted (`restricted_at`) and erased (`erased_at`)
    """
    return (await session.execute(LOCK, {"owner": owner_id})).one_or_none()


async def last(session: AsyncSession, owner_id: UUID, kind: str) -> ConsentActRow | None:
    """Give what an owner said last of a kind."""
    found = select(ConsentActRow).where(col(ConsentActRow.owner_id) == owner_id, col(ConsentActRow.kind) == kind)
    return (await session.exec(found.order_by(col(ConsentActRow.no).desc()).limit(1))).first()


async def current(session: AsyncSession, owner_id: UUID) -> Sequence[ConsentActRow]:
    """Give what an owner said last of each kind of which they ever said anything."""
    last_of_kind = (
        select(col(ConsentActRow.kind), func.max(col(ConsentActRow.no)))
        .where(col(ConsentActRow.owner_id) == owner_id)
        .group_by(col(ConsentActRow.kind))
    )
    found = select(ConsentActRow).where(
        col(ConsentActRow.owner_id) == owner_id,
        tuple_(col(ConsentActRow.kind), col(ConsentActRow.no)).in_(last_of_kind),
    )
    return (await session.exec(found.order_by(col(ConsentActRow.kind)))).all()


async def acts(
    session: AsyncSession, owner_id: UUID, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[ConsentActRow]:
    """Give what an owner has said, the latest first as it was recorded."""
    found = select(ConsentActRow).where(col(ConsentActRow.owner_id) == owner_id)
    if after is not None:
        recorded_at, act_id = after
        found = found.where(
            (col(ConsentActRow.recorded_at) < recorded_at)
            | ((col(ConsentActRow.recorded_at) == recorded_at) & (col(ConsentActRow.id) < act_id))
        )
    latest = found.order_by(col(ConsentActRow.recorded_at).desc(), col(ConsentActRow.id).desc())
    return (await session.exec(latest.limit(limit))).all()
