"""What may be told of a region, and how it is shown."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from services.aid_distribution.regions.domain import POPULATION_MAX, YEAR_FIRST, YEAR_LAST, RegionKind
from services.aid_distribution.regions.store import KnownRegionRow
from shared.routes import Text

RegencyCode = Annotated[str, Meta(max_length=5, pattern=r"^[0-9]{2}\.[0-9]{2}$(?!\n)", examples=["19.72"])]
Heads = Annotated[int, Meta(ge=1, le=POPULATION_MAX, examples=[242_285])]
Households = Annotated[int, Meta(ge=1, le=POPULATION_MAX, examples=[60_000])]
Year = Annotated[int, Meta(ge=YEAR_FIRST, le=YEAR_LAST, examples=[2020])]


class AddRegion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Make a regency or a city known, by its code of the Ministry of Home Affairs."""

    code: RegencyCode
    name: Annotated[Text, Meta(examples=["Bangka Utara"])]
    kind: Annotated[RegionKind, Meta(examples=["regency"])]
    population: Heads
    population_year: Year | None = None
    households: Households | None = None
    document: Text | None = None


class ChangeRegion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is new about a region; what is not named stays, null takes away."""

    name: Text | UnsetType = UNSET
    population: Heads | UnsetType = UNSET
    population_year: Year | UnsetType | None = UNSET
    households: Households | UnsetType | None = UNSET


class RegionView(msgspec.Struct, frozen=True, kw_only=True):
    """A regency or a city with its figures, and the system that its code belongs to."""

    id: UUID
    code: str
    code_system: str
    name: str
    kind: str
    population: int
    population_year: int | None
    households: int | None
    version: int


def region_view(row: KnownRegionRow) -> RegionView:
    """Show a region."""
    return msgspec.convert(row, RegionView, from_attributes=True)
