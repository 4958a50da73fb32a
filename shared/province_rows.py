"""What a province's files hold: one struct for each table, saying its file, what is unique and what it refers to.

Units:  money in whole rupiah, quantities in the item's base unit, times with an offset
Source: docs/provinces.md; codes and categories as DESIGN names them
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from msgspec import Meta, Struct

from shared.person_numbers import nik_fault, phone_fault

REGIONS_FILE = "regions.csv"
# A warehouse or a member of staff may belong to the province itself, a business always to a regency or city.
PROVINCE_OR_REGION = "regions.csv or the province itself"

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Code = Annotated[str, Meta(pattern=r"^[A-Z0-9][A-Z0-9.-]{1,39}\Z")]
SectorCode = Annotated[str, Meta(pattern=r"^[a-z][a-z_]{1,39}\Z")]
ProvinceCode = Annotated[str, Meta(pattern=r"^\d{2}\Z")]
RegencyCode = Annotated[str, Meta(pattern=r"^\d{2}\.\d{2}\Z")]
RegionCode = Annotated[str, Meta(pattern=r"^\d{2}(\.\d{2})?\Z")]
BpsCode = Annotated[str, Meta(pattern=r"^\d{2}(\d{2})?\Z")]
Email = Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+\Z", max_length=200)]
Month = Annotated[str, Meta(pattern=r"^20\d{2}-(0[1-9]|1[0-2])\Z")]
Whole = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Positive = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Language = Literal["id", "en"]


class About(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say which province this is, what struck it, and where its codes come from (province.toml)."""

    file: ClassVar[str] = "province.toml"

    code: ProvinceCode
    bps_code: ProvinceCode
    name: Text
    motto: Text
    time_zone: Literal["WIB", "WITA", "WIT"]
    code_system: Literal["kemendagri"]
    code_authority: Text
    crisis: Text
    crisis_en: Text
    crisis_began_on: date
    office: Text
    office_en: Text
    story_source: Text


class Row(Struct, frozen=True, kw_only=True):
    """One row of one table; the class says which file it is, what is unique and what it refers to."""

    file: ClassVar[str]
    unique: ClassVar[tuple[tuple[str, ...], ...]]
    refers: ClassVar[Mapping[str, str]] = {}
    checks: ClassVar[Mapping[str, Callable[[str], str | None]]] = {}


class Region(Row, frozen=True, kw_only=True):
    """A regency or a city, by the code of a named system; the statistics office's own code stands beside it."""

    file: ClassVar[str] = REGIONS_FILE
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("code",), ("bps_code",))

    code: RegencyCode
    code_system: Literal["kemendagri"]
    bps_code: BpsCode
    name: Text
    kind: Literal["regency", "city"]
    population: Positive
    population_year: Annotated[int, Meta(ge=1945, le=2100)] | None = None
    households: Positive | None = None

    def __post_init__(self) -> None:
        if self.households is not None and self.households > self.population:
            raise ValueError("households are more than the population")


class Sector(Row, frozen=True, kw_only=True):
    """A line of small industry, as trainings and businesses name it."""

    file: ClassVar[str] = "sectors.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("code",),)

    code: SectorCode
    name: Text
    name_en: Text


class Item(Row, frozen=True, kw_only=True):
    """Something that is kept in stock, counted in its base unit."""

    file: ClassVar[str] = "items.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("code",),)

    code: Code
    name: Text
    name_en: Text
    unit: Literal["piece", "kg", "litre", "pack"]
    category: Literal["mask", "hygiene", "staple", "kit", "asset", "other"]


class Place(Row, frozen=True, kw_only=True):
    """A warehouse, a crowd centre or a market venue."""

    file: ClassVar[str] = "places.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("code",),)
    refers: ClassVar[Mapping[str, str]] = {"region": PROVINCE_OR_REGION}

    code: Code
    name: Text
    kind: Literal["warehouse", "crowd_centre", "market_venue"]
    region: RegionCode


class Training(Row, frozen=True, kw_only=True):
    """A training programme; each seat gets one kit when a kit item is named."""

    file: ClassVar[str] = "trainings.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("code",),)
    refers: ClassVar[Mapping[str, str]] = {"sector": Sector.file, "region": REGIONS_FILE, "kit_item": Item.file}

    code: Code
    sector: SectorCode
    region: RegencyCode
    title: Text
    title_en: Text
    starts_on: date
    ends_on: date
    seats: Positive
    venue: Text
    kit_item: Code | None = None

    def __post_init__(self) -> None:
        if self.ends_on < self.starts_on:
            raise ValueError("ends_on is before starts_on")


