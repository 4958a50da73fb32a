"""The HTTP face of the support that a business received."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.registration.support import handlers, income, loop
from services.registration.support.income import IncomeRow
from services.registration.support.loop import LoopView, MakersView
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
    """A quantity of one item, in its base unit; `share` is what the business received of the item, of all its lots."""

    item: str
    item_name: str
    unit: str
    quantity: int
    lot: str | None = None
    share: int | None = None


class VoidView(msgspec.Struct, frozen=True):
    """When and why a distribution was taken back."""

    at: datetime
    reason: str


class SupportView(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution that the business received from.

    Shape: `lines` is what was handed out in all, to `businesses_count` businesses and `public_heads` people; what the
           business itself received stands in each line's `share`, and is not known where that is null
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


class IncomeView(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery or a payment of a production order.

    Shape:  `no` counts the deliveries, or the payments, of the order; `reference` is the document of the delivery or
            the reference of the payment
    Units:  of a delivery the amount is what became due by it, of a payment what was paid
    """

    order_id: UUID
    kind: str
    no: int
    region: str
    occurred_at: datetime
    item: str
    item_name: str
    unit: str
    accepted: int | None
    rejected: int | None
    amount_rupiah: int
    reference: str | None


@routes.get("/businesses/{business_id}/support", allow=Action.SEE_BUSINESSES, refusals=(Absent,))
async def list_support(call: Call, business_id: UUID, query: SupportQuery) -> Page[SupportView]:
    """List what a business received, latest first."""
    page = await handlers.support_of(call.work, business_id, query.cursor, query.limit)
    return Page([_view(row) for row in page.items], page.next)


@routes.get("/businesses/{business_id}/income", allow=Action.SEE_BUSINESSES, refusals=(Absent,))
async def list_income(call: Call, business_id: UUID, query: SupportQuery) -> Page[IncomeView]:
    """List what a business delivered by production orders and was paid for it, latest first."""
    page = await income.income_of(call.work, business_id, query.cursor, query.limit)
    return Page([_income(row) for row in page.items], page.next)


@routes.get("/businesses/{business_id}/loop", allow=Action.SEE_BUSINESSES, refusals=(Absent,))
async def show_loop(call: Call, business_id: UUID) -> LoopView:
    """Show all that was done with and for a business: its orders, what it earned, where its goods went, its aid."""
    return await loop.loop_of(call.work, business_id)


@routes.get("/occasions/{occasion}/makers", allow=Action.SEE_BUSINESSES)
async def list_makers(call: Call, occasion: UUID) -> MakersView:
    """Tell who has made what was handed out at a distribution, or sold at a market, as far as it was made to order."""
    return await loop.makers_of(call.work, occasion)


def _income(row: IncomeRow) -> IncomeView:
    values = {name: getattr(row, name) for name in IncomeView.__struct_fields__}
    return IncomeView(**{**values, "occurred_at": shown(row.occurred_at)})


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
