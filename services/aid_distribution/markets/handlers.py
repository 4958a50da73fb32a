"""What markets does: announce, open, close, cancel; and show."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import col, select

from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger.catalogue import Category, Unit
from services.aid_distribution.ledger.domain import Draft, Kind, Line, Virtual
from services.aid_distribution.ledger.known import known_by_code
from services.aid_distribution.ledger.orders import AddItem
from services.aid_distribution.markets import store
from services.aid_distribution.markets.domain import FOLLOWS, Model, State, WrongMarketState, packages_of
from services.aid_distribution.markets.mistakes import mistakes
from services.aid_distribution.markets.orders import (
    AnnounceMarket,
    CancelMarket,
    MarketQuery,
    MarketView,
    market_view,
)
from services.aid_distribution.markets.store import MarketItemRow, MarketRow, MarketSlotRow
from shared import cursor
from shared.caller import Caller
from shared.clock import wib_day
from shared.contracts.aid_distribution import (
    MarketAnnounced,
    MarketCancelled,
    MarketClosed,
    MarketOffer,
    MarketOpened,
)
from shared.database import Work
from shared.leaves import leaves_of
from shared.problems import Absent, Invalid, Refusal
from shared.routes import Page
from shared.within import within


async def announce(work: Work, caller: Caller, order: AnnounceMarket) -> MarketView:
    """Announce a market; one of subsidised packages gets an item of its own, of which its coupons are the stock.

    Raises: Invalid (422)
    """
    if errors := await mistakes(work, leaves_of(order)):
        raise Invalid(errors)
    here = await known_by_code(work, (one.item for one in order.items), [order.place])
    region = here.places[order.place].region
    number = await store.take_number(work.session, region, wib_day(work.now).replace(day=1))
    row = MarketRow(
        id=work.new_id(),
        number=number,
        place=order.place,
        region=region,
        model=order.model,
        state=State.ANNOUNCED,
        opens_at=order.opens_at,
        closes_at=order.closes_at,
        seller=order.seller,
        coupon_item=await _coupon_item(work, number) if order.model is Model.SUBSIDISED_PACKAGE else None,
        packages_max=packages_of([(one.allotment, one.limit_per_family) for one in order.items]),
        packages_issued=0,
        actor=caller.subject,
        document=order.document,
        announced_at=work.now,
        version=1,
    )
    work.session.add(row)
    await work.session.flush()
    items, slots = _items(row, order), _slots(row, order)
    work.session.add_all([*items, *slots])
    await work.session.flush()
    await _tell(work, row, MarketAnnounced)
    return market_view(row, items, slots)


async def _coupon_item(work: Work, number: str) -> str:
    order = AddItem(
        code=f"COUPON-{number}", name=f"Kupon pasar murah {number}", unit=Unit.PACK, category=Category.OTHER
    )
    return (await ledger.add_item(work, order)).code


def _items(row: MarketRow, order: AnnounceMarket) -> list[MarketItemRow]:
    return [
        MarketItemRow(
            market_id=row.id,
            line_no=number,
            item=one.item,
            price_rupiah=one.price_rupiah,
            market_price_rupiah=one.market_price_rupiah,
            allotment=one.allotment,
            limit_per_family=one.limit_per_family,
            sold=0,
        )
        for number, one in enumerate(order.items, 1)
    ]


def _slots(row: MarketRow, order: AnnounceMarket) -> list[MarketSlotRow]:
    return [
        MarketSlotRow(
            market_id=row.id, slot_no=number, starts_at=one.from_, ends_at=one.to, capacity=one.capacity, issued=0
        )
        for number, one in enumerate(order.slots, 1)
    ]


async def open_market(work: Work, caller: Caller, market_id: UUID) -> MarketView:
    """Begin a market. Raises: Absent (404), WrongMarketState (409)."""
    row = await _moved(work, caller, market_id, State.OPEN)
    row.opened_at = work.now
    return await _done(work, row, MarketOpened)


async def close_market(work: Work, caller: Caller, market_id: UUID) -> MarketView:
    """End a market. Raises: Absent (404), WrongMarketState (409)."""
    row = await _moved(work, caller, market_id, State.CLOSED)
    row.closed_at = max(work.now, row.opened_at or work.now)
    return await _done(work, row, MarketClosed)


async def cancel_market(work: Work, caller: Caller, market_id: UUID, order: CancelMarket) -> MarketView:
    """Call a market off; its coupons entitle to nothing any more. Raises: Absent (404), WrongMarketState (409)."""
    row = await _moved(work, caller, market_id, State.CANCELLED)
    row.cancel_reason = order.reason
    await give_back_coupons(work, caller, row, row.packages_issued)
    return await _done(work, row, MarketCancelled, reason=order.reason)


async def market_for_update(work: Work, caller: Caller, market_id: UUID, *states: State) -> MarketRow:
    """Lock a market that is in one of these states. Raises: Absent (404), WrongMarketState (409)."""
    row = await work.session.get(MarketRow, market_id, with_for_update=True)
    if row is None or not caller.sees(row.region):
        raise Absent
    if row.state not in states:
        raise WrongMarketState(f"{row.number} is {row.state}.", state=row.state)
    return row


async def _moved(work: Work, caller: Caller, market_id: UUID, to: State) -> MarketRow:
    row = await market_for_update(work, caller, market_id, FOLLOWS[to])
    row.state = to
    row.version += 1
    return row


async def give_back_coupons(work: Work, caller: Caller, row: MarketRow, packages: int) -> None:
    """Take entitlement that nobody will use off the venue again."""
    if not packages or row.coupon_item is None:
        return
    draft = Draft(
        id=work.new_id(),
        kind=Kind.COUPON,
        region=row.region,
        occurred_at=work.now,
        caller=caller,
        document=row.number,
        lines=(Line(row.coupon_item, packages, row.place, Virtual.COUPONS, ""),),
    )
    (posted,) = await ledger.post(work, [draft])
    if isinstance(posted, Refusal):
        raise posted


async def _done(
    work: Work,
    row: MarketRow,
    event: type[MarketOpened] | type[MarketClosed] | type[MarketCancelled],
    **more: Any,
) -> MarketView:
    await work.session.flush()
    await _tell(work, row, event, **more)
    return (await _views(work, [row]))[0]


async def _tell(
    work: Work,
    row: MarketRow,
    event: type[MarketAnnounced] | type[MarketOpened] | type[MarketClosed] | type[MarketCancelled],
    **more: Any,
) -> None:
    items = (await store.items_of(work.session, [row.id]))[row.id]
    here = await known_by_code(work, (one.item for one in items), [row.place])
    offers = [
        MarketOffer(
            item=one.item,
            item_name=here.items[one.item].name,
            unit=here.items[one.item].unit,
            price_rupiah=one.price_rupiah,
            market_price_rupiah=one.market_price_rupiah,
            allotment=one.allotment,
            sold=one.sold,
        )
        for one in items
    ]
    fact: dict[str, Any] = {
        "market_id": row.id,
        "number": row.number,
        "model": row.model,
        "place": row.place,
        "place_name": here.places[row.place].name,
        "region": row.region,
        "opens_at": row.opens_at,
        "closes_at": row.closes_at,
        "offers": offers,
    }
    work.record(event(**fact, **more), region=row.region)


async def show(work: Work, caller: Caller, market_id: UUID) -> MarketView:
    """Show a market; raises Absent (404), also for another region's."""
    return (await _views(work, [await market_seen(work, caller, market_id)]))[0]


