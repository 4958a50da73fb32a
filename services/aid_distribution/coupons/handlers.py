"""Rounds of coupons: opened, given to households, used at distributions once each, and closed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import col, select

from services.aid_distribution.coupons import signing, store
from services.aid_distribution.coupons.domain import HouseholdHasCoupon, RoundClosed, RoundExhausted, State
from services.aid_distribution.coupons.orders import (
    CloseRound,
    HouseholdCouponPaper,
    HouseholdCouponView,
    HouseholdKeyView,
    HouseholdsIssued,
    IssueHouseholds,
    OpenRound,
    RoundQuery,
    RoundView,
)
from services.aid_distribution.coupons.store import CouponRoundRow, HouseholdCouponRow
from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger.catalogue import Category, Unit
from services.aid_distribution.ledger.domain import Draft, Kind, Line, Virtual
from services.aid_distribution.ledger.known import known
from services.aid_distribution.ledger.mistakes import order_mistakes
from services.aid_distribution.ledger.orders import AddItem
from services.aid_distribution.ledger.store import Posted
from shared import cursor, qr_codes
from shared.caller import Caller
from shared.clock import shown, wib_day
from shared.database import Work
from shared.leaves import Leaves, leaves_of
from shared.person_numbers import is_of_person
from shared.problems import Absent, FieldError, Invalid, Refusal
from shared.routes import Page
from shared.within import within

PURPOSE = "household coupons"


async def mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with a round beside its shape."""
    return order_mistakes(leaves, await known(work, [leaves]), work.caller, work.now)


async def open_round(work: Work, caller: Caller, order: OpenRound) -> RoundView:
    """Open a round, with an item of its own of which its coupons are the stock; raises Invalid (422)."""
    leaves = leaves_of(order)
    here = await known(work, [leaves])
    if errors := order_mistakes(leaves, here, caller, work.now):
        raise Invalid(errors)
    region = here.places[order.place].region
    number = await store.take_number(work.session, region, wib_day(work.now).replace(day=1))
    item = AddItem(code=f"COUPON-{number}", name=f"Kupon bantuan {number}", unit=Unit.PACK, category=Category.OTHER)
    row = CouponRoundRow(
        id=work.new_id(),
        number=number,
        programme=order.programme,
        place=order.place,
        region=region,
        item=(await ledger.add_item(work, item)).code,
        coupons_max=order.coupons_max,
        issued=0,
        state=State.OPEN,
        actor=caller.subject,
        document=order.document,
        opened_at=work.now,
        version=1,
    )
    work.session.add(row)
    await work.session.flush()
    return _round_view(row, 0)


async def issue(work: Work, caller: Caller, round_id: UUID, order: IssueHouseholds) -> HouseholdsIssued:
    """Give coupons to households: all of these or none.

    Raises: Absent (404), Invalid (422), and of 409 RoundClosed, HouseholdHasCoupon, RoundExhausted
    """
    row = await _round_for_update(work, caller, round_id)
    if errors := _mistakes(order):
        raise Invalid(errors)
    if there := await store.households_with_coupon(work.session, row.id, order.households):
        places = [index for index, household in enumerate(order.households) if household in there]
        raise HouseholdHasCoupon(f"{len(places)} of these households have one.", households=places)
    count, left = len(order.households), row.coupons_max - row.issued
    if count > left:
        raise RoundExhausted(f"{left} coupons are left.", left=left)
    posted = await _post(work, caller, row, Line(row.item, count, Virtual.COUPONS, row.place, ""))
    last = await store.last_serial(work.session, row.id)
    coupons = [
        HouseholdCouponRow(
            id=work.new_id(),
            round_id=row.id,
            serial=serial,
            household=household,
            posting_id=posted.draft.id,
            issued_at=work.now,
        )
        for serial, household in enumerate(order.households, last + 1)
    ]
    work.session.add_all(coupons)
    row.issued += count
    row.version += 1
    await work.session.flush()
    return HouseholdsIssued(
        id=posted.draft.id,
        number=posted.number,
        issued=row.issued,
        coupons_max=row.coupons_max,
        coupons=[HouseholdCouponView(id=one.id, serial=one.serial, token=_token(work, one)) for one in coupons],
    )


def _mistakes(order: IssueHouseholds) -> list[FieldError]:
    seen: set[str] = set()
    errors = []
    for index, household in enumerate(order.households):
        if household in seen:
            errors.append(FieldError(f"/households/{index}", "duplicate", "One coupon for each household."))
        seen.add(household)
        if is_of_person(household):
            errors.append(FieldError(f"/households/{index}", "person_number", "This is the number of a family card."))
    return errors