class Owner(Row, frozen=True, kw_only=True):
    """A person who owns a business; the NIK names the region of its first issue, not where the person lives."""

    file: ClassVar[str] = "owners.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("id",), ("nik",))
    refers: ClassVar[Mapping[str, str]] = {"region": REGIONS_FILE}
    checks: ClassVar[Mapping[str, Callable[[str], str | None]]] = {"nik": nik_fault, "phone": phone_fault}

    id: UUID
    name: Text
    nik: str
    phone: str
    email: Email | None = None
    language: Language
    region: RegencyCode

    def __repr__(self) -> str:
        return f"Owner(id={self.id}, region={self.region!r})"  # a row that ends in a log shows no personal data


class Business(Row, frozen=True, kw_only=True):
    """A small business with the figures it gave; the KBLI code is read in its edition, the NIB is text."""

    file: ClassVar[str] = "businesses.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("id",), ("nib",))
    refers: ClassVar[Mapping[str, str]] = {"owner": Owner.file, "sector": Sector.file, "region": REGIONS_FILE}

    id: UUID
    owner: UUID
    name: Text
    sector: SectorCode
    kbli: Annotated[str, Meta(pattern=r"^\d{5}\Z")]
    kbli_edition: Annotated[int, Meta(ge=2005, le=2100)]
    region: RegencyCode
    workers: Whole
    investment_rupiah: Whole
    annual_sales_rupiah: Whole
    nib: Annotated[str, Meta(pattern=r"^\d{13}\Z")] | None = None


class Staff(Row, frozen=True, kw_only=True):
    """Someone who works with the system, by the subject that the token names."""

    file: ClassVar[str] = "staff.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("subject",),)
    refers: ClassVar[Mapping[str, str]] = {"region": PROVINCE_OR_REGION}

    subject: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.-]{1,79}\Z")]
    name: Text
    role: Literal["regency_officer", "province_staff", "auditor", "operator"]
    region: RegionCode
    email: Email
    language: Language

    def __post_init__(self) -> None:
        # An officer who carries the province's code would see every regency.
        if self.role == "regency_officer" and "." not in self.region:
            raise ValueError("a regency officer belongs to one regency or city, not to the province")


class OpeningStock(Row, frozen=True, kw_only=True):
    """What lay in a place when the book was opened."""

    file: ClassVar[str] = "opening_stock.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("place", "item", "lot"),)
    refers: ClassVar[Mapping[str, str]] = {"place": Place.file, "item": Item.file}

    place: Code
    item: Code
    lot: Code | None = None
    source: Literal["supplier", "production", "donation"]
    quantity: Positive
    occurred_at: Annotated[datetime, Meta(tz=True)]


class Ceiling(Row, frozen=True, kw_only=True):
    """What one unit of an item may cost at most in a region from a day on, and who says so."""

    file: ClassVar[str] = "ceilings.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("item", "region", "valid_from"),)
    refers: ClassVar[Mapping[str, str]] = {"item": Item.file, "region": PROVINCE_OR_REGION}

    item: Code
    region: RegionCode
    price_rupiah: Annotated[int, Meta(ge=1, le=100_000_000)]
    valid_from: date
    source: Text


class PriceObservation(Row, frozen=True, kw_only=True):
    """What one unit of an item cost at a market place."""

    file: ClassVar[str] = "price_observations.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("place", "item", "observed_at"),)
    refers: ClassVar[Mapping[str, str]] = {"place": Place.file, "item": Item.file}

    place: Code
    item: Code
    price_rupiah: Annotated[int, Meta(ge=1, le=100_000_000)]
    observed_at: Annotated[datetime, Meta(tz=True)]


class StockLevel(Row, frozen=True, kw_only=True):
    """When an item at a place is low, and when it is well again."""

    file: ClassVar[str] = "stock_levels.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("place", "item"),)
    refers: ClassVar[Mapping[str, str]] = {"place": Place.file, "item": Item.file}

    place: Code
    item: Code
    low_at: Whole
    ok_at: Positive

    def __post_init__(self) -> None:
        if self.ok_at <= self.low_at:
            raise ValueError("ok_at is not above low_at")


class Kit(Row, frozen=True, kw_only=True):
    """How much of an item goes into one kit."""

    file: ClassVar[str] = "kits.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("kit", "item"),)
    refers: ClassVar[Mapping[str, str]] = {"kit": Item.file, "item": Item.file}

    kit: Code
    item: Code
    quantity: Positive


