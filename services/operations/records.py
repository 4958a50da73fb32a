"""The record of what operators did by command, over all services."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.operations.installation import Installation
from shared import operator_acts


class ActView(msgspec.Struct, frozen=True, kw_only=True):
    """One act.

    Shape: `service` keeps the record; `first_seq` to `last_seq` are the numbers it concerned, null when none
    """

    id: UUID
    service: str
    at: datetime
    actor: str
    act: str
    reason: str
    subject: str
    source: str
    partition: int | None
    first_seq: int | None
    last_seq: int | None


async def acts(there: Installation, limit: int) -> list[ActView]:
    """List the latest acts, newest first."""
    found = []
    for service in there.stores:
        async with there.reading(service) as session:
            for row in await operator_acts.listed(session, limit):
                kept = row.model_dump(exclude={"event"})
                found.append(ActView(service=service, **kept))
    return sorted(found, key=lambda one: (one.at, one.id), reverse=True)


def lines(one: ActView) -> list[str]:
    """Give one line for an act."""
    numbers = (
        ""
        if one.first_seq is None
        else f"/{one.first_seq}" + (f"-{one.last_seq}" if one.last_seq != one.first_seq else "")
    )
    where = one.source + ("" if one.partition is None else f"/{one.partition}") + numbers
    moment = one.at.isoformat("T", "seconds")
    return [f"{moment} {one.service} {one.act} {where} {one.subject or '-'} by {one.actor}: {one.reason}"]
