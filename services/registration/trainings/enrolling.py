"""Applying for a training: by an owner or by staff for them, eligible or not with every reason, and withdrawing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from services.registration.businesses.domain import check_open
from services.registration.trainings import enrolment_store, offers, store
from services.registration.trainings.domain import APPLICATIONS_MAX, TrainingNotBegun, TrainingOver
from services.registration.trainings.enrolment_rules import (
    OVER,
    AlreadyEnrolled,
    Applicant,
    How,
    State,
    TrainingFull,
    check_step,
    reasons,
)
from services.registration.trainings.enrolment_store import EnrolmentRow, EnrolmentStepRow, Firm
from services.registration.trainings.need import need_of
from services.registration.trainings.steps import enrolment_locked, may, note, owner_of, take, training_locked
from services.registration.trainings.store import TrainingRow
from shared import cursor
from shared.caller import Caller, Role
from shared.clock import wib_day
from shared.database import Work
from shared.problems import Absent, FieldError, Invalid
from shared.routes import Page

APPLIED_AGO_MAX = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An enrolment with its business, its training, and its steps where they were asked for."""

    row: EnrolmentRow
    firm: Firm
    training: TrainingRow
    steps: Sequence[EnrolmentStepRow] = ()


async def mistakes(work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Say what is wrong with an application beside its shape: a moment that is not past, or long past."""
    applied_at = leaves.get("/applied_at")
    if not isinstance(applied_at, datetime):
        return []
    if work.caller.role is Role.OWNER:
        return [FieldError("/applied_at", "not_yours_to_say", "An application of your own is made now.")]
    if applied_at > work.now:
        return [FieldError("/applied_at", "in_the_future", "An application was made before it is entered.")]
    if applied_at < work.now - APPLIED_AGO_MAX:
        return [FieldError("/applied_at", "too_long_ago", f"At most {APPLIED_AGO_MAX.days} days ago.")]
    return []


async def apply(
    work: Work, training_id: UUID, business_id: UUID, how: How, applied_at: datetime | None = None
) -> Enrolled:
    """Apply for a training; whoever may not take part is told all reasons at once, and stays on the list with them.

    Raises: Absent (404), Invalid (422), and of 409 TrainingCancelled, TrainingOver, AlreadyEnrolled, TrainingFull
    """
    if errors := await mistakes(work, {"/applied_at": applied_at}):
        raise Invalid(errors)
    training = await training_locked(work, training_id)
    firm = (await enrolment_store.firms(work.session, [business_id])).get(business_id)
    if firm is None or not _may_enrol(work.caller, firm, training):
        raise Absent
    if training.ends_on < wib_day(work.now):
        raise TrainingOver(f"It ended on {training.ends_on}.", ended_on=training.ends_on.isoformat())
    row = await _applied(work, training, firm, how, applied_at or work.now)
    await work.session.flush()
    return await _whole(work, row, firm, training)


def _may_enrol(caller: Caller, firm: Firm, training: TrainingRow) -> bool:
    """Tell whether somebody may bring a business into a training: staff name only businesses that they see."""
    return may(caller, firm, training) and (caller.role is Role.OWNER or caller.sees(firm.region))


async def _applied(work: Work, training: TrainingRow, firm: Firm, how: How, applied_at: datetime) -> EnrolmentRow:
    check_open(firm.restricted_at, firm.erased_at)
    row = await enrolment_store.of_business(work.session, training.id, firm.id)
    if row is None:
        if training.applications == APPLICATIONS_MAX:
            raise TrainingFull(f"At most {APPLICATIONS_MAX} applications are taken.")
        training.applications += 1
        row = EnrolmentRow(
            id=work.new_id(),
            training_id=training.id,
            business_id=firm.id,
            state=State.APPLIED.value,
            reasons=[],
            applied_at=applied_at,
        )
        work.session.add(row)
        await work.session.flush()
    elif State(row.state) not in OVER:
        raise AlreadyEnrolled(f"It is {row.state}.", enrolment_id=str(row.id), state=row.state)
    row.state, row.applied_at = State.APPLIED.value, applied_at
    row.override_reason = row.need_points = row.need_explained = None
    note(work, row, how)
    one = Applicant(
        sector=firm.sector,
        region=firm.region,
        active=firm.state == "active",
        taken_before=await enrolment_store.taken_before(work.session, firm.id, training.programme, training.id),
        applied_on=wib_day(applied_at),
    )
    why = reasons(one, sector=training.sector, region=training.region, starts_on=training.starts_on)
    row.reasons = [reason.value for reason in why]
    take(work, training, row, State.INELIGIBLE if why else State.ELIGIBLE, How.RULE)
    return row


async def walk_in(work: Work, training_id: UUID, business_id: UUID, reason: str) -> Enrolled:
    """Let somebody in who stands at the door, if a seat is free: an enrolment, and the seat with it, for a reason.

    Raises: Absent (404), and of 409 TrainingCancelled, TrainingOver, TrainingNotBegun, NoSeat, StepNotPossible,
            TrainingFull
    """
    training = await training_locked(work, training_id)
    firm = (await enrolment_store.firms(work.session, [business_id])).get(business_id)
    if firm is None or not _may_enrol(work.caller, firm, training):
        raise Absent
    if training.ends_on < wib_day(work.now):
        raise TrainingOver(f"It ended on {training.ends_on}.", ended_on=training.ends_on.isoformat())
    if training.starts_on > wib_day(work.now):
        raise TrainingNotBegun(f"It begins on {training.starts_on}.", starts_on=training.starts_on.isoformat())
    row = await enrolment_store.of_business(work.session, training.id, firm.id)
    if row is None or State(row.state) in OVER:
        row = await _applied(work, training, firm, How.WALK_IN, work.now)
    if row.state == State.INELIGIBLE:
        _override(work, training, row, reason)
    if row.need_points is None:
        need = (await need_of(work.session, [firm.id]))[firm.id]
        row.need_points, row.need_explained = need.points, need.explained
    take(work, training, row, State.ACCEPTED, How.WALK_IN, reason)
    await work.session.flush()
    return await _whole(work, row, firm, training)


async def override(work: Work, enrolment_id: UUID, reason: str) -> Enrolled:
    """Let somebody take part in spite of the reasons against it, for a reason that is kept.

    Raises: Absent (404), and of 409 TrainingCancelled, TrainingOver, StepNotPossible
    """
    training, row, firm = await enrolment_locked(work, enrolment_id)
    check_step(State(row.state), State.ELIGIBLE)
    _override(work, training, row, reason)
    await work.session.flush()
    return await _whole(work, row, firm, training)


def _override(work: Work, training: TrainingRow, row: EnrolmentRow, reason: str) -> None:
    row.override_reason = reason
    take(work, training, row, State.ELIGIBLE, How.OFFICE, reason)


async def withdraw(work: Work, enrolment_id: UUID, how: How, reason: str) -> Enrolled:
    """Take part no more; a seat that becomes free is offered to the next in the same transaction.

    Raises: Absent (404), and of 409 TrainingCancelled, TrainingOver, StepNotPossible
    """
    training, row, firm = await enrolment_locked(work, enrolment_id)
    take(work, training, row, State.WITHDRAWN, how, reason)
    await work.session.flush()
    await offers.refill(work, training)
    return await _whole(work, row, firm, training)


async def show(work: Work, enrolment_id: UUID) -> Enrolled:
    """Show an enrolment with its history, to staff of the training's region or its owner; raises Absent (404)."""
    row = await work.session.get(EnrolmentRow, enrolment_id)
    training = await work.session.get(TrainingRow, row.training_id) if row else None
    if row is None or training is None:
        raise Absent
    firm = (await enrolment_store.firms(work.session, [row.business_id]))[row.business_id]
    if not may(work.caller, firm, training):
        raise Absent
    return await _whole(work, row, firm, training)


async def _whole(work: Work, row: EnrolmentRow, firm: Firm, training: TrainingRow) -> Enrolled:
    return Enrolled(row, firm, training, await enrolment_store.steps(work.session, row.id))


async def page(work: Work, training_id: UUID, state: State | None, after: str | None, limit: int) -> Page[Enrolled]:
    """List who has applied for a training of the caller's regions, in the order of their applications."""
    training = await work.session.get(TrainingRow, training_id)
    if training is None or not work.caller.sees(training.region):
        raise Absent
    beyond = cursor.decode(after, tuple[datetime, UUID]) if after else None
    rows = await enrolment_store.page(work.session, training_id, state, beyond, limit + 1)
    firms = await enrolment_store.firms(work.session, [row.business_id for row in rows])
    return cursor.page(
        rows,
        limit,
        lambda row: Enrolled(row, firms[row.business_id], training),
        lambda row: (row.applied_at, row.id),
    )


async def own(work: Work, after: str | None, limit: int) -> Page[Enrolled]:
    """List the enrolments of the businesses of the owner who asks."""
    owner = owner_of(work.caller)
    if owner is None:
        return Page([])
    beyond = cursor.decode(after, tuple[UUID])[0] if after else None
    rows = await enrolment_store.own(work.session, owner, beyond, limit + 1)
    firms = await enrolment_store.firms(work.session, [row.business_id for row in rows])
    trainings = await store.by_id(work.session, {row.training_id for row in rows})
    return cursor.page(
        rows,
        limit,
        lambda row: Enrolled(row, firms[row.business_id], trainings[row.training_id]),
        lambda row: (row.id,),
    )


async def open_for_owner(work: Work, after: str | None, limit: int) -> Page[TrainingRow]:
    """List the trainings to come for which the owner who asks may apply, the next first."""
    owner = owner_of(work.caller)
    if owner is None:
        return Page([])
    beyond = cursor.decode(after, tuple[date, UUID]) if after else None
    ids = await enrolment_store.open_for(work.session, owner, wib_day(work.now), beyond, limit + 1)
    found = await store.by_id(work.session, ids)
    rows = [found[one] for one in ids]
    return cursor.page(rows, limit, lambda row: row, lambda row: (row.starts_on, row.id))
