"""Offering seats: by need then time, answered before a deadline, and offered on when one becomes free."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.registration.trainings import enrolment_store
from services.registration.trainings.domain import State as Training
from services.registration.trainings.domain import TrainingBegun
from services.registration.trainings.enrolment_rules import (
    ANSWER_TIME_LEAST,
    How,
    NoTimeToAnswer,
    OfferExpired,
    State,
    StepNotPossible,
    deadline,
    offers_close,
    time_to_answer,
)
from services.registration.trainings.enrolment_store import EnrolmentRow, Firm
from services.registration.trainings.need import need_of
from services.registration.trainings.steps import check_goes_on, enrolment_locked, take, training_locked
from services.registration.trainings.store import TrainingRow, locked
from shared.clock import wib_day
from shared.contracts.notifications import ReplyReceived
from shared.database import Work
from shared.night import zone_of
from shared.problems import FieldError, Invalid

TRAININGS_PER_SWEEP = 20
NO_MORE_REASON = "Usaha sudah tutup"


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
    if isinstance(answer_by, datetime) and answer_by <= work.now:
        return [FieldError("/answer_by", "in_the_past", "There would be no time to answer.")]
    return []


async def allocate(work: Work, training_id: UUID, answer_by: datetime | None = None) -> Allocated:
    """Offer the free seats by need, then time; whoever is left waits. Called again, it offers nothing twice.

    Raises: Absent (404), Invalid (422), and of 409 TrainingCancelled, TrainingOver, TrainingBegun, NoTimeToAnswer
            where too few waking hours are left before it begins, or none until `answer_by`
    """
    if errors := await mistakes(work, {"/answer_by": answer_by}):
        raise Invalid(errors)
    training = await training_locked(work, training_id)
    until = _until(work, training, answer_by)
    expired = await _expire(work, training)
    rows = await enrolment_store.in_line(work.session, training.id)
    fresh = [row for row in rows if row.state == State.ELIGIBLE]
    needs = await need_of(work.session, [row.business_id for row in fresh])
    for row in fresh:
        row.need_points, row.need_explained = needs[row.business_id].points, needs[row.business_id].explained
    queue = sorted(rows, key=lambda row: (-(row.need_points or 0), row.applied_at, row.id))
    free = training.seats - training.seats_taken
    for row in queue[:free]:
        take(work, training, row, State.OFFERED, How.OFFICE, answer_by=until)
    waiting = [row for row in queue[free:] if row.state == State.ELIGIBLE]
    for row in waiting:
        take(work, training, row, State.WAITLISTED, How.RULE)
    await work.session.flush()
    return Allocated(training, queue[:free], len(queue[free:]), expired)


def _until(work: Work, training: TrainingRow, answer_by: datetime | None) -> datetime:
    """Give until when an offer made now can be answered, which leaves waking time to do so."""
    zone = zone_of(training.region)
    closes = offers_close(training.starts_on, zone)
    if work.now >= closes:
        raise TrainingBegun(f"It begins on {training.starts_on}.", starts_on=training.starts_on.isoformat())
    until = min(answer_by or deadline(work.now, zone), closes)
    left = time_to_answer(work.now, until, zone)
    if not left or (answer_by is None and left < ANSWER_TIME_LEAST):
        minutes = left // timedelta(minutes=1)
        raise NoTimeToAnswer(f"People are awake for {minutes} minutes until {until.astimezone(zone)}.", minutes=minutes)
    return until


async def refill(work: Work, training: TrainingRow) -> None:
    """Offer the seats that are free to those who wait and are next, while they have waking time left to answer.

    Afterwards a seat stays free for whoever stands at the door: nobody would see its offer before it is over.
    """
    free = training.seats - training.seats_taken
    if training.state != Training.ANNOUNCED or free <= 0:
        return
    zone = zone_of(training.region)
    until = min(deadline(work.now, zone), offers_close(training.starts_on, zone))
    if time_to_answer(work.now, until, zone) < ANSWER_TIME_LEAST:
        return
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


async def hear_reply(work: Work, reply: ReplyReceived) -> bool:
    """Take an owner's YA or TIDAK for the answer to the seat that is offered to them.

    False where it answers nothing: the offer is not theirs, was answered before, or was over when they wrote. What was
    written in time and is heard late still counts, while nobody has written down that the offer is over.
    """
    known = await work.session.get(EnrolmentRow, reply.enrolment_id)
    training = await locked(work.session, known.training_id) if known else None
    row = await enrolment_store.locked(work.session, reply.enrolment_id) if training else None
    if training is None or row is None or row.state != State.OFFERED or training.state != Training.ANNOUNCED:
        return False
    firm = (await enrolment_store.firms(work.session, [row.business_id]))[row.business_id]
    if firm.owner_id != reply.owner_id or (row.answer_by is not None and row.answer_by <= reply.at):
        return False
    take(work, training, row, State.ACCEPTED if reply.answer == "yes" else State.DECLINED, How.REPLY)
    await work.session.flush()
    await refill(work, training)
    return True


async def hear(work: Work, event: ReplyReceived) -> None:
    """Hear a reply; one that answers nothing changes nothing."""
    await hear_reply(work, event)


async def _expire(work: Work, training: TrainingRow) -> int:
    rows = await enrolment_store.lapsed(work.session, training.id, work.now)
    for row in rows:
        take(work, training, row, State.EXPIRED, How.RULE)
    await work.session.flush()
    return len(rows)


async def sweep(work: Work) -> int:
    """Write down the offers that nobody answered in time, and offer their seats on; gives in how many trainings.

    So it does with the seats, in trainings to come, of businesses that closed or whose owner was erased.
    """
    lapsed = await enrolment_store.trainings_with_lapsed(work.session, work.now, TRAININGS_PER_SWEEP)
    today = wib_day(work.now)
    empty = await enrolment_store.trainings_with_empty_seats(work.session, today, TRAININGS_PER_SWEEP)
    ids = sorted({*lapsed, *empty})
    for training_id in ids:
        training = await locked(work.session, training_id)
        if training is not None and training.state == Training.ANNOUNCED:
            await _expire(work, training)
            if training.starts_on > today:
                await _give_back(work, training)
            await refill(work, training)
    return len(ids)


async def _give_back(work: Work, training: TrainingRow) -> None:
    for row in await enrolment_store.no_more(work.session, training.id):
        take(work, training, row, State.WITHDRAWN, How.RULE, NO_MORE_REASON)
    await work.session.flush()


async def change_seats(work: Work, training: TrainingRow, seats: int) -> None:
    """Give a training that is locked another number of seats; more of them are offered on at once."""
    check_goes_on(training)
    training.seats = seats
    training.version += 1
    await work.session.flush()
    await refill(work, training)
