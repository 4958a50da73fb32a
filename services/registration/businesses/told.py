"""What many businesses are told to be, held against what is known of them: each new, changed, unchanged or refused.

Pure: everything known comes in as rows, and what is decided goes out as the columns to be written. It keeps the rules
that registering and changing one by one keep; what is decided about one is known to the next.

Shape:  a value that is not told stays; None takes it away; fields are named as those of the API, the owner's being
        `owner_name`, `nik`, `phone`, `email` and `language`
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from services.registration.businesses import domain
from services.registration.businesses.domain import (
    BusinessData,
    BusinessIsClosed,
    BusinessIsMerged,
    Kbli,
    OwnerErased,
    OwnerRestricted,
    Scaled,
    State,
)
from shared.caller import Caller
from shared.clock import wib_day

Columns = dict[str, Any]
"""A row by the names of its columns."""

NEEDED: Final = ("name", "sector", "region", "owner_name")
OF_BUSINESS: Final = ("name", "sector", "region", "nib", "workers", "investment_rupiah", "address", "document")
OF_OWNER: Final = {"owner_name": "name", "phone": "phone", "email": "email", "language": "language"}
TOLD_OF_OWNER: Final = (*OF_OWNER, "nik")


class Kind(StrEnum):
    """What becomes of what is told."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field, or with `refuses` false what is worth a second look."""

    field: str
    code: str
    detail: str
    refuses: bool = True


@dataclass(slots=True, kw_only=True)
class Told:
    """What is told of one business; `nik_index` is by what its owner's NIK is found, one of `nik_indexes`.

    While keys are rotated a NIK may stand under more than one; a new owner's stands under the first.
    """

    values: Mapping[str, Any]
    masked: frozenset[str] = frozenset()
    nik_index: bytes | None = None
    nik_indexes: Sequence[bytes] = ()

    @property
    def strong(self) -> bool:
        """Tell whether a number or an id says which business is meant."""
        return bool(self.nik_index) or any(self.values.get(name) for name in ("id", "nib"))


@dataclass(slots=True)
class Known:
    """What is known of the businesses and owners that may be meant, and of what was decided before."""

    businesses: dict[UUID, Columns] = field(default_factory=dict)
    owners: dict[UUID, Columns] = field(default_factory=dict)
    sales: dict[UUID, int] = field(default_factory=dict)
    shares: dict[UUID, int] = field(default_factory=dict)
    """How many businesses an owner has."""
    by_nib: dict[str, UUID] = field(default_factory=dict)
    by_nik: dict[bytes, UUID] = field(default_factory=dict)
    of_owner: dict[UUID, list[UUID]] = field(default_factory=dict)
    by_document: dict[str, list[UUID]] = field(default_factory=dict)
    by_name: dict[tuple[str, str], list[UUID]] = field(default_factory=dict)

    def add_business(self, row: Columns) -> None:
        """Know a business by everything it may be found by."""
        business_id = row["id"]
        self.businesses[business_id] = row
        if row["nib"]:
            self.by_nib[row["nib"]] = business_id
        self.of_owner.setdefault(row["owner_id"], []).append(business_id)
        if row["document"]:
            self.by_document.setdefault(row["document"], []).append(business_id)
        self.by_name.setdefault((row["region"], row["name"]), []).append(business_id)

    def add_owner(self, row: Columns) -> None:
        """Know an owner by id and NIK."""
        self.owners[row["id"]] = row
        if row["nik_index"]:
            self.by_nik[row["nik_index"]] = row["id"]


@dataclass(slots=True, kw_only=True)
class Decision:
    """What is to be done about one business.

    Shape: `business` and `owner` are the columns as they will be, `before` and `owner_before` as they were; None where
           nothing is to be written; `sales_rupiah` and `nik` are to be sealed where `seals_sales` or `nik` says so
    """

    kind: Kind
    faults: list[Fault] = field(default_factory=list)
    business: Columns | None = None
    before: Columns | None = None
    owner: Columns | None = None
    owner_before: Columns | None = None
    seals_sales: bool = False
    sales_rupiah: int | None = None
    sales_before_rupiah: int | None = None
    nik: str | None = None


class Several(Exception):
    """More than one business is meant."""


