"""The items and places that the ledger knows, by the codes that people use."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, Integer, Text, Uuid, text
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.caller import Caller
from shared.problems import Refusal


class Unit(StrEnum):
    """The base units in which quantities are counted."""

    PIECE = "piece"
    KG = "kg"
    LITRE = "litre"
    PACK = "pack"


class Category(StrEnum):
    """What an item is for."""

    MASK = "mask"
    HYGIENE = "hygiene"
    STAPLE = "staple"
    KIT = "kit"
    ASSET = "asset"
    OTHER = "other"


class PlaceKind(StrEnum):
    """What a place is."""

    WAREHOUSE = "warehouse"
    CROWD_CENTRE = "crowd_centre"
    MARKET_VENUE = "market_venue"


class CodeTaken(Refusal):
    """Another item or place bears this code."""

    code = "code_taken"
    title = "This code is in use"


def _one_of(values: type[StrEnum]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class ItemRow(SQLModel, table=True):
    """Something that is counted."""

    __tablename__ = "item"
    __table_args__ = (
        CheckConstraint(f"unit IN ({_one_of(Unit)})", name="item_unit_known"),
        CheckConstraint(f"category IN ({_one_of(Category)})", name="item_category_known"),
    )

    code: str = Field(sa_column=Column(Text, primary_key=True))
    id: UUID = Field(sa_column=Column(Uuid, nullable=False, unique=True))
    name: str
    unit: str
    category: str
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class PlaceRow(SQLModel, table=True):
    """Somewhere that stock lies or goes; the virtual places stand for the world outside."""

    __tablename__ = "place"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_one_of(PlaceKind)}, 'virtual', 'reserved')", name="place_kind_known"),
        CheckConstraint("(kind = 'virtual') = (region = '')", name="place_real_has_region"),
        CheckConstraint("(kind = 'reserved') = (right(code, 1) = '~')", name="place_reserved_by_code"),
    )

    code: str = Field(sa_column=Column(Text, primary_key=True))
    id: UUID = Field(sa_column=Column(Uuid, nullable=False, unique=True))
    name: str
    kind: str
    region: str = Field(sa_column=Column(Text, nullable=False, index=True))
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class Item(NamedTuple):
    """What orders and events need to know of an item."""

    name: str
    unit: str


class Place(NamedTuple):
    """What orders and events need to know of a place."""

    name: str
    region: str


# One question for both, with plain rows as answer: every order asks it, and mapped objects cost a millisecond a batch.
FIND = text(
    "SELECT true AS is_item, code, name, unit AS detail FROM item WHERE code = ANY(CAST(:items AS text[]))"
    " UNION ALL SELECT false, code, name, region FROM place WHERE code = ANY(CAST(:places AS text[]))"
    " AND kind NOT IN ('virtual', 'reserved')"
)


async def find(
    session: AsyncSession, items: Iterable[str] = (), places: Iterable[str] = ()
) -> tuple[dict[str, Item], dict[str, Place]]:
    """Find items and real places by their codes.

    What is unknown is missing in the answer, and so are virtual places and those of reserved goods.
    """
    found: tuple[dict[str, Item], dict[str, Place]] = ({}, {})
    for is_item, code, name, detail in await session.execute(FIND, {"items": list(items), "places": list(places)}):
        if is_item:
            found[0][code] = Item(name, detail)
        else:
            found[1][code] = Place(name, detail)
    return found


def seen(place: Place | None, caller: Caller) -> Place | None:
    """Give the place if this caller may know of it: another region's place is as absent as none."""
    return place if place is not None and caller.sees(place.region) else None
