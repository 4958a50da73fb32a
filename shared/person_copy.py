"""The copy that a person may ask for: everything that a service keeps about them, table by table.

Each service declares its own questions; services never read one another's tables, so a copy of all is put together by
whoever may open every store, the command `serumpun person export`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlmodel.ext.asyncio.session import AsyncSession

ROWS_MAX = 100_000
"""More rows than one person can have in a table; a copy is never cut without a word."""

Rows = list[dict[str, Any]]


class TooMuch(Exception):
    """A table has more rows about one person than a copy takes; the message names it."""


@dataclass(frozen=True, slots=True)
class PersonTable:
    """What one table keeps about a person.

    Shape: `where` knows `:owner_id`, `:person` (`owner/<id>`) and `:businesses` (ids), and calls the table `t`
    """

    table: str
    where: str

    @property
    def question(self) -> TextClause:
        """Give the question for the rows."""
        return text(f"SELECT t.* FROM {self.table} t WHERE {self.where} LIMIT {ROWS_MAX + 1}")  # noqa: S608  ours


def owned(table: str) -> PersonTable:
    """Declare a table with the owner's id in each row."""
    return PersonTable(table, "t.owner_id = :owner_id")


def of_business(table: str) -> PersonTable:
    """Declare a table with the id of a business in each row."""
    return PersonTable(table, "t.business_id = ANY(CAST(:businesses AS uuid[]))")


def told(table: str) -> PersonTable:
    """Declare a table with the key of the person who is told in each row."""
    return PersonTable(table, "t.person = :person")


async def copied(
    session: AsyncSession, tables: Sequence[PersonTable], owner_id: UUID, businesses: Sequence[UUID]
) -> dict[str, Rows]:
    """Give the rows about a person by table, as they are stored; raises TooMuch."""
    about = {"owner_id": owner_id, "person": f"owner/{owner_id}", "businesses": list(businesses)}
    found: dict[str, Rows] = {}
    for one in tables:
        question = one.question
        bound = {name: value for name, value in about.items() if f":{name}" in one.where}
        rows = [dict(row) for row in (await session.execute(question, bound)).mappings()]
        if len(rows) > ROWS_MAX:
            raise TooMuch(f"{one.table} has more than {ROWS_MAX} rows about one person")
        found[one.table] = rows
    return found


def readable(rows: Rows) -> Rows:
    """Leave out what means nothing to a reader: keys, indexes and sealed bytes."""
    return [{name: value for name, value in row.items() if not isinstance(value, bytes)} for row in rows]
