"""Who is asking: the role and the regions that every decision about access rests on."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

REGION_CODE = re.compile(r"\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?", re.ASCII)
"""Province, regency, district, village, as the Ministry of Home Affairs writes them (DOMAIN section 5)."""


SUBJECT_LENGTH_MAX = 200


class Role(StrEnum):
    """What a caller is; what each may do is in `shared.roles`."""

    OWNER = "owner"
    REGENCY_OFFICER = "regency_officer"
    PROVINCE_STAFF = "province_staff"
    AUDITOR = "auditor"
    TURNOVER_READER = "turnover_reader"  # the one who may see the sales of a person's business, one by one
    OPERATOR = "operator"
    SERVICE = "service"
    PUBLIC = "public"  # whoever asks without a token, where that is allowed


DATING_BACK_DAYS: Mapping[Role, int] = MappingProxyType({Role.REGENCY_OFFICER: 30, Role.PROVINCE_STAFF: 366})
"""How far back a role may date unless a setting says otherwise; who is not named has no limit (DESIGN section 5)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The one who makes a request, as the token says and nothing else.

    Shape:  `regions` are codes; each stands for itself and all below it; an owner has none and sees their own
    """

    subject: str
    role: Role
    regions: tuple[str, ...]
    request_id: str = ""
    traceparent: str = ""

    def sees(self, region: str) -> bool:
        """Tell whether a region is one of the caller's or lies inside one: "19" sees "19.71", "19.7" does not."""
        return sees(self.regions, region)


def sees(regions: Iterable[str], region: str) -> bool:
    """Tell whether whoever has these regions sees another one: it is one of them, or lies inside one."""
    return any(region == own or region.startswith(own + ".") for own in regions)


ANYBODY = Caller("public", Role.PUBLIC, ())
"""The one who shows no token."""


def default_regions(role: Role, province: str) -> tuple[str, ...]:
    """Give the regions of a role when none are named: the province, except for those who are bound to less."""
    return () if role in (Role.OWNER, Role.REGENCY_OFFICER, Role.PUBLIC) else (province,)


def caller_fault(subject: str, role: Role, regions: Collection[str]) -> str | None:
    """Say why these three cannot be a caller, or None when they can."""
    if not (0 < len(subject) <= SUBJECT_LENGTH_MAX and subject.isprintable() and subject == subject.strip()):
        return f"a subject is 1 to {SUBJECT_LENGTH_MAX} printable characters"
    return regions_fault(role, regions)


def regions_fault(role: Role, regions: Collection[str]) -> str | None:
    """Say why a role cannot have these regions, or None when it can."""
    if role is Role.PUBLIC:
        return "the public asks without a token"
    if wrong := [code for code in regions if not REGION_CODE.fullmatch(code)]:
        return f"{wrong[0]!r} is not a region code"
    if role is Role.OWNER:
        return "an owner has no regions" if regions else None
    if not regions:
        return f"a caller with the role {role} needs at least one region"
    if role is Role.REGENCY_OFFICER and any("." not in code for code in regions):
        return "a regency officer is bound to regencies, never to a whole province"
    return None
