"""Planning over HTTP."""

from uuid import UUID

from services.aid_distribution.ledger.domain import ShortOfStock
from services.aid_distribution.planning import cover as lasting
from services.aid_distribution.planning import equity as boards
from services.aid_distribution.planning import handlers
from services.aid_distribution.planning.cover import CoverQuery, CoverView
from services.aid_distribution.planning.domain import (
    MoreThanSupply,
    NothingToAllocate,
    PlanNotDraft,
    StockDoesNotCover,
)
from services.aid_distribution.planning.equity import EquityBoard, EquityQuery
from services.aid_distribution.planning.mistakes import plan_mistakes
from services.aid_distribution.planning.orders import (
    ConfirmPlan,
    DiscardPlan,
    OverrideLine,
    PlanAllocation,
    PlanQuery,
)
from services.aid_distribution.planning.views import PlanSummary, PlanView
from shared.problems import Absent, Stale
from shared.roles import Action
from shared.routes import Call, Page, RegionCode, Routes

outlook = Routes("/aid", tag="Planning")
plans = Routes("/aid/allocation-plans", tag="Allocation")

PLAN = "/aid/allocation-plans/{id}"


@outlook.get("/equity", Action.SEE_DISTRIBUTIONS, refusals=[Absent])
async def show_equity(call: Call, query: EquityQuery) -> EquityBoard:
    """Compare the goods per 1,000 residents of your regions, least served first."""
    return await boards.board(call.work, query)


@outlook.get("/cover", Action.SEE_STOCK, refusals=[Absent])
async def show_cover(call: Call, query: CoverQuery) -> CoverView:
    """Say for how many days stock lasts, as a range, from how it left in the past."""
    return await lasting.cover(call.work, query)


@plans.post("", Action.PLAN_ALLOCATION, location=PLAN, refusals=[NothingToAllocate], rules=plan_mistakes)
async def plan_allocation(call: Call, body: PlanAllocation) -> PlanView:
    """Share scarce goods fairly among regions, each line explained; nothing moves yet."""
    return await handlers.plan(call.work, call.caller, body)


@plans.get("", Action.SEE_PLANS)
async def list_allocation_plans(call: Call, query: PlanQuery) -> Page[PlanSummary]:
    """List the allocation plans, newest first."""
    return await handlers.page(call.work, call.caller, query)


@plans.get("/{plan_id}", Action.SEE_PLANS)
async def show_allocation_plan(call: Call, plan_id: UUID) -> PlanView:
    """Show an allocation plan with its lines and all that was changed by hand."""
    return await handlers.show(call.work, call.caller, plan_id)


@plans.patch("/{plan_id}/lines/{region}", Action.PLAN_ALLOCATION, refusals=[PlanNotDraft, MoreThanSupply])
async def override_allocation(call: Call, plan_id: UUID, region: RegionCode, body: OverrideLine) -> PlanView:
    """Give a region another quantity than the fair one, with a reason that is kept."""
    return await handlers.override(call.work, call.caller, plan_id, region, call.expected_version, body)


@plans.post(
    "/{plan_id}/confirmation",
    Action.PLAN_ALLOCATION,
    location=PLAN,
    refusals=[PlanNotDraft, NothingToAllocate, StockDoesNotCover, ShortOfStock, Stale],
)
async def confirm_allocation(call: Call, plan_id: UUID, body: ConfirmPlan) -> PlanView:
    """Send what a plan gives: one transfer for each region, all or none."""
    return await handlers.confirm(call.work, call.caller, plan_id, body)


@plans.post("/{plan_id}/discard", Action.PLAN_ALLOCATION, location=PLAN, refusals=[PlanNotDraft])
async def discard_allocation(call: Call, plan_id: UUID, body: DiscardPlan) -> PlanView:
    """Put a draft away."""
    return await handlers.discard(call.work, call.caller, plan_id, body)
