"""The questions that an inbox asks, each answered from an index of the person's own messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notifications.messages.store import XID_SQL, MessageRow

CHANGES_MAX = 100
SEARCHED_MAX = 5_000
"""So many of the newest messages are searched for words: years of them for anybody."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages of an inbox are asked for; None leaves a question out."""

    words: str | None = None
    unread: bool | None = None
    purpose: str | None = None
    urgency: str | None = None


PAGE = text(
    """
    SELECT * FROM (
        SELECT * FROM message WHERE person = :person
          AND (CAST(:at AS timestamptz) IS NULL OR (created_at, id) < (CAST(:at AS timestamptz), CAST(:id AS uuid)))
          AND (CAST(:unread AS boolean) IS NULL OR (read_at IS NULL) = :unread)
          AND (CAST(:purpose AS text) IS NULL OR purpose = :purpose)
          AND (CAST(:urgency AS text) IS NULL OR urgency = :urgency)
        ORDER BY created_at DESC, id DESC LIMIT :searched
    ) AS theirs
    WHERE CAST(:words AS text) IS NULL OR strpos(lower(title || ' ' || body), lower(:words)) > 0
    ORDER BY created_at DESC, id DESC LIMIT :rows
    """
)


async def page(
    session: AsyncSession, person: str, wanted: Wanted, after: tuple[datetime, UUID] | None, limit: int
) -> list[MessageRow]:
    """List a person's messages, newest first, and one row more than the limit."""
    at, message_id = after or (None, None)
    asked = {
        "person": person,
        "at": at,
        "id": message_id,
        "unread": wanted.unread,
        "purpose": wanted.purpose,
        "urgency": wanted.urgency,
        "words": wanted.words,
        "searched": SEARCHED_MAX if wanted.words else limit + 1,
        "rows": limit + 1,
    }
    rows = await session.execute(PAGE, asked)
    return [MessageRow(**row) for row in rows.mappings()]


UNREAD = text(
    "SELECT urgency, count(*) AS many FROM message WHERE person = :person AND read_at IS NULL GROUP BY urgency"
)


async def unread(session: AsyncSession, person: str) -> Mapping[str, int]:
    """Count what a person has not read, by class."""
    return {row.urgency: row.many for row in await session.execute(UNREAD, {"person": person})}


READ_UNTIL = text(
    "UPDATE message SET read_at = greatest(created_at, CAST(:now AS timestamptz)),"  # noqa: S608  ours
    f" changed_xid = {XID_SQL}"
    " WHERE person = :person AND read_at IS NULL AND created_at <= CAST(:until AS timestamptz) RETURNING id"
)


async def mark_read_until(session: AsyncSession, person: str, until: datetime, now: datetime) -> int:
    """Note that a person has read all that was written up to a moment; gives how many it was news for."""
    return len((await session.execute(READ_UNTIL, {"person": person, "until": until, "now": now})).all())


class Changed(NamedTuple):
    """What changed in an inbox, and where its reader then stands; `reset` where it cannot be said what."""

    position: int
    rows: list[MessageRow]
    reset: bool


# Every transaction below the horizon is over, and none that begins later is: what is read below it is complete for
# ever, though transactions end in another order than they began in. What shares one is never torn apart.
HORIZON = text("SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)")
CHANGED = text(
    """
    SELECT * FROM message WHERE person = :person
      AND changed_xid > :after AND changed_xid < :horizon
    ORDER BY message.changed_xid FETCH FIRST :rows ROWS WITH TIES
    """
)


async def changed(session: AsyncSession, person: str, after: int | None) -> Changed:
    """Give what changed in a person's inbox after a position, the oldest first, and no change twice."""
    horizon = (await session.execute(HORIZON)).scalar_one()
    if after is None or after >= horizon:  # the first time, or the store was put back to an earlier state
        return Changed(horizon - 1, [], reset=True)
    asked = {"person": person, "after": after, "horizon": horizon, "rows": CHANGES_MAX}
    rows = [MessageRow(**row) for row in (await session.execute(CHANGED, asked)).mappings()]
    return Changed(rows[-1].changed_xid if rows else after, rows, reset=False)
