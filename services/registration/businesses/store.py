"""What is stored of regions, owners and businesses, and the questions asked of it.

The NIK and the annual sales stand sealed (sealing.py); a NIK is found by its keyed index.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
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
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    and_,
    or_,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from services.registration.businesses.domain import KBLI_EDITIONS, Scale, State
from shared.within import within


def _one_of(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


def _listed(values: Iterable[int]) -> str:
    return ", ".join(str(value) for value in sorted(values))


class RegionRow(SQLModel, table=True):
    """A regency or a city, by its code of the Ministry of Home Affairs."""

    __tablename__ = "region"
    __table_args__ = (
        CheckConstraint("code ~ '^[0-9]{2}[.][0-9]{2}$'", name="region_code_form"),
        CheckConstraint("kind IN ('regency', 'city')", name="region_kind_known"),
        CheckConstraint("population > 0", name="region_population_positive"),
    )

    code: str = Field(sa_column=Column(Text, primary_key=True))
    code_system: str = Field(sa_column=Column(Text, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    population: int = Field(sa_column=Column(Integer, nullable=False))


class OwnerRow(SQLModel, table=True):
    """A person who owns a business, and how to reach them."""

    __tablename__ = "owner"
    __table_args__ = (
        CheckConstraint("name <> ''", name="owner_name_present"),
        CheckConstraint("language IN ('id', 'en')", name="owner_language_known"),
        CheckConstraint("phone ~ '^[+][0-9]{5,15}$'", name="owner_phone_e164"),
        CheckConstraint("position('@' in email) > 1", name="owner_email_has_at"),
        CheckConstraint("octet_length(nik_index) = 32", name="owner_nik_index_length"),
        CheckConstraint("(nik_sealed IS NULL) = (nik_index IS NULL)", name="owner_nik_sealed_and_indexed"),
        CheckConstraint(
            "erased_at IS NULL OR (nik_sealed IS NULL AND phone IS NULL AND email IS NULL)",
            name="owner_erased_holds_nothing",
        ),
        Index("owner_nik_index_key", "nik_index", unique=True),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    nik_sealed: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    nik_index: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    phone: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    email: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    language: str = Field(sa_column=Column(Text, nullable=False))
    region: str = Field(sa_column=Column(Text, ForeignKey("region.code"), nullable=False))
    registered_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    restricted_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    erased_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class BusinessRow(SQLModel, table=True):
    """A business, with the two scales that were derived when its figures were given.

    Shape: a `…_since` that is None means since the registration
    """

    __tablename__ = "business"
    __table_args__ = (
        CheckConstraint("name <> ''", name="business_name_present"),
        CheckConstraint("sector ~ '^[a-z][a-z0-9_-]*$'", name="business_sector_form"),
        CheckConstraint("kbli_code ~ '^[0-9]{5}$'", name="business_kbli_form"),
        CheckConstraint("(kbli_code IS NULL) = (kbli_edition IS NULL)", name="business_kbli_with_edition"),
        CheckConstraint(f"kbli_edition IN ({_listed(KBLI_EDITIONS)})", name="business_kbli_edition_known"),
        CheckConstraint("nib ~ '^[0-9]{13}$'", name="business_nib_form"),
        CheckConstraint("workers >= 0", name="business_workers_not_negative"),
        CheckConstraint("investment_rupiah >= 0", name="business_investment_not_negative"),
        CheckConstraint("(annual_sales_sealed IS NULL) = (annual_sales_on IS NULL)", name="business_sales_with_day"),
        CheckConstraint(_one_of("business_scale", Scale), name="business_scale_known"),
        CheckConstraint("(business_scale IS NULL) = (business_scale_rule IS NULL)", name="business_scale_with_rule"),
        CheckConstraint("(business_scale IS NULL) = (annual_sales_sealed IS NULL)", name="business_scale_from_sales"),
        CheckConstraint(_one_of("industry_scale", Scale), name="business_industry_scale_known"),
        CheckConstraint("(industry_scale IS NULL) = (industry_scale_rule IS NULL)", name="business_industry_with_rule"),
        CheckConstraint(_one_of("state", State), name="business_state_known"),
        CheckConstraint("state = 'active' OR state_reason IS NOT NULL", name="business_state_with_reason"),
        CheckConstraint(
            "(business_scale IS NOT NULL OR business_scale_since IS NULL)"
            " AND (industry_scale IS NOT NULL OR industry_scale_since IS NULL)",
            name="business_scale_since_it_is_known",
        ),
        CheckConstraint("(registered_by IS NULL) = (registered_role IS NULL)", name="business_registered_by_a_role"),
        CheckConstraint("version > 0", name="business_version_positive"),
        CheckConstraint(
            "(state = 'merged') = (merged_into IS NOT NULL) AND merged_into <> id", name="business_merged_into_another"
        ),
        Index("business_merged_into", "merged_into"),
        Index("business_nib_key", "nib", unique=True),
        Index("business_owner", "owner_id"),
        Index("business_document", "document"),
        Index("business_name", "name"),
        Index("business_region", "region", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    owner_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("owner.id"), nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    sector: str = Field(sa_column=Column(Text, nullable=False))
    region: str = Field(sa_column=Column(Text, ForeignKey("region.code"), nullable=False))
    kbli_code: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    kbli_edition: int | None = Field(default=None, sa_column=Column(SmallInteger, nullable=True))
    nib: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    workers: int | None = Field(default=None, sa_column=Column(Integer, nullable=True))
    investment_rupiah: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    annual_sales_sealed: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    annual_sales_on: date | None = Field(default=None, sa_column=Column(Date, nullable=True))
    business_scale: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    business_scale_rule: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    industry_scale: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    industry_scale_rule: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    address: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    document: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    state: str = Field(sa_column=Column(Text, nullable=False))
    state_reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    state_document: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    merged_into: UUID | None = Field(
        default=None,
        sa_column=Column(Uuid, ForeignKey("business.id", name="business_merged_into_business"), nullable=True),
    )
    state_since: date | None = Field(default=None, sa_column=Column(Date, nullable=True))
    business_scale_since: date | None = Field(default=None, sa_column=Column(Date, nullable=True))
    industry_scale_since: date | None = Field(default=None, sa_column=Column(Date, nullable=True))
    registered_by: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    registered_role: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    registered_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    changed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    version: int = Field(sa_column=Column(BigInteger, nullable=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which businesses are asked for; what is None does not narrow the question."""

    region: str | None = None
    sector: str | None = None
    state: State | None = None
    owner_id: UUID | None = None


