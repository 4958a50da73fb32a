"""How it is seen that an office was given the task that an unreachable number asks for."""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.notifications import PhoneUnreachable
from shared.effect_audit import Seen, Told, seen_in

# What was overtaken, by a correction or by an end that was written later, has no task of its own.
LACKING = text(
    """
    SELECT asked.owner_id, asked.failed_at FROM unnest(CAST(:owners AS uuid[]), CAST(:moments AS timestamptz[]))
        AS asked(owner_id, failed_at)
    JOIN owner o ON o.id = asked.owner_id AND o.phone IS NOT NULL AND o.erased_at IS NULL
    WHERE NOT EXISTS (SELECT FROM contact_task t WHERE t.owner_id = o.id
        AND (t.state = 'open' OR t.ended_at >= asked.failed_at))
      AND NOT EXISTS (SELECT FROM record_change c WHERE c.subject_id = o.id AND c.subject = 'owner'
        AND c.field = 'phone' AND c.changed_at >= asked.failed_at)
    """
)


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Look for the task that each number that reached nobody asks for."""
    events = [(one, one.event) for one in told if isinstance(one.event, PhoneUnreachable)]
    asked = {"owners": [event.owner_id for _, event in events], "moments": [event.at for _, event in events]}
    lacking = {(row.owner_id, row.failed_at) for row in await session.execute(LACKING, asked)}
    return [
        Seen(one, "contact task", "there is no task for it" if (event.owner_id, event.at) in lacking else "")
        for one, event in events
    ]


HEARD_UNREACHABLE = seen_in(look, PhoneUnreachable)
