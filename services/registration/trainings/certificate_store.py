"""What is stored of certificates: each with its number, and the last number given in a region and year."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, SmallInteger, Text, Uuid, text
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession


class CertificateRow(SQLModel, table=True):
    """Who attended enough of a training has one certificate of it; it is never deleted, only revoked."""

    __tablename__ = "certificate"
    __table_args__ = (
        CheckConstraint("attended BETWEEN 1 AND held", name="certificate_attended_of_held"),
        CheckConstraint("(revoked_at IS NULL) = (revoke_reason IS NULL)", name="certificate_revoked_why"),
        Index("certificate_number_key", "number", unique=True),
        Index("certificate_enrolment_key", "enrolment_id", unique=True),
        Index("certificate_of_training", "training_id", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    number: str = Field(sa_column=Column(Text, nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    year: int = Field(sa_column=Column(SmallInteger, nullable=False))
    no: int = Field(sa_column=Column(Integer, nullable=False))
    training_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("training.id"), nullable=False))
    enrolment_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("enrolment.id"), nullable=False))
    attended: int = Field(sa_column=Column(SmallInteger, nullable=False))
    held: int = Field(sa_column=Column(SmallInteger, nullable=False))
    issued_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    issued_by: str = Field(sa_column=Column(Text, nullable=False))
    revoked_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    revoke_reason: str | None = Field(default=None, sa_column=Column(Text))
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))


class CertificateSeriesRow(SQLModel, table=True):
    """The last number given in a region and year; raised in the transaction of the certificates, so no gaps."""

    __tablename__ = "certificate_series"
    __table_args__ = (CheckConstraint("last > 0", name="certificate_series_last_positive"),)

    region: str = Field(sa_column=Column(Text, primary_key=True))
    year: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    last: int = Field(sa_column=Column(Integer, nullable=False))


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose certificate it is: a person, and their business."""

    owner_id: UUID
    owner: str
    business_id: UUID
    business: str


RAISE = text(
    "INSERT INTO certificate_series AS s (region, year, last) VALUES (:region, :year, :count)"
    " ON CONFLICT (region, year) DO UPDATE SET last = s.last + excluded.last RETURNING last"
)
HOLDERS = text(
    "SELECT c.id, o.id AS owner_id, o.name AS owner, b.id AS business_id, b.name AS business"
    " FROM certificate c JOIN enrolment e ON e.id = c.enrolment_id"
    " JOIN business b ON b.id = e.business_id JOIN owner o ON o.id = b.owner_id WHERE c.id = ANY(CAST(:ids AS uuid[]))"
)
OWN = text(
    "SELECT c.id FROM certificate c JOIN enrolment e ON e.id = c.enrolment_id JOIN business b ON b.id = e.business_id"
    " WHERE b.owner_id = :owner AND (CAST(:after AS uuid) IS NULL OR c.id < CAST(:after AS uuid))"
    " ORDER BY c.id DESC LIMIT :rows"
)
REGION_NAME = text("SELECT name FROM region WHERE code = :code")


async def numbers(session: AsyncSession, region: str, year: int, count: int) -> range:
    """Take so many numbers of a region and year, one after the other."""
    last: int = (await session.execute(RAISE, {"region": region, "year": year, "count": count})).scalar_one()
    return range(last - count + 1, last + 1)


async def issued(session: AsyncSession, training_id: UUID) -> dict[UUID, CertificateRow]:
    """Give the certificates of a training by their enrolments."""
    rows = await session.exec(select(CertificateRow).where(col(CertificateRow.training_id) == training_id))
    return {row.enrolment_id: row for row in rows}


async def valid_of(session: AsyncSession, enrolment_id: UUID) -> CertificateRow | None:
    """Give the certificate of an enrolment of a training that is locked, unless there is none or it was revoked."""
    question = select(CertificateRow).where(
        col(CertificateRow.enrolment_id) == enrolment_id, col(CertificateRow.revoked_at).is_(None)
    )
    return (await session.exec(question)).one_or_none()


async def by_number(session: AsyncSession, number: str) -> CertificateRow | None:
    """Find a certificate by its number."""
    return (await session.exec(select(CertificateRow).where(col(CertificateRow.number) == number))).one_or_none()


async def locked(session: AsyncSession, certificate_id: UUID) -> CertificateRow | None:
    """Lock a certificate."""
    question = select(CertificateRow).where(col(CertificateRow.id) == certificate_id).with_for_update()
    return (await session.exec(question, execution_options={"populate_existing": True})).one_or_none()


async def page(session: AsyncSession, training_id: UUID, after: UUID | None, limit: int) -> list[CertificateRow]:
    """Give the certificates of a training, in the order in which they were issued."""
    question = select(CertificateRow).where(col(CertificateRow.training_id) == training_id)
    if after is not None:
        question = question.where(col(CertificateRow.id) > after)
    return list((await session.exec(question.order_by(col(CertificateRow.id)).limit(limit))).all())


async def own(session: AsyncSession, owner_id: UUID, after: UUID | None, limit: int) -> list[CertificateRow]:
    """Give the certificates of the businesses of an owner, the latest first."""
    ids = list((await session.execute(OWN, {"owner": owner_id, "after": after, "rows": limit})).scalars())
    question = select(CertificateRow).where(col(CertificateRow.id).in_(ids))
    return list((await session.exec(question.order_by(col(CertificateRow.id).desc()))).all())


async def holders(session: AsyncSession, ids: Collection[UUID]) -> Mapping[UUID, Holder]:
    """Give whose certificates these are."""
    rows = await session.execute(HOLDERS, {"ids": list(ids)})
    return {row.id: Holder(row.owner_id, row.owner, row.business_id, row.business) for row in rows}


async def region_name(session: AsyncSession, code: str) -> str:
    """Say what a region is called."""
    return str((await session.execute(REGION_NAME, {"code": code})).scalar_one())
