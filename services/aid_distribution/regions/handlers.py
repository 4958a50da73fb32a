"""Making regions known, and keeping their figures up to date."""

from collections.abc import Mapping, Sequence

import msgspec

from services.aid_distribution.regions import store
from services.aid_distribution.regions.domain import CodeSystem, RegionKnown
from services.aid_distribution.regions.orders import AddRegion, ChangeRegion, RegionView, region_view
from services.aid_distribution.regions.store import KnownRegionRow
from shared.database import Work
from shared.problems import Absent, FieldError, Invalid, Stale
from shared.province_rows import Region
from shared.routes import Page


async def load(work: Work, regions: Sequence[Region]) -> None:
    """Make the regions of a province known; what is known of them already is kept."""
    rows = [
        KnownRegionRow(
            id=work.new_id(),
            code=region.code,
            code_system=region.code_system,
            name=region.name,
            kind=region.kind,
            population=region.population,
            population_year=region.population_year,
            households=region.households,
        )
        for region in regions
    ]
    await store.add(work.session, rows)


async def mistakes(work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Say what is wrong with a region: it is none of the caller's, or holds more households than people."""
    errors = []
    code, people, households = (leaves.get(f"/{name}") for name in ("code", "population", "households"))
    if isinstance(code, str) and not work.caller.sees(code):
        errors.append(FieldError("/code", "unknown_region", f"There is no region {code}."))
    if isinstance(people, int) and isinstance(households, int) and households > people:
        errors.append(FieldError("/households", "more_than_people", "There are more households than people."))
    return errors


async def add(work: Work, order: AddRegion) -> RegionView:
    """Make a region known; raises RegionKnown (409) or Invalid (422)."""
    if errors := await mistakes(work, _leaves(order)):
        raise Invalid(errors)
    row = KnownRegionRow(
        id=work.new_id(),
        code=order.code,
        code_system=CodeSystem.KEMENDAGRI,
        name=order.name,
        kind=order.kind,
        population=order.population,
        population_year=order.population_year,
        households=order.households,
    )
    if not await store.add(work.session, [row]):
        raise RegionKnown(f"{order.code} is known already.")
    return region_view(row)


async def change(work: Work, code: str, expected_version: int, order: ChangeRegion) -> RegionView:
    """Bring the figures of a region up to date; raises Absent (404), Stale (412) or Invalid (422)."""
    row = await work.session.get(KnownRegionRow, code, with_for_update=True)
    if row is None or not work.caller.sees(code):
        raise Absent
    if row.version != expected_version:
        raise Stale(f"It is at version {row.version} now.")
    news = {name: value for name, value in msgspec.structs.asdict(order).items() if value is not msgspec.UNSET}
    after = {"/population": row.population, "/households": row.households}
    after |= {f"/{name}": value for name, value in news.items()}
    if errors := await mistakes(work, after):
        raise Invalid(errors)
    for name, value in news.items():
        setattr(row, name, value)
    row.version += 1
    await work.session.flush()
    return region_view(row)


async def page(work: Work) -> Page[RegionView]:
    """List the regions that the caller sees: a province has few, so there is one page."""
    return Page([region_view(row) for row in await store.seen(work.session, work.caller.regions)])


async def show(work: Work, code: str) -> RegionView:
    """Show a region; raises Absent (404)."""
    row = await work.session.get(KnownRegionRow, code)
    if row is None or not work.caller.sees(code):
        raise Absent
    return region_view(row)


def _leaves(order: AddRegion) -> dict[str, object]:
    return {f"/{name}": value for name, value in msgspec.structs.asdict(order).items()}