async def region_known(session: AsyncSession, code: str) -> bool:
    """Tell whether there is a region of this code."""
    return await session.get(RegionRow, code) is not None


async def regions(session: AsyncSession, own: Sequence[str]) -> Sequence[RegionRow]:
    """Give the regions that a caller sees, by code."""
    found = select(RegionRow).where(within(col(RegionRow.code), own)).order_by(col(RegionRow.code))
    return (await session.exec(found)).all()


async def put_region(session: AsyncSession, row: RegionRow) -> None:
    """Store a region, or what is now known of it."""
    values = row.model_dump()
    told = insert(RegionRow).values(values)
    await session.execute(told.on_conflict_do_update(index_elements=["code"], set_=values))


LOCK = text("SELECT pg_advisory_xact_lock(:lock)")


async def lock_value(session: AsyncSession, lock: int) -> None:
    """Let nobody else look a value up, to store it where it is not known, until the end of the transaction."""
    await session.execute(LOCK, {"lock": lock})


async def owner_by_nik(session: AsyncSession, nik_indexes: Sequence[bytes]) -> OwnerRow | None:
    """Find the person that a NIK belongs to, by its index under each key that is read at the moment."""
    return (await session.exec(select(OwnerRow).where(col(OwnerRow.nik_index).in_(nik_indexes)))).one_or_none()


async def owner_seen(session: AsyncSession, owner_id: UUID, own: Sequence[str]) -> OwnerRow | None:
    """Find a person who belongs to one of the regions, or has a business there."""
    business_there = select(BusinessRow.id).where(
        col(BusinessRow.owner_id) == owner_id, within(col(BusinessRow.region), own)
    )
    seen = or_(within(col(OwnerRow.region), own), business_there.exists())
    return (await session.exec(select(OwnerRow).where(col(OwnerRow.id) == owner_id, seen))).one_or_none()


async def add_owner(session: AsyncSession, row: OwnerRow) -> bool:
    """Store a person; False when somebody else has just registered the same NIK, after waiting for them."""
    told = insert(OwnerRow).values(row.model_dump()).on_conflict_do_nothing(index_elements=["nik_index"])
    return (await session.execute(told.returning(col(OwnerRow.id)))).first() is not None


async def add_business(session: AsyncSession, row: BusinessRow) -> bool:
    """Store a business; False when its NIB belongs to another one."""
    told = insert(BusinessRow).values(row.model_dump()).on_conflict_do_nothing(index_elements=["nib"])
    return (await session.execute(told.returning(col(BusinessRow.id)))).first() is not None


async def find(session: AsyncSession, business_id: UUID, own: Sequence[str]) -> BusinessRow | None:
    """Find a business in one of these regions."""
    found = select(BusinessRow).where(col(BusinessRow.id) == business_id, within(col(BusinessRow.region), own))
    return (await session.exec(found)).one_or_none()


