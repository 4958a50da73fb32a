"""Bringing what is stored under an earlier key under the one in use, by batches, while everything runs.

The keys of persons are wrapped anew; nothing that they seal has to be touched. Indexes are worked out anew from what
they index, which has to be opened for it. What somebody else has changed meanwhile is left to them: it stands under
the key in use already. A run that was broken off is simply begun again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.businesses.sealing import Purpose, import_key_name, keys
from services.registration.people.sealing import SEALED
from shared.privacy import SealedColumn, Vault

BATCH_ROWS = 500
INDEXED: Sequence[SealedColumn] = tuple(one for one in SEALED if one.index)
BEFORE_ALL = UUID(int=0)

LEFT = text(
    "SELECT (SELECT count(*) FROM person_key WHERE substring(wrapped FROM 1 FOR :length) <> :begins)"
    " + (SELECT count(*) FROM business_import WHERE substring(wrapped FROM 1 FOR :length) <> :begins)"
)
WRAPPED = text(
    "SELECT owner_id, purpose, wrapped FROM person_key WHERE substring(wrapped FROM 1 FOR :length) <> :begins"
    " ORDER BY owner_id, purpose LIMIT :rows FOR UPDATE"
)
REWRAP = text(
    "UPDATE person_key k SET wrapped = n.wrapped FROM unnest("
    "CAST(:owners AS uuid[]), CAST(:purposes AS text[]), CAST(:wrapped AS bytea[])) AS n(owner_id, purpose, wrapped)"
    " WHERE (k.owner_id, k.purpose) = (n.owner_id, n.purpose)"
)
WRAPPED_IMPORTS = text(
    "SELECT id, wrapped FROM business_import WHERE substring(wrapped FROM 1 FOR :length) <> :begins"
    " ORDER BY id LIMIT :rows FOR UPDATE"
)
REWRAP_IMPORTS = text(
    "UPDATE business_import i SET wrapped = n.wrapped"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:wrapped AS bytea[])) AS n(id, wrapped) WHERE i.id = n.id"
)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch found and did: how many rows it looked at, and how many of them stood under an earlier key."""

    looked: int
    changed: int


async def left(session: AsyncSession, vault: Vault) -> int:
    """Count the keys of persons, and of files about them, that are wrapped by an earlier key."""
    begins = vault.begins
    return int((await session.execute(LEFT, {"begins": begins, "length": len(begins)})).scalar_one())


async def rewrap(session: AsyncSession, vault: Vault, rows: int = BATCH_ROWS) -> int:
    """Wrap some keys of persons anew and give how many they were; none when all are wrapped by the key in use."""
    begins = vault.begins
    found = (await session.execute(WRAPPED, {"begins": begins, "length": len(begins), "rows": rows})).all()
    if found:
        anew = [vault.rewrapped(f"{row.owner_id}/{row.purpose}", row.wrapped) for row in found]
        told = {"owners": [row.owner_id for row in found], "purposes": [row.purpose for row in found], "wrapped": anew}
        await session.execute(REWRAP, told)
        return len(found)
    files = (await session.execute(WRAPPED_IMPORTS, {"begins": begins, "length": len(begins), "rows": rows})).all()
    if files:
        anew = [vault.rewrapped(import_key_name(row.id), row.wrapped) for row in files]
        await session.execute(REWRAP_IMPORTS, {"ids": [row.id for row in files], "wrapped": anew})
    return len(files)


async def rows_of(session: AsyncSession, column: SealedColumn) -> int:
    """Count the rows that have an index in a column."""
    question = f"SELECT count(*) FROM {column.table} WHERE {column.index} IS NOT NULL"  # noqa: S608  declared by us
    return int((await session.execute(text(question))).scalar_one())


async def reindex(
    session: AsyncSession, vault: Vault, column: SealedColumn, after: UUID, rows: int = BATCH_ROWS, *, really: bool
) -> tuple[UUID | None, Batch]:
    """Work some indexes out anew; gives the last row that was looked at, None behind the end.

    Shape: without `really` it is only counted what would change
    """
    question = (
        f"SELECT {column.row} AS id, {column.owner} AS owner_id, {column.column} AS sealed, {column.index} AS known"  # noqa: S608
        f" FROM {column.table} WHERE {column.index} IS NOT NULL AND {column.row} > :after"
        f" ORDER BY {column.row} LIMIT :rows"
    )
    found = (await session.execute(text(question), {"after": after, "rows": rows})).all()
    if not found:
        return None, Batch(0, 0)
    opening = await keys(session, vault, {row.owner_id for row in found}, Purpose(column.purpose))
    anew = []
    for row in found:
        if row.owner_id in opening:
            plain = opening[row.owner_id].open(column.cell(row.id), row.sealed)
            index = vault.index(plain, column.kind)
            if index != row.known:
                anew.append((row.id, row.known, index))
    if anew and really:
        ids, before, after_ = (list(values) for values in zip(*anew, strict=True))
        change = (
            f"UPDATE {column.table} t SET {column.index} = n.anew FROM unnest("  # noqa: S608  declared by us
            "CAST(:ids AS uuid[]), CAST(:before AS bytea[]), CAST(:anew AS bytea[])) AS n(id, before, anew)"
            f" WHERE t.{column.row} = n.id AND t.{column.index} = n.before"
        )
        await session.execute(text(change), {"ids": ids, "before": before, "anew": after_})
    return found[-1].id, Batch(len(found), len(anew))
