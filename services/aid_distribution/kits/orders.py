"""What may be asked of kits, and what they answer."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from services.aid_distribution.kits.domain import COMPONENTS_MAX, KITS_MAX, PER_KIT_MAX
from services.aid_distribution.ledger.orders import ItemCode, Lot, Moment, Order, PlaceCode
from shared.routes import PAGE_ITEMS_DEFAULT, Code, Cursor, Limit

Kits = Annotated[int, msgspec.Meta(ge=1, le=KITS_MAX, examples=[20])]


class Component(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of an item goes into one kit."""

    item: ItemCode
    quantity: Annotated[int, msgspec.Meta(ge=1, le=PER_KIT_MAX, examples=[3])]


class DefineKit(Order, frozen=True, kw_only=True):
    """Say what goes into a kit; the kit is an item of the catalogue, and so are its components."""

    kit: Annotated[Code, msgspec.Meta(examples=["SEWING-KIT"])]
    components: Annotated[list[Component], msgspec.Meta(min_length=1, max_length=COMPONENTS_MAX)]


class AssembleKits(Order, frozen=True, kw_only=True):
    """Kits were put together at a place; a lot of kits expires with the first of its components."""

    place: PlaceCode
    quantity: Kits
    occurred_at: Moment
    lot: Lot | None = None


class UnpackKits(Order, frozen=True, kw_only=True):
    """Kits were taken apart at a place; their components lie there again, without lots."""

    place: PlaceCode
    quantity: Kits
    occurred_at: Moment
    lot: Lot | None = None


class KitQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stretch of the kits to list."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class ComponentView(msgspec.Struct, frozen=True, kw_only=True):
    """How much of an item goes into one kit."""

    item: str
    name: str
    unit: str
    quantity: int


class KitView(msgspec.Struct, frozen=True, kw_only=True):
    """A kit and what goes into one."""

    id: UUID
    kit: str
    name: str
    document: str | None
    defined_at: datetime
    components: list[ComponentView]
