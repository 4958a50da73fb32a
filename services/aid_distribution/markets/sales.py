"""Sales of a counter that was offline: each entry once, in any order, each with an outcome of its own."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.aid_distribution.ledger.domain import Draft, Kind, ShortOfStock, Virtual
from services.aid_distribution.ledger.domain import Line as Moved
from services.aid_distribution.ledger.handlers import post
from services.aid_distribution.ledger.store import Posted
from services.aid_distribution.markets import store
from services.aid_distribution.markets.domain import BREACHES, SELLS, Entry, Taken, amount_rupiah
from services.aid_distribution.markets.handlers import market_for_update
from services.aid_distribution.markets.orders import RecordSales, SalesView
from services.aid_distribution.markets.store import MarketSaleLineRow, MarketSaleRow
from services.aid_distribution.markets.uploads import Upload, gather, outcome_of, parked_of, settle_parked
from shared.caller import Caller
from shared.contracts.aid_distribution import MarketSold
from shared.database import Work
from shared.person_numbers import is_of_person
from shared.problems import FieldError, Invalid, Refusal


async def record(work: Work, caller: Caller, market_id: UUID, order: RecordSales) -> SalesView:
    """Take the sales of a counter into the book; what cannot be taken loses none of the others.

    Raises: Absent (404), WrongMarketState (409), Invalid (422) where a counter is called by the number of a person
    """
    if is_of_person(order.counter):
        raise Invalid([FieldError("/counter", "person_number", "This is the number of a person or of a family card.")])
    upload = await enter(work, caller, market_id, order)
    await settle_parked(upload)
    return SalesView(market_id=market_id, outcomes=[upload.outcomes[one.id] for one in order.entries])


async def enter(
    work: Work, caller: Caller, market_id: UUID, order: RecordSales, *, breach_accepted: bool = False
) -> Upload:
    """Enter what can be entered; what was parked of it is locked before the market, as whoever applies it does.

    Shape: `breach_accepted` where somebody says why goods left that the family or the market had no more of
    """
    await parked_of(work, order)
    market = await market_for_update(work, caller, market_id, *SELLS)
    upload = await gather(work, caller, market, order)
    upload.book.breach_accepted = breach_accepted
    pending = [entry for entry in upload.entries.values() if entry.id not in upload.outcomes]
    pending.sort(key=lambda entry: (upload.told[entry.id].sold_at, entry.id))
    while pending:
        pending = await _round(upload, pending)
    await _write(upload)
    return upload


async def _round(upload: Upload, pending: Sequence[Entry]) -> list[Entry]:
    """Decide and post what does not depend on one another; gives what has to be looked at once more.

    Two entries of one coupon or family are never in one round: the second depends on what the ledger says of the first.
    """
    now: list[Entry] = []
    later: list[Entry] = []
    keys: set[object] = set()
    for entry in pending:
        (later if entry.key is not None and entry.key in keys else now).append(entry)
        keys.add(entry.key)
    taken: list[tuple[Entry, Taken]] = []
    no_room: list[Entry] = []
    for entry in now:
        verdict = upload.book.decide(entry)
        if isinstance(verdict, Taken):
            taken.append((entry, verdict))
        else:
            upload.refuse(entry.id, verdict.code, verdict.detail)
            no_room += [entry] if verdict.code in BREACHES else []
    # What the ledger refuses leaves room for what was refused for want of it.
    return [*(no_room if await _post(upload, taken) else []), *later]


async def _post(upload: Upload, taken: Sequence[tuple[Entry, Taken]]) -> bool:
    """Post what was taken, and tell whether the ledger has refused any of it."""
    drafts = [_draft(upload, entry, verdict) for entry, verdict in taken]
    refused = False
    for (entry, verdict), posted in zip(taken, await post(upload.work, drafts), strict=True):
        if isinstance(posted, Posted):
            _take(upload, entry, verdict, posted)
            continue
        if verdict.unposted is None:
            refused = True
            upload.book.take_back(entry, verdict)
        # What waits for its goods comes into the book with them: else it would be there, and still be parked.
        if verdict.double_of is None or entry.was_parked:
            upload.refuse(entry.id, posted.code, posted.detail)
            if isinstance(posted, ShortOfStock):
                upload.short[entry.id] = posted
        else:
            _take(upload, entry, Taken(verdict.double_of, verdict.unposted or posted.code), None)
    return refused


def _draft(upload: Upload, entry: Entry, verdict: Taken) -> Draft | Refusal:
    if verdict.unposted:
        return Refusal(verdict.unposted)
    market = upload.market
    lines = [Moved(item, quantity, market.place, Virtual.PUBLIC) for item, quantity in entry.quantities.items()]
    if entry.coupon and market.coupon_item and verdict.double_of is None:
        lines.append(Moved(market.coupon_item, entry.coupon.packages, market.place, Virtual.COUPONS, ""))
    return Draft(
        id=upload.work.new_id(),
        kind=Kind.SALE,
        region=market.region,
        occurred_at=upload.moment(entry),
        caller=upload.caller,
        document=market.number,
        lines=tuple(lines),
        usable_only=True,
    )


def _take(upload: Upload, entry: Entry, verdict: Taken, posted: Posted | None) -> None:
    """Put a sale into the book; the goods of a double use may have left without being on any card."""
    told, first = upload.told[entry.id], None
    row = MarketSaleRow(
        id=entry.id,
        market_id=upload.market.id,
        counter=upload.order.counter,
        actor=upload.caller.subject,
        sold_at=told.sold_at,
        recorded_at=upload.work.now,
        coupon_id=entry.coupon.id if entry.coupon else None,
        family=entry.family,
        fingerprint=upload.prints[entry.id],
        double_use=verdict.double_of is not None,
        first_sale_id=verdict.double_of,
        posting_id=posted.draft.id if posted else None,
        number=posted.number if posted else None,
        unposted_reason=verdict.unposted,
        beyond_limit=verdict.beyond_limit,
        beyond_allotment=verdict.beyond_allotment,
        amount_rupiah=amount_rupiah(entry.lines, upload.book.offers),
    )
    upload.written.append(row)
    if entry.coupon:
        first = upload.first.setdefault(entry.coupon.id, row)
    outcome = "double_use" if row.double_use else "recorded"
    upload.outcomes[entry.id] = outcome_of(row, outcome, first if row.double_use else None)
    if posted:
        _tell(upload, row, posted)


def _tell(upload: Upload, row: MarketSaleRow, posted: Posted) -> None:
    event = MarketSold(
        posting_id=posted.draft.id,
        number=posted.number,
        region=upload.market.region,
        occurred_at=posted.draft.occurred_at,
        lines=upload.here.goods(posted.lines),
        market_id=upload.market.id,
        place=upload.market.place,
        counter=row.counter,
        amount_rupiah=row.amount_rupiah,
        double_of=row.first_sale_id,
    )
    upload.work.record(event, region=upload.market.region)


async def _write(upload: Upload) -> None:
    session = upload.work.session
    # A second use names the first, which may stand in the same upload.
    for double_use in (False, True):
        session.add_all([row for row in upload.written if row.double_use is double_use])
        await session.flush()
    quantities = {row.id: upload.entries[row.id].quantities for row in upload.written}
    session.add_all(
        MarketSaleLineRow(sale_id=sale_id, item=item, quantity=quantity)
        for sale_id, sums in quantities.items()
        for item, quantity in sums.items()
    )
    await session.flush()
    if sold := _sold(upload, quantities):
        await store.add_sold(session, upload.market.id, sold)
    if taken := _taken(upload, quantities):
        await store.add_taken(session, upload.market.id, taken)


def _sold(upload: Upload, quantities: Mapping[UUID, Mapping[str, int]]) -> dict[str, int]:
    """Sum up what is off the book now and off the allotment, by item."""
    sold: dict[str, int] = {}
    for row in upload.written:
        if row.posting_id is not None and not row.beyond_allotment:
            for item, quantity in quantities[row.id].items():
                sold[item] = sold.get(item, 0) + quantity
    return sold


def _taken(upload: Upload, quantities: Mapping[UUID, Mapping[str, int]]) -> dict[tuple[str, str], int]:
    """Sum up what families without coupons have taken, by family and item."""
    taken: dict[tuple[str, str], int] = {}
    for row in upload.written:
        if row.coupon_id is None and row.family is not None and not row.beyond_limit:
            for item, quantity in quantities[row.id].items():
                taken[row.family, item] = taken.get((row.family, item), 0) + quantity
    return taken
