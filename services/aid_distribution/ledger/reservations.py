"""Reservations: goods that lie at a place and are promised to somebody, until they are used, released, or expire.

A reservation is a posting from a place into the reserved place that belongs to it, dated when it is made: nobody
promises in the past. Its lots are chosen as those of a hand-out are.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from services.aid_distribution.ledger import reserved
from services.aid_distribution.ledger.domain import NO_LOT, Draft, Kind, Line, home_of, reserved_place
from services.aid_distribution.ledger.handlers import post, posting_fact
from services.aid_distribution.ledger.known import known, known_by_code
from services.aid_distribution.ledger.loading import lock_shelves
from services.aid_distribution.ledger.mistakes import order_mistakes
from services.aid_distribution.ledger.reservation_orders import (
    KitsOf,
    ReleaseReservation,
    ReservationView,
    ReserveStock,
)
from services.aid_distribution.ledger.reservation_questions import view
from services.aid_distribution.ledger.reserved import (
    ReservationLineRow,
    ReservationRow,
    State,
    by_lot,
)
from services.aid_distribution.ledger.reserved_use import ReservationEnded, Reserved, give_back
from services.aid_distribution.ledger.store import Posted
from shared.caller import Caller
from shared.clock import wib_day
from shared.contracts.aid_distribution import KitsReleased, StockReleased, StockReserved
from shared.database import Work
from shared.leaves import Leaves, leaves_of
from shared.problems import Absent, FieldError, Invalid, Refusal

RESERVED_DAYS_MAX = 366
LAPSED_PER_SWEEP = 100


async def reserve_mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with a reservation beside its shape: what it names, and its days."""
    errors = order_mistakes(leaves, await known(work, [leaves]), work.caller, work.now)
    expires_at = leaves.get("/expires_at")
    wanted_on = leaves.get("/wanted_on")
    if isinstance(wanted_on, date):
        if wanted_on < wib_day(work.now):
            errors.append(FieldError("/wanted_on", "in_the_past", "Goods are promised for today or a later day."))
        elif isinstance(expires_at, datetime) and wanted_on > wib_day(expires_at):
            errors.append(FieldError("/wanted_on", "after_expiry", "The promise would have expired by then."))
    if isinstance(expires_at, datetime):
        if expires_at <= work.now:
            errors.append(FieldError("/expires_at", "in_the_past", "It would have expired already."))
        elif expires_at > work.now + timedelta(days=RESERVED_DAYS_MAX):
            errors.append(FieldError("/expires_at", "too_far_ahead", f"At most {RESERVED_DAYS_MAX} days from now."))
    return errors


async def reserve(work: Work, caller: Caller, order: ReserveStock) -> ReservationView:
    """Promise goods that are available. Raises: Invalid (422), ShortOfStock and LotHeld (409)."""
    if errors := await reserve_mistakes(work, leaves_of(order)):
        raise Invalid(errors)
    row = await promise(work, caller, order)
    if isinstance(row, Refusal):
        raise row
    return await view(work, row)


async def promise(
    work: Work, caller: Caller, order: ReserveStock, kits_of: KitsOf | None = None
) -> ReservationRow | Refusal:
    """Promise goods of an order in which nothing is wrong; the refusal is ShortOfStock, LotHeld or CountedSince.

    Shape: with `kits_of` the end of the promise is told as that of the kits of a training too
    """
    here = await known_by_code(work, (line.item for line in order.lines), [order.place])
    place = here.places[order.place]
    shelf = await reserved.open_place(work.session, order.place, work.new_id(), work.now)
    now = await _locked(work, [(order.place, line.item) for line in order.lines])
    if order.expires_at <= now:  # it has waited for others in the meantime
        return Invalid([FieldError("/expires_at", "in_the_past", "It would have expired already.")])
    wanted_on = order.wanted_on and max(order.wanted_on, wib_day(now))
    draft = Draft(
        id=work.new_id(),
        kind=Kind.RESERVATION,
        region=place.region,
        occurred_at=now,
        caller=caller,
        document=order.document,
        reason=order.purpose,
        lines=tuple(Line(line.item, line.quantity, order.place, shelf, line.lot) for line in order.lines),
        usable_only=True,
        wanted_on=wanted_on,
    )
    (posted,) = await post(work, [draft])
    if isinstance(posted, Refusal):
        return posted
    row = ReservationRow(
        id=work.new_id(),
        number=posted.number,
        state=State.OPEN,
        place=order.place,
        region=place.region,
        purpose=order.purpose,
        training_id=kits_of.training_id if kits_of else None,
        kits_of=msgspec.to_builtins(kits_of) if kits_of else None,
        document=order.document,
        actor=caller.subject,
        reserved_at=now,
        expires_at=order.expires_at,
        wanted_on=wanted_on,
        posting_id=posted.draft.id,
    )
    work.session.add(row)
    await work.session.flush()
    sums = by_lot((line.item, line.lot or NO_LOT, line.quantity) for line in posted.lines)
    work.session.add_all(
        ReservationLineRow(reservation_id=row.id, line_no=number, item=item, lot=lot, quantity=quantity)
        for number, ((item, lot), quantity) in enumerate(sums.items(), 1)
    )
    await work.session.flush()
    event = StockReserved(
        **posting_fact(posted, here),
        reservation_id=row.id,
        place=row.place,
        place_name=place.name,
        purpose=row.purpose,
        expires_at=row.expires_at,
    )
    work.record(event, region=row.region, caller=caller)
    return row


