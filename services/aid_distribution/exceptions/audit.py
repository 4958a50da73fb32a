"""How it is seen that what was parked is still there, and that everything about it is complete."""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import TextClause, text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.aid_distribution import (
    ExceptionApplied,
    ExceptionChanged,
    ExceptionDropped,
    ExceptionEvent,
    ExceptionOpened,
)
from shared.effect_audit import Seen, Told, compared, seen_in

CHANGES = text(
    "SELECT exception_id, owner, due_at, reason FROM stock_exception_change"
    " WHERE exception_id = ANY(CAST(:ids AS uuid[]))"
)
KEPT = text(
    "SELECT id, kind, region, place, state, posting_id, number, drop_reason AS reason, breach ->> 'code' AS breach,"
    " breach_reason FROM stock_exception"
    " WHERE id = ANY(CAST(:ids AS uuid[]))"
)

# What was parked out of a reservation that had been released is entered at the moment of the release: see
# distributions/happened.py.
# The constraints of the table say so too; this finds what was changed behind their back.
OPEN = """
    SELECT id, 'an owner and a deadline', concat_ws(' ', 'owner:', owner, 'due:', due_at) FROM stock_exception
    WHERE state = 'open' AND (coalesce(owner, '') = '' OR due_at IS NULL) ORDER BY id
"""
APPLIED = """
    SELECT e.id, 'a posting of ' || e.number, coalesce(p.number, 'none') FROM stock_exception e
    LEFT JOIN posting p ON p.id = e.posting_id
    WHERE e.state = 'applied' AND (
        (p.number, p.occurred_at >= e.occurred_at) IS DISTINCT FROM (e.number, true)
        OR (p.occurred_at > e.occurred_at AND e.asked ->> 'reservation' IS NULL)
    ) ORDER BY e.id
"""
CHANGED = """
    SELECT e.id, concat_ws(' ', 'owner:', c.owner, 'due:', c.due_at),
           concat_ws(' ', 'owner:', e.owner, 'due:', e.due_at)
    FROM stock_exception e JOIN LATERAL (
        SELECT owner, due_at FROM stock_exception_change WHERE exception_id = e.id ORDER BY version DESC LIMIT 1
    ) c ON true
    WHERE (c.owner, c.due_at) IS DISTINCT FROM (e.owner, e.due_at) ORDER BY e.id
"""
CHECKS: dict[str, TextClause] = {
    "open_exception_has_owner_and_deadline": text(OPEN),
    "applied_exception_names_its_posting": text(APPLIED),
    "exception_is_as_it_was_changed_last": text(CHANGED),
}


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare each event with the exception that it is about."""
    events = [(one, one.event) for one in told if isinstance(one.event, ExceptionEvent)]
    rows = await session.execute(KEPT, {"ids": [event.exception_id for _, event in events]})
    found = {row["id"]: dict(row) for row in rows.mappings()}
    changes = {tuple(row) for row in await session.execute(CHANGES, {"ids": list(found)})}
    return [
        Seen(
            one,
            f"exception {event.exception_id}",
            compared(_due(event), found.get(event.exception_id)) or _unknown(event, changes),
        )
        for one, event in events
    ]


def _unknown(event: ExceptionEvent, changes: Collection[tuple[object, ...]]) -> str:
    if not isinstance(event, ExceptionChanged):
        return ""
    known = (event.exception_id, event.owner, event.due_at, event.reason) in changes
    return "" if known else "there is no such change"


def _due(event: ExceptionEvent) -> dict[str, object]:
    due: dict[str, object] = {"kind": event.kind, "region": event.region, "place": event.place}
    match event:
        case ExceptionApplied():
            due |= {"state": "applied", "posting_id": event.posting_id, "number": event.number}
            due |= {"breach": event.breach, "breach_reason": event.breach_reason}
        case ExceptionDropped():
            due |= {"state": "dropped", "reason": event.reason}
    return due


EXCEPTIONS = seen_in(look, ExceptionOpened, ExceptionChanged, ExceptionApplied, ExceptionDropped)
