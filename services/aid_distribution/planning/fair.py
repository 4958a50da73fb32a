"""A fair split of scarce goods: nobody gets more than its need, and the least satisfied get as much as can be.

Each region's share is what it is given of its need, measured against its weight: share = given ÷ (need x weight). The
shares rise together like water in joined vessels until the supply is used up; a vessel that is full (given = need)
rises no further, and what it leaves goes to the others. So the lowest share is as high as it can be, then the next
lowest among those that can still be raised, and so on: weighted max-min fairness. The level is an exact fraction.

Goods are whole. Everybody is given the whole units of the exact part; the units that are left go one each to those
with the largest remainder, and among equals by region code. So nobody is a whole unit away from the exact part, and the
parts add up to the lesser of the supply and all needs.

Units:  quantities in the item's base unit; weights in permille, 1000 for a region that counts once
Source: max-min fairness by water filling (Bertsekas & Gallager, Data Networks, section 6.5.2), with weights and caps;
        largest remainder (Hamilton's method)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

WEIGHT_ONCE_PERMILLE = 1_000


@dataclass(frozen=True, slots=True)
class Want:
    """What a region needs, and how much it counts; `key` settles ties."""

    key: str
    need: int
    weight_permille: int = WEIGHT_ONCE_PERMILLE

    @property
    def width(self) -> int:
        """Give how much goes in for each step of the level."""
        return self.need * self.weight_permille

    @property
    def full_at(self) -> Fraction:
        """Give the level at which the need is met."""
        return Fraction(1, self.weight_permille)


@dataclass(frozen=True, slots=True)
class Split:
    """Who is given how much.

    Shape: `level` is the share of everybody whose need is not met; None when all needs are met. `exact` is the part
           before rounding, and `given` the whole units; both hold every key
    """

    level: Fraction | None
    exact: Mapping[str, Fraction]
    given: Mapping[str, int]


def split(wants: Sequence[Want], supply: int) -> Split:
    """Split a supply fairly; keys are unique, needs and the supply not negative, weights positive."""
    level = _level(wants, supply)
    exact = {
        want.key: Fraction(want.need) if level is None else min(Fraction(want.need), level * want.width)
        for want in wants
    }
    return Split(level, exact, _whole(exact))


def _level(wants: Sequence[Want], supply: int) -> Fraction | None:
    """Find the level at which the supply is used up: fill the vessels in the order in which they become full."""
    left, width = Fraction(supply), sum(want.width for want in wants)
    for want in sorted(wants, key=lambda want: want.full_at):
        if want.full_at * width > left:
            return left / width
        left -= want.need
        width -= want.width
    return None


def _whole(exact: Mapping[str, Fraction]) -> dict[str, int]:
    given = {key: int(part) for key, part in exact.items()}
    left = int(sum(exact.values(), Fraction(0))) - sum(given.values())
    first = sorted(exact, key=lambda key: (given[key] - exact[key], key))
    for key in first[:left]:
        given[key] += 1
    return given
