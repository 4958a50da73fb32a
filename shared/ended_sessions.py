"""Sessions of pages that were ended before their time: each service refuses those that it was told of.

Only the digest of a token is kept, and only until the token is over by itself. Nobody can add a row but by a token that
was signed here for a page; so there are never more than sessions were begun in the time that one lasts.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, Column, DateTime, Index, LargeBinary, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession


class EndedSessionRow(SQLModel, table=True):
    """A session that was ended, by the digest of its token; it goes when the token is over."""

    __tablename__ = "ended_session"
    __table_args__ = (
        CheckConstraint("octet_length(mark) = 32", name="ended_session_mark_length"),
        Index("ended_session_expires_at", "expires_at"),
    )

    mark: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


@dataclass(frozen=True, slots=True)
class ShownSession:
    """The session that a request carries: the digest of its token, and when that is over by itself."""

    mark: bytes
    expires_at: datetime


IsEnded = Callable[[bytes], Awaitable[bool]]
"""How an authenticator asks whether the session with a mark was ended."""

END = text("INSERT INTO ended_session (mark, expires_at) VALUES (:mark, :expires_at) ON CONFLICT (mark) DO NOTHING")
ENDED = text("SELECT EXISTS (SELECT FROM ended_session WHERE mark = :mark)")
PRUNE = text(
    """
    DELETE FROM ended_session WHERE mark = ANY(ARRAY(
        SELECT mark FROM ended_session WHERE expires_at < :moment LIMIT :rows
    ))
    """
)


async def end(session: AsyncSession, shown: ShownSession | None) -> None:
    """Refuse a session from now on; a request that carries none that still counts changes nothing."""
    if shown:
        await session.execute(END, {"mark": shown.mark, "expires_at": shown.expires_at})


def ended_in(engine: AsyncEngine) -> IsEnded:
    """Give the look-up in one service's database, a short transaction of its own each time."""

    async def is_ended(mark: bytes) -> bool:
        async with AsyncSession(engine) as session:
            return bool((await session.execute(ENDED, {"mark": mark})).scalar_one())

    return is_ended
