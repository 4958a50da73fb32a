"""The rules about an owner and a business: what may be said of them, and what follows from it.

Units:  money in whole rupiah; days are days in WIB
Source: DOMAIN section 3
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

import phonenumbers

from shared.person_numbers import nik_fault
from shared.problems import FieldError, Refusal

MILLION = 1_000_000
BILLION = 1_000 * MILLION

SALES_RULE = "pp-7-2021"
INDUSTRY_RULE = "permenperin-64-2016"
PHONE_REGION = "ID"
MOBILE = re.compile(r"8[1-35-9]\d{7,10}")
"""A mobile number of this country behind its 0; a test holds it against the rule of the library."""

KBLI_EDITIONS = (2015, 2017, 2020, 2025)
"""The editions of the classification that a code may be read in; the same digits mean other things in each."""


class State(StrEnum):
    """What a business is doing."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"
    MERGED = "merged"  # into another, by a case of duplicates alone


FOLLOWS: Mapping[State, frozenset[State]] = {
    State.ACTIVE: frozenset({State.SUSPENDED, State.CLOSED}),
    State.SUSPENDED: frozenset({State.ACTIVE, State.CLOSED}),
    State.CLOSED: frozenset(),
    State.MERGED: frozenset(),
}
"""Which state may follow which; who opens again after closing registers anew, and keeps the old history apart."""


class Scale(StrEnum):
    """How big a business is, by a rule that is named beside it."""

    MICRO = "micro"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


@dataclass(frozen=True, slots=True)
class Scaled:
    """A scale together with the version of the rule that gave it."""

    scale: Scale
    rule: str


@dataclass(frozen=True, slots=True)
class Kbli:
    """A class of industry; the code means nothing without its edition."""

    code: str
    edition: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerData:
    """What is said of a person who owns a business."""

    name: str
    nik: str | None = None
    phone: str | None = None
    email: str | None = None
    language: str = "id"

    def __repr__(self) -> str:
        return "OwnerData(...)"  # nothing personal reaches a log by way of a traceback


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessData:
    """What is said of a business."""

    name: str
    sector: str
    region: str
    kbli: Kbli | None = None
    nib: str | None = None
    workers: int | None = None
    investment_rupiah: int | None = None
    annual_sales_rupiah: int | None = None
    annual_sales_on: date | None = None
    address: str | None = None
    document: str | None = None

    @property
    def business_scale(self) -> Scaled | None:
        """Give the scale by annual sales, or None while they are not known."""
        return None if self.annual_sales_rupiah is None else scale_by_sales(self.annual_sales_rupiah)

    @property
    def industry_scale(self) -> Scaled | None:
        """Give the scale by workers and investment, or None while either is not known."""
        if self.workers is None or self.investment_rupiah is None:
            return None
        return scale_of_industry(self.workers, self.investment_rupiah)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something worth a second look that refuses nothing."""

    pointer: str
    code: str
    detail: str


class KnownAlready(Refusal):
    """A number is that of another; `whose` is set where nothing was written before it was found, and is never told."""

    whose: UUID | None = None

    def of(self, owner_id: UUID) -> Self:
        """Say whose it is, to those who keep a case of it."""
        self.whose = owner_id
        return self


class NikBelongsToAnother(KnownAlready):
    """The NIK is known, and the person it belongs to bears another name."""

    code = "nik_belongs_to_another"
    title = "This NIK belongs to a person with another name"


class NibTaken(KnownAlready):
    """Another business has this NIB already."""

    code = "nib_taken"
    title = "This NIB belongs to another business"


class OwnerErased(Refusal):
    """The data of this person were erased; nothing more is kept of them."""

    code = "owner_erased"
    title = "The data of this person were erased"


class OwnerRestricted(Refusal):
    """The data of this person may only be stored, until the restriction is lifted."""

    code = "owner_restricted"
    title = "Processing of this person's data is restricted"


class BusinessIsClosed(Refusal):
    """Nothing about a closed business can be changed any more."""

    code = "business_closed"
    title = "This business is closed"


class BusinessIsMerged(Refusal):
    """A business that was merged into another is changed there, or the merge is undone first."""

    code = "business_merged"
    title = "This business was merged into another"


def scale_columns(
    name: str, scaled: Scaled | None, before: Mapping[str, object], registered_on: date, today: date
) -> dict[str, object]:
    """Give the columns of a scale: it, its rule, and since when, which is left out while it is that of the start.

    Shape: `before` holds these columns as they stand; gives nothing where the scale is the same
    """
    after = {name: scaled.scale.value, f"{name}_rule": scaled.rule} if scaled else {name: None, f"{name}_rule": None}
    if all(before[column] == value for column, value in after.items()):
        return {}
    return {**after, f"{name}_since": None if scaled is None or registered_on == today else today}


def scale_by_sales(annual_sales_rupiah: int) -> Scaled:
    """Give the scale of a business by its annual sales.

    Source: PP 7/2021 article 35: up to 2, 15 and 50 thousand million rupiah
    """
    for scale, at_most in ((Scale.MICRO, 2 * BILLION), (Scale.SMALL, 15 * BILLION), (Scale.MEDIUM, 50 * BILLION)):
        if annual_sales_rupiah <= at_most:
            return Scaled(scale, SALES_RULE)
    return Scaled(Scale.LARGE, SALES_RULE)


def scale_of_industry(workers: int, investment_rupiah: int) -> Scaled:
    """Give the scale of an industry by its workers and what was invested, land and buildings left out.

    Source: Permenperin 64/2016: up to 19 workers and less than 1 thousand million is small; 20 workers or more
            and more than 15 thousand million is large; what lies between is medium
    """
    few = workers <= 19  # noqa: PLR2004  the rule's own number
    if few and investment_rupiah < BILLION:
        return Scaled(Scale.SMALL, INDUSTRY_RULE)
    if not few and investment_rupiah > 15 * BILLION:
        return Scaled(Scale.LARGE, INDUSTRY_RULE)
    return Scaled(Scale.MEDIUM, INDUSTRY_RULE)


def e164(phone: str) -> str | None:
    """Give a telephone number as E.164, read as people here write it (0812-...), or None when it cannot be one."""
    if phone[:1] == "0" and phone.isascii() and MOBILE.fullmatch(phone, 1):
        return f"+62{phone[1:]}"  # as nearly all are; the library takes 150 microseconds to say the same
    if not phone.isprintable():
        return None  # the library would read over what stands there
    try:
        number = phonenumbers.parse(phone, PHONE_REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def nik_notices(nik: str, region: str) -> list[Notice]:
    """Warn when a NIK was first issued elsewhere, which is a typing mistake or, as often, a person who moved."""
    issued = f"{nik[:2]}.{nik[2:4]}"
    if issued == region[: len(issued)]:
        return []
    detail = f"It was first issued in {issued}, the business is in {region}; right for those who moved."
    return [Notice("/owner/nik", "nik_issued_elsewhere", detail)]


def names_agree(one: str, other: str) -> bool:
    """Tell whether two spellings name one person: case, accents, dots and spaces do not matter."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    if name.isascii():
        return "".join(filter(str.isalnum, name.casefold())) or name
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    # A name without any letter or figure is compared as it stands, or all such names would be one.
    return "".join(letter for letter in plain.casefold() if letter.isalnum()) or name


