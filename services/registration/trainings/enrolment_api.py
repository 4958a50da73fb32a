"""The HTTP face of enrolment: applying, seats, answers, and what an owner sees of their own."""

from uuid import UUID

from services.registration.businesses.domain import OwnerErased, OwnerRestricted
from services.registration.trainings import enrolling, offers
from services.registration.trainings.domain import TrainingBegun, TrainingCancelled, TrainingNotBegun, TrainingOver
from services.registration.trainings.enrolling import Enrolled
from services.registration.trainings.enrolment_orders import (
    AnswerOffer,
    Apply,
    EnrolmentQuery,
    EnrolmentView,
    OfferedView,
    OfferSeats,
    OpenTrainingView,
    Reason,
    StepView,
    Told,
    TrainingListQuery,
    WalkIn,
    WhyView,
    Withdraw,
)
from services.registration.trainings.enrolment_rules import (
    WHY,
    AlreadyEnrolled,
    How,
    NoSeat,
    NoTimeToAnswer,
    OfferExpired,
    State,
    StepNotPossible,
    TrainingFull,
    Why,
)
from shared.caller import Caller, Role
from shared.clock import shown
from shared.problems import Absent, FieldError, Invalid
from shared.roles import Action
from shared.routes import Call, Page, Routes

enrolments = Routes("/registration", tag="Training seats")
KEPT_OUT = (OwnerErased, OwnerRestricted)
OVER = (TrainingCancelled, TrainingOver)


@enrolments.post(
    "/trainings/{training_id}/enrolments",
    Action.ENROL_BUSINESS,
    location="/registration/enrolments/{id}",
    refusals=(Absent, *OVER, *KEPT_OUT, AlreadyEnrolled, TrainingFull),
    rules=enrolling.mistakes,
)
async def apply_for_training(call: Call, training_id: UUID, body: Apply) -> EnrolmentView:
    """Apply for a training with a business; whoever may not take part is told every reason."""
    how = _how(call.caller, body.how)
    return view(await enrolling.apply(call.work, training_id, body.business_id, how, body.applied_at))


@enrolments.post(
    "/trainings/{training_id}/walk-ins",
    Action.RECORD_ATTENDANCE,
    location="/registration/enrolments/{id}",
    refusals=(Absent, *OVER, *KEPT_OUT, TrainingNotBegun, NoSeat, StepNotPossible, TrainingFull),
)
async def let_walk_in(call: Call, training_id: UUID, body: WalkIn) -> EnrolmentView:
    """Let somebody in who stands at the door, from the first day on, if a seat is free."""
    return view(await enrolling.walk_in(call.work, training_id, body.business_id, body.reason))


@enrolments.get("/trainings/{training_id}/enrolments", Action.SEE_ENROLMENTS, refusals=(Absent,))
async def list_enrolments(call: Call, training_id: UUID, query: EnrolmentQuery) -> Page[EnrolmentView]:
    """List who has applied for a training, in the order of the applications."""
    page = await enrolling.page(call.work, training_id, query.state, query.cursor, query.limit)
    return Page([view(one) for one in page.items], page.next)


@enrolments.post(
    "/trainings/{training_id}/offers",
    Action.ALLOCATE_SEATS,
    refusals=(Absent, *OVER, TrainingBegun, NoTimeToAnswer),
    rules=offers.mistakes,
)
async def offer_seats(call: Call, training_id: UUID, body: OfferSeats) -> OfferedView:
    """Offer the free seats of a training by need, then time; whoever is left waits."""
    done = await offers.allocate(call.work, training_id, body.answer_by)
    until = next((row.answer_by for row in done.offered), None)
    return OfferedView(
        training_id=done.training.id,
        seats=done.training.seats,
        seats_taken=done.training.seats_taken,
        offered=[row.id for row in done.offered],
        answer_by=shown(until) if until else None,
        waitlisted=done.waitlisted,
        expired=done.expired,
    )


