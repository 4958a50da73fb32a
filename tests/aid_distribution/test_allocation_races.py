"""Two people at one plan: each has a process of its own on the same database."""

import asyncio

from services.aid_distribution.planning import handlers
from services.aid_distribution.planning.domain import PlanNotDraft
from services.aid_distribution.planning.orders import ConfirmPlan
from services.aid_distribution.planning.store import AllocationPlanRow
from services.aid_distribution.planning.views import PlanView
from shared.database import Database
from shared.problems import Stale
from tests.aid_distribution.story import OFFICE, ask, audited, waits_for_a_lock
from tests.aid_distribution.test_allocation import CITY, ISLAND, confirm, need, order, override, plan, stocked
from tests.aid_distribution.test_races import other
from tests.waiting import wait_until

__all__ = ["other", "stocked"]


async def sent(database: Database) -> list[tuple[object, ...]]:
    question = "SELECT count(*), coalesce(sum(dispatched), 0)::bigint FROM transfer_line"
    return await ask(database, question)


async def test_of_two_who_confirm_at_once_one_sends_and_the_other_is_told(stocked: Database, other: Database) -> None:
    made = await plan(stocked, order([need(CITY, 100), need(ISLAND, 100)], 200))
    async with stocked.work(OFFICE) as work:
        first = await handlers.confirm(work, OFFICE, made.id, ConfirmPlan())
        second = asyncio.create_task(confirm(other, made.id))
        await wait_until(lambda: waits_for_a_lock(stocked), description="the second to wait for the plan")
    assert first.state == "confirmed"
    (refused,) = await asyncio.gather(second, return_exceptions=True)
    assert isinstance(refused, PlanNotDraft)
    assert await sent(stocked) == [(2, 200)]
    assert await audited(stocked) == []


async def test_without_the_lock_both_would_send(stocked: Database, other: Database) -> None:
    made = await plan(stocked, order([need(CITY, 100), need(ISLAND, 100)], 200))
    async with stocked.work(OFFICE) as one, other.work(OFFICE) as another:
        read = [(work, await work.session.get(AllocationPlanRow, made.id)) for work in (one, another)]
        for work, row in read:
            assert row is not None
            await handlers.send(work, OFFICE, row, ConfirmPlan())
            await work.session.commit()
    assert await sent(stocked) == [(4, 400)]


async def test_of_two_who_change_the_same_version_one_is_stale_and_the_supply_holds(
    stocked: Database, other: Database
) -> None:
    made = await plan(stocked, order([need(CITY, 1_000), need(ISLAND, 1_000)]))
    await override(stocked, made.id, CITY, 0)
    outcomes = await asyncio.gather(
        override(stocked, made.id, CITY, 500, 2), override(other, made.id, ISLAND, 1_000, 2), return_exceptions=True
    )
    assert sorted(type(outcome) for outcome in outcomes if not isinstance(outcome, PlanView)) == [Stale]
    ((allocated, together),) = await ask(
        stocked,
        "SELECT max(allocated), sum(quantity)::bigint FROM allocation_plan JOIN allocation_line ON plan_id = id",
    )
    assert allocated == together == 1_000
