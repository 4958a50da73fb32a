"""The copy of a person that registration gives: every row about them, with what is sealed opened for them."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.businesses.sealing import Purpose, keys
from services.registration.people.sealing import SEALED
from shared.person_copy import PersonTable, Rows, copied, of_business, owned, readable
from shared.privacy import PersonKey, SealedColumn, Unreadable, Vault

OURS = "ANY(CAST(:businesses AS uuid[]))"
ENROLLED = f"t.enrolment_id IN (SELECT id FROM enrolment WHERE business_id = {OURS})"  # noqa: S608 - ours
TABLES: Sequence[PersonTable] = (
    PersonTable("owner", "t.id = :owner_id"),
    owned("owner_kk"),
    owned("business"),
    owned("record_change"),
    PersonTable("business_merge", f"t.survivor_id = {OURS} OR t.merged_id = {OURS}"),
    owned("consent_act"),
    owned("contact_task"),
    owned("refused_registration"),
    of_business("survey_participant"),
    owned("survey_answer"),
    of_business("enrolment"),
    PersonTable("enrolment_step", ENROLLED),
    PersonTable("attendance", ENROLLED),
    PersonTable("attendance_taken_back", ENROLLED),
    PersonTable("certificate", ENROLLED),
    owned("reveal"),
    owned("nik_lookup"),
    owned("person_act"),
    of_business("support"),
    of_business("income"),
    of_business("ordered"),
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
        name = column.column.removesuffix("_sealed")
        told.setdefault(name, None)
        if key and isinstance(sealed, bytes):
            with suppress(Unreadable):  # a column of the history holds values of either purpose
                told[name] = key.open(column.cell(row[column.row]), sealed)
    return told
