"""The sealed values of a person: the NIK, and the annual sales of their businesses.

Each purpose has a key of its own for each person, because turnover is specific personal data that needs another
right to read (DOMAIN section 6). Destroying a row of `person_key` makes what it sealed unreadable for good; what
was sealed under it is then shown as not known.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.businesses.store import BusinessRow, OwnerRow
from shared.privacy import Cell, PersonKey, SealedColumn, Vault


class Purpose(StrEnum):
    """What a key of a person is for."""

    IDENTITY = "identity"
    TURNOVER = "turnover"


NIK = SealedColumn(
    table="owner", column="nik_sealed", purpose=Purpose.IDENTITY, owner="id", index="nik_index", kind="nik"
)
SALES = SealedColumn(table="business", column="annual_sales_sealed", purpose=Purpose.TURNOVER)
SEALED = (NIK, SALES)
"""The sealed columns of owners and businesses."""


class PersonKeyRow(SQLModel, table=True):
    """A key of one person for one purpose, wrapped by the master key."""

    __tablename__ = "person_key"
    __table_args__ = (CheckConstraint("purpose IN ('identity', 'turnover')", name="person_key_purpose_known"),)

    owner_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("owner.id"), primary_key=True))
    purpose: str = Field(sa_column=Column(Text, primary_key=True))
    wrapped: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


def new_key(vault: Vault, owner_id: UUID, purpose: Purpose) -> PersonKey:
    """Make a key for a person who is about to be stored; `keep` stores it after them."""
    return vault.new_person(_name(owner_id, purpose))


def import_key_name(import_id: UUID) -> str:
    """Name the key of an import, which seals what a file says of people until it is thrown away."""
    return f"import/{import_id}"


async def keep(session: AsyncSession, owner_id: UUID, purpose: Purpose, key: PersonKey) -> bool:
    """Store a key of a person; False when they have one for this purpose already."""
    told = insert(PersonKeyRow).values(owner_id=owner_id, purpose=purpose.value, wrapped=key.wrapped)
    stored = await session.execute(told.on_conflict_do_nothing().returning(col(PersonKeyRow.owner_id)))
    return stored.first() is not None


async def keys(
    session: AsyncSession, vault: Vault, owner_ids: Collection[UUID], purpose: Purpose
) -> dict[UUID, PersonKey]:
    """Give the keys that these persons have for one purpose."""
    found = select(PersonKeyRow).where(
        col(PersonKeyRow.owner_id).in_(set(owner_ids)), col(PersonKeyRow.purpose) == purpose.value
    )
    return {row.owner_id: vault.person(_name(row.owner_id, purpose), row.wrapped) for row in await session.exec(found)}


async def key(session: AsyncSession, vault: Vault, owner_id: UUID, purpose: Purpose) -> PersonKey:
    """Give the key of a person for one purpose, making it when there was nothing to seal before."""
    if known := (await keys(session, vault, [owner_id], purpose)).get(owner_id):
        return known
    made = new_key(vault, owner_id, purpose)
    if await keep(session, owner_id, purpose, made):
        return made
    return (await keys(session, vault, [owner_id], purpose))[owner_id]  # another transaction was first


def seal_nik(key: PersonKey, owner_id: UUID, nik: str) -> bytes:
    """Seal the NIK of a person."""
    return key.seal(_nik_cell(owner_id), nik)


def seal_sales(key: PersonKey, business_id: UUID, annual_sales_rupiah: int) -> bytes:
    """Seal the annual sales of a business."""
    return key.seal(_sales_cell(business_id), str(annual_sales_rupiah))


async def niks(session: AsyncSession, vault: Vault, owners: Sequence[OwnerRow]) -> dict[UUID, str]:
    """Open the NIKs of those of these persons who gave one, by owner."""
    given = {row.id: row.nik_sealed for row in owners if row.nik_sealed is not None}
    opening = await keys(session, vault, given, Purpose.IDENTITY) if given else {}
    return {owner_id: key.open(_nik_cell(owner_id), given[owner_id]) for owner_id, key in opening.items()}


async def annual_sales(session: AsyncSession, vault: Vault, businesses: Sequence[BusinessRow]) -> dict[UUID, int]:
    """Open the annual sales of those of these businesses that gave them, in rupiah, by business."""
    given = [row for row in businesses if row.annual_sales_sealed is not None]
    opening = await keys(session, vault, {row.owner_id for row in given}, Purpose.TURNOVER) if given else {}
    return {
        row.id: int(opening[row.owner_id].open(_sales_cell(row.id), row.annual_sales_sealed))
        for row in given
        if row.owner_id in opening and row.annual_sales_sealed is not None
    }


async def sales_of(session: AsyncSession, vault: Vault, given: Mapping[UUID, Mapping[str, Any]]) -> dict[UUID, int]:
    """Open the annual sales of businesses that were read by their columns, in rupiah, by business."""
    opening = await keys(session, vault, {row["owner_id"] for row in given.values()}, Purpose.TURNOVER) if given else {}
    return {
        business_id: int(opening[row["owner_id"]].open(_sales_cell(business_id), row["annual_sales_sealed"]))
        for business_id, row in given.items()
        if row["owner_id"] in opening
    }


def _nik_cell(owner_id: UUID) -> Cell:
    return NIK.cell(owner_id)


def _sales_cell(business_id: UUID) -> Cell:
    return SALES.cell(business_id)


def _name(owner_id: UUID, purpose: Purpose) -> str:
    return f"{owner_id}/{purpose}"
