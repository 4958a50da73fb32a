"""The rules of an allocation plan: what a region needs, how much it counts, and what may be done with a plan."""

from enum import StrEnum

from shared.problems import Refusal

PERMILLE = 1_000
NEEDS_MAX = 200
PER_THOUSAND_MAX = 1_000_000
RECEIVED_DAYS_MAX = 366
"""How far back it is asked what a region has received already."""


class PlanState(StrEnum):
    """How far a plan has come; both ends are final."""

    DRAFT = "draft"
    CONFIRMED = "confirmed"
    DISCARDED = "discarded"


class Cut(StrEnum):
    """Why a region is not given all that it needs."""

    NONE = "none"
    NO_NEED = "no_need"
    SCARCITY = "scarcity"
    OVERRIDE = "override"


class NothingToAllocate(Refusal):
    """There is nothing to give, or nobody who needs it."""

    code = "nothing_to_allocate"
    title = "Nothing to allocate"


class PlanNotDraft(Refusal):
    """A plan that was confirmed or discarded is not changed any more."""

    code = "plan_not_draft"
    title = "This plan is no draft any more"


class MoreThanSupply(Refusal):
    """All lines together may not give more than there is to give."""

    code = "more_than_supply"
    title = "More than the supply"


class StockDoesNotCover(Refusal):
    """What lies at the place is less than the plan sends."""

    code = "stock_does_not_cover"
    title = "The stock no longer covers the plan"


def gross_need(population: int, per_thousand: int) -> int:
    """Give what so many people need at so many units for 1,000 of them; a part of a unit needs a whole one."""
    return -(-population * per_thousand // PERMILLE)


def weight_permille(decline_permille: int, pressure_permille: int) -> int:
    """Give how much a region counts: once, and more by as much as its businesses declined and prices press."""
    return PERMILLE + decline_permille + pressure_permille


def cut_because(need: int, fair_quantity: int, quantity: int) -> Cut:
    """Say why a region is given other than it needs; what people changed is named before what was scarce."""
    if quantity != fair_quantity:
        return Cut.OVERRIDE
    if need == 0:
        return Cut.NO_NEED
    return Cut.SCARCITY if quantity < need else Cut.NONE
