"""The copy of a person that registration gives: every row about them, with what is sealed opened for them."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.businesses.sealing import Purpose, keys
from services.registration.people.sealing import SEALED
from shared.person_copy import PersonTable, Rows, copied, of_business, owned, readable
from shared.privacy import PersonKey, SealedColumn, Vault

TABLES: Sequence[PersonTable] = (
    PersonTable("owner", "t.id = :owner_id"),
    owned("owner_kk"),
    owned("business"),
    owned("reveal"),
    owned("person_act"),
    of_business("support"),
    of_business("income"),
)
"""Every table of registration that says something of a person."""

BUSINESSES = text("SELECT id FROM business WHERE owner_id = :owner_id ORDER BY id")


async def businesses_of(session: AsyncSession, owner_id: UUID) -> list[UUID]:
    """Name the businesses of a person, by which the other services know what is about them."""
    return list((await session.execute(BUSINESSES, {"owner_id": owner_id})).scalars())


async def copy(session: AsyncSession, vault: Vault, owner_id: UUID, businesses: Sequence[UUID]) -> dict[str, Rows]:
    """Give everything about a person, by table; a sealed value stands under its column's name without `_sealed`."""
    found = await copied(session, TABLES, owner_id, businesses)
    opening: dict[str, PersonKey] = {}
    for purpose in Purpose:
        if key := (await keys(session, vault, [owner_id], purpose)).get(owner_id):
            opening[purpose] = key
    columns: dict[str, list[SealedColumn]] = defaultdict(list)
    for column in SEALED:
        columns[column.table].append(column)
    return {
        table: [shown | _opened(columns[table], row, opening) for shown, row in zip(readable(rows), rows, strict=True)]
        for table, rows in found.items()
    }


def _opened(
    columns: Sequence[SealedColumn], row: dict[str, object], opening: dict[str, PersonKey]
) -> dict[str, str | None]:
    told: dict[str, str | None] = {}
    for column in columns:
        sealed = row[column.column]
        key = opening.get(column.purpose)
        plain = key.open(column.cell(row[column.row]), sealed) if key and isinstance(sealed, bytes) else None
        told[column.column.removesuffix("_sealed")] = plain
    return told
