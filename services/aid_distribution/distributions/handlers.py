"""The main job: aid is handed out, the stock falls, the event is recorded and the receipt is given, all at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.aid_distribution.businesses import store as businesses
from services.aid_distribution.coupons import using
from services.aid_distribution.coupons.using import Coupons, Use
from services.aid_distribution.distributions import evidence, store
from services.aid_distribution.distributions.domain import (
    BUSINESS_CLOSED,
    RecipientClosed,
    recipient_mistakes,
    share_mistakes,
)
from services.aid_distribution.distributions.evidence import evidence_mistakes
from services.aid_distribution.distributions.lists import recipients_of
from services.aid_distribution.distributions.orders import (
    DistributionView,
    PostDistribution,
    Recipients,
    VoidDistribution,
    distribution_view,
)
from services.aid_distribution.distributions.store import DistributionRow, DistributionShareRow
from services.aid_distribution.distributions.within_limits import Facts, post_within_limits
from services.aid_distribution.ledger import handed_out, lot_notes
from services.aid_distribution.ledger.domain import Draft, Kind, Line, Virtual
from services.aid_distribution.ledger.handlers import leaving, posting_for_update, undo
from services.aid_distribution.ledger.known import Known, known, known_by_code
from services.aid_distribution.ledger.mistakes import order_mistakes
from services.aid_distribution.ledger.orders import lot_note_views
from services.aid_distribution.ledger.reservations import returned
from services.aid_distribution.ledger.reserved_use import Reserved, apart, lock_used, named
from services.aid_distribution.ledger.store import Posted
from services.aid_distribution.ledger.voids import AlreadyVoided
from shared.caller import Caller
from shared.contracts.aid_distribution import BusinessShare, DistributionPosted, DistributionVoided
from shared.database import Work
from shared.leaves import Leaves, leaves_of
from shared.problems import Absent, FieldError, Invalid, Refusal
from shared.routes import Asked


@dataclass(frozen=True, slots=True)
class Here:
    """What a batch of distributions names, as far as it exists."""

    known: Known
    businesses: dict[UUID, businesses.KnownBusinessRow]

    def open_to(self, caller: Caller, at: datetime) -> frozenset[UUID]:
        """Give the businesses that the caller may know of and that were open at this moment."""
        return frozenset(one.id for one in self.businesses.values() if one.open_at(at) and caller.sees(one.region))

    def closed_to(self, caller: Caller, at: datetime) -> frozenset[UUID]:
        """Give the businesses that the caller may know of and that had closed by this moment."""
        return frozenset(one.id for one in self.businesses.values() if not one.open_at(at) and caller.sees(one.region))

    def mistakes(self, leaves: Leaves, caller: Caller, now: datetime) -> list[FieldError]:
        """Say everything that is wrong with a distribution beside its shape."""
        told = leaves.get("/occurred_at")
        at = told if isinstance(told, datetime) else now
        return [
            *order_mistakes(leaves, self.known, caller, now),
            *recipient_mistakes(leaves, self.open_to(caller, at), self.closed_to(caller, at)),
            *share_mistakes(self.known.in_base_units(leaves)),
        ]


async def here_of(work: Work, orders: Sequence[Leaves]) -> Here:
    """Find what a batch of distributions names."""
    named = {
        value
        for order in orders
        for pointer, value in order.items()
        if isinstance(value, UUID) and pointer != "/reservation"
    }
    return Here(await known(work, orders), await businesses.by_id(work.session, named) if named else {})


async def mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with a distribution beside its shape, as far as its values have the right one."""
    return (await here_of(work, [leaves])).mistakes(leaves, work.caller, work.now)


async def post_all(
    work: Work, asked: Sequence[Asked[PostDistribution]], ids: Sequence[UUID] | None = None, facts: Facts | None = None
) -> list[DistributionView | Refusal]:
    """Hand out aid: stock, document, event and receipt in one transaction; each order has its own outcome.

    Shape: `ids` are those that the distributions are to have, in the same order, where something names them already;
           `facts` where they have happened whatever stands against them
    """
    asked = await _to_survivors(work, asked)
    given = iter(ids or [work.new_id() for _ in asked])
    outcomes: list[DistributionView | Refusal] = []
    for part in apart(asked):
        for run in using.once_each(part):
            outcomes += await _post_all(work, run, [next(given) for _ in run], facts)
    return outcomes