def matched(told: Told, known: Known, sees: "Sees") -> UUID | None:
    """Find which business is meant: by id, by NIB, by NIK and name, by document, or by region, name and owner.

    A weaker word counts only where no stronger one is given.
    Raises: Several where more than one is meant; LookupError for an id that the caller knows nothing of
    """
    values = told.values
    if business_id := values.get("id"):
        row = known.businesses.get(business_id)
        if row is None or not sees(row["region"]):
            raise LookupError
        return row["id"]  # type: ignore[no-any-return]
    if (nib := values.get("nib")) and (holder := known.by_nib.get(nib)):
        return holder if sees(known.businesses[holder]["region"]) else None
    if told.strong:
        owner_id = known.by_nik.get(told.nik_index) if told.nik_index else None
        name = str(values.get("name") or "")
        theirs = known.of_owner.get(owner_id, ()) if owner_id else ()
        return _one(known, (one for one in theirs if domain.names_agree(known.businesses[one]["name"], name)))
    if document := values.get("document"):
        there = known.by_document.get(document, ())
        return _one(known, (one for one in there if sees(known.businesses[one]["region"])))
    named = known.by_name.get((str(values.get("region")), str(values.get("name"))), ())
    whose = str(values.get("owner_name"))
    seen = [one for one in named if sees(known.businesses[one]["region"])]
    return _one(
        known,
        (one for one in seen if domain.names_agree(known.owners[known.businesses[one]["owner_id"]]["name"], whose)),
    )


def _one(known: Known, found: Iterator[UUID]) -> UUID | None:
    """Give the only one; a merged one is meant only where nothing else is."""
    everything = list(found)
    ids = [one for one in everything if known.businesses[one]["state"] != State.MERGED] or everything
    if len(ids) > 1:
        raise Several
    return ids[0] if ids else None


class Sees:
    """Tells whether somebody sees a region; asked of the same few regions over and over."""

    def __init__(self, regions: Mapping[str, bool]) -> None:
        """Take the answers by region."""
        self._regions = regions

    def __call__(self, region: str) -> bool:
        """Answer for one region; one that is not there is seen by nobody."""
        return self._regions.get(region, False)


@dataclass(frozen=True, slots=True)
class Now:
    """The moment of what is decided, where the ids of what is new come from, and who decides."""

    today: date
    moment: Any
    new_id: Any
    by: Caller


def decide(told: Told, business_id: UUID | None, known: Known, sees: Sees, now: Now) -> Decision:  # noqa: C901 - one rule after the other
    """Decide what becomes of one business; what is decided is then known."""
    values = told.values
    faults = list(_shared_faults(told, sees, now))
    if business_id is None:
        return _new(told, known, faults, now)
    row = known.businesses[business_id]
    person = known.owners[row["owner_id"]]
    business, owner = dict(row), dict(person)
    for name in OF_BUSINESS:
        if name in values:
            business[name] = values[name]
    faults += _set_kbli(business, values)
    faults += _set_state(business, row, values, now.today)
    faults += _set_sales_day(business, values, told)
    decision = Decision(kind=Kind.UNCHANGED, before=row, owner_before=person)
    decision.sales_before_rupiah = known.sales.get(business_id)
    if "annual_sales_rupiah" in values and values["annual_sales_rupiah"] != known.sales.get(business_id):
        decision.seals_sales, decision.sales_rupiah = True, values["annual_sales_rupiah"]
        _set_sales(business, values, now.today)
    if (nib := values.get("nib")) and known.by_nib.get(nib, business_id) != business_id:
        faults.append(Fault("nib", "nib_taken", "This NIB belongs to another business."))
    faults += _set_owner(owner, told, known, decision)
    _set_scales(business, now.today)
    faults += _kept_as_it_is(row, person, changes=business != row)
    if any(fault.refuses for fault in faults):
        return Decision(kind=Kind.REFUSED, faults=faults)
    if business["region"] != owner["region"] and known.shares.get(owner["id"], 2) <= 1:
        owner["region"] = business["region"]  # whose only business moves has moved with it
    decision.faults = faults
    if business != row or decision.seals_sales:
        decision.business = business
    if owner != person or decision.nik:
        decision.owner = owner
        known.add_owner(owner)
    if decision.business is not None or decision.owner is not None:
        decision.kind = Kind.CHANGED
        decision.business = business
        business["version"], business["changed_at"] = row["version"] + 1, now.moment
        known.businesses[business_id] = business
        if business["nib"]:
            known.by_nib[business["nib"]] = business_id
    return decision


def faults_only(told: Told, business_id: UUID | None, known: Known, sees: Sees, now: Now) -> list[Fault]:
    """Say what else is wrong with what is refused already; nothing of it becomes known."""
    found = list(_shared_faults(told, sees, now))
    if business_id is None:
        found += [*_new_faults(told, known), *_set_kbli(dict.fromkeys(BUSINESS_COLUMNS), told.values)]
    else:
        row = known.businesses[business_id]
        business = dict(row)
        found += [*_set_kbli(business, told.values), *_set_state(business, row, told.values, now.today)]
        found += _set_sales_day(business, told.values, told)
    return [fault for fault in found if fault.refuses]


