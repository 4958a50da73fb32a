"""The rules of surveys: decline, what is hidden, quartiles, need and comparison, each against a plainer way."""

from collections import Counter
from datetime import date
from fractions import Fraction
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registration.surveys.cells import CELL_MIN, Cell, Quartiles, hidden, quartiles, rounded, share_permille
from services.registration.surveys.domain import (
    AnswerData,
    Channel,
    Measure,
    Status,
    Wave,
    WaveClosed,
    WaveNotOpen,
    WaveState,
    answer_mistakes,
    decline_permille,
    follow_mistakes,
    refuse,
    wave_mistakes,
)
from services.registration.surveys.effect import BAND_PERMILLE, Case, Group, compare
from services.registration.surveys.need import POINTS_MAX, RULE, Band, Facts, Part, need

APRIL = Wave(region="19", opens_on=date(2020, 4, 10), closes_on=date(2020, 5, 9), closed_by_hand=False)
SECTORS, REGIONS = ["food", "garment", "spices"], ["19.01", "19.02", "19.71"]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (100, 100, 0),
        (100, 0, 1000),
        (100, 150, -500),
        (3, 2, 333),
        (3, 1, 667),
        (2000, 1999, 1),  # half a per mille is rounded up
        (2000, 2001, 0),
        (1, 100, -10_000),
        (0, 5, None),
        (None, 5, None),
        (5, None, None),
    ],
)
def test_a_decline_is_what_has_gone_of_what_there_was(
    before: int | None, now: int | None, expected: int | None
) -> None:
    assert decline_permille(before, now) == expected


@given(st.integers(1, 10**13), st.integers(0, 10**13))
def test_a_decline_is_the_nearest_per_mille(before: int, now: int) -> None:
    found = decline_permille(before, now)
    assert found is not None
    exact = Fraction(1000 * (before - now), before)
    assert found == -10_000 or abs(found - exact) <= Fraction(1, 2)
    assert -10_000 <= found <= 1000


@given(st.lists(st.integers(-10_000, 1_000), min_size=2, max_size=40))
def test_quartiles_are_those_of_the_standard_library(values: list[int]) -> None:
    plain = quantiles([Fraction(value) for value in values], n=4, method="inclusive")
    assert quartiles(values) == Quartiles(*(rounded(part) for part in plain))


def test_quartiles_of_one_and_of_none() -> None:
    assert (quartiles([7]), quartiles([])) == (Quartiles(7, 7, 7), None)
    assert [rounded(Fraction(part, 2)) for part in (-3, -1, 1, 3)] == [-1, 0, 1, 2]
    assert [share_permille(1, 3), share_permille(2, 3), share_permille(0, 7)] == [333, 667, 0]


def with_totals(inner: dict[Cell, int]) -> dict[Cell, int]:
    table: Counter[Cell] = Counter()
    for cell, count in inner.items():
        for one in {cell, Cell(cell.sector, None), Cell(None, cell.region), Cell(None, None)}:
            table[one] += count
    return {cell: count for cell, count in table.items() if count}


def determined(table: dict[Cell, int], lacking: frozenset[Cell]) -> set[Cell]:
    """Name the hidden cells that follow from all that is shown: those which no other solution of the sums differs in.

    The sums are solved by elimination; a cell is free where any solution of the homogeneous system moves it.
    """
    unknown = sorted(lacking, key=str)
    sums = []
    for sector in {cell.sector for cell in table}:
        line = [cell for cell in table if cell.sector == sector]
        sums.append([(-1 if cell.region is None else 1) if cell in line else 0 for cell in unknown])
    for region in {cell.region for cell in table}:
        line = [cell for cell in table if cell.region == region]
        sums.append([(-1 if cell.sector is None else 1) if cell in line else 0 for cell in unknown])
    rows = [[Fraction(value) for value in row] for row in sums]
    pivots: list[int] = []
    for column in range(len(unknown)):
        pivot = next((row for row in rows[len(pivots) :] if row[column]), None)
        if pivot is None:
            continue
        place = next(index for index in range(len(pivots), len(rows)) if rows[index] is pivot)
        rows[place], rows[len(pivots)] = rows[len(pivots)], pivot
        top = [value / pivot[column] for value in pivot]
        rows[len(pivots)] = top
        for index, row in enumerate(rows):
            if index != len(pivots) and row[column]:
                rows[index] = [one - row[column] * other for one, other in zip(row, top, strict=True)]
        pivots.append(column)
    free = set(range(len(unknown))) - set(pivots)
    return {
        unknown[column]
        for number, column in enumerate(pivots)
        if not any(rows[number][other] for other in free)
    }  # fmt: skip


