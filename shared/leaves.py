"""The values of an order by their JSON Pointers, in which rules beside its shape are asked of it."""

from collections.abc import Iterator, Mapping

import msgspec

Leaves = Mapping[str, object]
"""The values of an order by their JSON Pointers, those only that have the right shape."""


def leaves_of(order: msgspec.Struct) -> Leaves:
    """Give the values of an order that has the right shape."""
    return dict(_leaves(order, ""))


def _leaves(value: object, pointer: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _leaves(getattr(value, name), f"{pointer}/{name}")
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _leaves(entry, f"{pointer}/{index}")
    elif value is not None:
        yield pointer, value
