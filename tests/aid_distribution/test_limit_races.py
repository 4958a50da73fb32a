"""Two counters at one recipient: each process has a store of its own on the same database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from random import Random
from uuid import UUID

import pytest

from services.aid_distribution.distributions import limit_store, store
from services.aid_distribution.distributions.handlers import post_all
from services.aid_distribution.distributions.limit_rules import Handout, LimitReached
from services.aid_distribution.distributions.orders import DistributionView, PostDistribution
from services.aid_distribution.distributions.store import DistributionRow
from services.aid_distribution.distributions.within_limits import Counted
from services.aid_distribution.ledger.domain import Draft, Kind, Line
from services.aid_distribution.ledger.handlers import post
from services.aid_distribution.ledger.store import Posted
from shared.caller import Caller, Role
from shared.clock import wib_day
from shared.database import Database, Work
from shared.routes import Asked
from tests.aid_distribution.story import (
    ELSEWHERE,
    MASKS,
    NOON,
    OFFICE,
    WAREHOUSE,
    StoppedClock,
    ago,
    ask,
    audited,
    distribute,
    distribution,
    receipt,
    receive,
    waits_for_a_lock,
)
from tests.aid_distribution.test_distributions import KITCHEN, TAILOR, happened, registered
from tests.aid_distribution.test_limits import limited
from tests.waiting import wait_until


@pytest.fixture
async def other(database: Database, clock: StoppedClock) -> AsyncIterator[Database]:
    """The store of a second process on the same database."""
    other = Database(database.url, database.source, partitions=database.partitions, clock=clock)
    yield other
    await other.close()


@pytest.fixture
async def stocked(database: Database) -> Database:
    """A hundred masks at each of two warehouses, so that no card is waited for, and a limit of one a day."""
    for place in (WAREHOUSE, ELSEWHERE):
        await receive(database, receipt(100, ago(90), place=place))
    await happened(database, registered(), registered(KITCHEN, "Dapur Rina"))
    await limited(database, times_max=1)
    return database


def to_tailor(place: str, occurred_at: datetime = NOON) -> PostDistribution:
    return distribution(1, occurred_at, place=place, public=0, businesses=[TAILOR])


async def test_of_two_counters_one_gives_the_last_one(stocked: Database, other: Database) -> None:
    async with stocked.work(OFFICE) as work:
        (first,) = await post_all(work, [Asked(to_tailor(WAREHOUSE), OFFICE)])
        second = asyncio.create_task(distribute(other, to_tailor(ELSEWHERE)))
        await wait_until(lambda: waits_for_a_lock(stocked), description="the second counter to wait for the recipient")
        assert not second.done()
    assert isinstance(first, DistributionView)
    with pytest.raises(LimitReached):
        await second
    assert await ask(stocked, "SELECT count(*) FROM distribution_business") == [(1,)]
    assert await audited(stocked) == []


async def count_without_lock(work: Work) -> Counted:
    """Count what the tailor received as the service does, but without keeping others from it."""
    counted = Counted(await limit_store.binding(work.session, ["free-masks"], NOON.date(), NOON.date()))
    counted.add(await limit_store.received(work.session, {(TAILOR, "free-masks"): ago(1)}, {TAILOR: "19.71"}))
    return counted


async def give(work: Work, place: str) -> None:
    draft = Draft(
        id=work.new_id(),
        kind=Kind.DISTRIBUTION,
        region="19",
        occurred_at=NOON,
        caller=Caller("control", Role.OPERATOR, ("19",)),
        lines=(Line(MASKS, 1, place, "PUBLIC"),),
    )
    (posted,) = await post(work, [draft])
    assert isinstance(posted, Posted)
    row = DistributionRow(
        id=work.new_id(), number=posted.number, programme="free-masks", place=place, region="19", occurred_at=NOON,
        recorded_at=NOON, actor="control", public_heads=0, business_count=1, state="posted", posting_id=draft.id,
    )  # fmt: skip
    await store.write(work.session, [row], [(row.id, TAILOR)], [], work.now)


async def test_without_the_lock_both_counters_would_give_it(stocked: Database, other: Database) -> None:
    asked = [Handout(TAILOR, "19.71", "free-masks", wib_day(NOON), {MASKS: 1})]
    async with stocked.work(OFFICE) as one, other.work(OFFICE) as another:
        counters = ((one, WAREHOUSE), (another, ELSEWHERE))
        counted = [(work, place, await count_without_lock(work)) for work, place in counters]
        for work, place, so_far in counted:
            assert so_far.refusal(asked) is None
            await give(work, place)
            await work.session.commit()
    assert await ask(stocked, "SELECT count(*) FROM distribution_business") == [(2,)]
    async with stocked.work(OFFICE) as work:
        assert isinstance((await count_without_lock(work)).refusal(asked), LimitReached)


async def test_counters_that_name_the_same_recipients_in_any_order_never_wait_in_a_circle(
    stocked: Database, other: Database
) -> None:
    # `database.work` carries out once, so that a deadlock would show as an error and not be tried again.
    random = Random(4)
    crowd = [UUID(int=100 + number) for number in range(8)]
    await happened(stocked, *(registered(business) for business in crowd))

    async def one(number: int) -> DistributionView | LimitReached:
        chosen = random.sample(crowd, 3)
        order = distribution(1, place=(WAREHOUSE, ELSEWHERE)[number % 2], public=0, businesses=chosen)
        try:
            return await distribute((stocked, other)[number % 2], order)
        except LimitReached as refused:
            return refused

    outcomes = await asyncio.gather(*(one(number) for number in range(30)))
    given = [outcome for outcome in outcomes if isinstance(outcome, DistributionView)]
    assert 1 <= len(given) <= len(crowd) // 3
    named = [business for outcome in given for business in outcome.recipients.businesses]
    assert len(named) == len(set(named))
    assert await audited(stocked) == []
