"""A step of an enrolment: written with its history, the seats that it takes or gives back, and the fact that it is."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from services.registration.trainings import enrolment_store, store
from services.registration.trainings.domain import State as Training
from services.registration.trainings.domain import TrainingCancelled, TrainingOver
from services.registration.trainings.enrolment_rules import HOLDS_A_SEAT, How, NoSeat, State, check_step
from services.registration.trainings.enrolment_store import EnrolmentRow, EnrolmentStepRow, Firm
from services.registration.trainings.store import TrainingRow
from shared.caller import Caller, Role
from shared.contracts import Event
from shared.contracts.registration import (
    SeatAccepted,
    SeatDeclined,
    SeatExpired,
    SeatOffered,
    SeatWaitlisted,
    SeatWithdrawn,
)
from shared.database import Work
from shared.problems import Absent


def may(caller: Caller, firm: Firm, training: TrainingRow) -> bool:
    """Tell whether somebody may act for a business in a training: its owner, or staff of the training's region."""
    return caller.subject == str(firm.owner_id) if caller.role is Role.OWNER else caller.sees(training.region)


def owner_of(caller: Caller) -> UUID | None:
    """Give the id of the owner who asks; None for a token that names no owner we could know."""
    try:
        return UUID(caller.subject)
    except ValueError:
        return None


async def training_locked(work: Work, training_id: UUID) -> TrainingRow:
    """Lock a training that goes on; raises Absent (404), TrainingCancelled and TrainingOver (409)."""
    row = await store.locked(work.session, training_id)
    if row is None or not (work.caller.role in (Role.OWNER, Role.SERVICE) or work.caller.sees(row.region)):
        raise Absent
    check_goes_on(row)
    return row


def check_goes_on(row: TrainingRow) -> None:
    """Raise TrainingCancelled or TrainingOver (409) for a training that does not go on."""
    if row.state == Training.CANCELLED:
        raise TrainingCancelled("It was called off.")
    if row.state == Training.FINISHED:
        raise TrainingOver(f"It ended on {row.ends_on}.", ended_on=row.ends_on.isoformat())


async def enrolment_locked(work: Work, enrolment_id: UUID) -> tuple[TrainingRow, EnrolmentRow, Firm]:
    """Lock an enrolment, after its training; what the caller may not act for is absent.

    Raises: Absent (404), TrainingCancelled and TrainingOver (409)
    """
    known = await work.session.get(EnrolmentRow, enrolment_id)
    training = await store.locked(work.session, known.training_id) if known else None
    if known is None or training is None:
        raise Absent
    firm = (await enrolment_store.firms(work.session, [known.business_id]))[known.business_id]
    if not may(work.caller, firm, training):
        raise Absent
    check_goes_on(training)
    row = await enrolment_store.locked(work.session, enrolment_id)
    if row is None:  # enrolments are never deleted
        raise Absent
    return training, row, firm


def take(
    work: Work,
    training: TrainingRow,
    row: EnrolmentRow,
    to: State,
    how: How,
    reason: str | None = None,
    answer_by: datetime | None = None,
) -> None:
    """Take a step: the enrolment, its history, the seats and the event change together; the caller flushes.

    Raises: StepNotPossible and NoSeat (409)
    """
    before = State(row.state)
    check_step(before, to)
    seats = (to in HOLDS_A_SEAT) - (before in HOLDS_A_SEAT)
    if training.seats_taken + seats > training.seats:
        raise NoSeat(f"All {training.seats} seats are given or offered.", seats=training.seats)
    if seats:
        training.seats_taken += seats
        training.version += 1
    until = answer_by or row.answer_by or work.now
    row.state, row.answer_by = to.value, answer_by
    row.ticket = work.new_id() if to is State.ACCEPTED else None
    note(work, row, how, reason)
    if event := _fact(training, row, to, how, reason, until):
        work.record(event, region=training.region)


def note(work: Work, row: EnrolmentRow, how: How, reason: str | None = None) -> None:
    """Write into the history where an enrolment stands now."""
    row.step += 1
    row.version += 1
    work.session.add(
        EnrolmentStepRow(
            enrolment_id=row.id,
            no=row.step,
            state=row.state,
            at=work.now,
            actor=work.caller.subject,
            how=how.value,
            reason=reason,
        )
    )


def _fact(
    training: TrainingRow, row: EnrolmentRow, to: State, how: How, reason: str | None, until: datetime
) -> Event | None:
    about: dict[str, Any] = {
        "enrolment_id": row.id,
        "training_id": training.id,
        "business_id": row.business_id,
        "programme": training.programme,
        "title": training.title,
        "region": training.region,
        "venue": training.venue,
        "starts_on": training.starts_on,
        "ends_on": training.ends_on,
        "step": row.step,
    }
    facts: dict[State, Callable[[], Event]] = {
        State.OFFERED: lambda: SeatOffered(**about, answer_by=until),
        State.ACCEPTED: lambda: SeatAccepted(**about, how=how.value),
        State.DECLINED: lambda: SeatDeclined(**about, how=how.value),
        State.EXPIRED: lambda: SeatExpired(**about, answer_by=until),
        State.WAITLISTED: lambda: SeatWaitlisted(**about),
        State.WITHDRAWN: lambda: SeatWithdrawn(**about, how=how.value, reason=reason or ""),
    }
    return facts[to]() if to in facts else None
