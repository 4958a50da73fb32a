"""The rules of handwashing stations as tables: states, outages, minutes, the next visit."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest

from services.aid_distribution.stations.domain import (
    History,
    Levels,
    Outage,
    Report,
    Seen,
    Standing,
    State,
    Trouble,
    Visit,
    history,
    level_mistakes,
    marked,
    outage_days,
    outage_minutes,
    seen_mistakes,
)
from services.aid_distribution.stations.use import (
    Because,
    NextVisit,
    Supply,
    Use,
    next_visit,
    seconds_until_reserve,
    use_of,
)

FULL, HALF, NO_WATER, NO_SOAP = Levels(100_000, 1_000), Levels(50_000, 500), Levels(0, 500), Levels(50_000, 0)
NOTHING = Levels(0, 0)
WORKING, DRY, BROKEN = Seen.WORKING, Seen.DRY, Seen.BROKEN


def at(hour: float, *, second: int = 0) -> datetime:
    """Give a moment so many hours after midnight WIB of 1 May 2026."""
    return datetime(2026, 4, 30, 17, tzinfo=UTC) + timedelta(hours=hour, seconds=second)


STOOD = Standing(at(0), FULL)


def seen(
    hour: float,
    how: Seen = WORKING,
    found: Levels = HALF,
    added: Levels = NOTHING,
    *,
    repaired: bool = False,
) -> Visit:
    return Visit(at(hour), how, found, added, repaired)


def told(hour: float, problem: Trouble = Trouble.DRY, *, by_staff: bool = False) -> Report:
    return Report(at(hour), problem, by_staff)


@pytest.mark.parametrize(
    ("how", "found", "added", "repaired", "left_as"),
    [
        (WORKING, HALF, Levels(0, 0), False, State.WORKING),
        (WORKING, HALF, HALF, False, State.WORKING),
        (DRY, NO_WATER, Levels(0, 0), False, State.DRY),
        (DRY, NO_WATER, Levels(1, 0), False, State.WORKING),
        (DRY, NO_WATER, Levels(0, 500), False, State.DRY),
        (DRY, NO_SOAP, Levels(50_000, 0), False, State.DRY),
        (DRY, NO_SOAP, Levels(0, 1), False, State.WORKING),
        (BROKEN, HALF, HALF, False, State.BROKEN),
        (BROKEN, HALF, Levels(0, 0), True, State.WORKING),
        (BROKEN, NO_WATER, Levels(0, 0), True, State.DRY),
        (BROKEN, NO_WATER, Levels(0, 0), False, State.BROKEN),
    ],
)
def test_how_a_visit_leaves_a_station(
    how: Seen, found: Levels, added: Levels, *, repaired: bool, left_as: State
) -> None:
    assert Visit(at(1), how, found, added, repaired).left_as is left_as


@pytest.mark.parametrize(
    ("visits", "reports", "state", "since", "outages"),
    [
        pytest.param([], [], State.WORKING, 0, [], id="placed and full"),
        pytest.param([seen(5)], [], State.WORKING, 0, [], id="working"),
        pytest.param([seen(5, DRY, NO_WATER)], [], State.DRY, 5, [(State.DRY, 5, None, False)], id="dry"),
        pytest.param(
            [seen(5, DRY, NO_WATER), seen(8, DRY, NO_WATER, FULL)],
            [], State.WORKING, 8, [(State.DRY, 5, 8, False)], id="dry and filled later",
        ),
        pytest.param([seen(5, DRY, NO_WATER, FULL)], [], State.WORKING, 0, [], id="found dry and filled at once"),
        pytest.param(
            [seen(5, DRY, NO_WATER, FULL)],
            [told(3), told(4)], State.WORKING, 5, [(State.DRY, 3, 5, True)], id="reported, confirmed and filled",
        ),
        pytest.param(
            [seen(5, BROKEN)], [told(3)], State.BROKEN, 3, [(State.BROKEN, 3, None, True)], id="reported and broken"
        ),
        pytest.param([seen(5)], [told(3), told(4)], State.WORKING, 0, [], id="reported and not confirmed"),
        pytest.param(
            [seen(5), seen(9, DRY, NO_WATER)],
            [told(3)], State.DRY, 9, [(State.DRY, 9, None, False)], id="a report before the last good visit",
        ),
        pytest.param(
            [seen(5, DRY, NO_WATER)],
            [told(4, Trouble.OTHER)], State.DRY, 5, [(State.DRY, 5, None, False)], id="another problem",
        ),
        pytest.param([], [told(3), told(4)], State.REPORTED_DRY, 3, [], id="reported twice"),
        pytest.param([seen(5)], [told(6), told(6.2)], State.WORKING, 0, [], id="reported twice in a short time"),
        pytest.param([seen(5)], [told(6), told(9)], State.WORKING, 0, [], id="reported twice, too far apart"),
        pytest.param([seen(5)], [told(6, by_staff=True)], State.REPORTED_DRY, 6, [], id="reported by staff"),
        pytest.param(
            [seen(5, DRY, NO_WATER), seen(8, BROKEN), seen(9, BROKEN, NO_WATER, repaired=True)],
            [told(8.5), told(7)], State.DRY, 9,
            [(State.DRY, 5, 8, False), (State.BROKEN, 8, 9, False), (State.DRY, 9, None, False)],
            id="dry, broken, repaired and empty",
        ),
        pytest.param(
            [seen(5, DRY, NO_WATER), seen(9)],
            [], State.WORKING, 9, [(State.DRY, 5, 9, False)], id="filled by somebody, seen working",
        ),
    ],
)  # fmt: skip
def test_state_and_outages_follow_from_visits_and_reports_in_any_order(
    visits: list[Visit],
    reports: list[Report],
    state: State,
    since: float,
    outages: list[tuple[State, float, float | None, bool]],
) -> None:
    expected = tuple(
        Outage(how, at(began), None if ended is None else at(ended), reported)
        for how, began, ended, reported in outages
    )
    known = History(state, at(since), expected)
    following = next_visit(STOOD, visits, known, 300, FULL)
    for some in permutations(visits):
        for others in permutations(reports):
            assert history(STOOD, some, others) == known
        assert next_visit(STOOD, some, known, 300, FULL) == following


def test_a_station_that_was_put_up_empty_is_dry_from_the_start() -> None:
    known = history(Standing(at(2), NO_SOAP), [], [])
    assert known == History(State.DRY, at(2), (Outage(State.DRY, at(2)),))


def test_the_removal_ends_what_was_out_of_use() -> None:
    gone = Standing(at(0), FULL, at(20))
    known = history(gone, [seen(5, DRY, NO_WATER)], [told(6), told(7)])
    assert known == History(State.REMOVED, at(20), (Outage(State.DRY, at(5), at(20)),))


@pytest.mark.parametrize(
    ("hours", "enough"),
    [
        ([], False),
        ([1], False),
        ([1, 1.49], False),
        ([1, 1.5], True),
        ([1, 3], True),
        ([1, 3.01], False),
        ([1, 3.01, 3.5], False),
        ([1, 3.01, 3.52], True),
        ([1, 1.2, 1.4, 1.6], True),
    ],
)
def test_two_reports_mark_a_station_when_they_are_apart_and_not_too_far(hours: list[float], *, enough: bool) -> None:
    assert marked([told(hour) for hour in hours]) is enough


@pytest.mark.parametrize(
    ("outages", "start", "end", "minutes"),
    [
        ([(1, 2)], 0, 24, 60),
        ([(1, None)], 0, 3, 120),
        ([(1, 2)], 1.5, 24, 30),
        ([(1, 2)], 3, 24, 0),
        ([(30, 40)], 0, 24, 0),
        ([(1, 2), (2, 2.5), (23, 25)], 0, 24, 150),
    ],
)
def test_minutes_out_of_use_are_those_inside_the_period(
    outages: list[tuple[float, float | None]], start: float, end: float, minutes: int
) -> None:
    given = [Outage(State.DRY, at(begun), None if ended is None else at(ended)) for begun, ended in outages]
    assert outage_minutes(given, at(start), at(end)) == minutes


def test_minutes_are_those_of_the_clock_so_that_parts_add_up() -> None:
    outages = [
        Outage(State.DRY, at(1, second=59), at(2, second=1)),
        Outage(State.BROKEN, at(2, second=1), at(3, second=59)),
    ]
    assert [outage_minutes([one], at(0), at(24)) for one in outages] == [60, 60]
    assert outage_minutes(outages, at(0), at(24)) == 120
    assert outage_minutes(outages, at(0), at(2.5)) + outage_minutes(outages, at(2.5), at(24)) == 120


def test_days_are_those_of_western_indonesia() -> None:
    outages = [Outage(State.DRY, at(22), at(25)), Outage(State.DRY, at(50))]
    first, until = date(2026, 5, 1), date(2026, 5, 4)
    assert outage_days(outages, first, until, at(72.5)) == {
        date(2026, 5, 1): 120,
        date(2026, 5, 2): 60,
        date(2026, 5, 3): 22 * 60,
    }
    assert outage_days(outages, first, until, at(50.5)) == {
        date(2026, 5, 1): 120,
        date(2026, 5, 2): 60,
        date(2026, 5, 3): 30,
    }
    assert outage_days(outages, date(2026, 5, 2), date(2026, 5, 3), at(72)) == {date(2026, 5, 2): 60}


@pytest.mark.parametrize(
    ("left", "capacity", "per_day", "seconds"),
    [
        (100, 100, 80, 86_400),
        (60, 100, 80, 43_200),
        (20, 100, 80, 0),
        (0, 100, 0, 0),
        (100, 100, 0, None),
        (100, 100, 7, 80 * 86_400 // 7),
    ],
)
def test_how_long_it_lasts_until_the_reserve(left: int, capacity: int, per_day: int, seconds: int | None) -> None:
    assert seconds_until_reserve(left, capacity, per_day) == seconds


def use(*visits: Visit, outages: list[Outage] | None = None, people: int = 300, supply: Supply = Supply.WATER) -> Use:
    return use_of(supply, STOOD, visits, outages or [], people)


@pytest.mark.parametrize(
    ("estimate", "per_day", "measured"),
    [
        pytest.param(use(), 75_000, False, id="no visit: by the crowd, 250 ml each"),
        pytest.param(use(supply=Supply.SOAP), 600, False, id="soap: 2 ml each"),
        pytest.param(use(seen(5)), 75_000, False, id="less than six hours say nothing"),
        pytest.param(use(seen(24, found=HALF)), 50_000, True, id="half of it in a day"),
        pytest.param(use(seen(24, found=HALF), supply=Supply.SOAP), 500, True, id="half of the soap in a day"),
        pytest.param(
            use(seen(24, found=HALF, added=HALF), seen(48, found=Levels(80_000, 900))), 35_000, True, id="two days"
        ),
        pytest.param(use(seen(24, found=Levels(99_999, 1))), 1, True, id="rounded up"),
        pytest.param(use(seen(25, found=Levels(99_999, 1))), 1, True, id="rounded up once more"),
        pytest.param(use(seen(24), seen(48, found=FULL)), 50_000, True, id="filled by somebody: not counted"),
        pytest.param(use(seen(48, DRY, NO_WATER)), 75_000, False, id="empty for who knows how long: the crowd is more"),
        pytest.param(use(seen(24, DRY, NO_WATER)), 100_000, True, id="empty, and more than the crowd"),
        pytest.param(
            use(seen(48, DRY, NO_WATER), outages=[Outage(State.DRY, at(12), None, reported=True)]),
            200_000, True, id="empty since reported",
        ),
        pytest.param(use(seen(24, BROKEN)), 75_000, False, id="broken for who knows how long"),
        pytest.param(use(seen(24, DRY, NO_WATER), seen(72, DRY, NO_WATER)), 100_000, True, id="while dry none is used"),
    ],
)  # fmt: skip
def test_the_use_of_a_day(estimate: Use, per_day: int, *, measured: bool) -> None:
    assert estimate == Use(per_day, measured)


def test_only_the_last_stretches_count() -> None:
    early = [seen(24 * day, found=Levels(1_000, 10), added=Levels(99_000, 990)) for day in range(1, 5)]
    late = [seen(24 * day, found=Levels(90_000, 900), added=Levels(10_000, 100)) for day in range(5, 11)]
    assert use(*early, *late) == Use(10_000, measured=True)


def due(*visits: Visit, reports: tuple[Report, ...] = (), people: int = 300, first: Levels = FULL) -> NextVisit:
    standing = Standing(at(0), first)
    return next_visit(standing, visits, history(standing, visits, reports), people, FULL)


@pytest.mark.parametrize(
    ("following", "hour", "because"),
    [
        # 300 people: 75 l of water and 600 ml of soap a day; 80 l and 800 ml above the reserve.
        pytest.param(due(), 24 * 80 / 75, Because.WATER, id="by the crowd, water is scarcer"),
        pytest.param(due(first=Levels(100_000, 500)), 12, Because.SOAP, id="soap is scarcer"),
        pytest.param(due(people=0), 24 * 7, Because.REGULAR, id="nobody washes: after a week all the same"),
        pytest.param(due(first=Levels(20_000, 1_000)), 0, Because.WATER, id="down to the reserve: at once"),
        pytest.param(due(seen(24, found=HALF)), 24 + 24 * 30_000 / 50_000, Because.WATER, id="as measured"),
        pytest.param(due(seen(24, DRY, NO_WATER)), 24, Because.DRY, id="dry: since then"),
        pytest.param(due(seen(24, BROKEN)), 24, Because.BROKEN, id="broken: since then"),
        pytest.param(due(reports=(told(3), told(4))), 3, Because.REPORTED_DRY, id="reported: since then"),
    ],
)
def test_the_next_visit_is_before_the_scarcer_supply_is_down_to_the_reserve(
    following: NextVisit, hour: float, because: Because
) -> None:
    assert (following.at, following.because) == (at(hour), because)


@pytest.mark.parametrize(
    ("how", "water", "soap", "wrong"),
    [
        (WORKING, 1, 1, False),
        (WORKING, 0, 1, True),
        (WORKING, 1, 0, True),
        (DRY, 0, 1, False),
        (DRY, 1, 1, True),
        (BROKEN, 0, 1, False),
        (BROKEN, 1, 1, False),
        (DRY, None, 1, False),
    ],
)
def test_what_was_seen_fits_what_was_measured(how: Seen, water: int | None, soap: int, *, wrong: bool) -> None:
    assert bool(seen_mistakes(how, water, soap)) is wrong


def test_nothing_is_fuller_than_full() -> None:
    found, added = Levels(100_001, 900), Levels(5, 101)
    assert [(error.pointer, error.code) for error in level_mistakes(found, added, FULL)] == [
        ("/water_before_millilitre", "above_capacity"),
        ("/refill/soap_millilitre", "above_capacity"),
    ]
    assert level_mistakes(HALF, HALF, FULL) == []