@enrolments.get("/enrolments/{enrolment_id}", Action.ENROL_BUSINESS, refusals=(Absent,))
async def show_enrolment(call: Call, enrolment_id: UUID) -> EnrolmentView:
    """Show an enrolment with its history."""
    return view(await enrolling.show(call.work, enrolment_id))


@enrolments.post(
    "/enrolments/{enrolment_id}/eligibility",
    Action.ALLOCATE_SEATS,
    location="/registration/enrolments/{id}",
    refusals=(Absent, *OVER, StepNotPossible),
)
async def override_eligibility(call: Call, enrolment_id: UUID, body: Reason) -> EnrolmentView:
    """Let somebody take part in spite of the reasons against it."""
    return view(await enrolling.override(call.work, enrolment_id, body.reason))


@enrolments.post(
    "/enrolments/{enrolment_id}/answer",
    Action.ANSWER_SEAT,
    location="/registration/enrolments/{id}",
    refusals=(Absent, *OVER, OfferExpired, StepNotPossible),
)
async def answer_offer(call: Call, enrolment_id: UUID, body: AnswerOffer) -> EnrolmentView:
    """Accept or decline the seat that is offered; a declined one goes to the next."""
    how = _how(call.caller, body.how)
    await offers.answer(call.work, enrolment_id, accepts=body.answer == "accept", how=how, reason=body.reason)
    return view(await enrolling.show(call.work, enrolment_id))


@enrolments.post(
    "/enrolments/{enrolment_id}/withdrawal",
    Action.ANSWER_SEAT,
    location="/registration/enrolments/{id}",
    refusals=(Absent, *OVER, StepNotPossible),
)
async def withdraw_enrolment(call: Call, enrolment_id: UUID, body: Withdraw) -> EnrolmentView:
    """Take part no more, or wait no more; a seat that becomes free goes to the next."""
    return view(await enrolling.withdraw(call.work, enrolment_id, _how(call.caller, body.how), body.reason))


@enrolments.get("/my/enrolments", Action.SEE_OWN_ENROLMENTS)
async def list_own_enrolments(call: Call, query: TrainingListQuery) -> Page[EnrolmentView]:
    """List the enrolments of the owner who asks."""
    page = await enrolling.own(call.work, query.cursor, query.limit)
    return Page([view(one) for one in page.items], page.next)


@enrolments.get("/my/trainings", Action.SEE_OWN_ENROLMENTS)
async def list_open_trainings(call: Call, query: TrainingListQuery) -> Page[OpenTrainingView]:
    """List the trainings to come for which the owner who asks may apply, the next first."""
    page = await enrolling.open_for_owner(call.work, query.cursor, query.limit)
    names = OpenTrainingView.__struct_fields__
    return Page([OpenTrainingView(**{name: getattr(row, name) for name in names}) for row in page.items], page.next)


def _how(caller: Caller, told: Told | None) -> How:
    """Say by which way something was wanted; the office must name it, an owner does it themselves."""
    if caller.role is Role.OWNER:
        if told is not None:
            raise Invalid([FieldError("/how", "not_yours_to_say", "What you do here yourself is done online.")])
        return How.ONLINE
    if told is None:
        raise Invalid([FieldError("/how", "missing", "Say how the owner told it: phone or paper.")])
    return How(told)


def view(found: Enrolled) -> EnrolmentView:
    """Show an enrolment."""
    row = found.row
    return EnrolmentView(
        id=row.id,
        training_id=row.training_id,
        programme=found.training.programme,
        title=found.training.title,
        starts_on=found.training.starts_on,
        business_id=row.business_id,
        business_name=found.firm.name,
        state=State(row.state),
        reasons=[WhyView(code=code, **WHY[Why(code)]._asdict()) for code in row.reasons],
        override_reason=row.override_reason,
        need_points=row.need_points,
        need_explained=row.need_explained,
        applied_at=shown(row.applied_at),
        answer_by=shown(row.answer_by) if row.answer_by else None,
        history=[
            StepView(
                no=one.no,
                state=State(one.state),
                at=shown(one.at),
                actor=one.actor,
                how=How(one.how),
                reason=one.reason,
            )
            for one in found.steps
        ],
        version=row.version,
    )
