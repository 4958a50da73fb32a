"""The HTTP face of owners, businesses and regions."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from services.registration.businesses import domain, finding, handlers
from services.registration.businesses.domain import (
    BusinessData,
    BusinessIsClosed,
    BusinessIsMerged,
    NibTaken,
    NikBelongsToAnother,
    OwnerData,
    OwnerErased,
    OwnerRestricted,
    State,
)
from services.registration.businesses.handlers import Found
from services.registration.businesses.lookups import NikLookupsUsedUp
from services.registration.businesses.store import BusinessRow, Wanted
from shared.caller import Caller, Role
from shared.clock import shown, wib_day
from shared.privacy import mask_phone
from shared.problems import Absent, Refusal
from shared.roles import Action, allowed
from shared.routes import BLANK, CONTROL, PAGE_ITEMS_DEFAULT, Call, Cursor, Limit, Page, RegionCode, Routes, Text

routes = Routes("/registration", tag="Businesses")

BusinessName = Annotated[Text, Meta(examples=["Konveksi Sinar Jaya"])]
PersonName = Annotated[Text, Meta(examples=["Siti Aminah"])]
Reason = Annotated[Text, Meta(examples=["No orders since March"])]
Sector = Annotated[str, Meta(max_length=40, pattern=r"^[a-z][a-z0-9_-]*$(?!\n)", examples=["garment"])]
Nib = Annotated[str, Meta(max_length=13, pattern=r"^[0-9]{13}$", examples=["0220000000001"])]
# The rules of `domain` say more of these two than a pattern can, and with the same code whatever is wrong.
Nik = Annotated[str, Meta(max_length=100, extra_json_schema={"pattern": "^[0-9]{16}$"})]
Phone = Annotated[str, Meta(max_length=100, examples=["0834-0000-0101"])]
Email = Annotated[
    str,
    Meta(
        max_length=254,
        pattern=rf"^[^@{BLANK}{CONTROL}]+@[^@{BLANK}{CONTROL}]+\.[^@.{BLANK}{CONTROL}]+$(?!\n)",
    ),
]
Workers = Annotated[int, Meta(ge=0, le=1_000_000)]
Rupiah = Annotated[int, Meta(ge=0, le=10**15)]
Language = Literal["id", "en"]
Typed = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=rf"^[^{CONTROL}]*$(?!\n)", examples=["konveksi siti"])
]


class Kbli(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A class of industry with the edition of the classification that the code is read in."""

    code: Annotated[str, Meta(max_length=5, pattern=r"^[0-9]{5}$", examples=["14111"])]
    edition: Annotated[Literal[2015, 2017, 2020, 2025], Meta(examples=[2020])]


class OwnerGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person, described; who is known by the NIK already is not registered again."""

    name: PersonName
    nik: Nik | None = None
    phone: Phone | None = None
    email: Email | None = None
    language: Language = "id"


class RegisterBusiness(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A business to be registered, with its owner: either `owner_id` or `owner`."""

    name: BusinessName
    sector: Sector
    region: RegionCode
    kbli: Kbli | None = None
    nib: Nib | None = None
    workers: Workers | None = None
    investment_rupiah: Rupiah | None = None
    annual_sales_rupiah: Rupiah | None = None
    annual_sales_on: date | None = None
    address: Text | None = None
    document: Text | None = None
    owner_id: UUID | None = None
    owner: OwnerGiven | None = None


class OwnerChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is new about the owner; null takes a phone or an address away."""

    name: Text | UnsetType = UNSET
    nik: Nik | UnsetType = UNSET
    phone: Phone | UnsetType | None = UNSET
    email: Email | UnsetType | None = UNSET
    language: Language | UnsetType = UNSET


class ChangeBusiness(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is new about a business; what is not named stays, null takes away."""

    name: Text | UnsetType = UNSET
    sector: Sector | UnsetType = UNSET
    region: RegionCode | UnsetType = UNSET
    kbli: Kbli | UnsetType | None = UNSET
    nib: Nib | UnsetType | None = UNSET
    workers: Workers | UnsetType | None = UNSET
    investment_rupiah: Rupiah | UnsetType | None = UNSET
    annual_sales_rupiah: Rupiah | UnsetType | None = UNSET
    annual_sales_on: date | UnsetType = UNSET
    address: Text | UnsetType | None = UNSET
    document: Text | UnsetType | None = UNSET
    state: Literal["active", "suspended"] | UnsetType = UNSET
    state_reason: Text | UnsetType = UNSET
    state_document: Text | UnsetType = UNSET
    state_since: date | UnsetType = UNSET
    owner: OwnerChange | UnsetType = UNSET