async def lock_owner(session: AsyncSession, owner_id: UUID) -> OwnerRow:
    """Give a person, whom nobody else changes, nor any of their businesses, until the end of the transaction."""
    found = select(OwnerRow).where(col(OwnerRow.id) == owner_id).with_for_update(key_share=True)
    return (await session.exec(found, execution_options={"populate_existing": True})).one()


async def lock_owner_alone(session: AsyncSession, owner_id: UUID) -> OwnerRow:
    """Give a person as `lock_owner` does, and let nothing new refer to them either until the end of the transaction."""
    found = select(OwnerRow).where(col(OwnerRow.id) == owner_id).with_for_update()
    return (await session.exec(found, execution_options={"populate_existing": True})).one()


async def standing(session: AsyncSession, owner_id: UUID) -> tuple[datetime | None, datetime | None]:
    """Say since when a person's data are restricted, and since when erased, as it stands now."""
    found = select(OwnerRow.restricted_at, OwnerRow.erased_at).where(col(OwnerRow.id) == owner_id)
    return (await session.exec(found)).one()


async def fresh(session: AsyncSession, business_id: UUID) -> BusinessRow:
    """Give a business as it stands now that its owner is locked."""
    found = select(BusinessRow).where(col(BusinessRow.id) == business_id)
    return (await session.exec(found, execution_options={"populate_existing": True})).one()


async def nib_known(session: AsyncSession, nib: str) -> bool:
    """Tell whether any business has a NIB."""
    return (await session.exec(select(BusinessRow.id).where(col(BusinessRow.nib) == nib))).first() is not None


async def nib_owner(session: AsyncSession, nib: str) -> UUID | None:
    """Name the owner of the business that has a NIB, wherever it is."""
    return (await session.exec(select(BusinessRow.owner_id).where(col(BusinessRow.nib) == nib))).one_or_none()


async def nib_holder(session: AsyncSession, nib: str, own: Sequence[str]) -> UUID | None:
    """Name the business of these regions that has a NIB."""
    found = select(BusinessRow.id).where(col(BusinessRow.nib) == nib, within(col(BusinessRow.region), own))
    return (await session.exec(found)).one_or_none()


async def sole_business(session: AsyncSession, owner_id: UUID) -> bool:
    """Tell whether a person has no more than one business."""
    found = select(BusinessRow.id).where(col(BusinessRow.owner_id) == owner_id).limit(2)
    return len((await session.exec(found)).all()) <= 1


async def raise_versions(session: AsyncSession, owner_id: UUID, *, but: UUID, now: datetime) -> None:
    """Let the person's other businesses be read anew, since each shows its owner."""
    others = and_(col(BusinessRow.owner_id) == owner_id, col(BusinessRow.id) != but)
    told = update(BusinessRow).where(others).values(version=col(BusinessRow.version) + 1, changed_at=now)
    await session.execute(told.execution_options(synchronize_session=False))


async def businesses(
    session: AsyncSession, wanted: Wanted, own: Sequence[str] | None, after: UUID | None, limit: int
) -> Sequence[BusinessRow]:
    """Give the businesses asked for, in the order of their ids, which is that of their registration.

    Shape:  `own` None means that regions do not matter, for an owner who asks for their own
    """
    found = select(BusinessRow).order_by(col(BusinessRow.id)).limit(limit)
    found = narrowed(found, wanted)
    if own is not None:
        found = found.where(within(col(BusinessRow.region), own))
    if after is not None:
        found = found.where(col(BusinessRow.id) > after)
    return (await session.exec(found)).all()


def narrowed(found: SelectOfScalar[BusinessRow], wanted: Wanted) -> SelectOfScalar[BusinessRow]:
    """Narrow a question to the businesses that are wanted."""
    if wanted.region is not None:
        found = found.where(within(col(BusinessRow.region), [wanted.region]))
    if wanted.sector is not None:
        found = found.where(col(BusinessRow.sector) == wanted.sector)
    if wanted.state is None:  # a merged one is shown where it was merged into
        found = found.where(col(BusinessRow.state) != State.MERGED.value)
    else:
        found = found.where(col(BusinessRow.state) == wanted.state.value)
    if wanted.owner_id is not None:
        found = found.where(col(BusinessRow.owner_id) == wanted.owner_id)
    return found


async def owners(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, OwnerRow]:
    """Give these persons by their ids."""
    return {row.id: row for row in await session.exec(select(OwnerRow).where(col(OwnerRow.id).in_(set(ids))))}
