from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.aid_distribution.distributions.domain import recipient_mistakes
from services.aid_distribution.ledger.account import Card, CardKey, Cards
from services.aid_distribution.ledger.deciding import post
from services.aid_distribution.ledger.domain import (
    CARD_MAX,
    EARLIEST,
    NO_LOT,
    QUANTITY_MAX,
    Draft,
    Entered,
    Kind,
    Line,
    ShortOfStock,
    TooMuch,
    Virtual,
    document_number,
    when_mistakes,
)
from shared.caller import DATING_BACK_DAYS, Caller, Role
from shared.clock import WIB, wib_day
from shared.problems import Refusal

D = date(2026, 5, 20)
NOON = datetime(2026, 5, 20, 12, 0, tzinfo=WIB)
WAREHOUSE, ITEM = "WH-19.71", "MASK-CLOTH"


@dataclass(slots=True)
class Book:
    """A ledger in memory, on one place and item."""

    cards: Cards = field(default_factory=Cards)
    number: int = 0

    def post(self, *lines: Line, at: datetime, usable_only: bool = False, reverses: bool = False) -> object:
        self.number += 1
        draft = Draft(
            id=UUID(int=self.number),
            kind=Kind.REVERSAL if reverses else Kind.ISSUE,
            region="19.71",
            occurred_at=at,
            caller=Caller("test", Role.OPERATOR, ("19",)),
            lines=lines,
            usable_only=usable_only,
        )
        return post(draft, self.cards, NOON + timedelta(seconds=self.number))

    def come_in(self, quantity: int, at: datetime, lot: str | None = None, expires_on: date | None = None) -> object:
        done = self.post(Line(ITEM, quantity, Virtual.SUPPLIER, WAREHOUSE, lot), at=at)
        self.cards[CardKey(WAREHOUSE, ITEM, lot or NO_LOT)].expires_on = expires_on
        return done

    def go_out(self, quantity: int, at: datetime, lot: str | None = None, *, usable_only: bool = False) -> object:
        return self.post(out(quantity, lot), at=at, usable_only=usable_only)

    def closings(self, *days: int, lot: str = NO_LOT) -> list[int]:
        """Give the balance at the end of these days, counted from D."""
        card = self.cards[CardKey(WAREHOUSE, ITEM, lot)]
        wanted = [D + timedelta(days=day) for day in days]
        return [([0] + [day.closing for day in card.days if day.day <= until])[-1] for until in wanted]


def out(quantity: int, lot: str | None = None, item: str = ITEM) -> Line:
    return Line(item, quantity, WAREHOUSE, Virtual.LOSS, lot)


def on(day: int, hour: int = 12) -> datetime:
    return NOON + timedelta(days=day, hours=hour - 12)


def taken(outcome: object) -> list[tuple[str | None, int]]:
    assert isinstance(outcome, Entered)
    return [(line.lot, line.quantity) for line in outcome.lines]


def first_card(outcome: object) -> dict[str, object]:
    assert isinstance(outcome, ShortOfStock)
    cards = outcome.members["cards"]
    assert isinstance(cards, list)
    return dict(cards[0])


def test_a_late_receipt_raises_every_later_day() -> None:
    book = Book()
    for day in (-1, 2, 3):
        book.come_in(10, on(day))
    assert book.closings(-1, 0, 2, 3) == [10, 10, 20, 30]
    book.come_in(15, on(0))
    assert book.closings(-1, 0, 2, 3) == [10, 25, 35, 45]


def test_more_than_there_is_is_refused_and_nothing_is_entered() -> None:
    book = Book()
    book.come_in(10, on(-1))
    refused = first_card(book.go_out(15, on(0)))
    assert (refused["asked"], refused["available"], refused["short"]) == (15, 10, 5)
    assert refused["first_short_on"] == "2026-05-20"
    assert book.closings(-1, 0) == [10, 10]
    assert len(book.cards[CardKey(WAREHOUSE, ITEM, NO_LOT)].days) == 1


def test_late_issues_lower_every_later_day() -> None:
    book = Book()
    book.come_in(50, on(-1))
    book.go_out(5, on(0))
    book.go_out(10, on(2))
    book.go_out(1, on(0))
    book.go_out(2, on(1))
    assert book.closings(0, 1, 2) == [44, 42, 32]


def test_what_arrives_out_of_order_adds_up_all_the_same() -> None:
    book = Book()
    book.come_in(100, on(2))
    book.come_in(100, on(1))
    assert book.closings(1, 2) == [100, 200]


