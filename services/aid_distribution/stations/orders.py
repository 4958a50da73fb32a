"""What may be asked of handwashing stations, and what is answered."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from services.aid_distribution.ledger.orders import LINES_MAX, LooseLine, Moment, Order, PlaceCode, PostedLine
from services.aid_distribution.stations.domain import (
    PEOPLE_PER_DAY_MAX,
    SOAP_MILLILITRE_MAX,
    WATER_MILLILITRE_MAX,
    Outcome,
    Seen,
    State,
    Trouble,
)
from services.aid_distribution.stations.use import CrowdLevel
from shared.routes import PAGE_ITEMS_DEFAULT, Code, Cursor, Limit, RegionCode, Text

PERIOD_DAYS_DEFAULT = 30
PERIOD_DAYS_MAX = 366

WaterMillilitre = Annotated[int, msgspec.Meta(ge=0, le=WATER_MILLILITRE_MAX, examples=[20_000])]
SoapMillilitre = Annotated[int, msgspec.Meta(ge=0, le=SOAP_MILLILITRE_MAX, examples=[300])]
PeoplePerDay = Annotated[int, msgspec.Meta(ge=0, le=PEOPLE_PER_DAY_MAX)]
Lines = Annotated[list[LooseLine], msgspec.Meta(max_length=LINES_MAX)]
ReportCode = Annotated[str, msgspec.Meta(min_length=26, max_length=26, pattern=r"^[A-Z2-7]{26}$(?!\n)")]
"""What the QR code on a station carries: 128 bits in base 32, which nobody guesses."""


class PlaceStation(Order, frozen=True, kw_only=True):
    """A station is put up: it leaves the warehouse, and with it whatever is filled in on the spot.

    Shape: exactly one of `crowd_level` and `people_per_day`; without levels it was filled to the brim
    """

    code: Annotated[Code, msgspec.Meta(examples=["CT-01"])]
    name: Annotated[Text, msgspec.Meta(examples=["Pintu timur Pasar Induk"])]
    site: Annotated[Code, msgspec.Meta(examples=["CC-19.71-01"])]
    crowd_level: Annotated[CrowdLevel, msgspec.Meta(examples=["medium"])] | None = None
    people_per_day: PeoplePerDay | None = None
    capacity_water_millilitre: Annotated[int, msgspec.Meta(ge=1, le=WATER_MILLILITRE_MAX, examples=[100_000])]
    capacity_soap_millilitre: Annotated[int, msgspec.Meta(ge=1, le=SOAP_MILLILITRE_MAX, examples=[1_000])]
    water_millilitre: WaterMillilitre | None = None
    soap_millilitre: SoapMillilitre | None = None
    from_place: PlaceCode
    item: Annotated[Code, msgspec.Meta(examples=["HANDWASH-STATION"])] = "HANDWASH-STATION"
    occurred_at: Moment
    lines: Lines = msgspec.field(default_factory=list)


class Refill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was filled in, and the goods that were taken for it; water from a tap takes none."""

    water_millilitre: WaterMillilitre = 0
    soap_millilitre: SoapMillilitre = 0
    from_place: PlaceCode | None = None
    lines: Lines = []


class VisitStation(Order, frozen=True, kw_only=True):
    """Somebody was there: how the station was found, and what was done."""

    occurred_at: Moment
    state: Annotated[Seen, msgspec.Meta(examples=["working"])]
    water_before_millilitre: WaterMillilitre
    soap_before_millilitre: SoapMillilitre
    repaired: bool = False
    refill: Refill | None = None
    note: Text | None = None


class ParkedVisit(VisitStation, frozen=True, kw_only=True):
    """A visit of a station, as it is parked."""

    station: UUID


class ParkVisit(ParkedVisit, frozen=True, kw_only=True):
    """A visit that has happened and that a rule stands against; `due_at` is by when it is to be settled."""

    due_at: Moment | None = None


class RemoveStation(Order, frozen=True, kw_only=True):
    """A station is taken away: back to a place, or it is written off."""

    occurred_at: Moment
    outcome: Annotated[Outcome, msgspec.Meta(examples=["damaged"])]
    to_place: PlaceCode | None = None


