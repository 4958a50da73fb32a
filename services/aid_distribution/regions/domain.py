"""The rules of regions: what a regency or a city is, and how many may live there."""

from enum import StrEnum

from shared.problems import Refusal

POPULATION_MAX = 1_000_000_000
"""More than any regency or city will ever hold; products with a quantity stay whole numbers of the database."""

YEAR_FIRST, YEAR_LAST = 1945, 2100


class RegionKind(StrEnum):
    """What a region of the second level is."""

    REGENCY = "regency"
    CITY = "city"


class CodeSystem(StrEnum):
    """Whose codes these are: the statistics office uses other ones for the same regions."""

    KEMENDAGRI = "kemendagri"


class RegionKnown(Refusal):
    """A region of this code is known already."""

    code = "region_known"
    title = "This region is known already"
