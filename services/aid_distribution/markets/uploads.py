"""What a counter tells, and all that is known of it before anything is decided."""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec

from services.aid_distribution.ledger.domain import when_mistakes
from services.aid_distribution.ledger.known import Known, known_by_code
from services.aid_distribution.markets import store
from services.aid_distribution.markets.coupons import signed_coupons, use_view
from services.aid_distribution.markets.domain import Book, Coupon, Entry, Line, Model, Offer
from services.aid_distribution.markets.orders import Family, RecordSales, SaleEntry, SaleOutcome
from services.aid_distribution.markets.signing import Signed
from services.aid_distribution.markets.store import MarketCouponRow, MarketRow, MarketSaleRow
from shared.caller import Caller
from shared.database import Work


@dataclass(slots=True)
class Upload:
    """What one counter tells.

    Shape: `told` and `entries` by the ids of the counter, the first of two that share one; `first` are the first uses
           of coupons; `outcomes` and `written` grow while it is decided
    """

    work: Work
    caller: Caller
    market: MarketRow
    order: RecordSales
    here: Known
    told: dict[UUID, SaleEntry]
    entries: dict[UUID, Entry]
    coupons: dict[UUID, MarketCouponRow]
    book: Book
    first: dict[UUID, MarketSaleRow]
    outcomes: dict[UUID, SaleOutcome] = field(default_factory=dict)
    written: list[MarketSaleRow] = field(default_factory=list)

    def moment(self, entry: Entry) -> datetime:
        """Give the moment at which the goods left; a phone's clock may be behind the giving of the coupon."""
        sold_at = self.told[entry.id].sold_at
        return max(sold_at, self.coupons[entry.coupon.id].issued_at) if entry.coupon else sold_at

    def refuse(self, entry_id: UUID, code: str, detail: str) -> None:
        """Say that an entry is not taken into the book, and why."""
        self.outcomes[entry_id] = SaleOutcome(id=entry_id, outcome="refused", code=code, detail=detail)


async def gather(work: Work, caller: Caller, market: MarketRow, order: RecordSales) -> Upload:
    """Find out all that is known of what a counter tells; what needs no decision has its outcome already."""
    signed = signed_coupons(work, [one.coupon for one in order.entries if one.coupon])
    coupons = await store.coupons(work.session, market.id, {one.coupon_id for one in signed.values()})
    told: dict[UUID, SaleEntry] = {}
    for one in order.entries:
        told.setdefault(one.id, one)
    entries = {one.id: _entry(one, market, signed, coupons) for one in told.values()}
    offered = (await store.items_of(work.session, [market.id]))[market.id]
    offers = {row.item: Offer(row.price_rupiah, row.limit_per_family, row.allotment - row.sold) for row in offered}
    first = await store.first_uses(work.session, list(coupons))
    families = {entry.family for entry in entries.values() if entry.family and not entry.coupon}
    taken = await store.taken(work.session, market.id, families)
    book = Book(Model(market.model), offers, {coupon: sale.id for coupon, sale in first.items()}, taken)
    here = await known_by_code(work, [*offers, *([market.coupon_item] if market.coupon_item else [])])
    upload = Upload(work, caller, market, order, here, told, entries, coupons, book, first)
    await _settle_known(upload)
    return upload


def _entry(one: SaleEntry, market: MarketRow, signed: dict[str, Signed], coupons: dict[UUID, MarketCouponRow]) -> Entry:
    coupon, fault = None, None
    if one.coupon:
        said = signed.get(one.coupon)
        row = coupons.get(said.coupon_id) if said else None
        coupon = Coupon(row.id, row.packages) if row else None
        if row is None:
            foreign = said is not None and said.market_id != market.id
            fault = "coupon_of_another_market" if foreign else "coupon_invalid"
    family, bad_family = _family(one.family)
    lines = tuple(Line(line.item, line.quantity) for line in one.lines)
    return Entry(one.id, lines, coupon, family, fault or bad_family)


def _family(told: str | None) -> tuple[str | None, str | None]:
    if told is None:
        return None, None
    try:
        return msgspec.convert(told, Family), None
    except msgspec.ValidationError:
        return None, "family_invalid"


async def _settle_known(upload: Upload) -> None:
    """Settle what was told before, what no moment allows, and an id that stands for two sales."""
    before = await store.sales(upload.work.session, list(upload.entries))
    ids = {row.first_sale_id for row in before.values() if row.first_sale_id}
    first = await store.sales(upload.work.session, ids)
    for one in upload.order.entries:
        row = before.get(one.id)
        if fingerprint(one) != fingerprint(upload.told[one.id]):
            upload.refuse(one.id, "id_taken", "This id stands for two sales; none of them was taken.")
        elif row is not None and (row.market_id != upload.market.id or row.fingerprint != fingerprint(one)):
            upload.refuse(one.id, "id_taken", "This id stands for another sale.")
        elif row is not None:
            upload.outcomes[one.id] = outcome_of(row, "repeated", first.get(row.first_sale_id or row.id))
        elif wrong := when_mistakes(one.sold_at, upload.work.now, upload.caller.role):
            upload.refuse(one.id, wrong[0].code, wrong[0].detail)


def fingerprint(one: SaleEntry) -> str:
    """Give what tells one sale from another that bears the same id."""
    return sha256(msgspec.json.encode(one)).hexdigest()


def outcome_of(row: MarketSaleRow, outcome: str, first: MarketSaleRow | None) -> SaleOutcome:
    """Show what became of a sale that is in the book."""
    return SaleOutcome(
        id=row.id,
        outcome=outcome,
        code="double_use" if row.double_use else None,
        detail=row.unposted_reason,
        number=row.number,
        amount_rupiah=row.amount_rupiah,
        first_use=use_view(first) if first else None,
    )
