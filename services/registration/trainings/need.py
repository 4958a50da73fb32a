"""How much a business needs a training, for the order in which seats are given."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession


@dataclass(frozen=True, slots=True)
class Need:
    """Points, more for who needs it more, and how they came about in both languages."""

    points: int = 0
    explained: str = "Belum ada skor kebutuhan. / No need score yet."


async def need_of(_session: AsyncSession, businesses: Iterable[UUID]) -> dict[UUID, Need]:
    """Give the need of each of these businesses; without a score all are alike, and who came first is first."""
    return dict.fromkeys(businesses, Need())