async def _to_survivors(work: Work, asked: Sequence[Asked[PostDistribution]]) -> Sequence[Asked[PostDistribution]]:
    """Name those that merged businesses have turned out to be: it is they who received."""
    named = {business for one in asked for business in one.body.recipients.businesses}
    merged = await businesses.survivors(work.session, named)
    return [Asked(_merged(one.body, merged), one.caller) for one in asked] if merged else asked


def _merged(order: PostDistribution, merged: Mapping[UUID, UUID]) -> PostDistribution:
    told = order.recipients
    shares = [msgspec.structs.replace(one, business=merged.get(one.business, one.business)) for one in told.shares]
    named = [merged.get(one, one) for one in told.businesses]
    return msgspec.structs.replace(order, recipients=msgspec.structs.replace(told, businesses=named, shares=shares))


async def _post_all(
    work: Work, asked: Sequence[Asked[PostDistribution]], ids: Sequence[UUID], facts: Facts | None
) -> list[DistributionView | Refusal]:
    leaves = [leaves_of(one.body) for one in asked]
    here = await here_of(work, leaves)
    reserved = await named(work, [one.body.reservation for one in asked])
    coupons = await using.named(work, [token for one in asked for token in one.body.coupons])
    plans = [_plan(work, one, order, here, reserved, coupons, facts) for one, order in zip(asked, leaves, strict=True)]
    outcomes = await post_within_limits(work, [one.body for one in asked], plans, here.businesses, facts)
    await reserved.use(work, zip((one.body.reservation for one in asked), outcomes, strict=True))
    done = [
        (_row(one, posted, row_id), one, posted)
        for row_id, one, posted in zip(ids, asked, outcomes, strict=True)
        if isinstance(posted, Posted)
    ]
    await _write(work, done)
    await _use(work, coupons, done, facts)
    await handed_out.add(work.session, [(row.programme, posted) for row, _, posted in done])
    for row, one, posted in done:
        event = DistributionPosted(**_fact(row, posted.lines, one.body.recipients, here.known))
        work.record(event, region=row.region, caller=one.caller)
    rows = {posted.draft.id: row for row, _, posted in done}
    return [
        distribution_view(
            rows[posted.draft.id], posted.lines, one.body.recipients, lot_note_views(posted.entered.notes)
        )
        if isinstance(posted, Posted)
        else posted
        for one, posted in zip(asked, outcomes, strict=True)
    ]


def _plan(
    work: Work,
    one: Asked[PostDistribution],
    leaves: Leaves,
    here: Here,
    reserved: Reserved,
    coupons: Coupons,
    facts: Facts | None,
) -> Draft | Refusal:
    order = one.body
    errors = here.mistakes(leaves, one.caller, work.now)
    errors += coupons.mistakes(order.coupons, order.programme, order.place, order.occurred_at)
    errors += reserved.mistakes(order.reservation, order.place, order.occurred_at, one.caller)
    if order.evidence is not None:
        errors += evidence_mistakes(leaves, "/evidence")
    new_id = work.new_id()
    if facts is not None and facts.breach_accepted and (closed := _closed(errors, leaves)):
        facts.breaches[new_id] = closed
        errors = []
    if errors:
        return Invalid(errors)
    if spent := coupons.refusal(order.coupons):
        if facts is None or not facts.breach_accepted:
            return spent
        facts.breaches[new_id] = spent
    told = leaving(order.lines, order.place, Virtual.PUBLIC, here.known)
    lines = reserved.leaving(order.reservation, told, order.occurred_at)
    if isinstance(lines, Refusal):
        if facts is None or order.reservation is None:
            return lines
        facts.not_reserved[new_id] = lines
        if ended := reserved.freed_at(order.reservation):
            facts.ended[order.reservation] = ended
        lines = reserved.as_far_as_held(order.reservation, told, order.occurred_at)
    place = here.known.places[order.place]
    return Draft(
        id=new_id,
        kind=Kind.DISTRIBUTION,
        region=place.region,
        occurred_at=order.occurred_at,
        caller=one.caller,
        document=order.document,
        lines=lines,
        packs=here.known.packed(order.lines),
        usable_only=True,
        held_accepted=facts is not None and facts.held_accepted,
    )


def _closed(errors: Sequence[FieldError], leaves: Leaves) -> RecipientClosed | None:
    """Give the one rule that stands against an order where some recipients had closed and nothing else is wrong."""
    if not errors or any(error.code != BUSINESS_CLOSED for error in errors):
        return None
    return RecipientClosed(errors[0].detail, businesses=[str(leaves[error.pointer]) for error in errors])