class CloseBusiness(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a business has closed."""

    reason: Reason
    document: Text | None = None
    closed_on: date | None = None


class BusinessQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which businesses are asked for; `q` is part of a name of the business or its owner, a telephone number or a NIB.

    Words stand in any order; case, accents and dots do not matter; the best answers come first.
    """

    region: RegionCode | None = None
    sector: Sector | None = None
    state: Literal["active", "suspended", "closed", "merged"] | None = None
    q: Typed | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class SearchBusinesses(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same question in a body, where a NIK may stand, in full; with it, all else narrows the answer."""

    nik: Nik | None = None
    q: Typed | None = None
    region: RegionCode | None = None
    sector: Sector | None = None
    state: Literal["active", "suspended", "closed", "merged"] | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class PageQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stretch of a list is asked for."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class ScaleView(msgspec.Struct, frozen=True):
    """How big a business is, by which version of which rule, and since when it is."""

    scale: Literal["micro", "small", "medium", "large"]
    rule: str
    since: date


class OwnerView(msgspec.Struct, frozen=True, kw_only=True):
    """A person, with the NIK masked; the ways to reach them only for those whose work it is.

    Shape: while `state` is `restricted` their data are only stored; `erased` means that nothing is left of them
    """

    id: UUID
    name: str
    nik: str | None
    phone: str | None
    email: str | None
    language: str
    state: Literal["active", "restricted", "erased"]


class WarningView(msgspec.Struct, frozen=True):
    """Something worth a second look that refused nothing."""

    pointer: str
    code: str
    detail: str


class BusinessView(msgspec.Struct, frozen=True, kw_only=True):
    """A business as it is shown; its annual sales are shown to its owner and to nobody else."""

    id: UUID
    owner_id: UUID
    owner: OwnerView
    name: str
    sector: str
    region: str
    kbli: Kbli | None
    nib: str | None
    workers: int | None
    investment_rupiah: int | None
    annual_sales_rupiah: int | UnsetType = UNSET
    annual_sales_on: date | None
    business_scale: ScaleView | None
    industry_scale: ScaleView | None
    address: str | None
    document: str | None
    state: Literal["active", "suspended", "closed", "merged"]
    state_reason: str | None
    state_document: str | None
    state_since: date
    merged_into: UUID | None
    warnings: list[WarningView]
    registered_at: datetime
    changed_at: datetime
    version: int


class RegionView(msgspec.Struct, frozen=True):
    """A regency or a city, and the system that its code belongs to."""

    code: str
    code_system: str
    name: str
    kind: Literal["regency", "city"]
    population: int


@routes.post(
    "/businesses",
    allow=Action.REGISTER_BUSINESS,
    refusals=(NikBelongsToAnother, NibTaken, OwnerErased, OwnerRestricted),
    location="/registration/businesses/{id}",
    rules=handlers.registration_mistakes,
)
async def register_business(call: Call, body: RegisterBusiness) -> BusinessView | Refusal:
    """Register a business and, unless known, its owner; where a number is another's, a case of it is kept."""
    owner = _owner_data(body.owner) if body.owner else None
    found = await handlers.register_or_keep_case(call.work, _data(body), owner=owner, owner_id=body.owner_id)
    return found if isinstance(found, Refusal) else view(call.caller, found)


@routes.get("/businesses", allow=Action.SEE_BUSINESSES)
async def list_businesses(call: Call, query: BusinessQuery) -> Page[BusinessView]:
    """List the businesses of the caller's regions, in the order of their registration, or those that answer `q`."""
    found = await finding.find(call.work, query.q, _wanted(query), query.cursor, query.limit)
    return _page(call.caller, found)


@routes.post("/businesses/search", allow=Action.FIND_BY_NIK, status=200, refusals=(NikLookupsUsedUp,))
async def search_businesses(call: Call, body: SearchBusinesses) -> Page[BusinessView]:
    """Find businesses by the NIK of their owner or by whatever a list is asked by, without a word in the address.

    Whoever looks by a NIK is on record for auditors and the person, and may so many times a day.
    """
    found = await finding.search(call.work, body.nik, body.q, _wanted(body), body.cursor, body.limit)
    return _page(call.caller, found)


@routes.get("/businesses/{business_id}", allow=Action.SEE_BUSINESSES, refusals=(Absent,))
async def show_business(call: Call, business_id: UUID) -> BusinessView:
    """Show a business with its owner."""
    return view(call.caller, await handlers.business(call.work, business_id))


@routes.patch(
    "/businesses/{business_id}",
    allow=Action.CHANGE_BUSINESS,
    refusals=(
        *(Absent, BusinessIsClosed, BusinessIsMerged, NikBelongsToAnother, NibTaken),
        *(OwnerErased, OwnerRestricted),
    ),
    rules=handlers.mistakes,
)
async def change_business(call: Call, business_id: UUID, body: ChangeBusiness) -> BusinessView:
    """Change what is known of a business, suspend it or take it up again, or correct its owner's data."""
    of_owner = _changes(body.owner) if body.owner is not UNSET else {}
    return view(
        call.caller,
        await handlers.change_business(call.work, business_id, call.expected_version, _changes(body), of_owner),
    )


@routes.post(
    "/businesses/{business_id}/closure",
    allow=Action.CLOSE_BUSINESS,
    refusals=(Absent, BusinessIsClosed, BusinessIsMerged, OwnerErased, OwnerRestricted),
)
async def close_business(call: Call, business_id: UUID, body: CloseBusiness) -> BusinessView:
    """Close a business for good."""
    closed = await handlers.close_business(call.work, business_id, body.reason, body.document, body.closed_on)
    return view(call.caller, closed)


@routes.get("/my/businesses", allow=Action.SEE_OWN_BUSINESS)
async def list_own_businesses(call: Call, query: PageQuery) -> Page[BusinessView]:
    """List the businesses of the owner who asks."""
    return _page(call.caller, await handlers.own_businesses(call.work, query.cursor, query.limit))


@routes.get("/regions", allow=Action.SEE_BUSINESSES)
async def list_regions(call: Call) -> Page[RegionView]:
    """List the regencies and cities that the caller sees."""
    return Page([msgspec.convert(row, RegionView, from_attributes=True) for row in await handlers.regions(call.work)])


def _wanted(asked: BusinessQuery | SearchBusinesses) -> Wanted:
    return Wanted(region=asked.region, sector=asked.sector, state=asked.state and State(asked.state))


def _data(body: RegisterBusiness) -> BusinessData:
    return BusinessData(
        name=body.name,
        sector=body.sector,
        region=body.region,
        kbli=domain.Kbli(body.kbli.code, body.kbli.edition) if body.kbli else None,
        nib=body.nib,
        workers=body.workers,
        investment_rupiah=body.investment_rupiah,
        annual_sales_rupiah=body.annual_sales_rupiah,
        annual_sales_on=body.annual_sales_on,
        address=body.address,
        document=body.document,
    )


def _owner_data(given: OwnerGiven) -> OwnerData:
    return OwnerData(name=given.name, nik=given.nik, phone=given.phone, email=given.email, language=given.language)


def _changes(body: ChangeBusiness | OwnerChange) -> dict[str, object]:
    """Give the fields that are named, as the domain calls them."""
    values = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET}
    values.pop("owner", None)
    if isinstance(kbli := values.get("kbli"), Kbli):
        values["kbli"] = domain.Kbli(kbli.code, kbli.edition)
    return values


def _page(caller: Caller, page: Page[Found]) -> Page[BusinessView]:
    return Page([view(caller, found) for found in page.items], page.next)


def view(caller: Caller, found: Found) -> BusinessView:
    """Show a business to a caller."""
    row = found.business
    first_day = wib_day(row.registered_at)
    return BusinessView(
        id=row.id,
        owner_id=row.owner_id,
        owner=_owner_view(caller, found),
        name=row.name,
        sector=row.sector,
        region=row.region,
        kbli=_kbli_view(row),
        nib=row.nib,
        workers=row.workers,
        investment_rupiah=row.investment_rupiah,
        annual_sales_rupiah=UNSET if found.annual_sales_rupiah is None else found.annual_sales_rupiah,
        annual_sales_on=row.annual_sales_on,
        business_scale=_scale_view(row.business_scale, row.business_scale_rule, row.business_scale_since or first_day),
        industry_scale=_scale_view(row.industry_scale, row.industry_scale_rule, row.industry_scale_since or first_day),
        address=row.address,
        document=row.document,
        state=State(row.state).value,
        state_reason=row.state_reason,
        state_document=row.state_document,
        state_since=row.state_since or first_day,
        merged_into=row.merged_into,
        warnings=[WarningView(notice.pointer, notice.code, notice.detail) for notice in found.notices],
        registered_at=shown(row.registered_at),
        changed_at=shown(row.changed_at),
        version=row.version,
    )


def _owner_view(caller: Caller, found: Found) -> OwnerView:
    owner = found.owner
    reachable = caller.role is Role.OWNER or allowed(Action.SEE_CONTACTS, caller.role)
    phone = owner.phone if reachable or owner.phone is None else mask_phone(owner.phone)
    return OwnerView(
        id=owner.id,
        name=owner.name,
        nik=found.nik,
        phone=phone,
        email=owner.email if reachable else None,
        language=owner.language,
        state="erased" if owner.erased_at else "restricted" if owner.restricted_at else "active",
    )


def _kbli_view(row: BusinessRow) -> Kbli | None:
    if row.kbli_code is None:
        return None
    return msgspec.convert({"code": row.kbli_code, "edition": row.kbli_edition}, Kbli)


def _scale_view(scale: str | None, rule: str | None, since: date) -> ScaleView | None:
    return ScaleView(domain.Scale(scale).value, rule, since) if scale and rule else None
