"""Goods of a sale that come back: counted against the sale, the offer, what its family took, and the seller's claim.

A coupon that was used stays used. The market is locked before any card is, as whoever tells sales does.
"""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text
from sqlmodel import select

from services.aid_distribution.ledger.returned import GivenBack, Origin, ReturnSettled, SoldSince
from services.aid_distribution.ledger.store import PostingRow
from services.aid_distribution.markets.store import MarketRow, MarketSaleRow
from shared.caller import Caller
from shared.database import Work
from shared.problems import Absent, FieldError

GOODS = "unnest(CAST(:items AS text[]), CAST(:quantities AS bigint[])) AS n(item, quantity)"
OFF_SALE = text(
    f"UPDATE market_sale_line l SET returned = l.returned + n.quantity FROM {GOODS}"  # noqa: S608 - our own text
    " WHERE l.sale_id = :sale AND l.item = n.item"
)
OFF_OFFER = text(
    f"UPDATE market_item i SET sold = i.sold - n.quantity FROM {GOODS}"  # noqa: S608 - our own text
    " WHERE i.market_id = :market AND i.item = n.item"
)
OFF_FAMILY = text(
    f"UPDATE market_family f SET quantity = f.quantity - n.quantity FROM {GOODS}"  # noqa: S608 - our own text
    " WHERE f.market_id = :market AND f.family = :family AND f.item = n.item"
)
OFF_CLAIM = text(
    f"UPDATE market_claim_line l SET returned = l.returned + n.quantity FROM {GOODS}"  # noqa: S608 - our own text
    " WHERE l.claim_id = :claim AND l.item = n.item"
)
FULL = text(
    f"SELECT i.item FROM market_item i JOIN {GOODS} ON n.item = i.item"  # noqa: S608 - our own text
    " WHERE i.market_id = :market AND i.sold + n.quantity > i.allotment ORDER BY 1"
)
BEYOND = text(
    f"SELECT f.item FROM market_family f JOIN {GOODS} ON n.item = f.item"  # noqa: S608 - our own text
    " WHERE f.market_id = :market AND f.family = :family AND f.quantity + n.quantity > f.limit_per_family ORDER BY 1"
)
# A claim is made of what had not come back by then, and paid of what had not come back by the payment.
SETTLED = text(
    f"""
    SELECT c.state = 'paid' OR r.recorded_at <= c.submitted_at
           OR EXISTS (SELECT FROM market_claim_line l JOIN {GOODS} ON n.item = l.item
                      WHERE l.claim_id = c.id AND l.returned < n.quantity)
    FROM market_claim c CROSS JOIN stock_return r WHERE c.id = :claim AND r.posting_id = :return
    """  # noqa: S608 - our own text
)
CLAIM_CHANGED = text("UPDATE market_claim SET version = version + 1 WHERE id = :claim")


async def _before(work: Work, _caller: Caller, posting: PostingRow, back: GivenBack) -> list[FieldError]:
    """Lock the market of a sale; whose goods come back is known from the sale, and no business was named there."""
    sale = await _sale(work, posting)
    await work.session.get(MarketRow, sale.market_id, with_for_update=True, populate_existing=True)
    if back.business is not None:
        return [FieldError("/business", "not_a_recipient", "At a market families buy, not businesses.")]
    return []


async def _after(work: Work, _caller: Caller, posting: PostingRow, back: GivenBack) -> None:
    await _count(work, await _sale(work, posting), back.goods)


async def _undo_before(work: Work, posting: PostingRow, back: GivenBack) -> None:
    sale = await _sale(work, posting)
    await work.session.get(MarketRow, sale.market_id, with_for_update=True, populate_existing=True)
    about = _about(sale.market_id, back.goods)
    if sale.claim_id is not None:
        asked = {**about, "claim": sale.claim_id, "return": back.posting_id}
        if (
            await work.session.execute(SETTLED, {name: asked[name] for name in asked if name != "market"})
        ).scalar_one():
            raise ReturnSettled("The seller's claim was made or paid without these goods; settle it with the seller.")
    if not sale.beyond_allotment:
        full = (await work.session.execute(FULL, about)).scalars().all()
        if full:
            raise SoldSince(f"{', '.join(full)}: the allotment is sold without it.", items=[*full])
    if sale.coupon_id is None and not sale.beyond_limit:
        taken = (await work.session.execute(BEYOND, about | {"family": sale.family})).scalars().all()
        if taken:
            raise SoldSince(f"{', '.join(taken)}: the family has bought as much as it may since.", items=[*taken])


async def _undo_after(work: Work, posting: PostingRow, back: GivenBack) -> None:
    goods = {item: -quantity for item, quantity in back.goods.items()}
    await _count(work, await _sale(work, posting), goods)


async def _count(work: Work, sale: MarketSaleRow, goods: Mapping[str, int]) -> None:
    about = _about(sale.market_id, goods)
    await work.session.execute(OFF_SALE, about | {"sale": sale.id})
    if not sale.beyond_allotment:
        await work.session.execute(OFF_OFFER, about)
    if sale.coupon_id is None and not sale.beyond_limit:
        await work.session.execute(OFF_FAMILY, about | {"family": sale.family})
    if sale.claim_id is not None:
        await work.session.execute(OFF_CLAIM, about | {"claim": sale.claim_id})
        await work.session.execute(CLAIM_CHANGED, {"claim": sale.claim_id})


def _about(market_id: UUID, goods: Mapping[str, int]) -> dict[str, object]:
    return {"market": market_id, "items": list(goods), "quantities": list(goods.values())}


async def _sale(work: Work, posting: PostingRow) -> MarketSaleRow:
    row = (await work.session.exec(select(MarketSaleRow).where(MarketSaleRow.posting_id == posting.id))).first()
    if row is None:
        raise Absent
    return row


SOLD = Origin(_before, _after, _undo_before, _undo_after)