def test_a_late_issue_may_not_take_what_came_later() -> None:
    book = Book()
    book.come_in(10, on(-7))
    book.come_in(10, on(0) - timedelta(minutes=1))
    refused = first_card(book.go_out(20, on(-2)))
    assert (refused["available"], refused["first_short_on"]) == (10, "2026-05-18")
    assert isinstance(book.go_out(10, on(-2)), Entered)


def test_a_late_issue_may_not_take_what_was_used_later() -> None:
    book = Book()
    book.come_in(10, on(-3))
    book.go_out(8, on(-1))
    book.come_in(10, on(0))
    refused = first_card(book.go_out(3, on(-2)))
    assert (refused["available"], refused["first_short_on"]) == (2, "2026-05-19")
    assert isinstance(book.go_out(2, on(-2)), Entered)


def test_within_a_day_every_movement_counts() -> None:
    book = Book()
    book.come_in(10, on(0, 8))
    book.go_out(10, on(0, 9))
    book.come_in(10, on(0, 10))
    assert isinstance(book.go_out(1, on(0, 8)), ShortOfStock)
    assert isinstance(book.go_out(1, on(0, 9)), ShortOfStock)
    assert isinstance(book.go_out(10, on(0, 10)), Entered)
    assert book.closings(0) == [0]


def test_a_tie_is_settled_by_who_was_recorded_first() -> None:
    book = Book()
    book.come_in(10, on(0))
    assert isinstance(book.go_out(10, on(0)), Entered)
    other = Book()
    assert isinstance(other.go_out(10, on(0)), ShortOfStock)
    other.come_in(10, on(0))
    assert isinstance(other.go_out(10, on(0)), Entered)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        (((3, -2), (5, -3), (7, 6), (25, -1)), [True, True, False, False]),
        (((2, 6), (3, -2), (5, -3), (25, -1)), [False, False, False, False]),
    ],
)
def test_a_card_is_never_negative(changes: Sequence[tuple[int, int]], refused: list[bool]) -> None:
    book = Book()
    outcomes = [
        book.come_in(change, on(day)) if change > 0 else book.go_out(-change, on(day)) for day, change in changes
    ]
    assert [isinstance(outcome, Refusal) for outcome in outcomes] == refused


def test_every_order_of_arrival_gives_the_same_days() -> None:
    movements = [(0, 9, 40), (1, 9, -10), (1, 9, 5), (2, 0, -7), (2, 23, -20), (0, 10, -3)]
    states = set()
    for order in permutations(movements):
        book = Book()
        book.come_in(100, on(-1))
        for day, hour, change in order:
            done = book.come_in(change, on(day, hour)) if change > 0 else book.go_out(-change, on(day, hour))
            assert isinstance(done, Entered)
        (card,) = book.cards.values()
        states.add(tuple((day.day, day.opening, day.incoming, day.outgoing) for day in card.days))
    assert len(states) == 1


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-05-19T16:59:59.999999Z", date(2026, 5, 19)),
        ("2026-05-19T17:00:00Z", date(2026, 5, 20)),
        ("2026-05-20T06:30:00+07:00", date(2026, 5, 20)),
        ("2026-05-20T07:30:00+07:00", date(2026, 5, 20)),
        ("2026-05-20T23:30:00+07:00", date(2026, 5, 20)),
        ("2026-05-21T00:30:00+07:00", date(2026, 5, 21)),
        ("2026-05-21T01:30:00+09:00", date(2026, 5, 20)),
    ],
)
def test_a_movement_belongs_to_its_day_in_western_indonesia(moment: str, day: date) -> None:
    book = Book()
    book.come_in(1, datetime.fromisoformat(moment))
    (card,) = book.cards.values()
    assert [one.day for one in card.days] == [day]


def test_the_earliest_expiry_goes_first_and_no_expiry_last() -> None:
    book = Book()
    book.come_in(2, on(-3), "NONE")
    book.come_in(6, on(-3), "FEB", date(2027, 2, 28))
    book.come_in(30, on(-3), "JAN", date(2027, 1, 31))
    assert taken(book.go_out(33, on(0))) == [("JAN", 30), ("FEB", 3)]
    assert taken(book.go_out(5, on(0))) == [("FEB", 3), ("NONE", 2)]


def test_what_all_lots_together_do_not_hold_is_told_as_short() -> None:
    book = Book()
    book.come_in(30, on(-3), "JAN", date(2027, 1, 31))
    book.come_in(6, on(-3), "FEB", date(2027, 2, 28))
    book.come_in(2, on(-3), "NONE")
    refused = first_card(book.go_out(50, on(0)))
    assert (refused["asked"], refused["available"], refused["short"], refused["lot"]) == (50, 38, 12, None)
    assert taken(book.go_out(38, on(0))) == [("JAN", 30), ("FEB", 6), ("NONE", 2)]


