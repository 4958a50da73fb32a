"""How it is seen that what became of the kits of a training stands with the training."""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.trainings.domain import KitsState
from shared.contracts.aid_distribution import KitsEvent, KitsRefused, KitsReleased, KitsReserved
from shared.effect_audit import Seen, Told, seen_in

KITS = text("SELECT id, kits_state FROM training WHERE id = ANY(CAST(:ids AS uuid[]))")
LEADS_TO = {
    KitsReserved: (KitsState.RESERVED, KitsState.RELEASED),
    KitsRefused: (KitsState.REFUSED,),
    KitsReleased: (KitsState.RELEASED,),
}
"""What the kits of a training can be after each answer."""


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare each answer with the training that it is about."""
    events = [(one, one.event) for one in told if isinstance(one.event, KitsEvent)]
    rows = await session.execute(KITS, {"ids": [event.training_id for _, event in events]})
    found = {row.id: row.kits_state for row in rows}
    return [Seen(one, "kits", _wrong(event, found.get(event.training_id))) for one, event in events]


def _wrong(event: KitsEvent, state: str | None) -> str:
    if state is None:
        return "there is no such training"
    return "" if state in LEADS_TO[type(event)] else f"its kits are {state}"


HEARD_OF_KITS = seen_in(look, KitsReserved, KitsRefused, KitsReleased)
