"""What is done about support: remember it as it is told, and show it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from services.registration.support import store
from services.registration.support.store import SupportRow
from shared import cursor
from shared.contracts.aid_distribution import DistributionEvent, DistributionPosted, DistributionVoided
from shared.database import Work
from shared.problems import Absent
from shared.reaction import Heard
from shared.routes import Page


async def remember(work: Work, run: Sequence[Heard[DistributionPosted]]) -> None:
    """Write distributions into the history of each business that they name."""
    await store.put(work.session, [row for one in run for row in _rows(one.event)])


async def take_back(work: Work, run: Sequence[Heard[DistributionVoided]]) -> None:
    """Mark distributions as taken back in each of these histories."""
    # All that is needed comes with the event, so it is right even where the posting was never heard of.
    await store.put(work.session, [row for one in run for row in _rows(one.event)])
    await store.void(work.session, {one.event.distribution_id: one.event.reason for one in run}, work.now)


async def support_of(work: Work, business_id: UUID, after: str | None, limit: int) -> Page[SupportRow]:
    """Give what a business of the caller's regions received, latest first. Raises: Absent (404)."""
    region = await store.business_region(work.session, business_id)
    if region is None or not work.caller.sees(region):
        raise Absent
    beyond = cursor.decode(after, tuple[datetime, UUID, UUID]) if after else None
    rows = await store.support(work.session, business_id, beyond, limit + 1)
    return cursor.page(
        rows, limit, lambda row: row, lambda row: (row.occurred_at, row.distribution_id, row.business_id)
    )


def _rows(event: DistributionEvent) -> Sequence[SupportRow]:
    recipients = list(dict.fromkeys(event.businesses))
    shares = {(one.business_id, one.item): one.quantity for one in event.shares}
    return [
        SupportRow(
            distribution_id=event.distribution_id,
            business_id=business_id,
            number=event.number,
            programme=event.programme,
            place=event.place,
            place_name=event.place_name,
            region=event.region,
            occurred_at=event.occurred_at,
            lines=[
                # Where shares were told, a business without one of an item has none of it; elsewhere nobody knows.
                msgspec.to_builtins(line) | ({"share": shares.get((business_id, line.item), 0)} if shares else {})
                for line in event.lines
            ],
            public_heads=event.public_heads,
            businesses_count=len(recipients),
        )
        for business_id in recipients
    ]