def test_expired_lots_are_skipped_and_told() -> None:
    book = Book()
    book.come_in(10, on(-3), "OLD", D - timedelta(days=1))
    book.come_in(10, on(-3), "TODAY", D)
    book.come_in(10, on(-3), "LATER", D + timedelta(days=9))
    refused = first_card(book.go_out(21, on(0), usable_only=True))
    assert (refused["available"], refused["skipped_expired"]) == (20, ["OLD"])
    assert taken(book.go_out(15, on(0), usable_only=True)) == [("TODAY", 10), ("LATER", 5)]
    assert taken(book.go_out(15, on(0))) == [("OLD", 10), ("LATER", 5)]


def test_a_lot_that_was_not_yet_expired_at_that_moment_is_used() -> None:
    book = Book()
    book.come_in(10, on(-5), "OLD", D - timedelta(days=1))
    assert taken(book.go_out(4, on(-2), usable_only=True)) == [("OLD", 4)]


def test_the_lines_of_one_posting_share_what_a_lot_holds() -> None:
    book = Book()
    book.come_in(10, on(-3), "A", date(2027, 1, 31))
    book.come_in(10, on(-3), "B", date(2027, 2, 28))
    assert taken(book.post(out(8), out(8), at=on(0))) == [("A", 8), ("A", 2), ("B", 6)]


def test_a_line_that_names_its_lot_has_it_first() -> None:
    book = Book()
    book.come_in(10, on(-3), "A", date(2027, 1, 31))
    book.come_in(10, on(-3), "B", date(2027, 2, 28))
    assert taken(book.post(out(12), out(8, "A"), at=on(0))) == [("A", 2), ("B", 10), ("A", 8)]


def test_every_card_that_is_short_is_told() -> None:
    book = Book()
    book.come_in(5, on(-1))
    outcome = book.post(out(3), out(3), out(1, item="SOAP-5L"), at=on(0))
    assert isinstance(outcome, ShortOfStock)
    told = [(card["item"], card["asked"], card["available"]) for card in outcome.members["cards"]]  # type: ignore[union-attr, index, call-overload]
    assert told == [("MASK-CLOTH", 6, 5), ("SOAP-5L", 1, 0)]


def test_a_lot_that_is_not_there_is_short() -> None:
    book = Book()
    book.come_in(5, on(-1), "A")
    refused = first_card(book.go_out(1, on(0), "B"))
    assert (refused["lot"], refused["available"]) == ("B", 0)


def test_a_receipt_may_not_be_taken_back_once_its_goods_are_used() -> None:
    book = Book()
    book.come_in(10, on(-2))
    book.go_out(6, on(-1))
    back = Line(ITEM, 10, WAREHOUSE, Virtual.SUPPLIER, NO_LOT)
    assert isinstance(book.post(back, at=on(-2), reverses=True), ShortOfStock)
    book.come_in(6, on(0))
    assert isinstance(book.post(back, at=on(-2), reverses=True), ShortOfStock)  # for a day there would be too little
    book.come_in(6, on(-2, 13))
    assert isinstance(book.post(back, at=on(-2), reverses=True), Entered)
    assert book.closings(-2, -1, 0) == [6, 0, 6]