async def close_round(work: Work, caller: Caller, round_id: UUID, _order: CloseRound) -> RoundView:
    """Close a round: entitlement that nobody has used is taken off the place. Raises: Absent (404), RoundClosed."""
    row = await _round_for_update(work, caller, round_id)
    used = (await store.used_of(work.session, [row.id])).get(row.id, 0)
    if left := row.issued - used:
        await _post(work, caller, row, Line(row.item, left, row.place, Virtual.COUPONS, ""))
    row.state, row.closed_at = State.CLOSED, max(work.now, row.opened_at)
    row.version += 1
    await work.session.flush()
    return _round_view(row, used)


async def _post(work: Work, caller: Caller, row: CouponRoundRow, line: Line) -> Posted:
    draft = Draft(
        id=work.new_id(),
        kind=Kind.COUPON,
        region=row.region,
        occurred_at=work.now,
        caller=caller,
        document=row.number,
        lines=(line,),
    )
    (posted,) = await ledger.post(work, [draft])
    if isinstance(posted, Refusal):
        raise posted
    return posted


async def _round_for_update(work: Work, caller: Caller, round_id: UUID) -> CouponRoundRow:
    row = await work.session.get(CouponRoundRow, round_id, with_for_update=True)
    if row is None or not caller.sees(row.region):
        raise Absent
    if row.state != State.OPEN:
        raise RoundClosed(f"{row.number} is closed.", number=row.number)
    return row


async def show(work: Work, caller: Caller, round_id: UUID) -> RoundView:
    """Show a round; raises Absent (404), also for another region's."""
    return (await _views(work, [await _seen(work, caller, round_id)]))[0]


async def _seen(work: Work, caller: Caller, round_id: UUID) -> CouponRoundRow:
    row = await work.session.get(CouponRoundRow, round_id)
    if row is None or not caller.sees(row.region):
        raise Absent
    return row


async def page(work: Work, caller: Caller, query: RoundQuery) -> Page[RoundView]:
    """List the rounds of the caller's regions, newest first."""
    region = col(CouponRoundRow.region)
    question = select(CouponRoundRow).where(within(region, caller.regions))
    if query.region is not None:
        question = question.where(within(region, [query.region]))
    if query.state is not None:
        question = question.where(CouponRoundRow.state == query.state)
    if query.cursor:
        after = cursor.decode(query.cursor, tuple[datetime, UUID])
        question = question.where(tuple_(col(CouponRoundRow.opened_at), col(CouponRoundRow.id)) < after)
    newest = (col(CouponRoundRow.opened_at).desc(), col(CouponRoundRow.id).desc())
    rows = (await work.session.exec(question.order_by(*newest).limit(query.limit + 1))).all()
    views = {view.id: view for view in await _views(work, rows)}
    return cursor.page(rows, query.limit, lambda row: views[row.id], lambda row: (row.opened_at, row.id))


async def _views(work: Work, rows: Sequence[CouponRoundRow]) -> list[RoundView]:
    used = await store.used_of(work.session, [row.id for row in rows])
    return [_round_view(row, used.get(row.id, 0)) for row in rows]


def _round_view(row: CouponRoundRow, used: int) -> RoundView:
    return RoundView(
        id=row.id,
        number=row.number,
        programme=row.programme,
        place=row.place,
        region=row.region,
        coupons_max=row.coupons_max,
        issued=row.issued,
        used=used,
        state=row.state,
        document=row.document,
        opened_at=shown(row.opened_at),
        closed_at=shown(row.closed_at) if row.closed_at else None,
        version=row.version,
    )


async def paper(work: Work, caller: Caller, round_id: UUID, coupon_id: UUID) -> HouseholdCouponPaper:
    """Show a coupon with its QR code, and where it was used; raises Absent (404)."""
    await _seen(work, caller, round_id)
    row = await work.session.get(HouseholdCouponRow, coupon_id)
    if row is None or row.round_id != round_id:
        raise Absent
    token = _token(work, row)
    return HouseholdCouponPaper(
        id=row.id,
        serial=row.serial,
        token=token,
        round_id=row.round_id,
        qr=qr_codes.svg_address(token, scale=3),
        distribution_id=row.distribution_id,
        used_at=shown(row.used_at) if row.used_at else None,
    )


async def public_key(work: Work) -> HouseholdKeyView:
    """Give the key with which coupons are checked where there is no network."""
    return HouseholdKeyView(
        kty="OKP", crv="Ed25519", alg="Ed25519", x=signing.public_letters(work.vault.signer(PURPOSE))
    )


def _token(work: Work, row: HouseholdCouponRow) -> str:
    words = signing.Signed(row.round_id, row.id, row.serial, 1, None)
    return signing.write(words, work.vault.signer(PURPOSE))
