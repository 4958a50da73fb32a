"""What a counter tells, and all that is known of it before anything is decided.

A sale that no card holds the goods of, or that is beyond a limit or an allotment, has happened all the same: it is
parked as an exception, and tried again when it is told again.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec

from services.aid_distribution.coupons.signing import Signed
from services.aid_distribution.exceptions import parking
from services.aid_distribution.exceptions import store as exceptions
from services.aid_distribution.exceptions.domain import EntryDropped, Posting, State
from services.aid_distribution.exceptions.parking import Short
from services.aid_distribution.exceptions.store import ExceptionRow
from services.aid_distribution.ledger.device_clock import DeviceClock
from services.aid_distribution.ledger.domain import ShortOfStock, when_mistakes
from services.aid_distribution.ledger.known import Known, known_by_code
from services.aid_distribution.ledger.orders import Order
from services.aid_distribution.markets import store
from services.aid_distribution.markets.coupons import signed_coupons, use_view
from services.aid_distribution.markets.domain import BREACHES, Book, Coupon, Entry, Line, Model, Offer
from services.aid_distribution.markets.orders import Family, RecordSales, SaleEntry, SaleOutcome, SoldLine
from services.aid_distribution.markets.store import MarketCouponRow, MarketRow, MarketSaleRow
from shared.caller import Caller
from shared.database import Work
from shared.person_numbers import is_of_person
from shared.problems import Refusal


class SaleRefused(Refusal):
    """The market does not take this sale any more, for a reason other than stock."""

    code = "sale_refused"
    title = "This sale cannot be entered"


KIND = "sale"
HIDDEN = ("coupon", "family")


class OfCounter(msgspec.Struct, frozen=True):
    """What entering a sale needs beside it; `sold_at` is its moment by a good clock."""

    market_id: UUID
    counter: str
    sold_at: datetime | None = None


class ParkedSale(Order, frozen=True, kw_only=True):
    """A sale as it is parked: `sold_at` stands in it as its counter told it."""

    id: UUID
    sold_at: datetime
    coupon: str | None = None
    family: str | None = None
    lines: list[SoldLine]


@dataclass(slots=True)
class Upload:
    """What one counter tells.

    Shape: `parked` are the exceptions that its entries have become, `short` the sales that no card holds the goods of;
           `told` and `entries` by the ids of the counter, the first of two that share one, `told` dated by a good clock
           and `prints` as they were told; `first` are the first uses of coupons; `outcomes` and `written` grow while it
           is decided
    """

    work: Work
    caller: Caller
    market: MarketRow
    order: RecordSales
    here: Known
    told: dict[UUID, SaleEntry]
    prints: dict[UUID, str]
    entries: dict[UUID, Entry]
    coupons: dict[UUID, MarketCouponRow]
    book: Book
    first: dict[UUID, MarketSaleRow]
    parked: dict[UUID, ExceptionRow]
    short: dict[UUID, ShortOfStock] = field(default_factory=dict)
    outcomes: dict[UUID, SaleOutcome] = field(default_factory=dict)
    written: list[MarketSaleRow] = field(default_factory=list)

    def moment(self, entry: Entry) -> datetime:
        """Give the moment at which the goods left; a phone's clock may be behind the giving of the coupon."""
        sold_at = self.told[entry.id].sold_at
        return max(sold_at, self.coupons[entry.coupon.id].issued_at) if entry.coupon else sold_at

    def refuse(self, entry_id: UUID, code: str, detail: str) -> None:
        """Say that an entry is not taken into the book, and why."""
        self.outcomes[entry_id] = SaleOutcome(id=entry_id, outcome="refused", code=code, detail=detail)


async def parked_of(work: Work, order: RecordSales) -> dict[UUID, ExceptionRow]:
    """Give what is or was parked of a counter's entries, and keep others from settling it meanwhile."""
    return await exceptions.of_entries(work.session, KIND, {one.id for one in order.entries})


async def gather(work: Work, caller: Caller, market: MarketRow, order: RecordSales) -> Upload:
    """Find out all that is known of what a counter tells; what needs no decision has its outcome already."""
    parked = await parked_of(work, order)
    signed = signed_coupons(work, [one.coupon for one in order.entries if one.coupon])
    coupons = await store.coupons(work.session, market.id, {one.coupon_id for one in signed.values()})
    as_told: dict[UUID, SaleEntry] = {}
    for one in order.entries:
        as_told.setdefault(one.id, one)
    prints = {one.id: fingerprint(one) for one in as_told.values()}
    clock = DeviceClock(order.sent_at, work.now) if order.sent_at else None
    told = {one.id: _dated(one, clock, parked.get(one.id)) for one in as_told.values()}
    waiting = {entry_id for entry_id, row in parked.items() if row.state == State.OPEN}
    entries = {one.id: _entry(one, market, signed, coupons, waiting) for one in told.values()}
    offered = (await store.items_of(work.session, [market.id]))[market.id]
    offers = {row.item: Offer(row.price_rupiah, row.limit_per_family, row.allotment - row.sold) for row in offered}
    first = await store.first_uses(work.session, list(coupons))
    families = {entry.family for entry in entries.values() if entry.family and not entry.coupon}
    taken = await store.taken(work.session, market.id, families)
    book = Book(Model(market.model), offers, {coupon: sale.id for coupon, sale in first.items()}, taken)
    here = await known_by_code(work, [*offers, *([market.coupon_item] if market.coupon_item else [])])
    upload = Upload(work, caller, market, order, here, told, prints, entries, coupons, book, first, parked)
    await _settle_known(upload)
    return upload


