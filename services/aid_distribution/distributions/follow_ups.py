"""Who did not receive: the open businesses that no distribution of a programme has named since a day."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from sqlalchemy import text

from services.aid_distribution.businesses.restricted import RESTRICTED
from services.aid_distribution.ledger.programmes import Programme
from shared import cursor
from shared.caller import Caller
from shared.clock import shown, wib_midnight
from shared.database import Work
from shared.routes import PAGE_ITEMS_DEFAULT, Cursor, Limit, Page, RegionCode

Sector = Annotated[str, msgspec.Meta(max_length=40, pattern=r"^[a-z][a-z0-9_-]*$(?!\n)", examples=["garment"])]


class FollowUpQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Under which programme, since which local day (it included), and which businesses to look among."""

    programme: Programme
    since: date
    region: RegionCode | None = None
    sector: Sector | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class FollowUpView(msgspec.Struct, frozen=True, kw_only=True):
    """A business that did not receive since then, and when it did last, if ever."""

    business_id: UUID
    name: str
    sector: str
    region: str
    last_received_at: datetime | None


# Each business is looked up in its own history, which is in order of time: its length does not matter.
FIND = text(
    f"""
    SELECT k.id, k.name, k.sector, k.region, (
        SELECT b.occurred_at FROM distribution_business b
        JOIN distribution d ON d.id = b.distribution_id AND d.state = 'posted'
        WHERE b.business_id = k.id AND b.programme = :programme ORDER BY b.occurred_at DESC LIMIT 1
    ) AS last_received_at
    FROM known_business k
    WHERE k.state = 'open' AND NOT {RESTRICTED.format(business="k")}
      AND (k.region, k.id) > (:after_region, CAST(:after_id AS uuid))
      AND EXISTS (SELECT FROM unnest(CAST(:own AS text[])) r WHERE k.region = r OR starts_with(k.region, r || '.'))
      AND (CAST(:region AS text) IS NULL OR k.region = :region OR starts_with(k.region, :region || '.'))
      AND (CAST(:sector AS text) IS NULL OR k.sector = :sector)
      AND NOT EXISTS (
        SELECT FROM distribution_business b JOIN distribution d ON d.id = b.distribution_id AND d.state = 'posted'
        WHERE b.business_id = k.id AND b.programme = :programme AND b.occurred_at >= :since)
    ORDER BY k.region, k.id LIMIT :rows
    """  # noqa: S608 - put together from our own text
)
BEFORE_ALL = ("", UUID(int=0))


async def follow_ups(work: Work, caller: Caller, query: FollowUpQuery) -> Page[FollowUpView]:
    """List the businesses of the caller's regions that did not receive, region by region."""
    after = cursor.decode(query.cursor, tuple[str, UUID]) if query.cursor else BEFORE_ALL
    rows = await work.session.execute(
        FIND,
        {
            "programme": query.programme.value,
            "since": wib_midnight(query.since),
            "own": list(caller.regions),
            "region": query.region,
            "sector": query.sector,
            "after_region": after[0],
            "after_id": after[1],
            "rows": query.limit + 1,
        },
    )
    found = [
        FollowUpView(
            business_id=row.id,
            name=row.name,
            sector=row.sector,
            region=row.region,
            last_received_at=shown(row.last_received_at) if row.last_received_at else None,
        )
        for row in rows
    ]
    return cursor.page(found, query.limit, lambda one: one, lambda one: (one.region, one.business_id))
