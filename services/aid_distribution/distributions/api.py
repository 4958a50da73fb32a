"""Distributions over HTTP."""

from collections.abc import Sequence
from uuid import UUID

from services.aid_distribution.coupons.domain import CouponUsed, RoundClosed
from services.aid_distribution.distributions import (
    batches,
    calls,
    evidence,
    follow_ups,
    handlers,
    limits,
    lists,
    parked,
)
from services.aid_distribution.distributions.batches import BatchView, SendBatch
from services.aid_distribution.distributions.calls import SampleQuery, SampleView
from services.aid_distribution.distributions.evidence import EvidenceAdded, EvidenceExists, EvidenceView
from services.aid_distribution.distributions.follow_ups import FollowUpQuery, FollowUpView
from services.aid_distribution.distributions.limit_rules import LimitReached
from services.aid_distribution.distributions.limits import EndLimit, LimitQuery, LimitView, SetLimit
from services.aid_distribution.distributions.orders import (
    AddEvidence,
    DistributionQuery,
    DistributionView,
    ParkDistribution,
    PostDistribution,
    VoidDistribution,
)
from services.aid_distribution.exceptions.domain import NotShort
from services.aid_distribution.exceptions.orders import ExceptionView
from services.aid_distribution.ledger.domain import CountedSince, LotHeld, ShortOfStock, TooMuch
from services.aid_distribution.ledger.handlers import NotReversible
from services.aid_distribution.ledger.reserved_use import MoreThanReserved, ReservationEnded
from services.aid_distribution.ledger.returned import GoodsReturned
from services.aid_distribution.ledger.voids import AlreadyVoided
from shared.database import Work
from shared.problems import Refusal
from shared.roles import Action
from shared.routes import Asked, Call, Page, Routes

distributions = Routes("/aid/distributions", tag="Distributions")
follow_up_list = Routes("/aid/follow-ups", tag="Follow-ups")
parked_distributions = Routes("/aid/exceptions/distributions", tag="Exceptions")
recipient_limits = Routes("/aid/limits", tag="Limits per recipient")


@distributions.post(
    "",
    Action.POST_DISTRIBUTION,
    together=True,
    location="/aid/distributions/{id}",
    refusals=[
        *(CountedSince, CouponUsed, LotHeld, MoreThanReserved),
        *(ReservationEnded, RoundClosed, ShortOfStock, LimitReached),
    ],
    rules=handlers.mistakes,
)
async def post_distribution(
    work: Work, asked: Sequence[Asked[PostDistribution]]
) -> Sequence[DistributionView | Refusal]:
    """Post a distribution event: the stock falls, the receipt is given, and those concerned are told."""
    return await handlers.post_all(work, asked)


@distributions.post("/batch", Action.POST_DISTRIBUTION)
async def post_distribution_batch(call: Call, body: SendBatch) -> BatchView:
    """Post what a device has kept while it was offline; each entry has an outcome of its own."""
    return await batches.post_batch(call.work, call.caller, body)


@distributions.get("", Action.SEE_DISTRIBUTIONS)
async def list_distributions(call: Call, query: DistributionQuery) -> Page[DistributionView]:
    """List distributions, newest first."""
    return await lists.page(call.work, call.caller, query)


@distributions.get("/sample", Action.DRAW_SAMPLE)
async def draw_sample(call: Call, query: SampleQuery) -> SampleView:
    """Draw recipients for verification calls: the same seed draws the same again."""
    return await calls.draw(call.work, call.caller, query)


@distributions.get("/{distribution_id}", Action.SEE_DISTRIBUTIONS)
async def show_distribution(call: Call, distribution_id: UUID) -> DistributionView:
    """Show a distribution."""
    return await lists.show(call.work, call.caller, distribution_id)


@distributions.post(
    "/{distribution_id}/void",
    Action.VOID_DISTRIBUTION,
    refusals=[AlreadyVoided, CountedSince, GoodsReturned, NotReversible, TooMuch],
)
async def void_distribution(call: Call, distribution_id: UUID, body: VoidDistribution) -> DistributionView:
    """Take back a distribution that was posted in error."""
    return await handlers.void(call.work, call.caller, distribution_id, body)


@distributions.post(
    "/{distribution_id}/evidence", Action.ADD_EVIDENCE, refusals=[EvidenceExists], rules=evidence.mistakes
)
async def add_evidence(call: Call, distribution_id: UUID, body: AddEvidence) -> EvidenceAdded:
    """Add a photo, a position or a signature to a distribution, once."""
    return await evidence.add(call.work, call.caller, distribution_id, body)


@distributions.get("/{distribution_id}/evidence", Action.SEE_EVIDENCE)
async def show_evidence(call: Call, distribution_id: UUID) -> EvidenceView:
    """Show the evidence of a distribution."""
    return await evidence.show(call.work, call.caller, distribution_id)


@parked_distributions.post(
    "",
    Action.PARK_EXCEPTION,
    location="/aid/exceptions/{id}",
    refusals=[CouponUsed, LotHeld, LimitReached, NotShort, RoundClosed],
    rules=handlers.mistakes,
)
async def park_distribution(call: Call, body: ParkDistribution) -> ExceptionView:
    """Park a distribution that has happened and that no card holds the goods of."""
    return await parked.park_distribution(call.work, call.caller, body)


@recipient_limits.post("", Action.SET_LIMITS, location="/aid/limits/{id}", rules=limits.mistakes)
async def set_limit(call: Call, body: SetLimit) -> LimitView:
    """Limit what one business may receive under a programme."""
    return await limits.set_limit(call.work, call.caller, body)


@recipient_limits.get("", Action.SEE_LIMITS)
async def list_limits(call: Call, query: LimitQuery) -> Page[LimitView]:
    """List the limits that concern your regions, newest first."""
    return await limits.limits(call.work, call.caller, query)


@recipient_limits.get("/{limit_id}", Action.SEE_LIMITS)
async def show_limit(call: Call, limit_id: UUID) -> LimitView:
    """Show a limit."""
    return await limits.show_limit(call.work, call.caller, limit_id)


@recipient_limits.patch("/{limit_id}", Action.SET_LIMITS)
async def end_limit(call: Call, limit_id: UUID, body: EndLimit) -> LimitView:
    """Say on which day a limit ends."""
    return await limits.end_limit(call.work, call.caller, limit_id, call.expected_version, body)


@follow_up_list.get("", Action.SEE_FOLLOW_UPS)
async def list_follow_ups(call: Call, query: FollowUpQuery) -> Page[FollowUpView]:
    """List the businesses of your regions that did not receive under a programme since a day."""
    return await follow_ups.follow_ups(call.work, call.caller, query)
