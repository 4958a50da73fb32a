"""How it is seen that what was parked is still there, and that everything about it is complete."""

from collections.abc import Iterable, Sequence

from sqlalchemy import TextClause, text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.aid_distribution import (
    ExceptionApplied,
    ExceptionDropped,
    ExceptionEvent,
    ExceptionOpened,
)
from shared.effect_audit import Seen, Told, compared, seen_in

KEPT = text(
    "SELECT id, kind, region, place, state, posting_id, number, drop_reason AS reason FROM stock_exception"
    " WHERE id = ANY(CAST(:ids AS uuid[]))"
)

# The constraints of the table say so too; this finds what was changed behind their back.
OPEN = """
    SELECT id, 'an owner and a deadline', concat_ws(' ', 'owner:', owner, 'due:', due_at) FROM stock_exception
    WHERE state = 'open' AND (coalesce(owner, '') = '' OR due_at IS NULL) ORDER BY id
"""
APPLIED = """
    SELECT e.id, 'a posting of ' || e.number, coalesce(p.number, 'none') FROM stock_exception e
    LEFT JOIN posting p ON p.id = e.posting_id
    WHERE e.state = 'applied' AND (p.number, p.occurred_at) IS DISTINCT FROM (e.number, e.occurred_at) ORDER BY e.id
"""
CHECKS: dict[str, TextClause] = {
    "open_exception_has_owner_and_deadline": text(OPEN),
    "applied_exception_names_its_posting": text(APPLIED),
}


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare each event with the exception that it is about."""
    events = [(one, one.event) for one in told if isinstance(one.event, ExceptionEvent)]
    rows = await session.execute(KEPT, {"ids": [event.exception_id for _, event in events]})
    found = {row["id"]: dict(row) for row in rows.mappings()}
    return [
        Seen(one, f"exception {event.exception_id}", compared(_due(event), found.get(event.exception_id)))
        for one, event in events
    ]


def _due(event: ExceptionEvent) -> dict[str, object]:
    due: dict[str, object] = {"kind": event.kind, "region": event.region, "place": event.place}
    match event:
        case ExceptionApplied():
            due |= {"state": "applied", "posting_id": event.posting_id, "number": event.number}
        case ExceptionDropped():
            due |= {"state": "dropped", "reason": event.reason}
    return due


EXCEPTIONS = seen_in(look, ExceptionOpened, ExceptionApplied, ExceptionDropped)
