"""Changing a training: a session on another day or elsewhere, or not at all; another number of seats."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from services.registration.trainings import enrolment_store, offers, store
from services.registration.trainings.domain import (
    DayTaken,
    LastSession,
    SeatsTaken,
    SessionCancelled,
    SessionHeld,
    TrainingOver,
    moved_day_mistakes,
)
from services.registration.trainings.steps import training_locked
from services.registration.trainings.store import TrainingRow, TrainingSessionRow
from shared.clock import wib_day
from shared.contracts.registration import TrainingMoved
from shared.database import Work
from shared.problems import Absent, FieldError, Invalid, Stale


async def move_mistakes(work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Say what is wrong with a move beside its shape: a day that is past, or far ahead."""
    return moved_day_mistakes(leaves.get("/held_on"), wib_day(work.now))


async def move(
    work: Work, training_id: UUID, no: int, held_on: date | None, venue: str | None, reason: str
) -> TrainingRow:
    """Hold a session on another day, elsewhere, or both; everybody who has or awaits a seat is told.

    Raises: Absent (404), Invalid (422), and of 409 TrainingCancelled, TrainingOver, SessionCancelled, SessionHeld,
            DayTaken
    """
    errors = await move_mistakes(work, {"/held_on": held_on}) if held_on else []
    if held_on is None and venue is None:
        errors = [FieldError("/held_on", "missing", "Say the day, the venue, or both.")]
    if errors:
        raise Invalid(errors)
    training, sessions, session = await _session(work, training_id, no)
    was_on = session.held_on
    if held_on is not None and any(one.held_on == held_on for one in _held(sessions) if one is not session):
        raise DayTaken(f"There is another session on {held_on}.", held_on=held_on.isoformat())
    session.held_on = held_on or was_on
    session.venue = venue or session.venue
    await _tell(work, training, sessions, session, was_on, reason)
    return training


async def cancel_session(work: Work, training_id: UUID, no: int, reason: str) -> TrainingRow:
    """Hold a session not at all, where others are left; everybody who has or awaits a seat is told.

    Raises: Absent (404), and of 409 TrainingCancelled, TrainingOver, SessionCancelled, SessionHeld, LastSession
    """
    training, sessions, session = await _session(work, training_id, no)
    if len(_held(sessions)) == 1:
        raise LastSession("Call off the training instead.")
    session.cancelled_at, session.cancel_reason = work.now, reason
    await _tell(work, training, sessions, session, session.held_on, reason)
    return training


async def _session(
    work: Work, training_id: UUID, no: int
) -> tuple[TrainingRow, Sequence[TrainingSessionRow], TrainingSessionRow]:
    training = await training_locked(work, training_id)
    sessions = (await store.sessions_of(work.session, [training_id]))[training_id]
    session = next((one for one in sessions if one.no == no), None)
    if session is None:
        raise Absent
    if session.cancelled_at is not None:
        raise SessionCancelled(session.cancel_reason or "")
    if await enrolment_store.somebody_there(work.session, training_id, no):
        raise SessionHeld(f"Somebody was at session {no}.", session=no)
    return training, sessions, session


def _held(sessions: Sequence[TrainingSessionRow]) -> list[TrainingSessionRow]:
    return [one for one in sessions if one.cancelled_at is None]


async def _tell(
    work: Work,
    training: TrainingRow,
    sessions: Sequence[TrainingSessionRow],
    session: TrainingSessionRow,
    was_on: date,
    reason: str,
) -> None:
    days = sorted(one.held_on for one in _held(sessions))
    training.starts_on, training.ends_on = days[0], days[-1]
    training.version += 1
    await work.session.flush()
    event = TrainingMoved(
        training_id=training.id,
        programme=training.programme,
        title=training.title,
        region=training.region,
        starts_on=training.starts_on,
        ends_on=training.ends_on,
        change=training.version,
        session=session.no,
        was_on=was_on,
        held_on=session.held_on if session.cancelled_at is None else None,
        venue=session.venue or training.venue,
        reason=reason,
        sessions=days,
        businesses=await enrolment_store.concerned(work.session, training.id),
    )
    work.record(event, region=training.region)


async def change_seats(work: Work, training_id: UUID, version: int, seats: int) -> TrainingRow:
    """Give a training another number of seats; more of them are offered on at once.

    Raises: Absent (404), Stale (412), and of 409 TrainingCancelled, TrainingOver, SeatsTaken
    """
    training = await training_locked(work, training_id)
    if training.version != version:
        raise Stale(f"It is at version {training.version}.")
    if training.ends_on < wib_day(work.now):
        raise TrainingOver(f"It ended on {training.ends_on}.", ended_on=training.ends_on.isoformat())
    if seats < training.seats_taken:
        raise SeatsTaken(f"{training.seats_taken} seats are given or offered.", seats_taken=training.seats_taken)
    if seats != training.seats:
        await offers.change_seats(work, training, seats)
    return training
