"""A cheap market in Pangkalpinang, and what its counters tell."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.aid_distribution.markets import coupons, handlers, sales
from services.aid_distribution.markets.domain import Model
from services.aid_distribution.markets.orders import (
    AnnounceMarket,
    CancelMarket,
    CouponOrder,
    IssueCoupons,
    IssuedView,
    MarketView,
    OfferedItem,
    RecordSales,
    SaleEntry,
    SaleOutcome,
    Slot,
    SoldLine,
)
from shared.caller import Caller
from shared.database import Database
from tests.aid_distribution.story import MARKET, NOON, PANGKALPINANG, RICE

OPENS, CLOSES = NOON - timedelta(hours=1), NOON + timedelta(hours=3)


def family(number: int) -> str:
    return f"keluarga-{number:016d}"


def offer(item: str = RICE, allotment: int = 100, limit: int = 2, price: int = 45_000) -> OfferedItem:
    return OfferedItem(
        item=item,
        price_rupiah=price,
        market_price_rupiah=52_000,
        allotment=allotment,
        limit_per_family=limit,
    )


def announcement(*offers: OfferedItem, model: Model = Model.SUBSIDISED_PACKAGE, **more: Any) -> AnnounceMarket:
    given: dict[str, Any] = {"place": MARKET, "opens_at": OPENS, "closes_at": CLOSES} | more
    return AnnounceMarket(model=model, items=list(offers) or [offer()], **given)


def slot(capacity: int, begins: datetime = OPENS) -> Slot:
    return Slot(from_=begins, to=begins + timedelta(hours=1), capacity=capacity)


async def announce(database: Database, order: AnnounceMarket | None = None) -> MarketView:
    async with database.work(PANGKALPINANG) as work:
        return await handlers.announce(work, PANGKALPINANG, order or announcement())


async def open_market(database: Database, order: AnnounceMarket | None = None) -> MarketView:
    market = await announce(database, order)
    async with database.work(PANGKALPINANG) as work:
        return await handlers.open_market(work, PANGKALPINANG, market.id)


async def close(database: Database, market: MarketView) -> MarketView:
    async with database.work(PANGKALPINANG) as work:
        return await handlers.close_market(work, PANGKALPINANG, market.id)


async def cancel(database: Database, market: MarketView) -> MarketView:
    async with database.work(PANGKALPINANG) as work:
        return await handlers.cancel_market(work, PANGKALPINANG, market.id, CancelMarket(reason="Banjir"))


async def give(
    database: Database, market: MarketView, numbers: Sequence[int], *, packages: int = 1, slot_no: int | None = None
) -> IssuedView:
    """Give a coupon to each of some families."""
    order = [CouponOrder(family=family(number), packages=packages, slot=slot_no) for number in numbers]
    async with database.work(PANGKALPINANG) as work:
        return await coupons.issue(work, PANGKALPINANG, market.id, IssueCoupons(coupons=order))


def entry(
    quantity: int = 1,
    *,
    coupon: str | None = None,
    to: str | None = None,
    sold_at: datetime = NOON,
    item: str = RICE,
    entry_id: UUID | None = None,
) -> SaleEntry:
    lines = [SoldLine(item=item, quantity=quantity)]
    return SaleEntry(id=entry_id or uuid4(), sold_at=sold_at, coupon=coupon, family=to, lines=lines)


async def tell(
    database: Database,
    market: MarketView,
    *entries: SaleEntry,
    counter: str = "Loket 1",
    caller: Caller = PANGKALPINANG,
) -> list[SaleOutcome]:
    """Let a counter tell its sales; gives their outcomes."""
    async with database.work(caller) as work:
        order = RecordSales(counter=counter, entries=list(entries))
        return (await sales.record(work, caller, market.id, order)).outcomes


def said(outcomes: Sequence[SaleOutcome]) -> list[str]:
    return [one.code if one.outcome == "refused" and one.code else one.outcome for one in outcomes]
