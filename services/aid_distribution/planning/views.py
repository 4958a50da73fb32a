"""How an allocation plan is shown: every line with all the figures that it follows from."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from services.aid_distribution.ledger.usable import LeftOut
from services.aid_distribution.planning.domain import PERMILLE, cut_because, weight_permille
from services.aid_distribution.planning.fair import Want, split
from services.aid_distribution.planning.store import AllocationLineRow, AllocationOverrideRow, AllocationPlanRow
from services.aid_distribution.planning.words import Words, explained
from shared.clock import shown


class OverrideView(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a line by hand."""

    from_quantity: int
    to_quantity: int
    reason: str
    actor: str
    at: datetime


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """What a region is given, and why.

    Shape: `exact_quantity` is the fair part before rounding, a fraction such as `700/3`; `cut` is what is missing to
           the need, negative when people gave more than that; `share_permille` is null where nothing is needed;
           `decline_from` is `given` or `surveys`, then by so many `decline_answers`; `fulfilled` is what the region
           accepted of its transfer, `open` what it still needs after that
    """

    region: str
    region_name: str
    place: str
    population: int | None
    population_from: str
    need_from: str
    gross_need: int
    received: int
    need: int
    decline_permille: int
    decline_from: str
    decline_answers: int | None
    pressure_permille: int
    weight_permille: int
    exact_quantity: str
    fair_quantity: int
    quantity: int
    share_permille: int | None
    cut: int
    cut_because: str
    fulfilled: int
    open: int
    overrides: list[OverrideView]
    transfer_id: UUID | None
    explanation: Words


class PlanSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A plan without its lines."""

    id: UUID
    state: str
    item: str
    from_place: str
    supply: int
    allocated: int
    created_at: datetime
    created_by: str
    document: str | None
    version: int


class PlanView(PlanSummary, frozen=True, kw_only=True):
    """A plan and what it rests on.

    Shape: `supply_from` is `given` or `available`; `expiring` is what of the available must be used within 30 days of
           the making of the plan, and `left_out` what lay there free and could not be handed out then; `level` is the
           share, measured against need x weight in permille, of every region whose need is not met, a fraction; null
           when all needs are met
    """

    supply_from: str
    expiring: int
    left_out: LeftOut
    needed: int
    left: int
    level: str | None
    per_thousand: int | None
    received_since: date | None
    settled_at: datetime | None
    settled_by: str | None
    reason: str | None
    lines: list[LineView]


def want_of(line: AllocationLineRow) -> Want:
    """Give what a line asks of the split."""
    return Want(line.region, line.need, weight_permille(line.decline_permille, line.pressure_permille))


def plan_view(
    plan: AllocationPlanRow,
    lines: Sequence[AllocationLineRow],
    overrides: Mapping[str, Sequence[AllocationOverrideRow]],
    names: Mapping[str, str],
    accepted: Mapping[UUID, int],
) -> PlanView:
    """Show a plan; the fair split follows from its figures and is worked out anew."""
    fair = split([want_of(line) for line in lines], plan.supply)
    needed = sum(line.need for line in lines)
    return PlanView(
        **summary_of(plan),
        supply_from="given" if plan.supply_given else "available",
        expiring=plan.expiring,
        left_out=LeftOut(expired=plan.expired, held=plan.held),
        needed=needed,
        left=plan.supply - plan.allocated,
        level=None if fair.level is None else str(fair.level),
        per_thousand=plan.per_thousand,
        received_since=plan.received_since,
        settled_at=shown(plan.settled_at) if plan.settled_at else None,
        settled_by=plan.settled_by,
        reason=plan.reason,
        lines=[
            _line(line, str(fair.exact[line.region]), names[line.region], changes := overrides.get(line.region, ()),
                  explained(plan, line, needed, changes),
                  accepted.get(line.transfer_id, 0) if line.transfer_id else 0)
            for line in lines
        ],
    )  # fmt: skip


def summary(plan: AllocationPlanRow) -> PlanSummary:
    """Show a plan without its lines."""
    return PlanSummary(**summary_of(plan))


def summary_of(plan: AllocationPlanRow) -> dict[str, Any]:
    """Give what is told of every plan."""
    values = {name: getattr(plan, name) for name in PlanSummary.__struct_fields__}
    return values | {"created_at": shown(plan.created_at)}


def _line(
    line: AllocationLineRow,
    exact: str,
    name: str,
    overrides: Sequence[AllocationOverrideRow],
    words: Words,
    fulfilled: int,
) -> LineView:
    return LineView(
        region=line.region,
        region_name=name,
        place=line.place,
        population=line.population,
        population_from="given" if line.population_given else "stored",
        need_from="derived" if line.derived else "given",
        gross_need=line.gross_need,
        received=line.received,
        need=line.need,
        decline_permille=line.decline_permille,
        decline_from="given" if line.decline_answers is None else "surveys",
        decline_answers=line.decline_answers,
        pressure_permille=line.pressure_permille,
        weight_permille=weight_permille(line.decline_permille, line.pressure_permille),
        exact_quantity=exact,
        fair_quantity=line.fair_quantity,
        quantity=line.quantity,
        share_permille=line.quantity * PERMILLE // line.need if line.need else None,
        cut=line.need - line.quantity,
        cut_because=cut_because(line.need, line.fair_quantity, line.quantity).value,
        fulfilled=fulfilled,
        open=max(line.need - fulfilled, 0),
        overrides=[
            OverrideView(
                from_quantity=one.from_quantity,
                to_quantity=one.to_quantity,
                reason=one.reason,
                actor=one.actor,
                at=shown(one.at),
            )
            for one in overrides
        ],
        transfer_id=line.transfer_id,
        explanation=words,
    )
