"""The people a message can be for, under one name each: an owner by id, a member of staff by the token's subject."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from shared.caller import Caller, Role

OWNER_PREFIX = "owner/"
STAFF_PREFIX = "staff/"


class Language(StrEnum):
    """The languages that every message exists in."""

    INDONESIAN = "id"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be told.

    Shape:  `key` is `owner/<id>` or `staff/<subject>`; `businesses` are the person's own that the fact is about;
            `consents` is False for an owner who took back the consent to be contacted; `regions` are those that a
            member of staff serves, and sees the stock of; nobody writes to
            whoever is `held`
    """

    key: str
    language: Language
    email: str | None = None
    businesses: tuple[str, ...] = ()
    consents: bool = True
    regions: tuple[str, ...] = ()
    held: bool = False

    def __repr__(self) -> str:
        return f"Person({self.key!r})"  # a value that ends in a log shows no address


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
