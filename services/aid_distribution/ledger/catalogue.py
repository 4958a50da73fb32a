"""The items and places that the ledger knows, by the codes that people use."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, Integer, Text, Uuid
from sqlmodel import Field, SQLModel, col, select
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
        CheckConstraint(f"kind IN ({_one_of(PlaceKind)}, 'virtual')", name="place_kind_known"),
        CheckConstraint("(kind = 'virtual') = (region = '')", name="place_real_has_region"),
    )

    code: str = Field(sa_column=Column(Text, primary_key=True))
    id: UUID = Field(sa_column=Column(Uuid, nullable=False, unique=True))
    name: str
    kind: str
    region: str = Field(sa_column=Column(Text, nullable=False, index=True))
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


VIRTUAL_KIND = "virtual"


async def items_by_code(session: AsyncSession, codes: Collection[str]) -> dict[str, ItemRow]:
    """Find items; what is unknown is missing in the answer."""
    found = await session.exec(select(ItemRow).where(col(ItemRow.code).in_(codes)))
    return {item.code: item for item in found}


async def places_by_code(session: AsyncSession, codes: Collection[str]) -> dict[str, PlaceRow]:
    """Find real places; what is unknown or virtual is missing in the answer."""
    found = await session.exec(
        select(PlaceRow).where(col(PlaceRow.code).in_(codes), col(PlaceRow.kind) != VIRTUAL_KIND)
    )
    return {place.code: place for place in found}


def seen(place: PlaceRow | None, caller: Caller) -> PlaceRow | None:
    """Give the place if this caller may know of it: another region's place is as absent as none."""
    return place if place is not None and caller.sees(place.region) else None
