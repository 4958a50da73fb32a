"""Offering seats: by need then time, answered before a deadline, and offered on when one becomes free."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.registration.trainings import enrolment_store
from services.registration.trainings.domain import State as Training
from services.registration.trainings.domain import TrainingBegun
from services.registration.trainings.enrolment_rules import (
    How,
    OfferExpired,
    State,
    StepNotPossible,
    deadline,
    offers_close,
)
from services.registration.trainings.enrolment_store import EnrolmentRow, Firm
from services.registration.trainings.need import need_of
from services.registration.trainings.steps import check_goes_on, enrolment_locked, take, training_locked
from services.registration.trainings.store import TrainingRow, locked
from shared.database import Work
from shared.problems import FieldError, Invalid

CLOCK_OFF_MAX = timedelta(minutes=5)
"""So far a deadline may be past by our clock, since the clock of who sets it may be behind."""

TRAININGS_PER_SWEEP = 20


@dataclass(frozen=True, slots=True)
class Allocated:
    """What an allocation has done: who is offered a seat, how many wait, and how many offers had lapsed."""

    training: TrainingRow
    offered: Sequence[EnrolmentRow]
    waitlisted: int
    expired: int


async def mistakes(work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Say what is wrong with an allocation beside its shape: a deadline that is over."""
    answer_by = leaves.get("/answer_by")
    if isinstance(answer_by, datetime) and answer_by < work.now - CLOCK_OFF_MAX:
        return [FieldError("/answer_by", "in_the_past", "There would be no time to answer.")]
    return []


async def allocate(work: Work, training_id: UUID, answer_by: datetime | None = None) -> Allocated:
    """Offer the free seats by need, then time; whoever is left waits. Called again, it offers nothing twice.

    Raises: Absent (404), Invalid (422), and of 409 TrainingCancelled, TrainingOver, TrainingBegun
    """
    if errors := await mistakes(work, {"/answer_by": answer_by}):
        raise Invalid(errors)
    training = await training_locked(work, training_id)
    closes = offers_close(training.starts_on)
    if work.now >= closes:
        raise TrainingBegun(f"It begins on {training.starts_on}.", starts_on=training.starts_on.isoformat())
    expired = await _expire(work, training)
    rows = await enrolment_store.in_line(work.session, training.id)
    fresh = [row for row in rows if row.state == State.ELIGIBLE]
    needs = await need_of(work.session, [row.business_id for row in fresh])
    for row in fresh:
        row.need_points, row.need_explained = needs[row.business_id].points, needs[row.business_id].explained
    queue = sorted(rows, key=lambda row: (-(row.need_points or 0), row.applied_at, row.id))
    free = training.seats - training.seats_taken
    until = min(answer_by or deadline(work.now), closes)
    for row in queue[:free]:
        take(work, training, row, State.OFFERED, How.OFFICE, answer_by=until)
    waiting = [row for row in queue[free:] if row.state == State.ELIGIBLE]
    for row in waiting:
        take(work, training, row, State.WAITLISTED, How.RULE)
    await work.session.flush()
    if until <= work.now:  # nobody can answer any more: that is written down with the offer itself
        expired += await _expire(work, training)
        await refill(work, training)
    return Allocated(training, queue[:free], len(queue[free:]), expired)


async def refill(work: Work, training: TrainingRow) -> None:
    """Offer the seats that are free to those who wait and are next; from the first day on nobody is offered one."""
    closes = offers_close(training.starts_on)
    free = training.seats - training.seats_taken
    if training.state != Training.ANNOUNCED or work.now >= closes or free <= 0:
        return
    until = min(deadline(work.now), closes)
    for row in await enrolment_store.waiting(work.session, training.id, free):
        take(work, training, row, State.OFFERED, How.RULE, answer_by=until)
    await work.session.flush()


async def answer(
    work: Work, enrolment_id: UUID, *, accepts: bool, how: How, reason: str | None = None
) -> tuple[TrainingRow, EnrolmentRow, Firm]:
    """Accept or decline the seat that was offered; a declined one is offered to the next in the same transaction.

    Raises: Absent (404), and of 409 TrainingCancelled, TrainingOver, OfferExpired, StepNotPossible
    """
    training, row, firm = await enrolment_locked(work, enrolment_id)
    if row.state != State.OFFERED:
        # Whoever waits takes no seat before the next in order; only an offer is answered.
        raise StepNotPossible(f"No seat is offered; it is {row.state}.", state=row.state, asked="answer")
    if row.answer_by is not None and row.answer_by <= work.now:
        raise OfferExpired(f"It could be answered until {row.answer_by.isoformat()}.")
    take(work, training, row, State.ACCEPTED if accepts else State.DECLINED, how, reason)
    await work.session.flush()
    await refill(work, training)
    return training, row, firm


async def hear_reply(work: Work, owner_id: UUID, *, accepts: bool) -> bool:
    """Take an owner's YA or TIDAK for the answer to the seat that is offered to them.

    False where it answers nothing: no offer is open (also when the same reply is heard again), or more than one is
    and nobody knows which is meant.
    """
    offers = await enrolment_store.open_offers(work.session, owner_id, work.now)
    if len(offers) != 1:
        return False
    ((enrolment_id, training_id),) = offers
    training = await locked(work.session, training_id)
    row = await enrolment_store.locked(work.session, enrolment_id)
    if training is None or row is None or row.state != State.OFFERED or training.state != Training.ANNOUNCED:
        return False
    take(work, training, row, State.ACCEPTED if accepts else State.DECLINED, How.REPLY)
    await work.session.flush()
    await refill(work, training)
    return True


async def _expire(work: Work, training: TrainingRow) -> int:
    rows = await enrolment_store.lapsed(work.session, training.id, work.now)
    for row in rows:
        take(work, training, row, State.EXPIRED, How.RULE)
    await work.session.flush()
    return len(rows)


async def sweep(work: Work) -> int:
    """Write down the offers that nobody answered in time, and offer their seats on; gives in how many trainings."""
    ids = await enrolment_store.trainings_with_lapsed(work.session, work.now, TRAININGS_PER_SWEEP)
    for training_id in ids:
        training = await locked(work.session, training_id)
        if training is not None and training.state == Training.ANNOUNCED:
            await _expire(work, training)
            await refill(work, training)
    return len(ids)


async def change_seats(work: Work, training: TrainingRow, seats: int) -> None:
    """Give a training that is locked another number of seats; more of them are offered on at once."""
    check_goes_on(training)
    training.seats = seats
    training.version += 1
    await work.session.flush()
    await refill(work, training)
