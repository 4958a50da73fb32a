"""Distributions over HTTP."""

from collections.abc import Sequence
from uuid import UUID

from services.aid_distribution.distributions import handlers
from services.aid_distribution.distributions.domain import AlreadyVoided
from services.aid_distribution.distributions.handlers import (
    DistributionQuery,
    DistributionView,
    PostDistribution,
    VoidDistribution,
)
from services.aid_distribution.ledger.domain import CountedSince, LotHeld, ShortOfStock, TooMuch
from shared.database import Work
from shared.problems import Refusal
from shared.roles import Action
from shared.routes import Asked, Call, Page, Routes

distributions = Routes("/aid/distributions", tag="Distributions")


@distributions.post(
    "",
    Action.POST_DISTRIBUTION,
    together=True,
    location="/aid/distributions/{id}",
    refusals=[LotHeld, ShortOfStock],
    rules=handlers.mistakes,
)
async def post_distribution(
    work: Work, asked: Sequence[Asked[PostDistribution]]
) -> Sequence[DistributionView | Refusal]:
    """Post a distribution event: the stock falls, the receipt is given, and those concerned are told."""
    return await handlers.post_all(work, asked)


@distributions.get("", Action.SEE_DISTRIBUTIONS)
async def list_distributions(call: Call, query: DistributionQuery) -> Page[DistributionView]:
    """List distributions, newest first."""
    return await handlers.page(call.work, call.caller, query)


@distributions.get("/{distribution_id}", Action.SEE_DISTRIBUTIONS)
async def show_distribution(call: Call, distribution_id: UUID) -> DistributionView:
    """Show a distribution."""
    return await handlers.show(call.work, call.caller, distribution_id)


@distributions.post(
    "/{distribution_id}/void", Action.VOID_DISTRIBUTION, refusals=[AlreadyVoided, CountedSince, TooMuch]
)
async def void_distribution(call: Call, distribution_id: UUID, body: VoidDistribution) -> DistributionView:
    """Take back a distribution that was posted in error."""
    return await handlers.void(call.work, call.caller, distribution_id, body)
