"""What may be asked about allocation plans."""

from datetime import date
from typing import Annotated

import msgspec

from services.aid_distribution.ledger.domain import QUANTITY_MAX
from services.aid_distribution.ledger.orders import ItemCode, Moment, Order, PlaceCode, Quantity
from services.aid_distribution.planning.domain import NEEDS_MAX, PER_THOUSAND_MAX, PERMILLE, PlanState
from services.aid_distribution.regions.domain import POPULATION_MAX
from shared.routes import PAGE_ITEMS_DEFAULT, Code, Cursor, Limit, RegionCode, Text

Permille = Annotated[int, msgspec.Meta(ge=0, le=PERMILLE, examples=[400])]
Units = Annotated[int, msgspec.Meta(ge=0, le=QUANTITY_MAX, examples=[5_000])]
PlanVersion = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class Need(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one region needs, where it is sent to, and how much the region counts.

    Shape: without `need_quantity` the need is derived; without `population` the one that is stored is taken; without
           `decline_permille` what the businesses of the region declared in surveys within a year counts, if any did
    """

    region: RegionCode
    place: PlaceCode
    need_quantity: Units | None = None
    population: Annotated[int, msgspec.Meta(ge=1, le=POPULATION_MAX)] | None = None
    decline_permille: Permille | None = None
    pressure_permille: Permille = 0


class Derive(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a need is derived: so many units for 1,000 people, less what the region has received since a day."""

    per_thousand: Annotated[int, msgspec.Meta(ge=1, le=PER_THOUSAND_MAX, examples=[500])]
    received_since: date | None = None


class PlanAllocation(Order, frozen=True, kw_only=True):
    """Share goods that lie at a place; without a quantity all that is available there."""

    item: ItemCode
    from_place: Annotated[Code, msgspec.Meta(examples=["WH-PROV"])]
    quantity: Quantity | None = None
    needs: Annotated[list[Need], msgspec.Meta(min_length=1, max_length=NEEDS_MAX)]
    derive: Derive | None = None


class OverrideLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Give a region another quantity, and say why."""

    quantity: Units
    reason: Annotated[Text, msgspec.Meta(examples=["The harbour is closed until Monday"])]


class ConfirmPlan(Order, frozen=True, kw_only=True):
    """Send what the plan gives; with a `version` only while the plan is still at that one."""

    occurred_at: Moment | None = None
    version: PlanVersion | None = None


class DiscardPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Put a plan away, and say why."""

    reason: Annotated[Text, msgspec.Meta(examples=["The goods came from elsewhere"])]


class PlanQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which plans to list, newest first."""

    state: PlanState | None = None
    item: Code | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT
