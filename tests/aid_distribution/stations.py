"""Stations in these tests: a crowd centre, stock to take from, and the orders that are given."""

from datetime import datetime, timedelta
from uuid import UUID

from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger.catalogue import Category, PlaceKind, Unit
from services.aid_distribution.ledger.orders import AddItem, AddPlace, GoodsLine
from services.aid_distribution.stations import handlers, reports
from services.aid_distribution.stations.codes import report_code
from services.aid_distribution.stations.domain import Outcome, Seen, Trouble
from services.aid_distribution.stations.orders import (
    PlaceStation,
    Refill,
    RemoveStation,
    ReportReceipt,
    ReportStation,
    StationView,
    VisitReceipt,
    VisitStation,
)
from services.aid_distribution.stations.use import CrowdLevel
from shared.caller import ANYBODY, Caller
from shared.database import Database, Work
from tests.aid_distribution.story import NOON, OFFICE, PANGKALPINANG, SOAP, WAREHOUSE, ago, receipt, receive

STATION = "HANDWASH-STATION"
SITE, SITE_ELSEWHERE = "CC-19.71-01", "CC-19.02-01"
WATER, LIQUID = 100_000, 1_000
"""What a station of these tests holds, in millilitres."""


async def furnish_sites(database: Database) -> None:
    """Make crowd centres and the station known, and put stations and soap into the warehouses."""
    async with database.work(OFFICE) as work:
        await _sites(work)
    for item, quantity in ((STATION, 30), (SOAP, 20)):
        await receive(database, receipt(quantity, ago(29), item=item))
        await receive(database, receipt(quantity, ago(29), item=item, place="WH-19.02"))


async def _sites(work: Work) -> None:
    asset = AddItem(code=STATION, name="Tempat cuci tangan", unit=Unit.PIECE, category=Category.ASSET)
    await ledger.add_item(work, asset)
    for code, region in ((SITE, "19.71"), (SITE_ELSEWHERE, "19.02")):
        name = f"Pasar {region}"
        await ledger.add_place(work, AddPlace(code=code, name=name, kind=PlaceKind.CROWD_CENTRE, region=region))


LONG_AGO = ago(10)


def placing(
    occurred_at: datetime = LONG_AGO, *, code: str = "CT-01", site: str = SITE, **changes: object
) -> PlaceStation:
    """Give the order for a station that was filled to the brim."""
    values: dict[str, object] = {
        "code": code,
        "name": "Pintu timur",
        "site": site,
        "crowd_level": CrowdLevel.MEDIUM,
        "capacity_water_millilitre": WATER,
        "capacity_soap_millilitre": LIQUID,
        "from_place": WAREHOUSE,
        "occurred_at": occurred_at,
    }
    return PlaceStation(**(values | changes))  # type: ignore[arg-type]


def visiting(
    occurred_at: datetime = NOON,
    state: Seen = Seen.WORKING,
    water: int = 50_000,
    soap: int = 500,
    *,
    add_water: int = 0,
    add_soap: int = 0,
    cans: int = 0,
    repaired: bool = False,
) -> VisitStation:
    """Give the order for a visit, which takes so many cans of soap from the warehouse."""
    lines = [GoodsLine(item=SOAP, quantity=cans)] if cans else []
    refill = Refill(
        water_millilitre=add_water, soap_millilitre=add_soap, from_place=WAREHOUSE if cans else None, lines=lines
    )
    return VisitStation(
        occurred_at=occurred_at,
        state=state,
        water_before_millilitre=water,
        soap_before_millilitre=soap,
        repaired=repaired,
        refill=refill,
    )


def dry(occurred_at: datetime = NOON, *, filled: bool = False) -> VisitStation:
    """Give the order for a visit that finds no water, and fills the station up or cannot."""
    return visiting(occurred_at, Seen.DRY, 0, 500, add_water=WATER if filled else 0)


def broken(occurred_at: datetime = NOON, *, repaired: bool = False) -> VisitStation:
    return visiting(occurred_at, Seen.BROKEN, 50_000, 500, repaired=repaired)


async def place(database: Database, order: PlaceStation | None = None, caller: Caller = PANGKALPINANG) -> StationView:
    async with database.work(caller) as work:
        return await handlers.place(work, caller, order or placing())


async def visit(
    database: Database, station_id: UUID, order: VisitStation, caller: Caller = PANGKALPINANG
) -> VisitReceipt:
    async with database.work(caller) as work:
        return await handlers.visit(work, caller, station_id, order)


async def remove(
    database: Database, station_id: UUID, occurred_at: datetime = NOON, outcome: Outcome = Outcome.RETURNED
) -> StationView:
    to_place = WAREHOUSE if outcome is Outcome.RETURNED else None
    order = RemoveStation(occurred_at=occurred_at, outcome=outcome, to_place=to_place)
    async with database.work(PANGKALPINANG) as work:
        return await handlers.remove(work, PANGKALPINANG, station_id, order)


async def report(
    database: Database, station_id: UUID, problem: Trouble = Trouble.DRY, caller: Caller = ANYBODY
) -> ReportReceipt:
    async with database.work(caller) as work:
        code = report_code(work.vault, station_id)
        return await reports.report(work, caller, code, ReportStation(problem=problem))


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)
