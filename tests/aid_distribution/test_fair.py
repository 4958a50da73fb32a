"""A fair split is checked against what fairness means, and on small cases against every other split there is."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.aid_distribution.planning.fair import Split, Want, split

WEIGHTS = st.integers(min_value=1, max_value=3_000)
NEEDS = st.one_of(st.integers(min_value=0, max_value=20), st.integers(min_value=0, max_value=10**12))


@st.composite
def wants(draw: st.DrawFn) -> list[Want]:
    rows = draw(st.lists(st.tuples(NEEDS, WEIGHTS), max_size=8))
    return [Want(f"19.{number:02d}", need, weight) for number, (need, weight) in enumerate(rows, 1)]


def share(want: Want, quantity: Fraction | int) -> Fraction:
    return Fraction(quantity) / want.width


@pytest.mark.parametrize(
    ("needs", "supply", "expected"),
    [
        # Alike by weight: everybody gets the same part of the need.
        ([(100, 1000), (300, 1000)], 200, [50, 150]),
        ([(100, 1000), (300, 1000)], 400, [100, 300]),
        ([(100, 1000), (300, 1000)], 500, [100, 300]),
        ([(100, 1000), (300, 1000)], 0, [0, 0]),
        # The one that counts twice is full when the other is at half; what is left is the other's.
        ([(100, 2000), (100, 1000)], 90, [60, 30]),
        ([(100, 2000), (100, 1000)], 150, [100, 50]),
        ([(100, 2000), (100, 1000)], 180, [100, 80]),
        # Seven masks for three alike: 7/3 each, and the one that is left goes by the code.
        ([(10, 1000), (10, 1000), (10, 1000)], 7, [3, 2, 2]),
        ([(10, 1000), (10, 1000), (10, 1000)], 8, [3, 3, 2]),
        # Largest remainder: 10/11 is closer to a whole one than 1/11.
        ([(1, 1000), (10, 1000)], 1, [0, 1]),
        ([(0, 1000), (5, 1000)], 3, [0, 3]),
        ([], 3, []),
    ],
)
def test_scarce_goods_are_split(needs: list[tuple[int, int]], supply: int, expected: list[int]) -> None:
    rows = [Want(f"19.{number:02d}", *row) for number, row in enumerate(needs, 1)]
    assert list(split(rows, supply).given.values()) == expected


@given(wants(), st.integers(min_value=0, max_value=10**13))
def test_what_is_given_adds_up_and_nobody_gets_more_than_the_need(rows: list[Want], supply: int) -> None:
    done = split(rows, supply)
    assert sum(done.given.values()) == min(supply, sum(row.need for row in rows))
    assert all(0 <= done.given[row.key] <= row.need for row in rows)
    assert all(abs(done.given[row.key] - done.exact[row.key]) < 1 for row in rows)
    assert done == split(list(reversed(rows)), supply)


@given(wants(), st.integers(min_value=0, max_value=100))
def test_nobody_is_below_the_fair_share_while_another_above_it_has_more(rows: list[Want], supply: int) -> None:
    """A split is max-min fair when raising anybody's share would lower somebody's who has no more than that."""
    done = split(rows, supply)
    if done.level is None:
        assert all(done.exact[row.key] == row.need for row in rows)
        return
    for row in rows:
        if done.exact[row.key] < row.need:
            assert share(row, done.exact[row.key]) == done.level
        elif row.need:
            assert share(row, row.need) <= done.level


def every_split(rows: Sequence[Want], total: int) -> Iterator[tuple[int, ...]]:
    yield from (given for given in product(*(range(row.need + 1) for row in rows)) if sum(given) == total)


def best_by_shares(rows: Sequence[Want], total: int) -> tuple[int, ...]:
    """Find the split whose lowest share is highest, then the next lowest, among all that there are."""
    return max(
        every_split(rows, total),
        key=lambda given: sorted(share(row, part) for row, part in zip(rows, given, strict=True) if row.need),
    )


def closest(rows: Sequence[Want], done: Split, total: int) -> int | Fraction:
    return min(distance(rows, done, given) for given in every_split(rows, total))


def distance(rows: Sequence[Want], done: Split, given: Sequence[int]) -> int | Fraction:
    return sum((part - done.exact[row.key]) ** 2 for row, part in zip(rows, given, strict=True))


def small_cases() -> Iterator[tuple[list[Want], int]]:
    for needs in product((0, 1, 3, 4, 6), repeat=3):
        for weights in ((1000, 1000, 1000), (2000, 1000, 1000), (3000, 2000, 1000), (1000, 1500, 1000)):
            rows = [Want(f"19.0{number}", *row) for number, row in enumerate(zip(needs, weights, strict=True))]
            for supply in range(sum(needs) + 1):
                yield rows, supply


def test_on_every_small_case_no_other_split_is_fairer() -> None:
    whole = divided = 0
    for rows, supply in small_cases():
        done = split(rows, supply)
        given_ = tuple(done.given.values())
        if all(part.denominator == 1 for part in done.exact.values()):
            whole += 1
            assert given_ == best_by_shares(rows, supply), (rows, supply)
        else:
            divided += 1
            assert distance(rows, done, given_) == closest(rows, done, supply), (rows, supply)
    assert whole > 300
    assert divided > 1_000
