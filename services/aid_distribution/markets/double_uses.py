"""Coupons that were used twice: which counters, and when."""

from uuid import UUID

import msgspec
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from services.aid_distribution.markets.coupons import use_view
from services.aid_distribution.markets.handlers import market_seen
from services.aid_distribution.markets.orders import DoubleUseView
from services.aid_distribution.markets.store import MarketSaleRow
from shared import cursor
from shared.caller import Caller
from shared.database import Work
from shared.routes import PAGE_ITEMS_DEFAULT, Cursor, Limit, Page


class DoubleUseQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stretch of the double uses to show."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


async def page(work: Work, caller: Caller, market_id: UUID, query: DoubleUseQuery) -> Page[DoubleUseView]:
    """List the coupons of a market that were used twice, with both sides; raises Absent (404)."""
    market = await market_seen(work, caller, market_id)
    first = aliased(MarketSaleRow)
    question = (
        select(MarketSaleRow, first)
        .join(first, col(MarketSaleRow.first_sale_id) == col(first.id))
        .where(col(MarketSaleRow.market_id) == market.id, col(MarketSaleRow.double_use).is_(True))
    )
    if query.cursor:
        (after,) = cursor.decode(query.cursor, tuple[UUID])
        question = question.where(col(MarketSaleRow.id) > after)
    rows = (await work.session.exec(question.order_by(col(MarketSaleRow.id)).limit(query.limit + 1))).all()
    return cursor.page(rows, query.limit, lambda pair: _view(*pair), lambda pair: (pair[0].id,))


def _view(second: MarketSaleRow, first: MarketSaleRow) -> DoubleUseView:
    return DoubleUseView(
        coupon_id=second.coupon_id or first.id,
        first=use_view(first),
        second=use_view(second),
        number=second.number,
        unposted_reason=second.unposted_reason,
    )
