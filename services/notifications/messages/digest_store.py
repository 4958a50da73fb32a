"""What waits for the message of the day, by person."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession


class Gathered(NamedTuple):
    """What one person is to be told of in one message; `titles` are those that they have not read yet."""

    person: str
    ids: list[UUID]
    titles: list[str]


# Who has the message of the day already waits for the next one: a fact may be written a moment after the digest was.
GATHER = text(
    """
    WITH waiting AS (
        SELECT DISTINCT person FROM message m WHERE awaits_digest AND created_at < :before
          AND NOT EXISTS (SELECT FROM message d
                          WHERE d.fact = :fact AND d.person = m.person AND d.purpose = :purpose)
        ORDER BY person LIMIT :rows
    )
    SELECT person, array_agg(id ORDER BY created_at, id) AS ids,
           coalesce(array_agg(title ORDER BY created_at, id) FILTER (WHERE read_at IS NULL), '{}') AS titles
    FROM message JOIN waiting USING (person) WHERE awaits_digest AND created_at < :before
    GROUP BY person ORDER BY person
    """
)


async def gather(session: AsyncSession, fact: str, purpose: str, before: datetime, rows: int) -> list[Gathered]:
    """Give what was written before a moment and waits, by person, for those who have no digest of this day yet."""
    found = await session.execute(GATHER, {"fact": fact, "purpose": purpose, "before": before, "rows": rows})
    return [Gathered(row.person, row.ids, row.titles) for row in found]


DONE = text("UPDATE message SET awaits_digest = false WHERE id = ANY(CAST(:ids AS uuid[]))")


async def done(session: AsyncSession, ids: Iterable[UUID]) -> None:
    """Note that messages wait no more."""
    await session.execute(DONE, {"ids": list(ids)})