class KitWork(Row, frozen=True, kw_only=True):
    """Kits that were put together or taken apart at a place."""

    file: ClassVar[str] = "kit_work.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("kit", "place", "occurred_at"),)
    refers: ClassVar[Mapping[str, str]] = {"kit": Item.file, "place": Place.file}

    kit: Code
    place: Code
    work: Literal["assemble", "unpack"]
    quantity: Positive
    occurred_at: Annotated[datetime, Meta(tz=True)]


class Loan(Row, frozen=True, kw_only=True):
    """Assets that were lent, and how many of them have come back since."""

    file: ClassVar[str] = "loans.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("place", "item", "borrower", "occurred_at"),)
    refers: ClassVar[Mapping[str, str]] = {"place": Place.file, "item": Item.file}

    place: Code
    item: Code
    quantity: Positive
    borrower: Text
    occurred_at: Annotated[datetime, Meta(tz=True)]
    due_on: date
    returned: Positive | None = None
    returned_at: Annotated[datetime, Meta(tz=True)] | None = None

    def __post_init__(self) -> None:
        if (self.returned is None) != (self.returned_at is None):
            raise ValueError("returned and returned_at stand together")


class Return(Row, frozen=True, kw_only=True):
    """Goods that have gone back: from the public to a place, or from a place to whoever gave them."""

    file: ClassVar[str] = "returns.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("place", "direction", "item", "occurred_at"),)
    refers: ClassVar[Mapping[str, str]] = {"place": Place.file, "item": Item.file}

    place: Code
    direction: Literal["from_public", "to_supplier", "to_donor"]
    item: Code
    quantity: Positive
    occurred_at: Annotated[datetime, Meta(tz=True)]
    reason: Text


class ParkedIssue(Row, frozen=True, kw_only=True):
    """Goods that are said to have left a place whose card does not hold them: an exception for somebody to settle."""

    file: ClassVar[str] = "exceptions.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("place", "item", "occurred_at"),)
    refers: ClassVar[Mapping[str, str]] = {"place": Place.file, "item": Item.file}

    place: Code
    item: Code
    quantity: Positive
    reason: Literal["damaged", "lost", "expired", "recount", "other"]
    occurred_at: Annotated[datetime, Meta(tz=True)]


class Producer(Row, frozen=True, kw_only=True):
    """What a business can make in a week, and how far its turnover has fallen, in thousandths."""

    file: ClassVar[str] = "producers.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("business",),)
    refers: ClassVar[Mapping[str, str]] = {"business": Business.file}

    business: UUID
    capacity_per_week: Annotated[int, Meta(ge=0, le=1_000_000)]
    decline_permille: Annotated[int, Meta(ge=0, le=1_000)]
    as_of: date
    source: Text


class ProductionCall(Row, frozen=True, kw_only=True):
    """Goods that businesses of a sector are asked to make within so many days of the first start."""

    file: ClassVar[str] = "production_calls.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("document",),)
    refers: ClassVar[Mapping[str, str]] = {
        "item": Item.file,
        "place": Place.file,
        "sector": Sector.file,
        "region": PROVINCE_OR_REGION,
    }

    document: Text
    item: Code
    quantity: Annotated[int, Meta(ge=1, le=10_000_000)]
    price_rupiah: Annotated[int, Meta(ge=1, le=100_000_000)]
    cap_per_business: Annotated[int, Meta(ge=1, le=10_000_000)]
    due_days: Annotated[int, Meta(ge=0, le=3_650)]
    place: Code
    sector: SectorCode
    region: RegionCode


class Enrolment(Row, frozen=True, kw_only=True):
    """A business that applies for a training, and what it says to the seat that it is offered, if anything."""

    file: ClassVar[str] = "enrolments.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("training", "business"),)
    refers: ClassVar[Mapping[str, str]] = {"training": Training.file, "business": Business.file}

    training: Code
    business: UUID
    answer: Literal["accept", "decline"] | None = None


class Station(Row, frozen=True, kw_only=True):
    """A handwashing station that was put up at a crowd centre, filled to the brim."""

    file: ClassVar[str] = "stations.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("code",),)
    refers: ClassVar[Mapping[str, str]] = {"site": Place.file, "from_place": Place.file}

    code: Code
    name: Text
    site: Code
    from_place: Code
    crowd_level: Literal["low", "medium", "high"]
    capacity_water_millilitre: Annotated[int, Meta(ge=1, le=10_000_000)]
    capacity_soap_millilitre: Annotated[int, Meta(ge=1, le=100_000)]
    occurred_at: Annotated[datetime, Meta(tz=True)]


