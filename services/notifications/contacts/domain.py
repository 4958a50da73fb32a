"""Which members of staff a region concerns."""

from services.notifications.people import Language
from shared.caller import Role

STAFF_ROLES = (Role.REGENCY_OFFICER, Role.PROVINCE_STAFF, Role.AUDITOR, Role.OPERATOR)
"""The roles that a member of staff can have."""

ERASED_NAME = "(dihapus)"
"""What stands in the place of a name that was erased."""

OFFICE_ROLES = (Role.REGENCY_OFFICER, Role.PROVINCE_STAFF)
"""The roles that are told of what happens to stock and aid; auditors and operators look by themselves."""


def circles(region: str) -> list[str]:
    """Give the regions that a place lies in, itself last: "19.71" lies in "19" and in "19.71"."""
    parts = region.split(".")
    return [".".join(parts[: length + 1]) for length in range(len(parts))]


def spoken(language: str) -> Language:
    """Give a language that the texts exist in: Indonesian for whatever else registration may know one day."""
    return Language.ENGLISH if language == Language.ENGLISH else Language.INDONESIAN
