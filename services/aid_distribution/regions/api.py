"""Regions over HTTP."""

from services.aid_distribution.regions import handlers
from services.aid_distribution.regions.domain import RegionKnown
from services.aid_distribution.regions.orders import AddRegion, ChangeRegion, RegionView
from shared.roles import Action
from shared.routes import Call, Page, RegionCode, Routes

regions = Routes("/aid/regions", tag="Regions")


@regions.post("", Action.CHANGE_CATALOGUE, refusals=[RegionKnown], rules=handlers.mistakes)
async def add_region(call: Call, body: AddRegion) -> RegionView:
    """Make a regency or a city known."""
    return await handlers.add(call.work, body)


@regions.get("", Action.SEE_CATALOGUE)
async def list_aid_regions(call: Call) -> Page[RegionView]:
    """List the regencies and cities that you see, with their figures."""
    return await handlers.page(call.work)


@regions.get("/{code}", Action.SEE_CATALOGUE)
async def show_region(call: Call, code: RegionCode) -> RegionView:
    """Show a regency or a city."""
    return await handlers.show(call.work, code)


@regions.patch("/{code}", Action.CHANGE_CATALOGUE, rules=handlers.mistakes)
async def change_region(call: Call, code: RegionCode, body: ChangeRegion) -> RegionView:
    """Bring the figures of a regency or a city up to date."""
    return await handlers.change(call.work, code, call.expected_version, body)
