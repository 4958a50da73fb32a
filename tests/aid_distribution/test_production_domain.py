from collections.abc import Sequence
from datetime import UTC, date, datetime
from random import Random
from types import SimpleNamespace
from uuid import UUID

import pytest

from services.aid_distribution.production.candidates import ranking_of
from services.aid_distribution.production.domain import (
    State,
    TooFewLayers,
    after_delivery,
    check_layers,
    days_late,
    delivery_mistakes,
    state_at,
)
from services.aid_distribution.production.scoring import Factors, Stake, shares
from shared.contracts.aid_distribution import production_lot

NOON = datetime(2020, 9, 21, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("decline", "capacity", "served", "not_yet_served", "score"),
    [
        (500, 100, 0, 1000, 50_000_000),
        (500, 100, 100, 500, 25_000_000),
        (500, 100, 200, 333, 16_650_000),
        (250, 100, 0, 1000, 25_000_000),
        (500, 50, 0, 1000, 25_000_000),
        (0, 100, 0, 1000, 0),
        (1000, 0, 0, 0, 0),
        (1000, 1_000_000, 0, 1000, 10**12),
    ],
)
def test_a_score_is_the_product_of_decline_capacity_and_what_is_not_yet_served(
    decline: int, capacity: int, served: int, not_yet_served: int, score: int
) -> None:
    factors = Factors(decline_permille=decline, capacity_per_week=capacity, served=served)
    assert (factors.not_yet_served_permille, factors.score) == (not_yet_served, score)


def stakes(*weights_held_most: tuple[int, int, int]) -> list[Stake]:
    return [Stake(weight=weight, held=held, most=most) for weight, held, most in weights_held_most]


@pytest.mark.parametrize(
    ("need", "asked", "expected"),
    [
        (100, [(1, 0, 100), (1, 0, 100)], [50, 50]),
        (100, [(3, 0, 100), (1, 0, 100)], [75, 25]),
        (10, [(1, 0, 10), (1, 0, 10), (1, 0, 10)], [4, 3, 3]),  # ties of remainders: who stands first
        (11, [(1, 0, 10), (2, 0, 10), (1, 0, 10)], [3, 5, 3]),
        (11, [(2, 0, 10), (1, 0, 10), (1, 0, 10)], [5, 3, 3]),
        (100, [(3, 0, 60), (1, 0, 60)], [60, 40]),  # the cap takes 15, which the other can have
        (100, [(3, 0, 60), (1, 0, 30)], [60, 30]),  # 10 are short
        (100, [(0, 0, 60), (1, 0, 60)], [0, 60]),  # without a score there is no part
        (100, [(0, 0, 60), (0, 0, 60)], [0, 0]),
        (100, [(1, 80, 100), (1, 0, 100)], [80, 20]),  # what is held already is kept
        (100, [(1, 50, 100), (1, 0, 100)], [50, 50]),  # and does not shift what the others are proposed
        (100, [(0, 20, 100), (1, 0, 100)], [20, 80]),
        (100, [(1, 100, 100), (1, 10, 100)], [100, 10]),  # more than is needed is held
        (100, [(1, 20, 100), (0, 0, 100), (1, 0, 60)], [50, 0, 50]),  # a refusal comes back to the others
        (7, [], []),
    ],
)
def test_a_need_is_shared_by_weight_within_cap_and_what_is_held(
    need: int, asked: Sequence[tuple[int, int, int]], expected: list[int]
) -> None:
    assert shares(need, stakes(*asked)) == expected


def test_every_share_keeps_its_limits_and_the_sum_is_the_need_or_all_that_the_limits_allow() -> None:
    random = Random(14)
    for _ in range(500):
        cap = random.randint(1, 40)
        found = [
            Stake(
                weight=random.choice([0, 1, 3, 10**12, random.randint(1, 999)]), held=random.randint(0, cap), most=cap
            )
            if random.random() < 0.6
            else Stake(weight=random.randint(0, 9), held=0, most=cap)
            for _ in range(random.randint(1, 9))
        ]
        need = random.randint(1, 200)
        given = shares(need, found)
        assert all(
            stake.held <= share <= (stake.most if stake.weight else stake.held)
            for stake, share in zip(found, given, strict=True)
        )
        least = sum(stake.held for stake in found)
        most = sum(stake.most if stake.weight else stake.held for stake in found)
        assert sum(given) == max(least, min(need, most))


def test_who_is_between_the_limits_has_its_part_in_proportion_to_within_one() -> None:
    given = shares(1_000, stakes((5, 0, 10_000), (3, 0, 10_000), (2, 0, 10_000), (7, 0, 100)))
    assert given == [450, 270, 180, 100]


def known(number: int, **changes: object) -> SimpleNamespace:
    values = {
        "id": UUID(int=number),
        "name": f"Konveksi {number}",
        "region": "19.71",
        "decline_permille": 500,
        "capacity_per_week": 100,
        "served": 0,
        "held": 0,
        "last_state": None,
        "profiled": True,
        "asked": True,
        "restricted": False,
    }
    return SimpleNamespace(**(values | changes))


