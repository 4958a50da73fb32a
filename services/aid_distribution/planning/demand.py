"""Demand that comes now and then: how likely a day has any, how much it then is, and how long stock lasts.

Handing out is intermittent: many days with nothing, then a market or a distribution. An average over days would be too
sure of itself, and exponential smoothing of days is highest on the day after a demand. So the chance of a day and the
size of a demand are smoothed apart (Teunter, Syntetos and Babai): each day the chance moves towards 1 or 0, and on days
with demand the size moves towards that day's:

    chance += 0.05 (1 or 0 - chance)        size += 0.1 (demand - size)        demand of a day = chance x size

It begins at the averages of the window. Unlike Croston's method, which learns on days with demand only, it notices that
a programme has ended, and it needs no correction of bias (Syntetos and Boylan's is of Croston's).

The range comes from the variability. With chance p, mean size z and variance of sizes v, a day's demand has the mean
m = p z and, by the law of total variance, the variance s2 = p (v + z2) - m2. After T days m T has gone, give or take
k s sqrt(T), with k = 1.2816 for the middle eight of ten cases of a normal distribution. The stock S is used up at the
T for which m T + k s sqrt(T) = S (low) and m T - k s sqrt(T) = S (high), which is a quadratic equation in sqrt(T):

    T = (2 m S + k2 s2 -+ k s sqrt(k2 s2 + 4 m S)) / (2 m2)

A day on which nothing was left to hand out counts as a day without demand, so after an empty shelf stock seems to last
longer than it will.

Source: Teunter, Syntetos and Babai, Intermittent demand: linking forecasting to inventory obsolescence, European
        Journal of Operational Research 214 (2011) 606-615; Croston, Operational Research Quarterly 23 (1972) 289-303;
        Syntetos and Boylan, International Journal of Forecasting 21 (2005) 303-314
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, floor, sqrt

CHANCE_SMOOTHING = 0.05
SIZE_SMOOTHING = 0.1
MIDDLE_PERMILLE = 800
DEVIATIONS = 1.2816
"""Standard deviations on either side that hold the middle 800 of 1,000 cases."""

HISTORY_DAYS_MIN = 14
DEMAND_DAYS_MIN = 2
DIGITS = 9
"""So many digits after the point are kept before rounding to whole days: floating point is never quite exact."""


class Unknown(StrEnum):
    """Why it cannot be said how long stock lasts."""

    NO_DEMAND = "no_demand"
    TOO_LITTLE_HISTORY = "too_little_history"
    ONE_DEMAND_ONLY = "one_demand_only"


@dataclass(frozen=True, slots=True)
class Demand:
    """The demand of a day: how likely there is any, how much it then is, and how much that varies."""

    chance: float
    size: float
    size_variance: float

    @property
    def mean(self) -> float:
        """Give what a day asks for on average."""
        return self.chance * self.size

    @property
    def variance(self) -> float:
        """Give the variance of what a day asks for."""
        return max(self.chance * (self.size_variance + self.size**2) - self.mean**2, 0.0)


@dataclass(frozen=True, slots=True)
class Range:
    """How many whole days stock lasts: at least, on average, and at most; the ends rounded outwards."""

    low: int
    expected: int
    high: int


def estimate(issues: Sequence[int]) -> Demand | Unknown:
    """Estimate the demand of a day from what was issued on each day of a window, oldest first."""
    sizes = [quantity for quantity in issues if quantity]
    if not sizes:
        return Unknown.NO_DEMAND
    if len(issues) < HISTORY_DAYS_MIN:
        return Unknown.TOO_LITTLE_HISTORY
    if len(sizes) < DEMAND_DAYS_MIN:
        return Unknown.ONE_DEMAND_ONLY
    chance, size = len(sizes) / len(issues), sum(sizes) / len(sizes)
    average = size
    for quantity in issues:
        chance += CHANCE_SMOOTHING * ((quantity > 0) - chance)
        if quantity:
            size += SIZE_SMOOTHING * (quantity - size)
    return Demand(chance, size, sum((one - average) ** 2 for one in sizes) / len(sizes))


def days_of_cover(on_hand: int, demand: Demand) -> Range:
    """Say how long stock lasts."""
    mean, spread = demand.mean, DEVIATIONS**2 * demand.variance
    middle = 2 * mean * on_hand + spread
    aside = sqrt(spread) * sqrt(spread + 4 * mean * on_hand)
    low, expected, high = ((middle - aside) / (2 * mean**2), on_hand / mean, (middle + aside) / (2 * mean**2))
    if not on_hand:
        return Range(0, 0, 0)
    return Range(floor(round(max(low, 0.0), DIGITS)), floor(round(expected, DIGITS)), ceil(round(high, DIGITS)))
