"""Whom to ask first, and for how much: the score of each business and the share of the need that follows from it.

A score is decline x capacity x not yet served: the pieces a week that a business has lost and that no order of ours
has given back to it. It explains itself by its three factors and is never the last word: people may give another
quantity, with a reason.

Units:  a permille is a whole number of thousandths; a score is in millionths of a piece a week
Source: DOMAIN section 2, mask production orders
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

RULE = "decline-capacity-served/1"
"""The version of this rule; it stands beside every score, so that an old one can be worked out again."""

PERMILLE = 1_000
SERVED_DAYS = 365
"""Orders of this many days count as having served a business."""


@dataclass(frozen=True, slots=True)
class Factors:
    """What a score is made of.

    Shape: `served` is what other calls' orders of the last year gave the business, in the items' base units
    """

    decline_permille: int
    capacity_per_week: int
    served: int

    @property
    def not_yet_served_permille(self) -> int:
        """Give 1,000 for whoever had no order yet, 500 after orders for one week's capacity, 333 after two, and on."""
        if not self.capacity_per_week:
            return 0
        return PERMILLE * self.capacity_per_week // (self.capacity_per_week + self.served)

    @property
    def score(self) -> int:
        """Give the product of the three factors."""
        return self.decline_permille * self.capacity_per_week * self.not_yet_served_permille


@dataclass(frozen=True, slots=True)
class Stake:
    """What a business may have of a need: by weight, no less than it holds already and no more than the cap."""

    weight: int
    held: int
    most: int


def shares(need: int, stakes: Sequence[Stake]) -> list[int]:
    """Share a need out in proportion to the weights, whole units by the largest remainder, within each one's limits.

    Shape:  one share for each stake, in their order; ties of remainders go to who stands first. The sum is the need,
            or all that the limits allow: less where everybody has their most, more where what is held exceeds it
    """
    level = _level(need, stakes)
    if level is None:
        return [stake.held for stake in stakes]
    given = [_clamped(level, stake) for stake in stakes]
    if free := [index for index, stake in enumerate(stakes) if _is_free(level, stake)]:
        left = need - sum(given) + sum(given[index] for index in free)
        parts = _largest_remainder(int(left), [stakes[index].weight for index in free])
        for index, part in zip(free, parts, strict=True):
            given[index] = Fraction(part)
    return [int(share) for share in given]


def _largest_remainder(whole: int, weights: Sequence[int]) -> list[int]:
    """Part a whole in proportion to weights; what rounding leaves goes to the largest remainders, ties to the first."""
    total = sum(weights)
    parts = [whole * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: -(whole * weights[index] % total))
    for index in by_remainder[: whole - sum(parts)]:
        parts[index] += 1
    return parts


def _level(need: int, stakes: Sequence[Stake]) -> Fraction | None:
    """Give the highest level at which somebody meets a limit and the need is not yet exceeded; None when it is at 0."""
    if sum(stake.held for stake in stakes) >= need:
        return None
    levels = sorted(
        {Fraction(limit, s.weight) for s in stakes if s.weight for limit in (s.held, s.most)} | {Fraction(0)}
    )
    low, high = 0, len(levels)
    while high - low > 1:
        middle = (low + high) // 2
        if sum(_clamped(levels[middle], stake) for stake in stakes) <= need:
            low = middle
        else:
            high = middle
    return levels[low]


def _clamped(level: Fraction, stake: Stake) -> Fraction:
    return max(Fraction(stake.held), min(level * stake.weight, Fraction(stake.most)))


def _is_free(level: Fraction, stake: Stake) -> bool:
    """Tell whether a share still grows above this level."""
    return stake.weight > 0 and stake.held <= level * stake.weight < stake.most