def _shared_faults(told: Told, sees: Sees, now: Now) -> Iterator[Fault]:
    values = told.values
    region = values.get("region")
    if region is not None and not sees(region):
        yield Fault("region", "unknown_region", "There is no regency or city of this code.")
    day = values.get("annual_sales_on")
    if day is not None and day > now.today:
        yield Fault("annual_sales_on", "in_the_future", f"Today is {now.today}.")
    if (nik := values.get("nik")) and region:
        for notice in domain.nik_notices(nik, region):
            yield Fault("nik", notice.code, notice.detail, refuses=False)


def _set_kbli(business: Columns, values: Mapping[str, Any]) -> Iterator[Fault]:
    code = values.get("kbli", business["kbli_code"])
    edition = values.get("kbli_edition", business["kbli_edition"])
    if "kbli" in values and code is None:
        edition = None
    if code is not None and (edition is None or (code != business["kbli_code"] and not values.get("kbli_edition"))):
        yield Fault("kbli_edition", "missing", "A code means nothing without its edition, such as 2020.")
    elif code is None and edition is not None:
        yield Fault("kbli", "missing", "The edition is given, and the code is not.")
    else:
        business["kbli_code"], business["kbli_edition"] = code, edition


def _set_state(business: Columns, row: Columns, values: Mapping[str, Any], today: date) -> Iterator[Fault]:
    wanted, reason = values.get("state"), values.get("state_reason")
    state = State(row["state"])
    if wanted is None or wanted == state:
        if reason is not None and reason != row["state_reason"]:
            yield Fault("state", "missing", "A reason belongs to a change of state.")
        return
    if wanted is State.CLOSED:
        yield Fault("state", "close_by_hand", "A business is closed one by one, with its reason.")
        return
    if wanted is State.SUSPENDED and reason is None:
        yield Fault("state_reason", "missing", "A suspension needs its reason.")
        return
    try:
        business["state"] = domain.follow(state, wanted).value
    except (BusinessIsClosed, BusinessIsMerged) as refusal:
        yield Fault("state", refusal.code, refusal.detail)
        return
    business["state_reason"], business["state_since"] = reason, today


def _set_sales_day(business: Columns, values: Mapping[str, Any], told: Told) -> Iterator[Fault]:
    day = values.get("annual_sales_on")
    if day is None:
        return
    sales_known = business["annual_sales_sealed"] is not None and "annual_sales_rupiah" not in values
    if not sales_known and values.get("annual_sales_rupiah") is None:
        yield Fault("annual_sales_rupiah", "missing", domain.SALES_MISSING.detail)
    elif "annual_sales_rupiah" in values or sales_known or "annual_sales_rupiah" in told.masked:
        business["annual_sales_on"] = day


def _set_sales(business: Columns, values: Mapping[str, Any], today: date) -> None:
    sales = values["annual_sales_rupiah"]
    if sales is None:
        business["annual_sales_sealed"] = business["annual_sales_on"] = None
        _set_scale(business, "business_scale", None, today)
        return
    # Other sales are of another day: today, when none is told.
    business["annual_sales_on"] = values.get("annual_sales_on") or today
    _set_scale(business, "business_scale", domain.scale_by_sales(sales), today)


def _set_scale(business: Columns, name: str, scaled: Scaled | None, today: date) -> None:
    business |= domain.scale_columns(name, scaled, business, wib_day(business["registered_at"]), today)


def _set_scales(business: Columns, today: date) -> None:
    scaled = None
    if business["workers"] is not None and business["investment_rupiah"] is not None:
        scaled = domain.scale_of_industry(business["workers"], business["investment_rupiah"])
    _set_scale(business, "industry_scale", scaled, today)


def _set_owner(owner: Columns, told: Told, known: Known, decision: Decision) -> Iterator[Fault]:
    for name, column in OF_OWNER.items():
        if name in told.values:
            owner[column] = told.values[name]
    nik = told.values.get("nik")
    if nik and told.nik_index != owner["nik_index"]:
        if owner["nik_index"] is not None:
            yield Fault("nik", "nik_differs", "The owner is known with another NIK; check both, and correct it there.")
        elif told.nik_index in known.by_nik:
            yield Fault("nik", "nik_belongs_to_another", "This NIK belongs to another person.")
        else:
            decision.nik, owner["nik_index"] = nik, told.nik_index


