"""What orders name, as far as it exists: the items, the places, and the lots whose expiry is known."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Protocol

from services.aid_distribution.ledger import packs, store
from services.aid_distribution.ledger.catalogue import Item, Place, find, seen
from services.aid_distribution.ledger.domain import Line, Packed
from services.aid_distribution.ledger.packs import PackKey
from services.aid_distribution.ledger.store import LotKey
from shared.caller import DATING_BACK_DAYS, Caller, Role
from shared.contracts.aid_distribution import Goods
from shared.database import Work
from shared.leaves import Leaves
from shared.problems import FieldError

PLACES = ("place", "from_place", "to_place")


class Told(Protocol):
    """A line of goods as it was told."""

    @property
    def item(self) -> str: ...  # noqa: D102 - the name says it

    @property
    def quantity(self) -> int: ...  # noqa: D102 - the name says it

    @property
    def lot(self) -> str | None: ...  # noqa: D102 - the name says it


@dataclass(frozen=True, slots=True)
class Known:
    """The items, places, lots and packs that a batch of orders names, as far as they exist.

    Shape:  `packs` says how many base units each holds
    Units:  `back_days` is how far back each role may date
    """

    items: dict[str, Item]
    places: dict[str, Place] = field(default_factory=dict)
    expiries: dict[LotKey, date] = field(default_factory=dict)
    packs: dict[PackKey, int] = field(default_factory=dict)
    back_days: Mapping[Role, int] = field(default_factory=lambda: DATING_BACK_DAYS)

    def has_place(self, code: str, caller: Caller) -> bool:
        """Tell whether there is such a place that the caller may know of."""
        return seen(self.places.get(code), caller) is not None

    def base(self, line: Told) -> int:
        """Give the quantity of a line in base units."""
        pack = getattr(line, "pack", None)
        return line.quantity * self.packs[line.item, pack] if pack else line.quantity

    def packed(self, lines: Iterable[Told]) -> tuple[Packed, ...]:
        """Give the lines that are told in packs."""
        return tuple(
            Packed(line.item, line.lot, pack, line.quantity, self.packs[line.item, pack])
            for line in lines
            if (pack := getattr(line, "pack", None))
        )

    def in_base_units(self, leaves: Leaves) -> Leaves:
        """Give the values of an order with every quantity in base units, as far as its packs are known."""
        found = dict(leaves)
        for line, key, quantity in packed_lines(leaves):
            if isinstance(quantity, int) and key in self.packs:
                found[f"{line}/quantity"] = quantity * self.packs[key]
        return found

    def goods(self, lines: Iterable[Line]) -> list[Goods]:
        """Put lines into the words of an event."""
        return [
            Goods(
                item=line.item,
                item_name=self.items[line.item].name,
                unit=self.items[line.item].unit,
                quantity=line.quantity,
                lot=line.lot or None,
            )
            for line in lines
        ]


Rule = Callable[[Leaves, Known, Caller, datetime], list[FieldError]]
"""Says everything that is wrong with an order beside its shape: for this caller, at this moment."""


async def known_by_code(work: Work, items: Iterable[str], places: Iterable[str] = ()) -> Known:
    """Find items and places."""
    return Known(*await find(work.session, set(items), set(places)), back_days=work.dating_back_days)


async def known(work: Work, orders: Sequence[Leaves]) -> Known:
    """Find what a batch of orders names."""
    items: set[str] = set()
    places: set[str] = set()
    for order in orders:
        for pointer, value in order.items():
            name = field_of(pointer)
            if name == "item":
                items.add(str(value))
            elif name in PLACES:
                places.add(str(value))
    lots = {lot for order in orders for _, lot, _ in dated_lots(order)}
    named = {key for order in orders for _, key, _ in packed_lines(order)}
    found = await find(work.session, items, places)
    expiries = await store.expiries(work.session, lots) if lots else {}
    held = await packs.quantities(work.session, named) if named else {}
    return Known(*found, expiries, held, work.dating_back_days)


@lru_cache(maxsize=4_096)  # the same few pointers are asked for in every order, many times each
def field_of(pointer: str) -> str:
    """Give the last step of a pointer."""
    return pointer[pointer.rfind("/") + 1 :]


def packed_lines(leaves: Leaves) -> Iterator[tuple[str, PackKey, object]]:
    """Give each line that is told in packs: where the line is, the item and its pack, and how many."""
    for pointer, pack in leaves.items():
        if field_of(pointer) == "pack" and isinstance(pack, str):
            line = pointer.removesuffix("/pack")
            item = leaves.get(f"{line}/item")
            if isinstance(item, str):
                yield line, (item, pack), leaves.get(f"{line}/quantity")


def dated_lots(leaves: Leaves) -> Iterator[tuple[str, LotKey, date]]:
    """Give each line that tells the expiry of a lot: where the line is, which lot, and the expiry."""
    for pointer, value in leaves.items():
        if field_of(pointer) == "expires_on" and isinstance(value, date):
            line = pointer.removesuffix("/expires_on")
            item, lot = leaves.get(f"{line}/item"), leaves.get(f"{line}/lot")
            if isinstance(item, str) and isinstance(lot, str):
                yield line, (item, lot), value
