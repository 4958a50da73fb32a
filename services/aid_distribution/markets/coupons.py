"""Coupons: entitlement that is stock too, given to families as signed words and taken back when they are used."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from services.aid_distribution.coupons import signing
from services.aid_distribution.ledger.domain import Draft, Kind, Line, Virtual
from services.aid_distribution.ledger.handlers import post
from services.aid_distribution.ledger.known import known_by_code
from services.aid_distribution.ledger.store import Posted
from services.aid_distribution.markets import store
from services.aid_distribution.markets.domain import (
    GIVES_COUPONS,
    CouponsExhausted,
    FamilyHasCoupon,
    NoCoupons,
    SlotFull,
)
from services.aid_distribution.markets.handlers import market_for_update, market_seen
from services.aid_distribution.markets.orders import (
    CouponKeyView,
    CouponPaper,
    CouponView,
    IssueCoupons,
    IssuedView,
    UseView,
)
from services.aid_distribution.markets.store import MarketCouponRow, MarketRow, MarketSaleRow, MarketSlotRow
from shared import qr_codes
from shared.caller import Caller
from shared.clock import shown
from shared.contracts.aid_distribution import CouponsIssued
from shared.database import Work
from shared.person_numbers import is_of_person
from shared.problems import Absent, FieldError, Invalid, Refusal

PURPOSE = "market coupons"


async def issue(work: Work, caller: Caller, market_id: UUID, order: IssueCoupons) -> IssuedView:
    """Give coupons to families: all of these or none.

    Raises: Absent (404), Invalid (422), and of 409 WrongMarketState, NoCoupons, FamilyHasCoupon, SlotFull,
            CouponsExhausted
    """
    market = await market_for_update(work, caller, market_id, *GIVES_COUPONS)
    if market.coupon_item is None:
        raise NoCoupons(f"{market.number} sells at the distributor's price.")
    slots = {row.slot_no: row for row in (await store.slots_of(work.session, [market.id]))[market.id]}
    if errors := _mistakes(order, slots):
        raise Invalid(errors)
    await _check(work, market, order, slots)
    packages = sum(one.packages for one in order.coupons)
    posted = await _post(work, caller, market, market.coupon_item, packages)
    rows = await _write(work, market, order, posted)
    market.packages_issued += packages
    market.version += 1
    for slot, count in Counter(one.slot for one in order.coupons if one.slot).items():
        slots[slot].issued += count
    await work.session.flush()
    return IssuedView(
        id=posted.draft.id,
        number=posted.number,
        packages_issued=market.packages_issued,
        packages_max=market.packages_max,
        coupons=[_coupon_view(work, row) for row in rows],
    )


def _mistakes(order: IssueCoupons, slots: dict[int, MarketSlotRow]) -> list[FieldError]:
    errors = []
    told: set[str] = set()
    for index, one in enumerate(order.coupons):
        if one.family in told:
            errors.append(FieldError(f"/coupons/{index}/family", "duplicate", "One coupon for each family."))
        told.add(one.family)
        if is_of_person(one.family):
            errors.append(
                FieldError(f"/coupons/{index}/family", "person_number", "This is the number of a family card.")
            )
        if slots and one.slot is None:
            errors.append(FieldError(f"/coupons/{index}/slot", "missing", "This market has slots; name one."))
        elif one.slot is not None and one.slot not in slots:
            errors.append(FieldError(f"/coupons/{index}/slot", "unknown_slot", f"There is no slot {one.slot}."))
    return errors


async def _check(work: Work, market: MarketRow, order: IssueCoupons, slots: dict[int, MarketSlotRow]) -> None:
    families = [one.family for one in order.coupons]
    if known := await store.families_with_coupon(work.session, market.id, families):
        places = [index for index, family in enumerate(families) if family in known]
        raise FamilyHasCoupon(f"{len(places)} of these families have one.", coupons=places)
    for slot, count in sorted(Counter(one.slot for one in order.coupons if one.slot).items()):
        if slots[slot].issued + count > slots[slot].capacity:
            left = slots[slot].capacity - slots[slot].issued
            raise SlotFull(f"Slot {slot}: {left} are left.", slot=slot, left=left)
    left = market.packages_max - market.packages_issued
    if sum(one.packages for one in order.coupons) > left:
        raise CouponsExhausted(f"{left} packages are left.", left=left)


async def _post(work: Work, caller: Caller, market: MarketRow, item: str, packages: int) -> Posted:
    draft = Draft(
        id=work.new_id(),
        kind=Kind.COUPON,
        region=market.region,
        occurred_at=work.now,
        caller=caller,
        document=market.number,
        lines=(Line(item, packages, Virtual.COUPONS, market.place, ""),),
    )
    (posted,) = await post(work, [draft])
    if isinstance(posted, Refusal):
        raise posted
    here = await known_by_code(work, [item])
    event = CouponsIssued(
        posting_id=draft.id,
        number=posted.number,
        region=market.region,
        occurred_at=draft.occurred_at,
        lines=here.goods(posted.lines),
        market_id=market.id,
        place=market.place,
    )
    work.record(event, region=market.region)
    return posted


async def _write(work: Work, market: MarketRow, order: IssueCoupons, posted: Posted) -> list[MarketCouponRow]:
    last = await store.last_serial(work.session, market.id)
    rows = [
        MarketCouponRow(
            id=work.new_id(),
            market_id=market.id,
            serial=serial,
            slot_no=one.slot,
            family=one.family,
            packages=one.packages,
            posting_id=posted.draft.id,
            issued_at=work.now,
        )
        for serial, one in enumerate(order.coupons, last + 1)
    ]
    work.session.add_all(rows)
    await work.session.flush()
    return rows


def _token(work: Work, row: MarketCouponRow) -> str:
    words = signing.Signed(row.market_id, row.id, row.serial, row.packages, row.slot_no)
    return signing.write(words, work.vault.signer(PURPOSE))


def _coupon_view(work: Work, row: MarketCouponRow) -> CouponView:
    return CouponView(id=row.id, serial=row.serial, packages=row.packages, slot=row.slot_no, token=_token(work, row))


async def paper(work: Work, caller: Caller, market_id: UUID, coupon_id: UUID) -> CouponPaper:
    """Show a coupon with its QR code, and where it was used; raises Absent (404)."""
    market = await market_seen(work, caller, market_id)
    row = (await store.coupons(work.session, market.id, [coupon_id])).get(coupon_id)
    if row is None:
        raise Absent
    used = (await store.first_uses(work.session, [row.id])).get(row.id)
    token = _token(work, row)
    return CouponPaper(
        id=row.id,
        market_id=row.market_id,
        serial=row.serial,
        packages=row.packages,
        slot=row.slot_no,
        token=token,
        qr=qr_codes.svg_address(token, scale=3),
        used=use_view(used) if used else None,
    )


async def public_key(work: Work) -> CouponKeyView:
    """Give the key with which a counter checks coupons when it has no network."""
    return CouponKeyView(kty="OKP", crv="Ed25519", alg="Ed25519", x=signing.public_letters(work.vault.signer(PURPOSE)))


def use_view(row: MarketSaleRow) -> UseView:
    """Show who took a coupon."""
    return UseView(
        sale_id=row.id,
        counter=row.counter,
        told_by=row.actor,
        sold_at=shown(row.sold_at),
        recorded_at=shown(row.recorded_at),
    )


def signed_coupons(work: Work, tokens: Sequence[str]) -> dict[str, signing.Signed]:
    """Read the words of coupons; what was never signed here is missing in the answer."""
    key = work.vault.signer(PURPOSE).public_key()
    read = {token: signing.read(token, key) for token in set(tokens)}
    return {token: signed for token, signed in read.items() if signed is not None}
