"""How many recipients to call, and how many of each region, so that what they say stands for all of them.

The size is Cochran's for a proportion, with the correction for a finite population:

    n = N·p·q·z² / (e²·(N - 1) + z²·p·q)    rounded up, never more than N

with p = q = ½, at which it is largest, so that it does whatever the answers are; e is the margin of error and z the
quantile of the normal distribution that belongs to the confidence (1.95996 for 95 %). For N = 1,000, 95 % and 5 %
this gives 277.7, so 278 calls.

Regions take part in proportion to their recipients, rounded by largest remainder (Hamilton): each has its whole part,
and what is left goes to the largest fractions, at equal fractions to the smaller region code.

Source: W. G. Cochran, Sampling Techniques (1977), chapters 4 and 5; the same with p = ½ is tabled in R. V. Krejcie and
        D. W. Morgan, Determining Sample Size for Research Activities (1970)
"""

from collections.abc import Mapping
from math import ceil
from statistics import NormalDist

HALF = 0.5


def sample_size(population: int, confidence_percent: int, margin_percent: int) -> int:
    """Give how many of a population to ask."""
    if population == 0:
        return 0
    z = NormalDist().inv_cdf(1 - (1 - confidence_percent / 100) / 2)
    margin = margin_percent / 100
    spread = HALF * (1 - HALF) * z**2
    # A rounding error of the machine must not make one more of a whole number.
    return min(population, ceil(round(population * spread / (margin**2 * (population - 1) + spread), 9)))


def in_proportion(size: int, populations: Mapping[str, int]) -> dict[str, int]:
    """Part a size among regions by their populations; the parts add up to it, and none is more than its region has."""
    total = sum(populations.values())
    if total == 0:
        return {}
    whole = {region: size * population // total for region, population in populations.items()}
    left = size - sum(whole.values())
    by_remainder = sorted(populations, key=lambda region: (-(size * populations[region] % total), region))
    return {region: whole[region] + (region in by_remainder[:left]) for region in populations}