def test_a_ranking_says_of_each_business_why_it_stands_where_it_does() -> None:
    rows = [
        known(1, profiled=False, decline_permille=0, capacity_per_week=0),
        known(2, decline_permille=250),
        known(3),
        known(4, last_state="declined"),
        known(5, served=100),
        known(6, asked=False, held=10, last_state="accepted"),
        known(7, decline_permille=0),
        known(8, capacity_per_week=0),
        known(9, last_state="offered", held=30),
        known(10, restricted=True, decline_permille=0),
    ]
    ranking = ranking_of(200, 60, rows)
    assert [(line.business_id.int, line.share, line.proposed, line.left_out) for line in ranking.lines] == [
        (3, 60, 60, None),
        (4, 0, 0, "declined"),
        (6, 10, 0, "not_asked"),
        (9, 60, 30, None),
        (2, 35, 35, None),
        (5, 35, 35, None),
        (1, 0, 0, "no_profile"),
        (7, 0, 0, "no_decline"),
        (8, 0, 0, "no_capacity"),
        (10, 0, 0, "restricted"),
    ]
    assert (ranking.held, ranking.proposed, ranking.short) == (40, 160, 0)
    short = ranking_of(1_000, 60, rows)
    assert (short.held, short.proposed, short.short) == (40, 210, 750)


def test_an_offer_expires_at_its_very_moment_and_nothing_else_does() -> None:
    later = NOON.replace(minute=1)
    assert state_at("offered", later, NOON) is State.OFFERED
    assert state_at("offered", NOON, NOON) is State.EXPIRED
    assert state_at("accepted", NOON, later) is State.ACCEPTED


@pytest.mark.parametrize(
    ("accepted", "last", "expected"),
    [
        (100, False, State.DELIVERED),
        (100, True, State.DELIVERED),
        (99, False, State.ACCEPTED),
        (99, True, State.SHORT),
        (0, True, State.SHORT),
    ],
)
def test_an_order_is_complete_short_or_still_open(accepted: int, last: bool, expected: State) -> None:  # noqa: FBT001
    assert after_delivery(100, accepted, last=last) is expected


@pytest.mark.parametrize(
    ("state", "ended_on", "today", "expected"),
    [
        (State.ACCEPTED, None, date(2020, 9, 20), 0),
        (State.ACCEPTED, None, date(2020, 9, 21), 0),
        (State.ACCEPTED, None, date(2020, 9, 22), 1),
        (State.DELIVERED, date(2020, 9, 21), date(2020, 10, 1), 0),
        (State.DELIVERED, date(2020, 9, 25), date(2020, 10, 1), 4),
        (State.SHORT, date(2020, 9, 23), date(2020, 10, 1), 2),
        (State.OFFERED, None, date(2020, 10, 1), 0),
        (State.DECLINED, None, date(2020, 10, 1), 0),
    ],
)
def test_lateness_counts_days_to_the_end_or_to_today(
    state: State, ended_on: date | None, today: date, expected: int
) -> None:
    assert days_late(state, date(2020, 9, 21), ended_on, today) == expected


@pytest.mark.parametrize(
    ("category", "layers", "accepted", "passes"),
    [
        ("mask", 2, 100, True),
        ("mask", 3, 100, True),
        ("mask", 1, 1, False),
        ("mask", 0, 1, False),
        ("mask", None, 1, False),
        ("mask", 1, 0, True),  # all of it may be rejected
        ("mask", None, 0, True),
        ("kit", None, 5, True),
    ],
)
def test_a_cloth_mask_has_two_layers_at_least(category: str, layers: int | None, accepted: int, passes: bool) -> None:  # noqa: FBT001
    if passes:
        check_layers(category, layers, accepted)
        return
    with pytest.raises(TooFewLayers) as refused:
        check_layers(category, layers, accepted)
    assert refused.value.members == {"layers": layers, "layers_min": 2, "source": "SNI 8914:2020"}


@pytest.mark.parametrize(
    ("quantity", "accepted", "rejected", "reasons", "expected"),
    [
        (100, 100, 0, [], []),
        (100, 90, 10, [("seams", 7), ("size", 3)], []),
        (100, 90, 9, [("seams", 9)], [("/inspection/rejected", "does_not_add_up")]),
        (100, 90, 10, [], [("/inspection/reasons", "missing")]),
        (100, 90, 10, [("seams", 9)], [("/inspection/reasons", "does_not_add_up")]),
        (100, 100, 0, [("seams", 1)], [("/inspection/reasons", "does_not_add_up")]),
        (100, 90, 10, [("seams", 5), ("seams", 5)], [("/inspection/reasons/1/reason", "duplicate")]),
        (
            100,
            1,
            2,
            [("seams", 1), ("seams", 2)],
            [
                ("/inspection/rejected", "does_not_add_up"),
                ("/inspection/reasons", "does_not_add_up"),
                ("/inspection/reasons/1/reason", "duplicate"),
            ],
        ),
    ],
)
def test_an_inspection_accounts_for_all_that_was_delivered(
    quantity: int, accepted: int, rejected: int, reasons: list[tuple[str, int]], expected: list[tuple[str, str]]
) -> None:
    leaves: dict[str, object] = {
        "/quantity": quantity,
        "/inspection/accepted": accepted,
        "/inspection/rejected": rejected,
    }
    for number, (reason, part) in enumerate(reasons):
        leaves[f"/inspection/reasons/{number}/reason"] = reason
        leaves[f"/inspection/reasons/{number}/quantity"] = part
    assert [(error.pointer, error.code) for error in delivery_mistakes(leaves)] == expected


def test_the_goods_of_an_order_have_a_lot_of_their_own() -> None:
    assert production_lot(UUID("0174472d-8680-7001-8000-00000000abcd")) == "PO-00000000ABCD"