class RecipientLimit(Row, frozen=True, kw_only=True):
    """What one business may receive under a programme in so many days."""

    file: ClassVar[str] = "limits.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("region", "programme", "item", "period_days"),)
    refers: ClassVar[Mapping[str, str]] = {"region": PROVINCE_OR_REGION, "item": Item.file}

    region: RegionCode
    programme: Literal["free-masks", "handwashing", "cheap-market", "training"]
    item: Code | None = None
    quantity_max: Positive | None = None
    times_max: Positive | None = None
    period_days: Positive
    valid_from: date

    def __post_init__(self) -> None:
        if self.quantity_max is None and self.times_max is None:
            raise ValueError("neither quantity_max nor times_max is given")


class Market(Row, frozen=True, kw_only=True):
    """An item of a cheap market that is announced; rows of one place and opening are one market."""

    file: ClassVar[str] = "markets.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("place", "opens_at", "item"),)
    refers: ClassVar[Mapping[str, str]] = {"place": Place.file, "item": Item.file}

    place: Code
    model: Literal["subsidised_package", "distributor_price"]
    opens_at: Annotated[datetime, Meta(tz=True)]
    closes_at: Annotated[datetime, Meta(tz=True)]
    item: Code
    price_rupiah: Annotated[int, Meta(ge=0, le=100_000_000)]
    market_price_rupiah: Annotated[int, Meta(ge=1, le=100_000_000)]
    allotment: Annotated[int, Meta(ge=1, le=100_000_000)]
    limit_per_family: Annotated[int, Meta(ge=1, le=100_000_000)]

    def __post_init__(self) -> None:
        if self.closes_at <= self.opens_at:
            raise ValueError("closes_at is not after opens_at")
        if self.price_rupiah > self.market_price_rupiah or self.limit_per_family > self.allotment:
            raise ValueError("the price is above the market's, or the limit above the allotment")


class Survey(Row, frozen=True, kw_only=True):
    """A wave of a survey: two months that are compared, and an earlier wave that is asked again."""

    file: ClassVar[str] = "surveys.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("code",),)
    refers: ClassVar[Mapping[str, str]] = {"region": PROVINCE_OR_REGION, "follows": "surveys.csv"}

    code: Code
    title: Text
    region: RegionCode
    opens_on: date
    closes_on: date
    before_month: Month
    now_month: Month
    follows: Code | None = None

    def __post_init__(self) -> None:
        if self.closes_on < self.opens_on or self.now_month <= self.before_month:
            raise ValueError("closes_on is before opens_on, or now_month not after before_month")


class SurveyAnswer(Row, frozen=True, kw_only=True):
    """What a business answered to a wave: turnover in a month, capacity in a week, and workers, before and now."""

    file: ClassVar[str] = "survey_answers.csv"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("survey", "business"),)
    refers: ClassVar[Mapping[str, str]] = {"survey": Survey.file, "business": Business.file}

    survey: Code
    business: UUID
    status: Literal["running", "suspended", "closed"]
    answered_on: date
    turnover_before_rupiah: Annotated[int, Meta(ge=0, le=10**13)]
    turnover_now_rupiah: Annotated[int, Meta(ge=0, le=10**13)]
    capacity_before: Annotated[int, Meta(ge=0, le=10**9)]
    capacity_now: Annotated[int, Meta(ge=0, le=10**9)]
    workers_before: Annotated[int, Meta(ge=0, le=1_000_000)]
    workers_now: Annotated[int, Meta(ge=0, le=1_000_000)]

    def __repr__(self) -> str:
        return f"SurveyAnswer({self.survey!r}, {self.business!r})"  # turnover reaches no log by way of a traceback


class Province(Struct, frozen=True, kw_only=True):
    """A whole province, checked: codes are unique and every reference resolves."""

    about: About
    regions: tuple[Region, ...]
    sectors: tuple[Sector, ...]
    items: tuple[Item, ...]
    places: tuple[Place, ...]
    trainings: tuple[Training, ...]
    owners: tuple[Owner, ...]
    businesses: tuple[Business, ...]
    staff: tuple[Staff, ...]
    opening_stock: tuple[OpeningStock, ...]
    ceilings: tuple[Ceiling, ...]
    price_observations: tuple[PriceObservation, ...]
    stock_levels: tuple[StockLevel, ...]
    producers: tuple[Producer, ...]
    production_calls: tuple[ProductionCall, ...]
    enrolments: tuple[Enrolment, ...]
    stations: tuple[Station, ...]
    limits: tuple[RecipientLimit, ...]
    markets: tuple[Market, ...]
    surveys: tuple[Survey, ...]
    survey_answers: tuple[SurveyAnswer, ...]
    kits: tuple[Kit, ...]
    kit_work: tuple[KitWork, ...]
    loans: tuple[Loan, ...]
    returns: tuple[Return, ...]
    exceptions: tuple[ParkedIssue, ...]
