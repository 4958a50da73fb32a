"""The support that each business received: one row for each distribution and business that it names.

A business is looked at by its table's name only: capabilities share a database, and do not import one another.
Support is told by another service, so a business that is not known here is no reason to stop listening.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    Select,
    Text,
    Uuid,
    column,
    func,
    table,
    text,
    tuple_,
)
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

BUSINESS = table("business", column("id", Uuid()), column("region", Text()))


class SupportRow(SQLModel, table=True):
    """A distribution that named a business among those who received; kept, and marked, when it was voided."""

    __tablename__ = "support"
    __table_args__ = (
        CheckConstraint("public_heads >= 0", name="support_public_heads_not_negative"),
        CheckConstraint("businesses_count > 0", name="support_businesses_count_positive"),
        CheckConstraint("(voided_at IS NULL) = (void_reason IS NULL)", name="support_void_with_reason"),
        CheckConstraint("jsonb_typeof(lines) = 'array'", name="support_lines_are_a_list"),
        Index("support_of_business", "business_id", "occurred_at", "distribution_id"),
    )

    distribution_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    business_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    number: str = Field(sa_column=Column(Text, nullable=False))
    programme: str = Field(sa_column=Column(Text, nullable=False))
    place: str = Field(sa_column=Column(Text, nullable=False))
    place_name: str = Field(sa_column=Column(Text, nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    occurred_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    lines: list[dict[str, object]] = Field(sa_column=Column(JSONB, nullable=False))
    public_heads: int = Field(sa_column=Column(Integer, nullable=False))
    businesses_count: int = Field(sa_column=Column(Integer, nullable=False))
    voided_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=True))
    void_reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))


PUT = insert(SupportRow.__table__).on_conflict_do_nothing()  # type: ignore[attr-defined]  # every table row has one
VOID = text(
    "UPDATE support SET voided_at = CAST(:now AS timestamptz), void_reason = voided.reason"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:reasons AS text[])) AS voided(id, reason)"
    " WHERE distribution_id = voided.id AND voided_at IS NULL"
)


async def put(session: AsyncSession, rows: Sequence[SupportRow]) -> None:
    """Store what businesses received; what is stored already stays, so that a second telling changes nothing."""
    if rows:
        await session.execute(PUT, [row.model_dump() for row in rows])


async def void(session: AsyncSession, reasons: Mapping[UUID, str], now: datetime) -> None:
    """Mark what was received in distributions as taken back, each for its reason; the first time counts."""
    await session.execute(VOID, {"ids": list(reasons), "reasons": list(reasons.values()), "now": now})


async def business_region(session: AsyncSession, business_id: UUID) -> str | None:
    """Give the region of a business."""
    found = select_columns(BUSINESS.c.region).where(BUSINESS.c.id == business_id)
    return (await session.execute(found)).scalar_one_or_none()


def family(business_id: UUID) -> Select[Any]:
    """Name a business and all that were merged into it, whose history is shown as its own."""
    return select_columns(func.business_family(business_id).column_valued("member"))


async def support(
    session: AsyncSession, business_id: UUID, before: tuple[datetime, UUID, UUID] | None, limit: int
) -> Sequence[SupportRow]:
    """Give what a business received, and those that were merged into it, latest first."""
    order = col(SupportRow.occurred_at), col(SupportRow.distribution_id), col(SupportRow.business_id)
    found = select(SupportRow).where(col(SupportRow.business_id).in_(family(business_id)))
    if before is not None:
        found = found.where(tuple_(*order) < before)
    return (await session.exec(found.order_by(*(key.desc() for key in order)).limit(limit))).all()
