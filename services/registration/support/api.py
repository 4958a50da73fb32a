"""The HTTP face of the support that a business received."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.registration.support import handlers
from services.registration.support.store import SupportRow
from shared.clock import shown
from shared.problems import Absent
from shared.roles import Action
from shared.routes import PAGE_ITEMS_DEFAULT, Call, Cursor, Limit, Page, Routes

routes = Routes("/registration", tag="Support")


class SupportQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stretch of the history is asked for."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class GoodsView(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity of one item, in its base unit."""

    item: str
    item_name: str
    unit: str
    quantity: int
    lot: str | None = None


class VoidView(msgspec.Struct, frozen=True):
    """When and why a distribution was taken back."""

    at: datetime
    reason: str


class SupportView(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution that the business received from.

    Shape: `lines` is what was handed out in all, to `businesses_count` businesses and `public_heads` people
    """

    distribution_id: UUID
    number: str
    programme: str
    place: str
    place_name: str
    region: str
    occurred_at: datetime
    lines: list[GoodsView]
    public_heads: int
    businesses_count: int
    voided: VoidView | None


@routes.get("/businesses/{business_id}/support", allow=Action.SEE_BUSINESSES, refusals=(Absent,))
async def list_support(call: Call, business_id: UUID, query: SupportQuery) -> Page[SupportView]:
    """List what a business received, latest first."""
    page = await handlers.support_of(call.work, business_id, query.cursor, query.limit)
    return Page([_view(row) for row in page.items], page.next)


def _view(row: SupportRow) -> SupportView:
    return SupportView(
        distribution_id=row.distribution_id,
        number=row.number,
        programme=row.programme,
        place=row.place,
        place_name=row.place_name,
        region=row.region,
        occurred_at=shown(row.occurred_at),
        lines=msgspec.convert(row.lines, list[GoodsView]),
        public_heads=row.public_heads,
        businesses_count=row.businesses_count,
        voided=VoidView(shown(row.voided_at), row.void_reason) if row.voided_at and row.void_reason else None,
    )