def _dated(one: SaleEntry, clock: DeviceClock | None, parked: ExceptionRow | None) -> SaleEntry:
    """Date a sale by a good clock: as when it was parked, for the counter's may be another one now."""
    first = of_counter(parked).sold_at if parked else None
    if first is None and clock is not None:
        first = clock.corrected(one.sold_at)
    return one if first is None else msgspec.structs.replace(one, sold_at=first)


def _entry(
    one: SaleEntry,
    market: MarketRow,
    signed: dict[str, Signed],
    coupons: dict[UUID, MarketCouponRow],
    waiting: Collection[UUID],
) -> Entry:
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
    return Entry(one.id, lines, coupon, family, fault or bad_family, one.id in waiting)


def _family(told: str | None) -> tuple[str | None, str | None]:
    if told is None:
        return None, None
    if is_of_person(told):
        return None, "family_invalid"
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
        if fingerprint(one) != upload.prints[one.id]:
            upload.refuse(one.id, "id_taken", "This id stands for two sales; none of them was taken.")
        elif row is not None and (row.market_id != upload.market.id or row.fingerprint != fingerprint(one)):
            upload.refuse(one.id, "id_taken", "This id stands for another sale.")
        elif row is not None:
            upload.outcomes[one.id] = outcome_of(row, "repeated", first.get(row.first_sale_id or row.id))
        elif refused := _parked_otherwise(upload, one):
            upload.refuse(one.id, *refused)
        elif wrong := when_mistakes(
            upload.told[one.id].sold_at, upload.work.now, upload.caller.role, upload.work.dating_back_days
        ):
            upload.refuse(one.id, wrong[0].code, wrong[0].detail)


def _parked_otherwise(upload: Upload, one: SaleEntry) -> tuple[str, str] | None:
    """Say why an entry that was parked is not tried again, if it is not: another by the same id, or dropped."""
    row = upload.parked.get(one.id)
    if row is None:
        return None
    if row.digest != bytes.fromhex(fingerprint(one)) or of_counter(row).market_id != upload.market.id:
        return "id_taken", "This id stands for another sale."
    dropped = f"It was dropped: {row.drop_reason}"
    return (EntryDropped.code, dropped) if row.state == State.DROPPED else None


def of_counter(row: ExceptionRow) -> OfCounter:
    """Give at which market and counter a sale took place that is parked."""
    return msgspec.convert(row.context, OfCounter)


async def settle_parked(upload: Upload) -> None:
    """Park what no card holds the goods of or a limit stands against, each sale once; close what is in the book now.

    What was parked and meets a limit that others have used up since stays parked too: somebody decides about it.
    """
    work, caller = upload.work, upload.caller
    again = {entry_id: row for entry_id, row in upload.parked.items() if _still_waits(upload, entry_id)}
    await parking.note_refused(work, [(row, why_not(upload, entry_id)) for entry_id, row in again.items()])
    beyond = [entry_id for entry_id, outcome in upload.outcomes.items() if outcome.code in BREACHES]
    new = [one for one in dict.fromkeys([*upload.short, *beyond]) if one not in upload.parked]
    kept = dict(zip(new, await parking.park(work, caller, [_short(upload, one) for one in new]), strict=True))
    for entry_id, row in (again | kept).items():
        refused = upload.outcomes[entry_id]
        upload.outcomes[entry_id] = msgspec.structs.replace(refused, outcome="parked", exception_id=row.id)
    written = {row.id: row for row in upload.written}
    entered = [
        (row, Posting(sale.posting_id, sale.number))
        for entry_id, row in upload.parked.items()
        if (sale := written.get(entry_id)) and sale.posting_id and sale.number and row.state == State.OPEN
    ]
    await parking.note_applied(work, caller, entered, HIDDEN)


def _still_waits(upload: Upload, entry_id: UUID) -> bool:
    return entry_id in upload.short or (
        upload.parked[entry_id].state == State.OPEN and upload.outcomes[entry_id].code in BREACHES
    )


def why_not(upload: Upload, entry_id: UUID) -> Refusal:
    """Say why a sale that was parked is not in the book yet."""
    if entry_id in upload.short:
        return upload.short[entry_id]
    outcome = upload.outcomes[entry_id]
    return SaleRefused(outcome.detail or SaleRefused.title, reason=outcome.code)


def _short(upload: Upload, entry_id: UUID) -> Short:
    told = next(one for one in upload.order.entries if one.id == entry_id)
    return Short(
        kind=KIND,
        order=ParkedSale(**{name: getattr(told, name) for name in SaleEntry.__struct_fields__}),
        place=upload.market.place,
        occurred_at=upload.moment(upload.entries[entry_id]),
        refusal=why_not(upload, entry_id),
        entry_id=entry_id,
        digest=bytes.fromhex(upload.prints[entry_id]),
        context=msgspec.to_builtins(OfCounter(upload.market.id, upload.order.counter, upload.told[entry_id].sold_at)),
    )


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
