"""The rules of the ledger by themselves, step by step against a naive model: 500 lives of 40 steps each."""

from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.aid_distribution.ledger import deciding
from services.aid_distribution.ledger.account import Card, CardKey, Cards
from services.aid_distribution.ledger.domain import Counted, Draft, Kind, Line, difference_lines
from shared.caller import Caller, Role
from shared.problems import Refusal
from tests.aid_distribution.model import LOTS, Model, Move, Tally, draft, moments, moves, tallies
from tests.aid_distribution.story import NOON, WAREHOUSE

ITEM = "MASK-CLOTH"
LIVES = 500
STEPS = 40


class Ledger(RuleBasedStateMachine):
    """Cards that are kept by the ledger's rules, and beside them the list of all movements."""

    def __init__(self) -> None:
        super().__init__()
        self.cards = Cards()
        self.model = Model()
        self.posted: list[tuple[datetime, list[Line]]] = []

    @initialize(quantity=st.integers(0, 20), lot=st.sampled_from(list(LOTS)))
    def something_is_there(self, quantity: int, lot: str) -> None:
        if quantity:
            self.move(Move(NOON - timedelta(days=4), quantity, lot))

    @rule(seconds=st.integers(-5, 60))
    def the_clock_goes_on_or_is_set_back(self, seconds: int) -> None:
        self.model.now += timedelta(seconds=seconds)

    @rule(move=moves)
    def move(self, move: Move) -> None:
        expected = self.model.move(move)
        key = CardKey(WAREHOUSE, ITEM, move.lot or "")
        if move.change > 0 and key not in self.cards:
            self.cards._put(Card(key, expires_on=LOTS[key.lot]))
        self.enter(draft(UUID(int=len(self.posted)), ITEM, move), expected=expected)

    @rule(move=moves, at=moments)
    def the_same_goods_come_and_go(self, move: Move, at: datetime) -> None:
        self.move(Move(move.at, abs(move.change), move.lot))
        self.move(Move(at, -abs(move.change), move.lot))

    @rule(tally=tallies)
    def something_is_counted(self, tally: Tally) -> None:
        expected = self.model.count(tally)
        key = CardKey(WAREHOUSE, ITEM, tally.lot)
        if expected and key not in self.cards:
            self.cards._put(Card(key, expires_on=LOTS[key.lot]))
        asked = Draft(
            id=UUID(int=len(self.posted)),
            kind=Kind.COUNT,
            region="19.71",
            occurred_at=tally.at,
            caller=Caller("model", Role.OPERATOR, ("19",)),
            lines=(),
            counted=(Counted(key, tally.counted),),
        )
        self.enter(asked, expected=expected)

    @rule(which=st.integers(0, 60))
    def a_posting_is_reversed(self, which: int) -> None:
        if not self.posted:
            return
        number = which % len(self.posted)
        if number in self.model.undone | self.model.reversals:
            return
        at, lines = self.posted[number]
        back = tuple(Line(line.item, line.quantity, line.to_place, line.from_place, line.lot) for line in lines)
        opposite = Draft(
            id=UUID(int=len(self.posted)),
            kind=Kind.REVERSAL,
            region="19.71",
            occurred_at=at,
            caller=Caller("model", Role.OPERATOR, ("19",)),
            reason="typed twice",
            reverses=UUID(int=number),
            lines=back,
            uncounted=tuple(
                CardKey(WAREHOUSE, ITEM, lot) for when, lot, _ in self.model.counts.values() if when[2] == number
            ),
        )
        self.enter(opposite, expected=self.model.undo(number))

    def enter(self, asked: Draft, *, expected: bool) -> None:
        entered = deciding.post(asked, self.cards, max(self.model.now, asked.occurred_at))
        assert isinstance(entered, Refusal) != expected, entered
        if not isinstance(entered, Refusal):
            self.posted.append((asked.occurred_at, list(entered.lines)))
            for change in entered.changes:
                if count := change.taken_up_by:
                    self.posted[count.posting_id.int][1].extend(difference_lines(change.key, -change.quantity))

    @invariant()
    def every_card_and_day_is_what_the_list_of_movements_makes_it(self) -> None:
        counted = {lot for _, lot, _ in self.model.counts.values()}
        assert {key.lot for key in self.cards} == {lot for _, lot, _ in self.model.entries} | counted
        for (_, _, lot), card in self.cards.items():
            changed = [day for day in card.days if day.incoming or day.outgoing]
            days = [(day.day, day.opening, day.incoming, day.outgoing, day.lowest) for day in changed]
            assert days == self.model.days(lot)
            assert all(lowest >= 0 for *_, lowest in days)
            assert card.on_hand == self.model.balances.get(lot, 0)


Ledger.TestCase.settings = settings(max_examples=LIVES, stateful_step_count=STEPS, deadline=None)
TestLedger = Ledger.TestCase
