"""Businesses and owners by the thousand: found by a few questions, written by a few statements."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.businesses.sealing import PersonKeyRow
from services.registration.businesses.store import BusinessRow, OwnerRow
from services.registration.businesses.told import BUSINESS_COLUMNS, OWNER_COLUMNS, Columns

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
KEY_COLUMNS = ("owner_id", "purpose", "wrapped")


def _table(row: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(row.__tablename__)]


def _unnested(row: type[SQLModel], columns: Sequence[str]) -> str:
    table = _table(row)
    casts = (f"CAST(:{name} AS {table.c[name].type.compile(DIALECT)}[])" for name in columns)
    return f"unnest({', '.join(casts)})"


def _insert(row: type[SQLModel], columns: Sequence[str], answer: str) -> TextClause:
    names = ", ".join(columns)
    return text(
        f"INSERT INTO {_table(row).name} ({names}) SELECT * FROM {_unnested(row, columns)}"  # noqa: S608 - our own names
        f" ON CONFLICT DO NOTHING RETURNING {answer}"
    )


def _update(row: type[SQLModel], columns: Sequence[str]) -> TextClause:
    sets = ", ".join(f"{name} = fresh.{name}" for name in columns if name != "id")
    return text(
        f"UPDATE {_table(row).name} AS known SET {sets}"  # noqa: S608 - our own names
        f" FROM {_unnested(row, columns)} AS fresh({', '.join(columns)}) WHERE known.id = fresh.id"
    )


_OF_BUSINESS = ", ".join(BUSINESS_COLUMNS)
_OF_OWNER = ", ".join(OWNER_COLUMNS)
# Each word by its own index: asked with OR, or planned while the table was small, all of it is read for each batch.
BY_INDEX = text("SELECT set_config('enable_seqscan', 'off', true)")
BUSINESSES = text(
    f"""
    SELECT {_OF_BUSINESS} FROM business WHERE id = ANY(ARRAY(
        SELECT unnest(CAST(:ids AS uuid[]))
        UNION SELECT id FROM business WHERE nib = ANY(CAST(:nibs AS text[]))
        UNION SELECT id FROM business WHERE owner_id = ANY(CAST(:owners AS uuid[]))
        UNION SELECT id FROM business WHERE document = ANY(CAST(:documents AS text[]))
        UNION SELECT id FROM business WHERE name = ANY(CAST(:names AS text[]))
    ))
    """  # noqa: S608 - our own names
)
OWNERS = text(f"SELECT {_OF_OWNER} FROM owner WHERE id = ANY(CAST(:ids AS uuid[]))")  # noqa: S608
OWNERS_BY_NIK = text(f"SELECT {_OF_OWNER} FROM owner WHERE nik_index = ANY(CAST(:indexes AS bytea[]))")  # noqa: S608
LOCK = text("SELECT id FROM owner WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE")
SHARES = text(
    "SELECT owner_id, count(*) AS shares FROM business WHERE owner_id = ANY(CAST(:ids AS uuid[])) GROUP BY owner_id"
)
RAISE_OTHERS = text(
    """
    UPDATE business SET version = version + 1, changed_at = :now
    WHERE owner_id = ANY(CAST(:owners AS uuid[])) AND NOT id = ANY(CAST(:but AS uuid[]))
    """
)
REGIONS = text("SELECT code, name FROM region ORDER BY code")
ADD_OWNERS = _insert(OwnerRow, OWNER_COLUMNS, "id")
ADD_KEYS = _insert(PersonKeyRow, KEY_COLUMNS, "owner_id")
ADD_BUSINESSES = _insert(BusinessRow, BUSINESS_COLUMNS, "id")
CHANGE_OWNERS = _update(OwnerRow, OWNER_COLUMNS)
CHANGE_BUSINESSES = _update(BusinessRow, BUSINESS_COLUMNS)


async def regions(session: AsyncSession) -> dict[str, str]:
    """Give the names of all regions by their codes."""
    return {row.code: row.name for row in await session.execute(REGIONS)}


async def businesses(
    session: AsyncSession,
    *,
    ids: Collection[UUID],
    nibs: Collection[str],
    owners: Collection[UUID],
    documents: Collection[str],
    names: Collection[str],
) -> list[Columns]:
    """Give the businesses that any of these words may mean, in any region."""
    asked = {
        "ids": list(ids),
        "nibs": list(nibs),
        "owners": list(owners),
        "documents": list(documents),
        "names": list(names),
    }
    return [dict(row) for row in (await session.execute(BUSINESSES, asked)).mappings()]


async def search_by_index(session: AsyncSession) -> None:
    """Let everything be found by its index until the transaction ends, however small the tables were when planned."""
    await session.execute(BY_INDEX)


async def owners(session: AsyncSession, ids: Collection[UUID]) -> list[Columns]:
    """Give these persons."""
    return [dict(row) for row in (await session.execute(OWNERS, {"ids": list(ids)})).mappings()]


async def owners_by_nik(session: AsyncSession, indexes: Collection[bytes]) -> list[Columns]:
    """Give the persons that these NIKs belong to."""
    return [dict(row) for row in (await session.execute(OWNERS_BY_NIK, {"indexes": list(indexes)})).mappings()]


async def lock_owners(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Lock persons in the order of their ids, and with them all their businesses, as whoever changes one does."""
    await session.execute(LOCK, {"ids": list(ids)})


async def shares(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, int]:
    """Count the businesses of these persons."""
    return {row.owner_id: row.shares for row in await session.execute(SHARES, {"ids": list(ids)})}


async def add(session: AsyncSession, statement: TextClause, columns: Sequence[str], rows: Sequence[Columns]) -> bool:
    """Store rows; False when one of them is there already, which another transaction has just written."""
    if not rows:
        return True
    return len((await session.execute(statement, _arrays(columns, rows))).all()) == len(rows)


async def change(session: AsyncSession, statement: TextClause, columns: Sequence[str], rows: Sequence[Columns]) -> None:
    """Write what rows are now."""
    if rows:
        await session.execute(statement, _arrays(columns, rows))


async def raise_versions(session: AsyncSession, owners: Collection[UUID], but: Collection[UUID], now: Any) -> None:
    """Let the persons' other businesses be read anew, since each shows its owner."""
    await session.execute(RAISE_OTHERS, {"owners": list(owners), "but": list(but), "now": now})


def _arrays(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in columns}
