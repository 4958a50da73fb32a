"""Hand-outs that are told as facts: what they were to be taken out of may be gone, and their limit used up, since.

A device tells what has happened, and somebody applies what was parked of it. The goods have left, so a reservation
that somebody has released meanwhile, or that expired, or holds less than that, refuses nothing: what it does not hold
is taken out of the free goods of its place. Those are looked for at the moment of the hand-out; where they were still
promised then, the book frees them when the promise ended, and the hand-out is entered as of that moment.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from services.aid_distribution.distributions.handlers import post_all
from services.aid_distribution.distributions.orders import DistributionView, PostDistribution
from services.aid_distribution.distributions.within_limits import Facts
from services.aid_distribution.ledger.domain import CountedSince, LotHeld, ShortOfStock
from services.aid_distribution.ledger.reserved_use import MoreThanReserved
from shared.database import Work
from shared.problems import Refusal
from shared.routes import Asked

ACCEPTED = (LotHeld, CountedSince)
"""The rules of the ledger that what has happened may have broken, each once."""

FROM_FREE, FROM_BOTH = "It was taken out of the free goods.", "The rest was taken out of the free goods."


def notes_of(views: Sequence[DistributionView], facts: Facts) -> dict[UUID, str]:
    """Say of distributions that could not be taken out of their reservation, by their ids, why and what was done."""
    gone = {view.id: facts.not_reserved.get(view.posting_id) for view in views}
    return {
        distribution: f"{why.detail} {FROM_BOTH if isinstance(why, MoreThanReserved) else FROM_FREE}"
        for distribution, why in gone.items()
        if why is not None
    }


async def post_happened(
    work: Work, asked: Sequence[Asked[PostDistribution]], ids: Sequence[UUID], facts: Facts
) -> Sequence[DistributionView | Refusal]:
    """Post hand-outs that have happened, each with its own outcome; `facts` tells then what stood against which."""
    outcomes: list[DistributionView | Refusal] = list(await post_all(work, asked, ids, facts))
    later = {
        place: ended
        for place, (one, outcome) in enumerate(zip(asked, outcomes, strict=True))
        if isinstance(outcome, ShortOfStock) and (ended := facts.freed_after(one.body))
    }
    if later:
        moved = [
            Asked(msgspec.structs.replace(asked[place].body, occurred_at=ended), asked[place].caller)
            for place, ended in later.items()
        ]
        again = await post_all(work, moved, [ids[place] for place in later], facts)
        for place, outcome in zip(later, again, strict=True):
            # What is short then as well is short as of when it happened.
            outcomes[place] = outcomes[place] if isinstance(outcome, Refusal) else outcome
    return outcomes


async def post_accepted(
    work: Work, asked: Asked[PostDistribution], new_id: UUID, facts: Facts
) -> DistributionView | Refusal:
    """Post a hand-out that has happened although rules stand against it, when somebody has said why they were broken.

    A lot on hold that it names has left. What it took out of a reservation before a count leaves the free goods: the
    count has said what lay there afterwards, so the reservation is as it was, for whoever made it to let go of.
    """
    (outcome,) = await post_happened(work, [asked], [new_id], facts)
    broken: list[Refusal] = []
    while facts.breach_accepted and isinstance(outcome, LotHeld | CountedSince) and len(broken) < len(ACCEPTED):
        broken.append(outcome)
        if isinstance(outcome, LotHeld):
            facts.held_accepted = True
        else:
            asked = Asked(msgspec.structs.replace(asked.body, reservation=None), asked.caller)
        (outcome,) = await post_happened(work, [asked], [new_id], facts)
    if broken and not isinstance(outcome, Refusal):
        facts.breaches.setdefault(outcome.posting_id, broken[0])
    return outcome