TABLES = st.dictionaries(
    st.builds(Cell, st.sampled_from(SECTORS), st.sampled_from(REGIONS)), st.integers(0, 14), max_size=9
)


@given(TABLES)
def test_no_hidden_cell_can_be_worked_out_from_what_is_shown(inner: dict[Cell, int]) -> None:
    table = with_totals(inner)
    lacking = hidden(table)
    assert {cell for cell, count in table.items() if count < CELL_MIN} <= lacking <= set(table)
    assert determined(table, lacking) == set()


def test_the_control_finds_a_cell_that_a_total_gives_away() -> None:
    table = with_totals({Cell("food", "19.01"): 3, Cell("food", "19.02"): 9, Cell("garment", "19.02"): 8})
    small = frozenset(cell for cell, count in table.items() if count < CELL_MIN)
    assert determined(table, small) == small
    assert determined(table, hidden(table)) == set()


def test_where_nothing_is_small_everything_is_shown() -> None:
    table = with_totals({Cell("food", "19.01"): 5, Cell("food", "19.02"): 9, Cell("garment", "19.02"): 8})
    assert hidden(table) == frozenset()
    assert hidden({}) == frozenset()
    assert hidden(with_totals({Cell("food", "19.01"): 3})) == set(with_totals({Cell("food", "19.01"): 3}))


def test_a_wave_has_its_state_from_its_days_until_somebody_closes_it() -> None:
    days = [date(2020, 4, 9), date(2020, 4, 10), date(2020, 5, 9), date(2020, 5, 10)]
    assert [APRIL.state(day) for day in days] == [
        WaveState.PLANNED,
        WaveState.OPEN,
        WaveState.OPEN,
        WaveState.CLOSED,
    ]
    closed = Wave(region="19", opens_on=APRIL.opens_on, closes_on=APRIL.closes_on, closed_by_hand=True)
    assert closed.state(date(2020, 4, 20)) is WaveState.CLOSED


def test_paper_may_come_late_and_a_link_may_not() -> None:
    late, early, within = date(2020, 6, 1), date(2020, 4, 1), date(2020, 4, 20)
    paper, plain = AnswerData(status=Status.RUNNING, answered_on=within), AnswerData(status=Status.RUNNING)
    shut = Wave(region="19", opens_on=APRIL.opens_on, closes_on=APRIL.closes_on, closed_by_hand=True)
    cases = [
        (APRIL, plain, Channel.STAFF, within, None),
        (APRIL, plain, Channel.STAFF, early, WaveNotOpen),
        (APRIL, plain, Channel.STAFF, late, WaveClosed),
        (APRIL, paper, Channel.STAFF, late, None),
        (APRIL, paper, Channel.IMPORT, late, None),
        (APRIL, paper, Channel.LINK, late, WaveClosed),
        (shut, paper, Channel.STAFF, within, WaveClosed),
    ]
    for wave, data, channel, today, expected in cases:
        found = refuse(wave, data, channel, today)
        assert (type(found) if found else None) is expected, (wave, channel, today)


def test_what_is_wrong_with_a_plan_or_an_answer() -> None:
    plan = {
        "/opens_on": date(2020, 4, 10),
        "/closes_on": date(2020, 4, 9),
        "/before_month": "2020-04",
        "/now_month": "2020-04",
    }
    assert [(one.pointer, one.code) for one in wave_mistakes(plan)] == [
        ("/closes_on", "before_opening"),
        ("/now_month", "not_after_before"),
    ]
    far = plan | {"/closes_on": date(2021, 6, 1), "/before_month": "2020-02", "/now_month": "2021-07"}
    assert [one.code for one in wave_mistakes(far)] == ["open_too_long", "after_the_wave"]
    after = {"/before_month": "2020-01", "/now_month": "2020-04", "/region": "18.71"}
    found = follow_mistakes(after, APRIL, date(2020, 2, 1), date(2020, 4, 1))
    assert [one.code for one in found] == ["another_month", "not_later", "outside_wave"]
    today = date(2020, 4, 20)
    answer = {"/turnover_before_rupiah": 5, "/workers_now": 3, "/answered_on": date(2020, 4, 21)}
    assert {(one.pointer, one.code) for one in answer_mistakes(answer, APRIL, today)} == {
        ("/turnover_now_rupiah", "missing"),
        ("/workers_before", "missing"),
        ("/answered_on", "in_the_future"),
    }
    early = {"/answered_on": date(2020, 4, 1)}
    assert [one.code for one in answer_mistakes(early, APRIL, today)] == ["outside_wave"]


