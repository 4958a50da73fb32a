"""How it is seen that the journal still holds the goods of stations, and that no visit that was told has gone."""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.ledger import journal_audit
from shared.contracts.aid_distribution import StationPlaced, StationRemoved, StationServiced
from shared.effect_audit import Seen, Told, seen_in

VISITS = text("SELECT id, seen FROM station_visit WHERE id = ANY(CAST(:ids AS uuid[]))")
CURE = "bring the visit back from a backup; the event has it: serumpun events show {at}"


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare goods with the journal, and look for the visits."""
    moved = [one for one in told if getattr(one.event, "number", None)]
    return [*await journal_audit.look(session, moved), *await _visits(session, told)]


async def _visits(session: AsyncSession, told: Sequence[Told]) -> list[Seen]:
    visited = [(one, one.event) for one in told if isinstance(one.event, StationServiced)]
    found = {
        row.id: row.seen for row in await session.execute(VISITS, {"ids": [event.visit_id for _, event in visited]})
    }
    return [
        Seen(
            one,
            f"visit {event.visit_id}",
            "" if found.get(event.visit_id) == event.seen else "there is no such visit",
            CURE.format(at=f"{one.source}/{one.partition}/{one.seq}"),
        )
        for one, event in visited
    ]


STATIONS = seen_in(look, StationPlaced, StationServiced, StationRemoved)