def mistakes(leaves: Mapping[str, object], today: date) -> list[FieldError]:
    """Find everything wrong with values whose shape is right, by their JSON Pointers.

    Shape:  `leaves` holds the values that are there, such as {"/owner/phone": "0812..."}
    """
    errors = [
        FieldError(pointer, code, detail)
        for pointer, (code, fault) in FAULTS.items()
        if isinstance(value := leaves.get(pointer), str) and (detail := fault(value))
    ]
    errors += [
        FieldError(pointer, "in_the_future", f"Today is {today}.")
        for pointer in DAYS
        if isinstance(day := leaves.get(pointer), date) and day > today
    ]
    return errors


def registration_mistakes(leaves: Mapping[str, object]) -> Iterator[FieldError]:
    """Find out what is missing or said twice: the owner is known by id or described, sales come before their day."""
    described = any(pointer == "/owner" or pointer.startswith("/owner/") for pointer in leaves)
    if "/owner_id" in leaves and described:
        yield FieldError("/owner_id", "both_given", "Either owner_id or owner, not both.")
    if "/owner_id" not in leaves and not described:
        yield FieldError("/owner", "missing", "Either owner_id or owner is needed.")
    if "/annual_sales_on" in leaves and "/annual_sales_rupiah" not in leaves:
        yield SALES_MISSING


def change_mistakes(leaves: Mapping[str, object], *, state: State, sales_known: bool) -> Iterator[FieldError]:
    """Find out what is missing in a change: another state needs its reason, a day of sales the sales."""
    if "/state" in leaves and leaves["/state"] != state and "/state_reason" not in leaves:
        yield FieldError("/state_reason", "missing", "A change of state needs its reason.")
    if "/state" not in leaves and (told := [name for name in STATE_SAYS if name in leaves]):
        yield FieldError("/state", "missing", f"{told[0][1:]} belongs to a change of state.")
    if "/annual_sales_on" in leaves and not (sales_known or "/annual_sales_rupiah" in leaves):
        yield SALES_MISSING


def _phone_fault(phone: str) -> str | None:
    return None if e164(phone) else "Not a telephone number that exists in Indonesia or, with +, elsewhere."


FAULTS: Mapping[str, tuple[str, Callable[[str], str | None]]] = {
    "/owner/nik": ("invalid_nik", nik_fault),
    "/owner/phone": ("invalid_phone", _phone_fault),
}

STATE_SAYS = ("/state_reason", "/state_document", "/state_since")
DAYS = ("/annual_sales_on", "/state_since", "/closed_on")
"""Days that have been, or they could not be told."""

SALES_MISSING = FieldError("/annual_sales_rupiah", "missing", "The day of sales is given, and the sales are not.")


def check_open(restricted_at: datetime | None, erased_at: datetime | None) -> None:
    """Let pass whose data may be processed; raises OwnerErased or OwnerRestricted (409)."""
    if erased_at is not None:
        raise OwnerErased
    if restricted_at is not None:
        raise OwnerRestricted


def follow(state: State, wanted: State) -> State:
    """Give the state that a business passes into; raises BusinessIsClosed or BusinessIsMerged (409) once it is."""
    if state is State.MERGED:
        raise BusinessIsMerged
    if wanted not in FOLLOWS[state] and (wanted is not state or state is State.CLOSED):
        raise BusinessIsClosed("It stays closed; who begins again is registered anew.")
    return wanted