async def market_seen(work: Work, caller: Caller, market_id: UUID) -> MarketRow:
    """Give a market of the caller's regions; raises Absent (404)."""
    row = await work.session.get(MarketRow, market_id)
    if row is None or not caller.sees(row.region):
        raise Absent
    return row


async def page(work: Work, caller: Caller, query: MarketQuery) -> Page[MarketView]:
    """List the markets of the caller's regions, the latest first."""
    question = select(MarketRow).where(within(col(MarketRow.region), caller.regions))
    for column, wanted in ((MarketRow.region, query.region), (MarketRow.state, query.state)):
        if wanted is not None:
            question = question.where(col(column) == wanted)
    if query.cursor:
        after = cursor.decode(query.cursor, tuple[datetime, UUID])
        question = question.where(tuple_(col(MarketRow.opens_at), col(MarketRow.id)) < after)
    question = question.order_by(col(MarketRow.opens_at).desc(), col(MarketRow.id).desc())
    rows = (await work.session.exec(question.limit(query.limit + 1))).all()
    views = {view.id: view for view in await _views(work, rows)}
    return cursor.page(rows, query.limit, lambda row: views[row.id], lambda row: (row.opens_at, row.id))


async def _views(work: Work, rows: Sequence[MarketRow]) -> list[MarketView]:
    ids = [row.id for row in rows]
    items, slots = await store.items_of(work.session, ids), await store.slots_of(work.session, ids)
    return [market_view(row, items[row.id], slots[row.id]) for row in rows]
