"""What may be wrong with an allocation plan beside its shape, told all at once and each by its JSON Pointer."""

from collections.abc import Collection, Iterator
from datetime import date, timedelta

from services.aid_distribution.ledger.catalogue import Place
from services.aid_distribution.ledger.known import Known, field_of, known
from services.aid_distribution.ledger.mistakes import order_mistakes
from services.aid_distribution.planning.domain import RECEIVED_DAYS_MAX
from services.aid_distribution.planning.orders import PlanAllocation
from services.aid_distribution.regions import store as regions
from shared.clock import wib_day
from shared.database import Work
from shared.leaves import Leaves
from shared.problems import FieldError

Found = Iterator[FieldError]


async def plan_mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with a plan, as far as its values have the right shape."""
    here = await known(work, [leaves])
    named = {str(value) for pointer, value in leaves.items() if field_of(pointer) == "region"}
    there = {code for code in await regions.by_code(work.session, named) if work.caller.sees(code)}
    return [
        *order_mistakes(leaves, here, work.caller, work.now),
        *_of_regions(leaves, there),
        *_of_places(leaves, here),
        *_of_days(leaves, wib_day(work.now)),
    ]


def _of_regions(leaves: Leaves, there: Collection[str]) -> Found:
    told: set[object] = set()
    for pointer, value in leaves.items():
        if field_of(pointer) != "region":
            continue
        if value in told:
            yield FieldError(pointer, "duplicate", f"{value}: one line for each region.")
        elif value not in there:
            yield FieldError(pointer, "unknown_region", f"There is no regency or city {value}.")
        told.add(value)


def _of_places(leaves: Leaves, here: Known) -> Found:
    told: set[object] = set()
    for pointer, code in leaves.items():
        place, region = here.places.get(str(code)), leaves.get(pointer.removesuffix("place") + "region")
        if field_of(pointer) != "place" or place is None:
            continue
        if code == leaves.get("/from_place"):
            yield FieldError(pointer, "same_place", "Goods are sent to another place.")
        elif code in told:
            yield FieldError(pointer, "duplicate", f"{code}: one line for each place.")
        elif isinstance(region, str) and not _lies_in(place, region):
            yield FieldError(pointer, "elsewhere", f"{code} does not lie in {region}.")
        told.add(code)


def _lies_in(place: Place, region: str) -> bool:
    return place.region == region or place.region.startswith(f"{region}.")


def _of_days(leaves: Leaves, today: date) -> Found:
    since = leaves.get("/derive/received_since")
    if isinstance(since, date):
        if since > today:
            yield FieldError("/derive/received_since", "in_the_future", "This day has not come yet.")
        elif since < today - timedelta(RECEIVED_DAYS_MAX):
            detail = f"It is asked at most {RECEIVED_DAYS_MAX} days back what was received."
            yield FieldError("/derive/received_since", "too_far_back", detail)


def underived(order: PlanAllocation) -> list[FieldError]:
    """Say which needs are neither told nor derived; only of an order whose shape is right can that be said."""
    return [
        FieldError(f"/needs/{index}/need_quantity", "missing", "Tell the need, or how it is derived.")
        for index, need in enumerate(order.needs)
        if need.need_quantity is None and order.derive is None
    ]
