"""The rules of limits as tables of cases; no database."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import permutations
from random import Random
from uuid import UUID

import pytest

from services.aid_distribution.distributions.domain import share_mistakes
from services.aid_distribution.distributions.limit_rules import (
    Handout,
    RecipientLimit,
    breaches,
    even_part,
    refusal,
)
from shared.clock import wib_day

WHO = UUID(int=11)
DAY = date(2026, 5, 20)
ONE = timedelta(days=1)


def limit(**changes: object) -> RecipientLimit:
    usual: dict[str, object] = {
        "id": UUID(int=1), "region": "19", "programme": "free-masks", "item": None, "quantity_max": None,
        "times_max": None, "period_days": 1, "valid_from": date(2026, 1, 1), "valid_to": None,
    }  # fmt: skip
    return RecipientLimit(**(usual | changes))  # type: ignore[arg-type]


def handout(day: date = DAY, *, region: str = "19.71", programme: str = "free-masks", **goods: int) -> Handout:
    return Handout(WHO, region, programme, day, goods or {"MASK": 1})


def fits(limits: Sequence[RecipientLimit], before: Sequence[Handout], asked: Handout) -> bool:
    return not list(breaches(limits, before, asked))


@pytest.mark.parametrize(
    ("first", "second", "allowed"),
    [
        ("2026-05-20T06:30+07:00", "2026-05-20T07:30+07:00", False),
        ("2026-05-20T23:30+07:00", "2026-05-21T00:30+07:00", True),
        # In UTC both of these are one day and two days, the other way round.
        ("2026-05-20T00:30+07:00", "2026-05-20T23:30+07:00", False),
        ("2026-05-20T06:30+07:00", "2026-05-21T06:30+07:00", True),
    ],
)
def test_once_a_day_means_the_day_in_wib(first: str, second: str, *, allowed: bool) -> None:
    days = [wib_day(datetime.fromisoformat(moment)) for moment in (first, second)]
    for one, other in permutations(days, 2):
        assert fits([limit(times_max=1)], [handout(one)], handout(other)) is allowed


@pytest.mark.parametrize(
    ("days_before", "asked", "allowed"),
    [
        ([0], 6, False),
        ([0], 7, True),
        ([7], 0, True),
        ([6], 0, False),
        ([0, 14], 7, True),
        ([0, 13], 7, False),  # late, and dated between two others: the later one counts as much as the earlier
        ([0, 14], 8, False),
        ([20, 0], 7, True),
    ],
)
def test_an_interval_is_kept_in_both_directions(days_before: Sequence[int], asked: int, *, allowed: bool) -> None:
    before = [handout(DAY + ONE * days) for days in days_before]
    assert fits([limit(times_max=1, period_days=7)], before, handout(DAY + ONE * asked)) is allowed


def test_a_quantity_counts_in_every_stretch_of_days_that_holds_the_handout() -> None:
    weekly = limit(item="MASK", quantity_max=10, period_days=7)
    before = [handout(DAY, MASK=4), handout(DAY + ONE * 9, MASK=6)]
    assert fits([weekly], before, handout(DAY + ONE * 6, MASK=4))
    assert not fits([weekly], before, handout(DAY + ONE * 6, MASK=5))
    # No seven days hold both of those before, so the sum of all three is not what counts.
    assert fits([weekly], before, handout(DAY + ONE * 2, MASK=6))
    assert not fits([weekly], before, handout(DAY + ONE * 2, MASK=7))


def test_the_stretches_that_are_looked_at_are_as_good_as_all_of_them() -> None:
    random = Random(7)
    for _ in range(2_000):
        period, allowed = random.randint(1, 6), random.randint(1, 8)
        before = [handout(DAY + ONE * random.randint(0, 12), MASK=random.randint(1, 3)) for _ in range(6)]
        asked = handout(DAY + ONE * random.randint(0, 12), MASK=random.randint(1, 3))
        by_hand = max(
            sum(one.goods["MASK"] for one in [*before, asked] if 0 <= (one.day - asked.day).days + back < period)
            for back in range(period)
        )
        rule = limit(item="MASK", quantity_max=allowed, period_days=period)
        assert fits([rule], before, asked) is (by_hand <= allowed)


@pytest.mark.parametrize(
    ("changes", "asked", "allowed"),
    [
        ({"item": "MASK", "quantity_max": 5}, handout(MASK=3), False),
        ({"item": "SOAP", "quantity_max": 5}, handout(MASK=3, SOAP=5), True),
        ({"quantity_max": 5}, handout(SOAP=5), True),
        ({"quantity_max": 5}, handout(SOAP=6), False),
        ({"quantity_max": 5}, handout(SOAP=1, MASK=3), False),
        ({"item": "SOAP", "times_max": 1}, handout(MASK=1), True),
        ({"item": "MASK", "times_max": 1}, handout(MASK=1, SOAP=1), False),
        ({"times_max": 1}, handout(SOAP=1), False),
        ({"times_max": 1, "region": "19.71"}, handout(), False),
        ({"times_max": 1, "region": "19.7"}, handout(), True),
        ({"times_max": 1, "region": "19.02"}, handout(), True),
        ({"times_max": 1, "programme": "training"}, handout(), True),
        ({"times_max": 1}, handout(programme="training"), True),
        ({"times_max": 1, "valid_from": DAY + ONE}, handout(), True),
        ({"times_max": 1, "valid_to": DAY - ONE}, handout(), True),
        ({"times_max": 1, "valid_to": DAY}, handout(), False),
        ({"times_max": 1, "period_days": 9, "valid_from": DAY + ONE}, handout(DAY + ONE), True),
    ],
)
def test_what_a_limit_is_about(changes: dict[str, object], asked: Handout, *, allowed: bool) -> None:
    """Three masks were handed out on the day already."""
    assert fits([limit(**changes)], [handout(MASK=3)], asked) is allowed


@pytest.mark.parametrize(
    ("changes", "before", "asked", "expected"),
    [
        ({"times_max": 1}, [handout()], handout(), DAY + ONE),
        ({"times_max": 1, "period_days": 7}, [handout(DAY - ONE)], handout(), DAY + 6 * ONE),
        (
            {"times_max": 1, "period_days": 7},
            [handout(DAY), handout(DAY + 10 * ONE)],
            handout(DAY + ONE),
            DAY + 17 * ONE,
        ),
        ({"times_max": 2, "period_days": 7}, [handout(DAY - ONE), handout(DAY)], handout(), DAY + 6 * ONE),
        ({"quantity_max": 5}, [], handout(MASK=6), None),
        ({"quantity_max": 5, "valid_to": DAY + 3 * ONE}, [], handout(MASK=6), DAY + 4 * ONE),
        ({"times_max": 1, "period_days": 30, "valid_to": DAY + ONE}, [handout()], handout(), DAY + 2 * ONE),
    ],
)
def test_a_refusal_says_when_the_next_one_is_allowed(
    changes: dict[str, object], before: Sequence[Handout], asked: Handout, expected: date | None
) -> None:
    (breach,) = breaches([limit(**changes)], before, asked)
    day = breach.next_allowed_on
    assert day == expected
    if day is not None:
        later = Handout(asked.business, asked.region, asked.programme, day, asked.goods)
        assert fits([limit(**changes)], before, later)
        earlier = day - ONE
        while earlier > asked.day:
            on_it = Handout(asked.business, asked.region, asked.programme, earlier, asked.goods)
            assert not fits([limit(**changes)], before, on_it)
            earlier -= ONE


def test_all_breaches_are_told_and_none_is_no_refusal() -> None:
    both = [limit(times_max=1, quantity_max=3), limit(item="MASK", quantity_max=2)]
    found = refusal(list(breaches(both, [handout(MASK=3)], handout(MASK=1))))
    assert found is not None
    assert (found.status, found.code) == (409, "limit_reached")
    told = found.members["reached"]
    assert isinstance(told, list)
    assert [(one["item"], one["allowed"], one["received"], one["asked"]) for one in told] == [
        (None, 1, 1, 1),
        ("MASK", 3, 3, 1),
        ("MASK", 2, 3, 1),
    ]
    assert refusal([]) is None


@pytest.mark.parametrize(("quantity", "recipients", "part"), [(10, 3, 4), (9, 3, 3), (1, 100, 1), (100, 1, 100)])
def test_an_even_part_is_rounded_up(quantity: int, recipients: int, part: int) -> None:
    assert even_part(quantity, recipients) == part


def told(*shares: tuple[int, str, int], public: int = 0, named: Sequence[int] = (11, 12)) -> list[tuple[str, str]]:
    """Six masks and two soaps were handed out."""
    leaves: dict[str, object] = {
        "/lines/0/item": "MASK", "/lines/0/quantity": 4, "/lines/1/item": "SOAP", "/lines/1/quantity": 2,
        "/lines/2/item": "MASK", "/lines/2/quantity": 2, "/recipients/public": public,
    }  # fmt: skip
    leaves |= {f"/recipients/businesses/{index}": UUID(int=one) for index, one in enumerate(named)}
    for index, (business, item, quantity) in enumerate(shares):
        pointer = f"/recipients/shares/{index}"
        leaves |= {f"{pointer}/business": UUID(int=business), f"{pointer}/item": item, f"{pointer}/quantity": quantity}
    return [(error.pointer, error.code) for error in share_mistakes(leaves)]


def test_shares_of_the_wrong_shape_are_not_held_against_the_sums() -> None:
    leaves: dict[str, object] = {
        "/lines/0/item": "MASK", "/recipients/businesses/0": WHO, "/recipients/shares": [{}],
        "/recipients/shares/0/business": WHO, "/recipients/shares/0/item": "MASK", "/recipients/shares/0/quantity": 3,
    }  # fmt: skip
    assert share_mistakes(leaves) == []
    del leaves["/recipients/shares/0/business"]
    assert share_mistakes(leaves | {"/lines/0/quantity": 5}) == []
    assert share_mistakes({"/recipients/businesses/0": WHO, "/recipients/shares": []}) == []


def test_shares_are_of_all_businesses_or_of_none_and_add_up() -> None:
    assert told() == []
    assert told((11, "MASK", 5), (12, "MASK", 1), (12, "SOAP", 2)) == []
    assert told((11, "MASK", 5)) == [("/recipients/shares", "incomplete")]
    assert told((11, "MASK", 5), (12, "SOAP", 2)) == [("/recipients/shares", "does_not_add_up")]
    assert told((11, "MASK", 5), (12, "SOAP", 2), public=3) == []
    assert told((11, "MASK", 7), (12, "SOAP", 2), public=3) == [("/recipients/shares", "does_not_add_up")]
    assert told((11, "RICE", 1), (12, "SOAP", 2), public=3) == [("/recipients/shares", "does_not_add_up")]
    assert told((11, "MASK", 3), (11, "MASK", 3), (12, "SOAP", 2), (13, "SOAP", 2)) == [
        ("/recipients/shares/1", "duplicate"),
        ("/recipients/shares/3/business", "not_a_recipient"),
    ]
