"""How long stock lasts: the estimate by hand, and the question at the door."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import pytest

from services.aid_distribution.planning.demand import Demand, Range, Unknown, days_of_cover, estimate
from shared.database import Database
from tests.aid_distribution.story import (
    NOON,
    PROVINCE,
    ago,
    distribute,
    distribution,
    give_out,
    hold,
    issue,
    receipt,
    receive,
)
from tests.door import Client, told

Door = Mapping[str, Client]


@pytest.mark.parametrize(
    ("issues", "reason"),
    [
        ([], Unknown.NO_DEMAND),
        ([0] * 91, Unknown.NO_DEMAND),
        ([5, 5, 5], Unknown.TOO_LITTLE_HISTORY),
        ([5] * 13, Unknown.TOO_LITTLE_HISTORY),
        ([0] * 13 + [5], Unknown.ONE_DEMAND_ONLY),
    ],
)
def test_without_enough_demand_nothing_is_made_up(issues: Sequence[int], reason: Unknown) -> None:
    assert estimate(issues) is reason


def test_the_same_each_day_is_just_that() -> None:
    assert estimate([10] * 14) == Demand(chance=1.0, size=10.0, size_variance=0.0)


def test_chance_and_size_are_smoothed_apart_as_by_hand() -> None:
    """Begin at the averages: 2 of 14 days, (30 + 10) / 2 = 20.

    Twelve quiet days:  chance 1/7 x 0.95^12                = 0.0771944
    a demand of 30:     chance 0.95 x 0.0771944 + 0.05      = 0.1233347    size 20 + 0.1 x 10 = 21
    a demand of 10:     chance 0.95 x 0.1233347 + 0.05      = 0.1671680    size 21 - 0.1 x 11 = 19.9
    """
    found = estimate([0] * 12 + [30, 10])
    assert isinstance(found, Demand)
    assert found.chance == pytest.approx(0.1671680, abs=1e-6)
    assert found.size == pytest.approx(19.9)
    assert found.size_variance == pytest.approx(100)
    # 0.167168 x (100 + 396.01) - (3.3266434)^2
    assert found.variance == pytest.approx(71.85045, abs=1e-3)


def test_demand_that_has_ended_fades_and_stock_seems_to_last_longer() -> None:
    busy, ended = estimate([10, 0] * 14), estimate([10, 0] * 14 + [0] * 28)
    assert isinstance(busy, Demand)
    assert isinstance(ended, Demand)
    assert ended.mean < busy.mean / 3
    assert days_of_cover(100, ended).low > days_of_cover(100, busy).low


@pytest.mark.parametrize(
    ("on_hand", "demand", "expected"),
    [
        # 30 at 10 a day, always: three days, and nothing to be unsure of.
        (30, Demand(1.0, 10.0, 0.0), Range(3, 3, 3)),
        (35, Demand(1.0, 10.0, 0.0), Range(3, 3, 4)),
        (0, Demand(0.5, 10.0, 4.0), Range(0, 0, 0)),
        # m = 5, s2 = 0.5 x 100 - 25 = 25, k2 s2 = 41.0624: (1000 + 41.0624 -+ 6.408 x 45.1781) / 50 = 15.03 and 26.61
        (100, Demand(0.5, 10.0, 0.0), Range(15, 20, 27)),
        # As often, but the size varies by 10 around 10: s2 = 0.5 x 200 - 25 = 75, so 12.45 and 32.48.
        (100, Demand(0.5, 10.0, 100.0), Range(12, 20, 33)),
        # One day in fifty 500 are asked for: m = 10, s2 = 0.02 x 250000 - 100 = 4900: 1.01 and 99.48.
        (100, Demand(0.02, 500.0, 0.0), Range(1, 10, 100)),
    ],
)
def test_stock_lasts_from_so_many_days_to_so_many(on_hand: int, demand: Demand, expected: Range) -> None:
    assert days_of_cover(on_hand, demand) == expected


@pytest.mark.parametrize("on_hand", [1, 7, 100, 10**15])
def test_at_each_end_of_the_range_the_stock_is_just_used_up(on_hand: int) -> None:
    demand = Demand(0.3, 12.0, 30.0)
    found = days_of_cover(on_hand, demand)
    assert found.low <= found.expected <= found.high
    for days, sign in ((found.low, 1), (found.high, -1)):
        spread = sign * 1.2816 * demand.variance**0.5
        gone = demand.mean * days + spread * days**0.5
        after = demand.mean * (days + sign) + spread * (days + sign) ** 0.5
        assert (gone <= on_hand < after) if sign > 0 else (after < on_hand <= gone)


async def ask_cover(door: Door, caller: str = "office", **query: str) -> dict[str, object]:
    asked = {"place": "WH-19.71", "item": "MASK-CLOTH"} | query
    answer = await door[caller].get("/aid/cover", params=asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_cover_is_told_from_what_left_on_the_whole_days_of_the_window(database: Database, door: Door) -> None:
    await receive(database, receipt(1_000, ago(200)))
    for days in range(1, 92, 2):
        await distribute(database, distribution(10, NOON - timedelta(days=days)))
    await give_out(database, issue(400, NOON))  # today is not over yet
    found = await ask_cover(door)
    assert (found["from"], found["to"]) == ("2026-02-18", "2026-05-19")
    assert (found["history_days"], found["demand_days"], found["reason"]) == (91, 46, None)
    assert (found["on_hand"], found["available"]) == (140, 140)
    assert found["daily_demand_thousandths"] == pytest.approx(5_130, abs=10)
    assert found["cover_days"] == {"low": 21, "expected": 27, "high": 35, "of_thousand_cases": 800}
    assert (await ask_cover(door, days="28"))["history_days"] == 28


async def test_lots_count_together_and_a_young_card_begins_with_itself(database: Database, door: Door) -> None:
    for lot in ("A", "B"):
        await receive(database, receipt(100, ago(20), lot=lot))
        for days in (10, 5):
            await give_out(database, issue(10, ago(days), lot=lot))
    found = await ask_cover(door)
    assert (found["from"], found["history_days"], found["demand_days"]) == ("2026-04-30", 20, 2)
    assert found["on_hand"] == 160
    assert isinstance(found["cover_days"], dict)


async def test_cover_counts_what_can_be_handed_out_and_says_what_it_leaves_out(database: Database, door: Door) -> None:
    for lot, quantity, expires_on in (
        ("PAST", 1_000, date(2026, 5, 19)),  # yesterday was its last day
        ("TODAY", 10, date(2026, 5, 20)),
        ("SOON", 20, date(2026, 6, 19)),
        ("LATER", 170, date(2026, 6, 20)),
        ("HELD", 2_000, date(2026, 5, 19)),  # on hold comes first, whatever its date
    ):
        await receive(database, receipt(quantity, ago(100), lot=lot, expires_on=expires_on))
    await hold(database, "HELD")
    for days in range(1, 92, 2):
        await give_out(database, issue(1, ago(days), lot="LATER"))
    found = await ask_cover(door)
    assert (found["on_hand"], found["reserved"]) == (3_200 - 46, 0)
    assert (found["available"], found["expiring"]) == (200 - 46, 30)
    assert found["left_out"] == {"expired": 1_000, "held": 2_000}
    assert isinstance(found["cover_days"], dict)
    assert found["cover_days"]["expected"] in range(260, 340)  # 154 at about one every other day


async def test_without_demand_there_is_no_range_and_it_is_said_why(database: Database, door: Door) -> None:
    empty = await ask_cover(door)
    assert (empty["on_hand"], empty["history_days"], empty["reason"], empty["cover_days"]) == (0, 0, "no_demand", None)
    await receive(database, receipt(100, ago(120)))
    await give_out(database, issue(10, ago(110)))
    quiet = await ask_cover(door)
    assert (quiet["history_days"], quiet["reason"], quiet["daily_demand_thousandths"]) == (91, "no_demand", None)
    assert quiet["on_hand"] == 90
    await give_out(database, issue(10, ago(3)))
    assert (await ask_cover(door))["reason"] == "one_demand_only"


async def test_another_regions_stock_is_as_absent_as_none(database: Database, door: Door) -> None:
    for caller, query in (
        ("belitung", "place=WH-19.71&item=MASK-CLOTH"),
        ("office", "place=NOWHERE&item=MASK-CLOTH"),
        ("office", f"place={PROVINCE}&item=NOTHING"),
        ("office", "place=SUPPLIER&item=MASK-CLOTH"),
    ):
        assert (await door[caller].get(f"/aid/cover?{query}")).status_code == 404
    answer = await door["office"].get("/aid/cover?place=WH-19.71&days=5")
    assert told(answer) == {("/query/item", "missing"), ("/query/days", "too_small")}