async def _locked(work: Work, shelves: Iterable[tuple[str, str]]) -> datetime:
    """Lock the free goods first and look at the clock then: no count of them can be dated later than this."""
    await lock_shelves(work.session, set(shelves))
    return work.clock.now()


async def release(work: Work, caller: Caller, reservation_id: UUID, order: ReleaseReservation) -> ReservationView:
    """Let go of what is left of a promise. Raises: Absent (404), ReservationEnded (409)."""
    row = (await reserved.lock(work.session, [reservation_id])).get(reservation_id)
    if row is None or not caller.sees(row.region):
        raise Absent
    if row.state != State.OPEN:
        raise ReservationEnded(f"{row.number} is {row.state}.", state=row.state)
    (outcome,) = await end(work, [row], State.RELEASED, order.reason, caller, order.document)
    if outcome is not None:
        raise outcome
    return await view(work, row)


async def end(
    work: Work,
    rows: Sequence[ReservationRow],
    state: State,
    reason: str,
    caller: Caller,
    document: str | None = None,
) -> list[Refusal | None]:
    """Put what is left of locked open reservations back among the free goods; gives for each why it could not be."""
    lines = await reserved.lines_of(work.session, [row.id for row in rows])
    left = [
        (
            row,
            [
                Line(one.item, one.left, reserved_place(row.place), row.place, one.lot)
                for one in lines[row.id]
                if one.left
            ],
        )
        for row in rows
    ]
    outcomes = await _post_release(work, left, reason, caller, document)
    for row, posted in zip(rows, outcomes, strict=True):
        if isinstance(posted, Refusal):
            continue
        for line in lines[row.id]:
            line.released += line.left
        row.state, row.ended_at, row.ended_by, row.reason = state, work.now, caller.subject, reason
        row.release_posting_id = posted.draft.id
        row.version += 1
        if row.kits_of is not None:
            told = msgspec.convert(row.kits_of, KitsOf)
            event = KitsReleased(
                **msgspec.structs.asdict(told),
                place=row.place,
                place_region=row.region,
                reservation_id=row.id,
                number=row.number,
                because=state.value,
                reason=reason,
            )
            work.record(event, region=told.region, caller=caller)
    await work.session.flush()
    return [posted if isinstance(posted, Refusal) else None for posted in outcomes]


async def _post_release(
    work: Work,
    left: Sequence[tuple[ReservationRow, Sequence[Line]]],
    reason: str,
    caller: Caller,
    document: str | None = None,
) -> list[Posted | Refusal]:
    now = await _locked(work, [(home_of(line.from_place), line.item) for _, lines in left for line in lines])
    drafts = [
        Draft(
            id=work.new_id(),
            kind=Kind.RELEASE,
            region=row.region,
            occurred_at=now,
            caller=caller,
            document=document,
            reason=reason,
            lines=tuple(lines),
        )
        for row, lines in left
    ]
    outcomes = await post(work, drafts)
    here = await known_by_code(work, (line.item for _, lines in left for line in lines), (row.place for row, _ in left))
    for (row, _), posted in zip(left, outcomes, strict=True):
        if isinstance(posted, Posted):
            event = StockReleased(
                **posting_fact(posted, here),
                reservation_id=row.id,
                place=row.place,
                place_name=here.places[row.place].name,
                purpose=row.purpose,
                reason=reason,
            )
            work.record(event, region=row.region, caller=caller)
    return outcomes


async def returned(work: Work, caller: Caller, held: Reserved, posting_id: UUID, reason: str) -> None:
    """Give back to reservations what a reversed posting used; what belongs to ended ones is free again at once.

    So is what comes back into one whose training was called off meanwhile: that ends with it, which is told.
    """
    outcomes: list[Posted | Refusal | None] = []
    if left := await give_back(work, held, posting_id):
        outcomes += await _post_release(work, left, reason, caller)
    for row in held.rows.values():
        if row.state == State.OPEN and row.called_off is not None:
            outcomes += await end(work, [row], State.RELEASED, row.called_off, caller)
    for outcome in outcomes:
        if isinstance(outcome, Refusal):
            raise outcome


async def call_off(work: Work, reservation_id: UUID, reason: str) -> None:
    """Release what is left of a promise that is wanted no more; what comes back into it later is released too."""
    held = (await reserved.lock(work.session, [reservation_id]))[reservation_id]
    held.called_off = reason
    if held.state == State.OPEN:
        (outcome,) = await end(work, [held], State.RELEASED, reason, work.caller)
        if outcome is not None:
            raise outcome
    await work.session.flush()


async def sweep(work: Work) -> int:
    """End the reservations whose time is over, so many at a time; gives the number of those that were ended."""
    ids = await reserved.lapsed(work.session, work.now, LAPSED_PER_SWEEP)
    if not ids:
        return 0
    rows = await reserved.lock(work.session, ids)
    outcomes = await end(work, list(rows.values()), State.EXPIRED, "expired", work.caller)
    return outcomes.count(None)
