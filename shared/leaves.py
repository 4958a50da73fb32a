"""The values of an order by their JSON Pointers, in which rules beside its shape are asked of it."""

from collections.abc import Mapping

import msgspec

Leaves = Mapping[str, object]
"""The values of an order by their JSON Pointers, those only that have the right shape."""


def leaves_of(order: msgspec.Struct) -> Leaves:
    """Give the values of an order that has the right shape."""
    leaves: dict[str, object] = {}
    _gather(order, "", leaves)
    return leaves


def _gather(value: object, pointer: str, leaves: dict[str, object]) -> None:
    # Asked by the fields and not by isinstance, which msgspec's classes answer ten times as slowly.
    if fields := getattr(value, "__struct_fields__", None):
        for name in fields:
            _gather(getattr(value, name), f"{pointer}/{name}", leaves)
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            _gather(entry, f"{pointer}/{index}", leaves)
    elif value is not None:
        leaves[pointer] = value
