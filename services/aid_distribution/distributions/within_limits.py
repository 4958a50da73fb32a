"""Posting what stays within the limits of its recipients: counted and posted under one lock, in one transaction."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.aid_distribution.businesses.store import KnownBusinessRow
from services.aid_distribution.distributions import limit_store
from services.aid_distribution.distributions.limit_rules import (
    Breach,
    Handout,
    LimitReached,
    RecipientLimit,
    breaches,
    even_part,
    refusal,
)
from services.aid_distribution.distributions.orders import PostDistribution
from services.aid_distribution.ledger.domain import Draft, Line
from services.aid_distribution.ledger.handlers import post
from services.aid_distribution.ledger.store import Posted
from shared.clock import wib_day, wib_midnight
from shared.database import Work
from shared.problems import Refusal

Businesses = dict[UUID, KnownBusinessRow]


@dataclass(slots=True)
class Facts:
    """What is to be known of hand-outs that have happened whatever stands against them; it grows as they are posted.

    Shape:  `breach_accepted` where somebody says why a rule was broken, `held_accepted` where a lot on hold that was
            named was handed out. By the posting: `breaches` are the rules that were, `not_reserved` says why not all
            was taken out of the reservation. `ended` is when reservations were released or expired, by the reservation
    """

    breach_accepted: bool = False
    held_accepted: bool = False
    breaches: dict[UUID, Refusal] = field(default_factory=dict)
    not_reserved: dict[UUID, Refusal] = field(default_factory=dict)
    ended: dict[UUID, datetime] = field(default_factory=dict)

    def freed_after(self, order: PostDistribution) -> datetime | None:
        """Give when the goods of a hand-out became free in the book, if that was after it."""
        ended = self.ended.get(order.reservation) if order.reservation else None
        return ended if ended and ended > order.occurred_at else None


@dataclass(slots=True)
class Counted:
    """The limits that are about a batch, and what its recipients received so far; it grows as more is handed out."""

    limits: Sequence[RecipientLimit]
    by_recipient: defaultdict[UUID, list[Handout]] = field(default_factory=lambda: defaultdict(list))

    def add(self, handouts: Iterable[Handout]) -> None:
        """Count hand-outs."""
        for one in handouts:
            self.by_recipient[one.business].append(one)

    def refusal(self, asked: Iterable[Handout], also: "Counted | None" = None) -> LimitReached | None:
        """Say why a distribution is refused, after what is counted here and `also` there."""
        found: list[Breach] = []
        for one in asked:
            before = self.by_recipient[one.business] + (also.by_recipient[one.business] if also else [])
            found += breaches(self.limits, before, one)
        return refusal(found)


def handouts_of(order: PostDistribution, lines: Sequence[Line], businesses: Businesses) -> list[Handout]:
    """Give what each business that a distribution names receives in it; its lines are in base units."""
    recipients, day = order.recipients, wib_day(order.occurred_at)
    goods: dict[UUID, dict[str, int]] = {business: {} for business in recipients.businesses}
    for share in recipients.shares:
        goods[share.business][share.item] = share.quantity
    if not recipients.shares:
        total: defaultdict[str, int] = defaultdict(int)
        for line in lines:
            total[line.item] += line.quantity
        heads = recipients.public + len(recipients.businesses)
        even = {item: even_part(quantity, heads) for item, quantity in total.items()}
        goods = dict.fromkeys(goods, even)
    return [
        Handout(business, businesses[business].region, order.programme, day, items) for business, items in goods.items()
    ]


async def post_within_limits(
    work: Work,
    orders: Sequence[PostDistribution],
    plans: Sequence[Draft | Refusal],
    businesses: Businesses,
    facts: Facts | None = None,
) -> list[Posted | Refusal]:
    """Post the drafts of distributions, each with its own outcome; LimitReached (409) where a recipient has enough.

    What was refused for lack of stock takes nothing from the limit of its recipients, also within the batch: so what
    is refused only because of others in the batch is asked again once it is known what became of them. A breach that
    was accepted is noted in the facts.
    """
    accepted = facts is not None and facts.breach_accepted
    asked = [
        handouts_of(order, plan.lines, businesses) if isinstance(plan, Draft) else []
        for order, plan in zip(orders, plans, strict=True)
    ]
    counted = await _count(work, [one for handouts in asked for one in handouts])
    if counted is None:
        return await post(work, plans)
    outcomes: list[Posted | Refusal | None] = [plan if isinstance(plan, Refusal) else None for plan in plans]
    while open_ := [index for index, outcome in enumerate(outcomes) if outcome is None]:
        taken = []
        tentative = Counted(counted.limits)
        for index in open_:
            refused = counted.refusal(asked[index])
            if refused and not accepted:
                outcomes[index] = refused
            elif accepted or not counted.refusal(asked[index], tentative):
                _note(facts, plans[index], refused)
                tentative.add(asked[index])
                taken.append(index)
        for index, outcome in zip(taken, await post(work, [plans[index] for index in taken]), strict=True):
            outcomes[index] = outcome
            if isinstance(outcome, Posted):
                counted.add(asked[index])
    return [outcome for outcome in outcomes if outcome is not None]


def _note(facts: Facts | None, plan: Draft | Refusal, refused: LimitReached | None) -> None:
    if facts is not None and refused is not None and isinstance(plan, Draft):
        facts.breaches.setdefault(plan.id, refused)


async def _count(work: Work, asked: Collection[Handout]) -> Counted | None:
    """Lock the recipients whom a limit is about and count what they received; None when there is no limit."""
    if not asked:
        return None
    days = [one.day for one in asked]
    limits = await limit_store.binding(work.session, {one.programme for one in asked}, min(days), max(days))
    since: dict[tuple[UUID, str], datetime] = {}
    for one in asked:
        if periods := [limit.period_days for limit in limits if limit.binds(one.region, one.programme)]:
            begins = wib_midnight(one.day - timedelta(days=max(periods) - 1))
            key = (one.business, one.programme)
            since[key] = min(begins, since.get(key, begins))
    if not since:
        return None
    await limit_store.lock_recipients(work.session, {business for business, _ in since})
    counted = Counted(limits)
    counted.add(await limit_store.received(work.session, since, {one.business: one.region for one in asked}))
    return counted
