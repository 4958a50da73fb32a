"""Handwashing stations over HTTP."""

from uuid import UUID

from services.aid_distribution.exceptions.domain import NotShort
from services.aid_distribution.exceptions.orders import ExceptionView
from services.aid_distribution.ledger.catalogue import CodeTaken
from services.aid_distribution.ledger.domain import ShortOfStock, TooMuch
from services.aid_distribution.stations import handlers, mistakes, parked, questions, report_page, reports
from services.aid_distribution.stations.domain import AlreadyVisited, StationRemoved
from services.aid_distribution.stations.orders import (
    ParkVisit,
    PlaceStation,
    PublicStationView,
    RecordQuery,
    RegionRecordQuery,
    RegionRecordView,
    RemoveStation,
    ReportCode,
    ReportReceipt,
    ReportStation,
    StationCodeView,
    StationQuery,
    StationRecordView,
    StationView,
    VisitQuery,
    VisitReceipt,
    VisitStation,
    VisitView,
)
from shared.answers import Content
from shared.incoming import JSON
from shared.openapi import HTML
from shared.problems import Absent, TooMany
from shared.public_page import asks_for_page
from shared.roles import Action
from shared.routes import PUBLIC_PAGES_PER_MINUTE, Call, Page, Routes

stations = Routes("/aid", tag="Handwashing stations")
parked_visits = Routes("/aid/exceptions/visits", tag="Exceptions")


@stations.post(
    "/stations",
    Action.PLACE_STATION,
    location="/aid/stations/{id}",
    refusals=[CodeTaken, ShortOfStock],
    rules=mistakes.place_mistakes,
)
async def place_station(call: Call, body: PlaceStation) -> StationView:
    """Put up a station at a crowd centre: it leaves the warehouse."""
    return await handlers.place(call.work, call.caller, body)


@stations.get("/stations", Action.SEE_STATIONS)
async def list_stations(call: Call, query: StationQuery) -> Page[StationView]:
    """List stations as a round trip goes, the most urgent first."""
    return await questions.page(call.work, call.caller, query)


@stations.get("/station-record", Action.SEE_STATIONS)
async def show_region_record(call: Call, query: RegionRecordQuery) -> RegionRecordView:
    """Say for each region how long its stations were out of use."""
    return await questions.region_record(call.work, call.caller, query)


@stations.get("/stations/{station_id}", Action.SEE_STATIONS)
async def show_station(call: Call, station_id: UUID) -> StationView:
    """Show a station: its state, its levels, and when and why it must be visited next."""
    return await questions.show(call.work, call.caller, station_id)


@stations.post(
    "/stations/{station_id}/visits",
    Action.VISIT_STATION,
    refusals=[AlreadyVisited, StationRemoved, ShortOfStock],
    rules=mistakes.visit_mistakes,
)
async def visit_station(call: Call, station_id: UUID, body: VisitStation) -> VisitReceipt:
    """Record a visit with its refill; it may come in late and in any order."""
    return await handlers.visit(call.work, call.caller, station_id, body)


@stations.get("/stations/{station_id}/visits", Action.SEE_STATIONS)
async def list_station_visits(call: Call, station_id: UUID, query: VisitQuery) -> Page[VisitView]:
    """List the visits of a station, the latest first."""
    return await questions.visits(call.work, call.caller, station_id, query)


@stations.post(
    "/stations/{station_id}/removal",
    Action.REMOVE_STATION,
    location="/aid/stations/{id}",
    refusals=[StationRemoved, TooMuch],
    rules=mistakes.removal_mistakes,
)
async def remove_station(call: Call, station_id: UUID, body: RemoveStation) -> StationView:
    """Take a station away: back to a place, or written off as damaged or lost."""
    return await handlers.remove(call.work, call.caller, station_id, body)


@stations.get("/stations/{station_id}/record", Action.SEE_STATIONS)
async def show_station_record(call: Call, station_id: UUID, query: RecordQuery) -> StationRecordView:
    """Say when and how long a station was out of use."""
    return await questions.record(call.work, call.caller, station_id, query)


@stations.get("/stations/{station_id}/code", Action.SEE_STATION_CODE)
async def show_station_code(call: Call, station_id: UUID) -> StationCodeView:
    """Give the code with which anybody may report a station, and the address behind it."""
    return await questions.code(call, station_id)


@stations.get("/stations/{station_id}/qr", Action.SEE_STATION_CODE, media={questions.SVG: None})
async def draw_station_code(call: Call, station_id: UUID) -> Content:
    """Draw the QR code of a station for printing."""
    return await questions.qr(call, station_id)


@stations.get(
    "/station-reports/{code}",
    Action.SEE_STATION_STATE,
    media={HTML: None, JSON: PublicStationView},
    per_minute=PUBLIC_PAGES_PER_MINUTE,
)
async def show_reported_station(call: Call, code: str) -> Content | PublicStationView:
    """Say how the station with this code is: a page for people, or JSON for who accepts that and no page."""
    found = await reports.show(call.work, code)
    if asks_for_page(call.accept):
        return report_page.page(found)
    if found is None:
        raise Absent
    return found


@stations.post("/station-reports/{code}", Action.REPORT_STATION, refusals=[TooMany])
async def report_station(call: Call, code: ReportCode, body: ReportStation) -> ReportReceipt:
    """Report what is wrong with the station with this code; anybody may."""
    return await reports.report(call.work, call.caller, code, body)


@parked_visits.post(
    "",
    Action.PARK_EXCEPTION,
    location="/aid/exceptions/{id}",
    refusals=[AlreadyVisited, NotShort, StationRemoved],
    rules=mistakes.visit_mistakes,
)
async def park_visit(call: Call, body: ParkVisit) -> ExceptionView:
    """Park a visit that has taken goods and that a rule stands against."""
    return await parked.park_visit(call.work, call.caller, body)