WORST = Facts(
    status=Status.SUSPENDED,
    turnover_decline_permille=1000,
    capacity_decline_permille=1000,
    workers_decline_permille=1000,
    scale="micro",
    supports=0,
)


def test_the_worst_hit_has_all_points_and_who_has_grown_has_none_for_it() -> None:
    assert (need(WORST).score, need(WORST).band, need(WORST).rule) == (POINTS_MAX, Band.HIGH, RULE)
    grown = Facts(
        status=Status.RUNNING,
        turnover_decline_permille=-300,
        capacity_decline_permille=None,
        workers_decline_permille=0,
        scale="large",
        supports=2,
    )
    assert (need(grown).score, need(grown).band) == (0, Band.LOW)
    assert [part.because_english for part in need(grown).parts] == [
        "Turnover has not fallen",
        "Capacity is not known",
        "The number of workers has not fallen",
        "running",
        "a large business",
        "supported 2 times",
    ]


FACTS = st.builds(
    Facts,
    status=st.sampled_from(Status),
    turnover_decline_permille=st.none() | st.integers(-10_000, 1000),
    capacity_decline_permille=st.none() | st.integers(-10_000, 1000),
    workers_decline_permille=st.none() | st.integers(-10_000, 1000),
    scale=st.sampled_from([None, "micro", "small", "medium", "large"]),
    supports=st.integers(0, 9),
)


@given(FACTS)
def test_a_need_is_the_sum_of_explained_points(facts: Facts) -> None:
    found = need(facts)
    assert [part.part for part in found.parts] == list(Part)
    assert all(0 <= part.points <= part.of and part.because and part.because_english for part in found.parts)
    assert sum(part.of for part in found.parts) == POINTS_MAX
    assert found.score == sum(part.points for part in found.parts)
    assert need(facts) == found


def case(change: int, *, base: int = 500, trained: bool = False, orders: bool = False, sector: str = "garment") -> Case:
    return Case(
        sector=sector, scale="micro", base_permille=base, now_permille=base - change, trained=trained, orders=orders
    )


def test_a_group_stands_beside_others_who_are_like_it() -> None:
    trained = [case(change, trained=True) for change in (100, 200, 300, 400, 500)]
    unlike = [case(900, sector="spices"), case(900, base=900), *[case(0, trained=True, sector="food")] * 5]
    idle = [case(change) for change in (0, 50, 100, 150, 200)]
    found = {one.group: one for one in compare([*trained, *unlike, *idle])}
    assert set(found) == {Group.TRAINED, Group.ORDERS, Group.BOTH}
    one = found[Group.TRAINED]
    assert (one.treated.cases, one.others.cases, one.unmatched) == (5, 5, 5)
    assert (one.treated.change, one.others.change) == (Quartiles(200, 300, 400), Quartiles(50, 100, 150))
    assert one.difference_permille == 200
    assert (found[Group.BOTH].treated.cases, found[Group.BOTH].unmatched) == (None, 0)


def test_fewer_than_five_cases_are_not_shown_on_either_side() -> None:
    few = compare([case(100, orders=True)] * 4 + [case(0)] * 9 + [case(1, orders=True, sector="food")] * 2)
    one = next(one for one in few if one.group is Group.ORDERS)
    assert (one.treated.cases, one.treated.change, one.others.cases, one.difference_permille) == (None, None, 9, None)
    assert one.unmatched is None


@given(st.integers(-10_000, 1000), st.integers(-10_000, 1000))
def test_two_in_one_band_were_hit_about_alike(one: int, other: int) -> None:
    if case(0, base=one).likeness == case(0, base=other).likeness and min(one, other) >= 0:
        assert abs(one - other) < BAND_PERMILLE


def test_each_measure_has_its_decline() -> None:
    data = AnswerData(
        status=Status.RUNNING, turnover_before_rupiah=10, turnover_now_rupiah=5, workers_before=4, workers_now=3
    )
    assert [data.decline(measure) for measure in Measure] == [500, None, 250]
    assert "10" not in repr(data)