def _new(told: Told, known: Known, faults: list[Fault], now: Now) -> Decision:
    values = told.values
    faults += _new_faults(told, known)
    business: Columns = dict.fromkeys(BUSINESS_COLUMNS)
    faults += _set_kbli(business, values)
    owner_id = known.by_nik.get(told.nik_index) if told.nik_index else None
    person = known.owners[owner_id] if owner_id else None
    if person is not None:
        faults += [*_of_known(person, told), *_standing(person)]
    if any(fault.refuses for fault in faults):
        return Decision(kind=Kind.REFUSED, faults=faults)
    decision = Decision(kind=Kind.NEW, faults=faults, owner_before=person)
    if person is None:
        person = decision.owner = _owner(told, now)
        decision.nik = values.get("nik")
        known.add_owner(person)
    business |= {name: values.get(name) for name in OF_BUSINESS}
    business |= {"id": now.new_id(), "owner_id": person["id"], "state": State.ACTIVE.value, "version": 1}
    business |= {"registered_at": now.moment, "changed_at": now.moment}
    business |= {"registered_by": now.by.subject, "registered_role": now.by.role.value}
    if values.get("annual_sales_rupiah") is not None:
        decision.seals_sales, decision.sales_rupiah = True, values["annual_sales_rupiah"]
        _set_sales(business, values, now.today)
    _set_scales(business, now.today)
    decision.business = business
    known.add_business(business)
    return decision


def _new_faults(told: Told, known: Known) -> Iterator[Fault]:
    values = told.values
    for name in NEEDED:
        if values.get(name) is None:
            yield Fault(name, "missing", "A new business needs it.")
    for name in sorted(told.masked):
        yield Fault(name, "masked", "It is masked, and no business was found that has it.")
    if values.get("state") not in (None, State.ACTIVE):
        yield Fault("state", "not_active", "A new business is active; suspend it when it is registered.")
    if values.get("annual_sales_on") is not None and values.get("annual_sales_rupiah") is None:
        yield Fault("annual_sales_rupiah", "missing", domain.SALES_MISSING.detail)
    if (nib := values.get("nib")) and nib in known.by_nib:
        yield Fault("nib", "nib_taken", "This NIB belongs to another business.")


def _kept_as_it_is(row: Columns, person: Columns, *, changes: bool) -> Iterator[Fault]:
    """Say why nothing is written about a business that is known."""
    if changes and row["state"] == State.CLOSED:
        yield Fault("state", BusinessIsClosed.code, "It is closed, and nothing of it can be changed.")
    if row["state"] == State.MERGED:
        yield Fault("name", BusinessIsMerged.code, "It was merged into another, which may be changed.")
    yield from _standing(person)


def _standing(person: Columns) -> Iterator[Fault]:
    """Say why nothing is written about a person: their data were erased, or may only be stored."""
    if person["erased_at"] is not None:
        yield Fault("nik", OwnerErased.code, "The data of the owner were erased.")
    elif person["restricted_at"] is not None:
        yield Fault("nik", OwnerRestricted.code, "The data of the owner may only be stored.")


def _of_known(person: Columns, told: Told) -> Iterator[Fault]:
    if not domain.names_agree(person["name"], str(told.values.get("owner_name"))):
        yield Fault("nik", "nik_belongs_to_another", "This NIK belongs to a person with another name.")
        return
    for name in ("phone", "email"):
        if told.values.get(name) is not None and told.values[name] != person[name]:
            yield Fault(name, "contact_kept", "The owner is known with another; it was kept.", refuses=False)


def _owner(told: Told, now: Now) -> Columns:
    values = told.values
    return {
        "id": now.new_id(),
        "name": values["owner_name"],
        "nik_sealed": None,
        "nik_index": told.nik_index,
        "phone": values.get("phone"),
        "email": values.get("email"),
        "language": values.get("language") or "id",
        "region": values["region"],
        "registered_at": now.moment,
        "restricted_at": None,
        "erased_at": None,
    }


def data_of(row: Columns) -> BusinessData:
    """Give a row as what is said of a business, its sales left out: for who keeps what was said before."""
    kbli = Kbli(row["kbli_code"], row["kbli_edition"]) if row["kbli_code"] and row["kbli_edition"] else None
    return BusinessData(kbli=kbli, annual_sales_on=row["annual_sales_on"], **{name: row[name] for name in OF_BUSINESS})


BUSINESS_COLUMNS: Final = (
    *("id", "owner_id", "name", "sector", "region", "kbli_code", "kbli_edition", "nib", "workers"),
    *("investment_rupiah", "annual_sales_sealed", "annual_sales_on", "business_scale", "business_scale_rule"),
    *("industry_scale", "industry_scale_rule", "address", "document", "state", "state_reason", "state_document"),
    *("state_since", "business_scale_since", "industry_scale_since"),
    *("registered_at", "registered_by", "registered_role", "changed_at", "version"),
)
OWNER_COLUMNS: Final = (
    *("id", "name", "nik_sealed", "nik_index", "phone", "email", "language", "region", "registered_at"),
    *("restricted_at", "erased_at"),
)
