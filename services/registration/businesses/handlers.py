"""What can be done about businesses and their owners: register, change, close, find, list."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from services.registration.businesses import domain, history, owners, sealing, store
from services.registration.businesses.domain import (
    BusinessData,
    Kbli,
    KnownAlready,
    NibTaken,
    NikBelongsToAnother,
    Notice,
    OwnerData,
    Scaled,
    State,
)
from services.registration.businesses.history import Why
from services.registration.businesses.sealing import Purpose
from services.registration.businesses.store import BusinessRow, OwnerRow, RegionRow, Wanted
from services.registration.duplicates import handlers as duplicates
from services.registration.duplicates import refused
from services.registration.duplicates.refused import Number
from shared import cursor
from shared.clock import wib_day
from shared.contracts.registration import BusinessChanged, BusinessClosed, BusinessRegistered
from shared.database import Work
from shared.privacy import mask_nik
from shared.problems import Absent, FieldError, Invalid, Refusal, Stale
from shared.province_rows import Region
from shared.routes import Page

BUSINESS_FIELDS = frozenset(field.name for field in fields(BusinessData))
COMPARED = frozenset({"name", "region", "sector"})
"""What two businesses are held against one another by, beside their owners."""

UNIQUE: Mapping[str, type[Refusal]] = {"business_nib_key": NibTaken, "owner_nik_index_key": NikBelongsToAnother}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A business with its owner, and what came up on the way.

    Shape: `nik` is masked; `annual_sales_rupiah` is opened for the owner alone
    """

    business: BusinessRow
    owner: OwnerRow
    nik: str | None
    annual_sales_rupiah: int | None = None
    notices: Sequence[Notice] = ()


async def load_regions(work: Work, regions: Sequence[Region]) -> None:
    """Store the regions of a province; what is known of them already is brought up to date."""
    for region in regions:
        row = RegionRow(
            code=region.code,
            code_system=region.code_system,
            name=region.name,
            kind=region.kind,
            population=region.population,
        )
        await store.put_region(work.session, row)


async def regions(work: Work) -> Sequence[RegionRow]:
    """Give the regions that the caller sees."""
    return await store.regions(work.session, work.caller.regions)


