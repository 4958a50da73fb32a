"""The rules of prices: which ceiling counts, when a price has crossed it, and what the middle of a day's prices is.

Units: rupiah for one base unit of the item, whole
"""

from collections.abc import Sequence

PRICE_RUPIAH_MAX = 100_000_000
"""The most that one unit of anything costs here: it keeps every sum and product far inside 64 bits."""

OBSERVED_DAYS_MAX = 30
"""A price that is older than this says nothing of today."""


def circles(region: str) -> list[str]:
    """Give a region and every region around it, the nearest first."""
    parts = region.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def is_above(price_rupiah: int, ceiling_rupiah: int | None) -> bool:
    """Tell whether a price has passed its ceiling; without one it cannot."""
    return ceiling_rupiah is not None and price_rupiah > ceiling_rupiah


def is_crossing(*, was_above: bool, is_now_above: bool) -> bool:
    """Tell whether there is something to warn of: once when the ceiling is passed, then not until it was back below."""
    return is_now_above and not was_above


def middle(lower_rupiah: int, upper_rupiah: int) -> int:
    """Give the median by the two prices in the middle; half a rupiah, which nobody can pay, counts as a whole one."""
    return (lower_rupiah + upper_rupiah + 1) // 2


def median(prices_rupiah: Sequence[int]) -> int | None:
    """Give the median of some prices, None of none."""
    if not prices_rupiah:
        return None
    ordered = sorted(prices_rupiah)
    return middle(ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2])
