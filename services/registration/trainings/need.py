"""How much a business needs a training, for the order in which seats are given: as surveys say it."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.surveys import need as scores
from services.registration.surveys import questions


@dataclass(frozen=True, slots=True)
class Need:
    """Points, more for who needs it more, and how they came about in both languages."""

    points: int = 0
    explained: str = "Belum ada skor kebutuhan. / No need score yet."


async def need_of(session: AsyncSession, businesses: Iterable[UUID]) -> dict[UUID, Need]:
    """Give the need of each of these businesses; without an answer all are alike, and who came first is first."""
    ids = list(businesses)
    known = await questions.need_of(session, ids)
    return {one: _told(known[one]) if one in known else Need() for one in ids}


def _told(need: scores.Need) -> Need:
    told = "; ".join(f"{part.because} {part.points}/{part.of}" for part in need.parts)
    english = "; ".join(f"{part.because_english} {part.points}/{part.of}" for part in need.parts)
    return Need(need.score, f"{told} ({need.rule}). / {english} ({need.rule}).")
