"""The rules of kits: no kit is in itself, however deep, and so many can be made as the scarcest component allows."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from services.aid_distribution.ledger.domain import ShortOfStock
from shared.problems import Refusal

KITS_MAX = 1_000_000
PER_KIT_MAX = 1_000_000
"""Kits times what goes into one stay within what a line of the ledger moves."""

COMPONENTS_MAX = 100


class KitDefined(Refusal):
    """What goes into a kit is said once: what was put together must be what is taken apart."""

    code = "kit_defined"
    title = "This kit is defined already"


class KitInItself(Refusal):
    """A component of the kit holds the kit itself."""

    code = "kit_in_itself"
    title = "A kit cannot be part of itself"


def way_to_itself(kit: str, components: Collection[str], known: Mapping[str, Sequence[str]]) -> list[str]:
    """Give a way from a kit to itself over its components and theirs; nothing when there is none."""
    ways = [[kit, component] for component in components]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        if way[-1] == kit:
            return way
        if way[-1] not in seen:
            seen.add(way[-1])
            ways += [[*way, inner] for inner in known.get(way[-1], ())]
    return []


def short_of_components(refusal: ShortOfStock, kit: str, asked: int, per_kit: Mapping[str, int]) -> ShortOfStock:
    """Say of each component that is short how many kits it would do for, and how many can be made of all.

    What is not in the refusal does for all that were asked, so the scarcest of those that are decides.
    """
    told: Any = refusal.members["cards"]
    cards = [
        {**card, "per_kit": per_kit[card["item"]], "kits": card["available"] // per_kit[card["item"]]} for card in told
    ]
    possible = min(card["kits"] for card in cards)
    return ShortOfStock(f"{kit}: asked {asked}, {possible} can be made.", kits_possible=possible, cards=cards)