def test_a_card_refuses_what_it_could_not_count() -> None:
    book = Book()
    for _ in range(CARD_MAX // QUANTITY_MAX):
        assert isinstance(book.come_in(QUANTITY_MAX, on(-1)), Entered)
    assert isinstance(book.come_in(1, on(-1)), TooMuch)
    assert isinstance(book.come_in(1, on(-9)), TooMuch)
    assert isinstance(book.go_out(QUANTITY_MAX, on(0)), Entered)
    assert book.closings(-1, 0) == [CARD_MAX, CARD_MAX - QUANTITY_MAX]


def test_an_empty_card_has_nothing_and_is_not_negative() -> None:
    card = Card(CardKey(WAREHOUSE, ITEM, NO_LOT))
    assert (card.on_hand, card.fullest) == (0, 0)


@pytest.mark.parametrize(
    ("role", "days", "codes"),
    [
        (Role.REGENCY_OFFICER, 0, []),
        (Role.REGENCY_OFFICER, 30, []),
        (Role.REGENCY_OFFICER, 30.0001, ["too_far_back"]),
        (Role.PROVINCE_STAFF, 30.0001, []),
        (Role.PROVINCE_STAFF, 366, []),
        (Role.PROVINCE_STAFF, 366.0001, ["too_far_back"]),
        (Role.OPERATOR, 366.0001, []),
        (Role.OPERATOR, 365 * 50, []),
        (Role.OPERATOR, 365 * 100, ["too_far_back"]),
        (Role.OPERATOR, -0.0001, ["in_the_future"]),
    ],
)
def test_how_far_back_one_may_date_depends_on_the_role(role: Role, days: float, codes: list[str]) -> None:
    assert [one.code for one in when_mistakes(NOON - timedelta(days=days), NOON, role, DATING_BACK_DAYS)] == codes


def test_nothing_is_dated_before_a_card_begins() -> None:
    assert when_mistakes(EARLIEST, NOON, Role.OPERATOR, DATING_BACK_DAYS) == []
    (error,) = when_mistakes(EARLIEST - timedelta(microseconds=1), NOON, Role.OPERATOR, DATING_BACK_DAYS)
    assert (error.pointer, error.code) == ("/occurred_at", "too_far_back")


@pytest.mark.parametrize(
    ("kind", "count", "number"),
    [
        (Kind.DISTRIBUTION, 1, "2026-05-FAC001-DO-0001"),
        (Kind.DISTRIBUTION, 10_000, "2026-05-FAC001-DO-10000"),
        (Kind.RECEIPT, 9_999, "2026-05-FAC001-GR-9999"),
        (Kind.REVERSAL, 12, "2026-05-FAC001-RV-0012"),
    ],
)
def test_a_document_number_grows_wider_when_it_must(kind: Kind, count: int, number: str) -> None:
    assert document_number("FAC001", date(2026, 5, 1), kind, count) == number


ONE, OTHER, CLOSED = UUID(int=1), UUID(int=2), UUID(int=3)


@pytest.mark.parametrize(
    ("public", "businesses", "told"),
    [
        (100, [], []),
        (0, [ONE], []),
        (100, [ONE, OTHER], []),
        (0, [], [("/recipients", "no_recipient")]),
        (None, [], [("/recipients", "no_recipient")]),
        (1, [ONE, ONE], [("/recipients/businesses/1", "duplicate")]),
        (1, [CLOSED], [("/recipients/businesses/0", "unknown_business")]),
        (
            1,
            [CLOSED, ONE, CLOSED],
            [("/recipients/businesses/0", "unknown_business"), ("/recipients/businesses/2", "duplicate")],
        ),
    ],
)
def test_somebody_must_have_received(public: int | None, businesses: list[UUID], told: list[tuple[str, str]]) -> None:
    leaves: dict[str, object] = {f"/recipients/businesses/{index}": one for index, one in enumerate(businesses)}
    if public is not None:
        leaves["/recipients/public"] = public
    assert [(error.pointer, error.code) for error in recipient_mistakes(leaves, {ONE, OTHER})] == told


Movement = tuple[datetime, datetime, int]


def prefix_sums(movements: Iterable[Movement]) -> list[int]:
    balances, balance = [], 0
    for _, _, change in sorted(movements, key=lambda movement: movement[:2]):
        balance += change
        balances.append(balance)
    return balances


moments = st.builds(
    lambda day, hour: datetime(2026, 5, 17 + day, hour, tzinfo=UTC), st.integers(0, 3), st.sampled_from([0, 9, 16, 17])
)


# Whose clock was behind is recorded earlier than what is already there, and takes its place before it.
@given(st.lists(st.tuples(moments, st.integers(0, 3), st.integers(-9, 9).filter(bool)), max_size=25))
def test_a_card_decides_as_a_plain_list_of_movements_would(asked: list[tuple[datetime, int, int]]) -> None:
    cards, entered = Cards(), list[Movement]()
    for number, (at, behind, change) in enumerate(asked):
        recorded_at = NOON + timedelta(seconds=number - 10 * behind, microseconds=number)
        ends = (Virtual.SUPPLIER, WAREHOUSE) if change > 0 else (WAREHOUSE, Virtual.LOSS)
        draft = Draft(
            id=UUID(int=number),
            kind=Kind.RECEIPT,
            region="19.71",
            occurred_at=at,
            caller=Caller("test", Role.OPERATOR, ("19",)),
            lines=(Line(ITEM, abs(change), *ends),),
        )
        would_be = [*entered, (at, recorded_at, change)]
        done = isinstance(post(draft, cards, recorded_at), Entered)
        assert done is (min(prefix_sums(would_be)) >= 0)
        if done:
            entered = would_be
        for card in cards.values():
            assert card.on_hand == sum(change for _, _, change in entered)
            for day in card.days:
                until = [one for one in entered if wib_day(one[0]) <= day.day]
                earlier = [one for one in entered if wib_day(one[0]) < day.day]
                assert (day.opening, day.closing) == (sum(one[2] for one in earlier), sum(one[2] for one in until))
                assert day.lowest == min([day.opening, *prefix_sums(until)[len(earlier) :]])