class ReportStation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who came by says what is wrong; nothing about that person is asked or kept."""

    problem: Annotated[Trouble, msgspec.Meta(examples=["dry"])]


class StationQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stations to list, the most urgent first; those that were removed only when asked for by their state.

    Shape: `from` and `to` are local days between which minutes out of use are counted; `to` is not included
    """

    region: RegionCode | None = None
    site: Code | None = None
    state: State | None = None
    due_before: Moment | None = None
    from_: date | None = msgspec.field(default=None, name="from")
    to: date | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class VisitQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stretch of the visits of a station to list, the latest first."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class RecordQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which local days to look at: `from` is included, `to` is not; without them the last thirty and today."""

    from_: date | None = msgspec.field(default=None, name="from")
    to: date | None = None


class RegionRecordQuery(RecordQuery, frozen=True, kw_only=True):
    """Which days to look at, and in which region."""

    region: RegionCode | None = None


class NextVisitView(msgspec.Struct, frozen=True, kw_only=True):
    """When a station must be visited next, and why; `measured` uses come from visits, the others from the crowd."""

    at: datetime
    overdue: bool
    because: str
    detail: str
    water_use_millilitre_per_day: int
    water_use_measured: bool
    soap_use_millilitre_per_day: int
    soap_use_measured: bool
    reserve_percent: int


class StationView(msgspec.Struct, frozen=True, kw_only=True):
    """A station; the levels are those after the last visit, `outage_minutes` those of the period asked for."""

    id: UUID
    code: str
    name: str
    site: str
    site_name: str
    region: str
    state: str
    state_since: datetime
    placed_at: datetime
    removed_at: datetime | None
    outcome: str | None
    crowd_level: str | None
    people_per_day: int
    capacity_water_millilitre: int
    capacity_soap_millilitre: int
    water_left_millilitre: int
    soap_left_millilitre: int
    last_visit_at: datetime | None
    next_visit: NextVisitView | None
    outage_minutes: int
    item: str
    lot: str | None
    posting_id: UUID
    removal_posting_id: UUID | None
    document: str | None
    version: int


class VisitView(msgspec.Struct, frozen=True, kw_only=True):
    """A visit; `number` is the receipt of the goods that were taken for it."""

    id: UUID
    station_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    state: str
    left_as: str
    repaired: bool
    water_before_millilitre: int
    soap_before_millilitre: int
    water_after_millilitre: int
    soap_after_millilitre: int
    posting_id: UUID | None
    number: str | None
    document: str | None
    note: str | None


class VisitReceipt(VisitView, frozen=True, kw_only=True):
    """A visit that was just recorded: the goods taken for it, and what is known of the station with it."""

    lines: list[PostedLine]
    station: StationView


class OutageView(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time out of use; `reported` when its beginning is the first report that a visit confirmed."""

    state: str
    began_at: datetime
    ended_at: datetime | None
    reported: bool


class OutageDayView(msgspec.Struct, frozen=True, kw_only=True):
    """The minutes out of use on one local day."""

    day: date
    outage_minutes: int


class StationRecordView(msgspec.Struct, frozen=True, kw_only=True):
    """How a station did in a period; days without a minute out of use are left out."""

    station_id: UUID
    code: str
    from_: date = msgspec.field(name="from")
    to: date
    standing_minutes: int
    outage_minutes: int
    days: list[OutageDayView]
    outages: list[OutageView]


class RegionMinutesView(msgspec.Struct, frozen=True, kw_only=True):
    """How the stations of one region did in a period."""

    region: str
    stations: int
    standing_minutes: int
    outage_minutes: int


class RegionRecordView(msgspec.Struct, frozen=True, kw_only=True):
    """How the stations of each region did in a period."""

    from_: date = msgspec.field(name="from")
    to: date
    items: list[RegionMinutesView]


class PublicStationView(msgspec.Struct, frozen=True, kw_only=True):
    """What anybody may know of a station."""

    name: str
    site_name: str
    state: str
    state_since: datetime
    last_visit_at: datetime | None
    call: str


class StationCodeView(msgspec.Struct, frozen=True, kw_only=True):
    """The code that a station bears for the public, and the address that its QR code leads to."""

    code: str
    address: str


class ReportReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """Thanks for a report; not `counted` when the same was said a moment ago."""

    id: UUID
    problem: str
    reported_at: datetime
    counted: bool
    thanks: str
