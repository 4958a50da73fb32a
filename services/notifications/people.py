"""The people a message can be for, under one name each: an owner by id, a member of staff by the token's subject."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import phonenumbers

from shared.caller import Caller, Role

PHONE_REGION = "ID"
OWNER_PREFIX = "owner/"
STAFF_PREFIX = "staff/"


class Language(StrEnum):
    """The languages that every message exists in."""

    INDONESIAN = "id"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Choices:
    """Over which channels somebody wants each class of message; `digest` makes of all information one message a day."""

    required: tuple[str, ...]
    invitation: tuple[str, ...]
    information: tuple[str, ...]
    digest: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be told.

    Shape:  `key` is `owner/<id>` or `staff/<subject>`; `businesses` are the person's own that the fact is about;
            `consents` is False for an owner who took back the consent to be contacted; `regions` are those that a
            member of staff serves, and sees the stock of; nobody writes to whoever is `held`; `home` is the region
            by whose clock they sleep; without `choices` every channel may be used; for who has `stopped` the inbox
            is all there is; `apprise_held` is the sealed address under which a member of staff is told by Apprise,
            and `webhook` says that the office's own system tells them
    """

    key: str
    language: Language
    email: str | None = None
    businesses: tuple[str, ...] = ()
    consents: bool = True
    regions: tuple[str, ...] = ()
    held: bool = False
    phone: str | None = None
    home: str = ""
    choices: Choices | None = None
    stopped: bool = False
    apprise_held: bytes | None = None
    webhook: bool = False

    def __repr__(self) -> str:
        return f"Person({self.key!r})"  # a value that ends in a log shows no address


def e164(phone: str) -> str | None:
    """Give a telephone number as E.164, however people or channels write it; None for what can be none."""
    try:
        number = phonenumbers.parse(phone, PHONE_REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def owner_key(owner_id: UUID) -> str:
    """Name an owner."""
    return f"{OWNER_PREFIX}{owner_id}"


def staff_key(subject: str) -> str:
    """Name a member of staff."""
    return f"{STAFF_PREFIX}{subject}"


def key_of(caller: Caller) -> str:
    """Name the person who asks; the role decides, so that no token of staff opens an owner's inbox."""
    if caller.role is not Role.OWNER:
        return staff_key(caller.subject)
    try:
        return owner_key(UUID(caller.subject))
    except ValueError:  # an issuer of its own may use other subjects: such an owner is simply not known here
        return f"{OWNER_PREFIX}{caller.subject}"
