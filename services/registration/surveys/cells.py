"""Figures about cells of a table, so that no cell says anything of the few businesses that it holds.

A cell of fewer than CELL_MIN answers is hidden. Beside it as many others are hidden as it takes that it cannot be
worked out: a table with its totals is a set of sums, and what a sum lacks alone is what is left of it. A hidden cell
can be worked out exactly where, with sectors and regions (and "all" of each) as points and hidden cells as lines
between them, its line is the only way from one side to the other; so lines are added until none is.

Source: docs/decisions/0044; the condition is that of complementary suppression in two-way tables (Gusfield 1988)
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from math import floor
from typing import NamedTuple

CELL_MIN = 5
STEP = CELL_MIN
"""While a wave is open, so many answers of a sector in a region come into the figures together: see figures.py."""


class Cell(NamedTuple):
    """A sector in a region; None stands for all of them."""

    sector: str | None
    region: str | None


class Quartiles(NamedTuple):
    """The lower quartile, the median and the upper quartile."""

    lower: int
    median: int
    upper: int


def quartiles(values: Sequence[int]) -> Quartiles | None:
    """Give the quartiles as `percentile_cont` of PostgreSQL does, as whole numbers; None of nothing.

    The value at place p * (n - 1), between two neighbours in proportion, then a half rounded up.
    """
    ordered = sorted(values)
    return Quartiles(*(_at(ordered, Fraction(quarter, 4)) for quarter in (1, 2, 3))) if ordered else None


def _at(ordered: Sequence[int], part: Fraction) -> int:
    place = part * (len(ordered) - 1)
    low = floor(place)
    high = min(low + 1, len(ordered) - 1)
    return rounded(ordered[low] + (place - low) * (ordered[high] - ordered[low]))


def rounded(value: Fraction | float) -> int:
    """Give the nearest whole number, a half up."""
    return floor(value + Fraction(1, 2))


def hidden(answers: Mapping[Cell, int]) -> frozenset[Cell]:
    """Give the cells that are not shown, of a table with all its totals; a cell that is not in it holds nothing."""
    shown = {cell for cell, count in answers.items() if count >= CELL_MIN}
    lacking = {cell for cell, count in answers.items() if 0 < count < CELL_MIN}
    while (crossing := _ways_out(lacking, shown)) is not None:
        if not crossing:  # nothing holds it up from the other side: the totals are not those of these cells
            return frozenset(answers)
        smallest = min(crossing, key=lambda cell: (answers[cell], cell.sector or "", cell.region or ""))
        shown.remove(smallest)
        lacking.add(smallest)
    return frozenset(lacking)


def _ways_out(lacking: Collection[Cell], shown: Collection[Cell]) -> list[Cell] | None:
    """Give the cells of which one more must be hidden, for the first hidden one that could be worked out; else None."""
    for cell in sorted(lacking, key=lambda one: (one.sector or "", one.region or "")):
        side = _reached(("sector", cell.sector), [one for one in lacking if one != cell])
        if ("region", cell.region) in side:
            continue
        return [one for one in shown if (("sector", one.sector) in side) != (("region", one.region) in side)]
    return None


def _reached(start: tuple[str, str | None], lines: Collection[Cell]) -> set[tuple[str, str | None]]:
    """Give the points that can be reached from one over these lines."""
    beside: dict[tuple[str, str | None], list[tuple[str, str | None]]] = defaultdict(list)
    for line in lines:
        beside["sector", line.sector].append(("region", line.region))
        beside["region", line.region].append(("sector", line.sector))
    reached, ahead = {start}, [start]
    while ahead:
        for point in beside[ahead.pop()]:
            if point not in reached:
                reached.add(point)
                ahead.append(point)
    return reached


def share_permille(part: int, whole: int) -> int:
    """Give a share in per mille, a half rounded up."""
    return (2000 * part + whole) // (2 * whole)