async def mistakes(work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Find everything wrong with values whose shape is right, by their JSON Pointers.

    A region outside the caller's own, and an owner who has nothing there, are told like ones that do not exist.
    """
    errors = domain.mistakes(leaves, wib_day(work.now))
    region = leaves.get("/region")
    if isinstance(region, str) and not (work.caller.sees(region) and await store.region_known(work.session, region)):
        errors.append(FieldError("/region", "unknown_region", "There is no regency or city of this code."))
    owner_id = leaves.get("/owner_id")
    if isinstance(owner_id, UUID) and not await store.owner_seen(work.session, owner_id, work.caller.regions):
        errors.append(FieldError("/owner_id", "unknown_owner", "There is no owner of this id."))
    return errors


async def registration_mistakes(work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Find everything wrong with a registration."""
    return [*domain.registration_mistakes(leaves), *await mistakes(work, leaves)]


async def register_business(
    work: Work,
    business: BusinessData,
    *,
    owner: OwnerData | None = None,
    owner_id: UUID | None = None,
    business_id: UUID | None = None,
    new_owner_id: UUID | None = None,
    compare: bool = True,
) -> Found:
    """Register a business of a new owner, of one who is known by NIK, or of the one with this id.

    Shape:  either `owner` or `owner_id`; the other two ids are given only by data that brings its own, and what is
            stored under `business_id` already is left alone; without `compare` whoever registers many holds them
            against the others afterwards, all together (`duplicates.handlers.check`)
    Raises: Invalid (422) with every mistake, NikBelongsToAnother, NibTaken, OwnerErased, OwnerRestricted (409)
    """
    if errors := await registration_mistakes(work, _leaves(business, owner, owner_id)):
        raise Invalid(errors)
    if business_id and (known := await store.find(work.session, business_id, work.caller.regions)):
        return await _found(work, known)
    if business.nib and (holder := await store.nib_owner(work.session, business.nib)):  # before anything is written
        raise (await _nib_taken(work, business.nib)).of(holder)
    person, notices = await owners.of_registration(
        work, owner or owner_id, business.region, new_owner_id or work.new_id()
    )
    domain.check_open(person.restricted_at, person.erased_at)
    row = BusinessRow(
        id=business_id or work.new_id(),
        owner_id=person.id,
        name=business.name,
        sector=business.sector,
        region=business.region,
        state=State.ACTIVE.value,
        registered_by=work.caller.subject,
        registered_role=work.caller.role.value,
        registered_at=work.now,
        changed_at=work.now,
        version=1,
    )
    await _fill(work, row, business)
    if not await store.add_business(work.session, row):
        raise await _nib_taken(work, row.nib)
    # From here on nobody erases the owner before this is over; whoever did so a moment ago is seen now.
    domain.check_open(*await store.standing(work.session, person.id))
    work.record(
        BusinessRegistered(business_id=row.id, owner_id=person.id, name=row.name, sector=row.sector, region=row.region),
        region=row.region,
    )
    return await _found(work, row, [*notices, *await _alike(work, row)] if compare else notices)


async def register_or_keep_case(
    work: Work, business: BusinessData, *, owner: OwnerData | None, owner_id: UUID | None
) -> Found | KnownAlready:
    """Register as `register_business`; where a number is another's, a case of it is kept with the refusal.

    Raises: Invalid (422); OwnerErased, OwnerRestricted (409); and what it gives, where two register at one moment
    """
    try:
        return await register_business(work, business, owner=owner, owner_id=owner_id)
    except KnownAlready as refusal:
        if refusal.whose is None:
            raise
        number = Number.NIB if isinstance(refusal, NibTaken) else Number.NIK
        await refused.note(work, refusal.whose, number, business.region)
        return refusal


async def _alike(work: Work, row: BusinessRow) -> list[Notice]:
    """Hold a business against all others, and say of which it may be a duplicate, where the caller may know of them."""
    return [
        Notice(
            "/name",
            "possible_duplicate",
            f"{case.row.score} of 100 points that it is {name}; case {case.row.id}.",
        )
        for case in await duplicates.seen_of(work, await duplicates.check(work, [row.id]))
        for other, name in case.names.items()
        if other != row.id
    ]


async def change_business(
    work: Work, business_id: UUID, version: int, changes: Mapping[str, object], of_owner: Mapping[str, object]
) -> Found:
    """Change what is known of a business, and of its owner.

    Shape:  only what is named changes: fields of BusinessData, `state` with `state_reason`, and fields of OwnerData;
            what is not new changes nothing and keeps the version
    Raises: Absent (404), Stale (412), Invalid (422), BusinessIsClosed, NikBelongsToAnother, NibTaken, OwnerErased,
            OwnerRestricted (409)
    """
    row, person = await _locked(work, business_id)
    if row.version != version:
        raise Stale(f"It is at version {row.version} by now.")
    state = domain.follow(State(row.state), State(str(changes.get("state", row.state))))
    leaves = _present("", changes) | _present("/owner", of_owner)
    sales_known = row.annual_sales_sealed is not None
    wrong = domain.change_mistakes(leaves, state=State(row.state), sales_known=sales_known)
    if errors := [*wrong, *await mistakes(work, leaves)]:
        raise Invalid(errors)
    before = await history.taken(work, row, person)
    with work.session.no_autoflush:  # written once, below, where a race for a NIB or a NIK has its answer
        changed = await change_fields(work, row, changes, state)
        owner_changed = await owners.change(work, person, of_owner, row.region)
    if changed or owner_changed:
        await keep_change(work, row)
        document = changes.get("state_document") or changes.get("document")
        why = Why(reason=row.state_reason, document=None if document is None else str(document), since=row.state_since)
        await history.write(work, row, person, before, why)
    if changed:
        work.record(
            BusinessChanged(
                business_id=row.id, owner_id=row.owner_id, name=row.name, sector=row.sector, region=row.region
            ),
            region=row.region,
        )
    if owner_changed:
        await store.raise_versions(work.session, person.id, but=row.id, now=work.now)
        owners.record_change(work, person)
    nik = of_owner.get("nik")
    notices = domain.nik_notices(str(nik), row.region) if nik else []
    if COMPARED & changes.keys() or owner_changed:
        notices += await _alike(work, row)
    return await _found(work, row, notices)


async def close_business(
    work: Work, business_id: UUID, reason: str, document: str | None, closed_on: date | None = None
) -> Found:
    """Close a business for good, as of today unless another day is told.

    Raises: Absent (404), Invalid (422) for a day to come, BusinessIsClosed (409) when it is closed already, OwnerErased
            and OwnerRestricted (409)
    """
    row, person = await _locked(work, business_id)
    if errors := domain.mistakes(_present("", {"closed_on": closed_on}), wib_day(work.now)):
        raise Invalid(errors)
    before = await history.taken(work, row, person)
    row.state = domain.follow(State(row.state), State.CLOSED).value
    row.state_reason, row.state_document = reason, document
    row.state_since = closed_on or wib_day(work.now)
    await keep_change(work, row)
    await history.write(work, row, person, before, Why(reason=reason, document=document, since=row.state_since))
    work.record(
        BusinessClosed(business_id=row.id, owner_id=row.owner_id, region=row.region, reason=reason), region=row.region
    )
    return await _found(work, row)


async def business(work: Work, business_id: UUID) -> Found:
    """Give a business of the caller's regions. Raises: Absent (404)."""
    row = await store.find(work.session, business_id, work.caller.regions)
    if row is None:
        raise Absent
    return await _found(work, row)


async def businesses(work: Work, wanted: Wanted, after: str | None, limit: int) -> Page[Found]:
    """Give the businesses of the caller's regions that are asked for."""
    return await _page(work, wanted, after, limit, own=work.caller.regions)


async def own_businesses(work: Work, after: str | None, limit: int) -> Page[Found]:
    """Give the businesses of the owner who asks, with the annual sales that they told."""
    try:
        owner_id = UUID(work.caller.subject)
    except ValueError:
        return Page([])
    page = await _page(work, Wanted(owner_id=owner_id), after, limit, own=None)
    sales = await sealing.annual_sales(work.session, work.vault, [found.business for found in page.items])
    return Page([replace(found, annual_sales_rupiah=sales.get(found.business.id)) for found in page.items], page.next)


async def _page(work: Work, wanted: Wanted, after: str | None, limit: int, own: Sequence[str] | None) -> Page[Found]:
    beyond = cursor.decode(after, tuple[UUID])[0] if after else None
    rows = await store.businesses(work.session, wanted, own, beyond, limit + 1)
    found = dict(zip((row.id for row in rows), await found_all(work, rows), strict=True))
    return cursor.page(rows, limit, lambda row: found[row.id], lambda row: (row.id,))


async def _locked(work: Work, business_id: UUID) -> tuple[BusinessRow, OwnerRow]:
    """Give a business and its owner, locked in this order by all who change either: owner first."""
    row = await store.find(work.session, business_id, work.caller.regions)
    if row is None:
        raise Absent
    person = await store.lock_owner(work.session, row.owner_id)
    row = await store.fresh(work.session, business_id)
    if not work.caller.sees(row.region):  # it moved away while we waited
        raise Absent
    domain.check_open(person.restricted_at, person.erased_at)
    return row, person


async def change_fields(work: Work, row: BusinessRow, changes: Mapping[str, object], state: State) -> bool:
    """Set what is now known of a business in its row, with all that follows; tells whether anything is new.

    Raises: NibTaken (409)
    """
    sales = await sealing.annual_sales(work.session, work.vault, [row])
    before = data(row, sales.get(row.id))
    values = {name: value for name, value in changes.items() if name in BUSINESS_FIELDS}
    if values.get("annual_sales_rupiah", before.annual_sales_rupiah) != before.annual_sales_rupiah:
        values.setdefault("annual_sales_on", None)  # other sales are of another day: today, when none is told
    after = replace(before, **values)  # type: ignore[arg-type]  # the edge has read each by its type
    if after == before and state == row.state:
        return False
    if after.nib and after.nib != before.nib and await store.nib_known(work.session, after.nib):
        raise await _nib_taken(work, after.nib)
    await _fill(work, row, after, other_sales=after.annual_sales_rupiah != before.annual_sales_rupiah)
    if state != row.state:
        reason, document, since = (changes.get(f"state_{name}") for name in ("reason", "document", "since"))
        row.state, row.state_reason = state.value, None if reason is None else str(reason)
        row.state_document = None if document is None else str(document)
        row.state_since = since if isinstance(since, date) else wib_day(work.now)
    return True


async def keep_change(work: Work, row: BusinessRow) -> None:
    """Write a row that has changed, as its next version; raises NibTaken, NikBelongsToAnother (409)."""
    row.version += 1
    row.changed_at = work.now
    try:
        await work.session.flush()
    except IntegrityError as error:
        for constraint, refusal in UNIQUE.items():
            if constraint in str(error.orig):  # somebody else was first by a moment
                raise refusal from None
        raise


async def _fill(work: Work, row: BusinessRow, data: BusinessData, *, other_sales: bool = True) -> None:
    """Write what is said of a business into its row, with the scales that follow and the sales sealed."""
    for name in ("name", "sector", "region", "nib", "workers", "investment_rupiah", "address", "document"):
        setattr(row, name, getattr(data, name))
    row.kbli_code, row.kbli_edition = (data.kbli.code, data.kbli.edition) if data.kbli else (None, None)
    if data.annual_sales_rupiah is None:
        row.annual_sales_sealed = row.annual_sales_on = None
    else:
        if other_sales:  # what is as it was keeps its seal
            key = await sealing.key(work.session, work.vault, row.owner_id, Purpose.TURNOVER)
            row.annual_sales_sealed = sealing.seal_sales(key, row.id, data.annual_sales_rupiah)
        row.annual_sales_on = data.annual_sales_on or wib_day(work.now)
    derive_scales(work, row, data)


def derive_scales(work: Work, row: BusinessRow, data: BusinessData) -> None:
    """Write the scales that follow from what is said of a business."""
    _scale(row, "business_scale", data.business_scale, wib_day(work.now))
    _scale(row, "industry_scale", data.industry_scale, wib_day(work.now))


def _scale(row: BusinessRow, name: str, scaled: Scaled | None, today: date) -> None:
    before = {column: getattr(row, column) for column in (name, f"{name}_rule")}
    for column, value in domain.scale_columns(name, scaled, before, wib_day(row.registered_at), today).items():
        setattr(row, column, value)


def data(row: BusinessRow, annual_sales_rupiah: int | None) -> BusinessData:
    """Give what is said of a business, as the rules read it."""
    return BusinessData(
        name=row.name,
        sector=row.sector,
        region=row.region,
        kbli=Kbli(row.kbli_code, row.kbli_edition) if row.kbli_code and row.kbli_edition else None,
        nib=row.nib,
        workers=row.workers,
        investment_rupiah=row.investment_rupiah,
        annual_sales_rupiah=annual_sales_rupiah,
        annual_sales_on=row.annual_sales_on,
        address=row.address,
        document=row.document,
    )


async def _nib_taken(work: Work, nib: str | None) -> NibTaken:
    """Name the business that has the NIB, if it is one that the caller may know of."""
    holder = await store.nib_holder(work.session, nib or "", work.caller.regions)
    return NibTaken(business_id=str(holder)) if holder else NibTaken()


def _leaves(business: BusinessData, owner: OwnerData | None, owner_id: UUID | None) -> dict[str, object]:
    described = _present("/owner", asdict(owner)) if owner else {}
    return _present("", asdict(business)) | _present("", {"owner_id": owner_id}) | described


def _present(pointer: str, values: Mapping[str, object]) -> dict[str, object]:
    return {f"{pointer}/{name}": value for name, value in values.items() if value is not None}


async def _found(work: Work, row: BusinessRow, notices: Sequence[Notice] = ()) -> Found:
    (found,) = await found_all(work, [row])
    return replace(found, notices=notices)


async def found_all(work: Work, rows: Sequence[BusinessRow]) -> list[Found]:
    """Give businesses with their owners, in the order that they are given in."""
    people = await store.owners(work.session, [row.owner_id for row in rows])
    niks = await sealing.niks(work.session, work.vault, list(people.values()))
    masked = {owner_id: mask_nik(nik) for owner_id, nik in niks.items()}
    return [Found(business=row, owner=people[row.owner_id], nik=masked.get(row.owner_id)) for row in rows]