def _row(one: Asked[PostDistribution], posted: Posted, row_id: UUID) -> DistributionRow:
    return DistributionRow(
        id=row_id,
        number=posted.number,
        programme=one.body.programme,
        place=one.body.place,
        region=posted.draft.region,
        occurred_at=posted.draft.occurred_at,
        recorded_at=posted.recorded_at,
        actor=posted.draft.actor,
        document=one.body.document,
        public_heads=one.body.recipients.public,
        business_count=len(one.body.recipients.businesses),
        state="posted",
        posting_id=posted.draft.id,
        version=1,
    )


async def _use(
    work: Work,
    coupons: Coupons,
    done: Sequence[tuple[DistributionRow, Asked[PostDistribution], Posted]],
    facts: Facts | None,
) -> None:
    """Use the coupons of hand-outs that were posted; where a rule stood against one and was accepted, none of them."""
    used = [
        Use(row.id, row.number, row.region, row.occurred_at, one.caller, coupons.ids(one.body.coupons))
        for row, one, posted in done
        if one.body.coupons and not (facts is not None and coupons.refusal(one.body.coupons))
    ]
    if not used:
        return
    postings = await using.use(work, coupons, used)
    rows = {row.id: row for row, _, _ in done}
    for one in used:
        row = rows[one.distribution_id]
        row.households, row.coupon_posting_id = len(one.coupons), postings[row.id]
    noted = [(one.distribution_id, len(one.coupons), postings[one.distribution_id]) for one in used]
    await store.note_coupons(work.session, noted)


async def _write(work: Work, done: Sequence[tuple[DistributionRow, Asked[PostDistribution], Posted]]) -> None:
    received = [(row.id, business) for row, one, _ in done for business in one.body.recipients.businesses]
    shares = [
        DistributionShareRow(
            distribution_id=row.id, business_id=share.business, item=share.item, quantity=share.quantity
        )
        for row, one, _ in done
        for share in one.body.recipients.shares
    ]
    await store.write(work.session, [row for row, _, _ in done], received, shares, work.now)
    await evidence.write(
        work, [(row.id, row.actor, one.body.evidence) for row, one, _ in done if one.body.evidence is not None]
    )


def _fact(row: DistributionRow, lines: Sequence[Line], received: Recipients, here: Known) -> dict[str, Any]:
    return {
        "distribution_id": row.id,
        "number": row.number,
        "programme": row.programme,
        "place": row.place,
        "place_name": here.places[row.place].name,
        "region": row.region,
        "occurred_at": row.occurred_at,
        "lines": here.goods(lines),
        "public_heads": row.public_heads,
        "businesses": received.businesses,
        "shares": [
            BusinessShare(business_id=share.business, item=share.item, quantity=share.quantity)
            for share in received.shares
        ],
    }


async def void(work: Work, caller: Caller, distribution_id: UUID, order: VoidDistribution) -> DistributionView:
    """Take a distribution back: its stock and the limits of its recipients are there again, and all concerned are told.

    What it took out of a reservation is reserved again, or free where the reservation has ended since.

    Raises: Absent (404), AlreadyVoided (409)
    """
    row = await work.session.get(DistributionRow, distribution_id, with_for_update=True)
    if row is None or not caller.sees(row.region):
        raise Absent
    if row.state == "voided":
        raise AlreadyVoided(f"{row.number} was voided already.", posting_id=str(row.void_posting_id))
    spent = await using.lock_used(work, row.id)
    held = await lock_used(work, row.posting_id)
    posting = await posting_for_update(work, caller, row.posting_id)
    posted, _ = await undo(work, caller, posting, order.reason, order.document)
    await returned(work, caller, held, row.posting_id, order.reason)
    await handed_out.take_back(work.session, row.programme, posted)
    await using.give_back(work, caller, spent, row.coupon_posting_id, order.reason)
    row.state, row.void_posting_id, row.void_reason = "voided", posted.draft.id, order.reason
    row.version += 1
    await work.session.flush()
    received = (await recipients_of(work, [row]))[row.id]
    lines = [Line(line.item, line.quantity, line.to_place, line.from_place, line.lot) for line in posted.lines]
    here = await known_by_code(work, (line.item for line in lines), [row.place])
    event = DistributionVoided(**_fact(row, lines, received, here), reason=order.reason)
    work.record(event, region=row.region)
    notes = await lot_notes.of_postings(work.session, [row.posting_id])
    return distribution_view(row, lines, received, notes.get(row.posting_id, []))
