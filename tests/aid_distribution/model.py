"""What the ledger is held against: the plain list of all movements and counts, walked through from the beginning."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from services.aid_distribution.ledger.domain import Draft, Kind, Line
from shared.caller import Caller, Role
from shared.clock import wib_day
from tests.aid_distribution.story import NOON, WAREHOUSE

LOTS: dict[str, date | None] = {"": None, "A": date(2026, 5, 19), "B": date(2026, 5, 21), "C": None}
MIDNIGHT = timedelta(hours=12)
Moment = tuple[datetime, datetime, int]


@dataclass(frozen=True, slots=True)
class Move:
    """A movement that is asked for: `lot` None leaves the choice to the ledger."""

    at: datetime
    change: int
    lot: str | None


@dataclass(frozen=True, slots=True)
class Tally:
    """A count that is asked for; `lot` is always named."""

    at: datetime
    counted: int
    lot: str


@dataclass(frozen=True, slots=True)
class Undo:
    """One of the postings so far is to be reversed."""

    which: int


@dataclass(slots=True)
class Model:
    """The list of all movements and of all counts that stand, and nothing that is derived from it."""

    entries: list[tuple[Moment, str, int]] = field(default_factory=list)
    counts: dict[int, tuple[Moment, str, int]] = field(default_factory=dict)
    postings: list[tuple[datetime, dict[str, int]]] = field(default_factory=list)
    undone: set[int] = field(default_factory=set)
    reversals: set[int] = field(default_factory=set)
    now: datetime = NOON

    def moment(self, at: datetime) -> Moment:
        """Give the place on the timeline that the next posting would have."""
        return at, max(self.now, at), len(self.postings)

    def walk(self, lot: str) -> Iterator[tuple[Moment, int, int]]:
        """Go through the life of a lot: each moment, what changed, and the balance after it; a count sets that."""
        movements = [(when, False, change) for when, of, change in self.entries if of == lot]
        counts = [(when, True, counted) for when, of, counted in self.counts.values() if of == lot]
        balance = 0
        for when, sets, figure in sorted([*movements, *counts]):
            change = figure - balance if sets else figure
            balance += change
            yield when, change, balance

    def before(self, lot: str, at: datetime) -> int:
        """Give the balance just before a moment."""
        moment = self.moment(at)
        return ([0] + [balance for when, _, balance in self.walk(lot) if when < moment])[-1]

    def next_count(self, lot: str, at: datetime) -> Moment | None:
        later = [when for when, of, _ in self.counts.values() if of == lot and when > self.moment(at)]
        return min(later, default=None)

    def lowest_from(self, lot: str, at: datetime) -> int:
        """Give the lowest balance of a lot from a moment on, as far as what happens then reaches: to the next count."""
        moment, until = self.moment(at), self.next_count(lot, at)
        reach = [balance for when, _, balance in self.walk(lot) if when > moment and (until is None or when < until)]
        return min([self.before(lot, at), *reach])

    def enter(self, at: datetime, changes: dict[str, int]) -> bool:
        """Enter one posting, unless some lot would be negative from then on."""
        if any(change < 0 and self.lowest_from(lot, at) + change < 0 for lot, change in changes.items()):
            return False
        self.entries += [(self.moment(at), lot, change) for lot, change in changes.items()]
        self.postings.append((at, changes))
        return True

    def count(self, tally: Tally) -> bool:
        """Enter a count, unless goods lie there in lots that it does not name, or one would be negative after it."""
        others = {lot for _, lot, _ in self.entries} | {lot for _, lot, _ in self.counts.values()} - {tally.lot}
        if not tally.lot and any(self.before(lot, tally.at) for lot in others - {""}):
            return False
        difference = tally.counted - self.before(tally.lot, tally.at)
        if difference < 0 and self.lowest_from(tally.lot, tally.at) + difference < 0:
            return False
        self.counts[len(self.postings)] = (self.moment(tally.at), tally.lot, tally.counted)
        self.postings.append((tally.at, {tally.lot: 0}))
        return True

    def move(self, move: Move) -> bool:
        if move.change > 0:
            return self.enter(move.at, {move.lot or "": move.change})
        if move.lot is not None:
            return self.enter(move.at, {move.lot: move.change})
        held = {lot for _, lot, _ in self.entries} | {lot for _, lot, _ in self.counts.values()}
        missing, changes = -move.change, dict[str, int]()
        for lot in sorted(held, key=lambda lot: (LOTS[lot] or date.max, lot)):
            taken = min(missing, max(self.lowest_from(lot, move.at), 0))
            if taken:
                changes[lot] = -taken
                missing -= taken
        return missing == 0 and self.enter(move.at, changes)

    def undo(self, which: int) -> bool:
        """Reverse a posting at its own moment, once; not a reversal, and not what a later count has taken up."""
        if which in self.undone | self.reversals:
            return False
        at, changes = self.postings[which]
        if which in self.counts:
            return self.uncount(which)
        if any(self.next_count(lot, at) for lot in changes):
            return False
        if not self.enter(at, {lot: -change for lot, change in changes.items()}):
            return False
        self.undone.add(which)
        self.reversals.add(len(self.postings) - 1)
        return True

    def uncount(self, which: int) -> bool:
        """Reverse a count: what it found until now becomes a movement, and is taken back."""
        when, lot, _ = stood = self.counts[which]
        found = next(change for at, change, _ in self.walk(lot) if at == when)
        del self.counts[which]
        self.entries.append((when, lot, found))
        if not self.enter(when[0], {lot: -found}):
            self.entries.pop()
            self.counts[which] = stood
            return False
        self.undone.add(which)
        self.reversals.add(len(self.postings) - 1)
        return True

    def days(self, lot: str) -> list[tuple[date, int, int, int, int]]:
        """Give opening, incoming, outgoing and lowest balance of each day on which a lot has changed."""
        found: dict[date, list[int]] = {}
        for (at, _, _), change, balance in self.walk(lot):
            day = found.setdefault(wib_day(at), [balance - change, 0, 0, balance - change])
            day[1 if change > 0 else 2] += abs(change)
            day[3] = min(day[3], balance)
        return [(day, *figures) for day, figures in found.items() if figures[1] or figures[2]]  # type: ignore[misc]

    @property
    def movements(self) -> list[tuple[Moment, str, int]]:
        """Give all that changed a lot, in order; of a count that is the difference that it has found by now."""
        lots = {lot for _, lot, _ in (*self.entries, *self.counts.values())}
        return sorted((when, lot, change) for lot in lots for when, change, _ in self.walk(lot) if change)

    @property
    def balances(self) -> dict[str, int]:
        lots = {lot for _, lot, _ in (*self.entries, *self.counts.values())}
        ends = {lot: ([0] + [balance for _, _, balance in self.walk(lot)])[-1] for lot in lots}
        return {lot: balance for lot, balance in ends.items() if balance}


# Few distinct moments, so that ties, days without movements and the border of the day come up often.
moments = st.builds(
    lambda day, step: NOON - timedelta(days=day) - MIDNIGHT + timedelta(hours=4 * step),
    st.integers(0, 3),
    st.integers(0, 3),
)
moves = st.builds(
    Move,
    moments,
    st.one_of(st.integers(1, 9), st.integers(-9, -1)),
    st.sampled_from([None, None, "", "A", "B", "C"]),
)
tallies = st.builds(Tally, moments, st.integers(0, 12), st.sampled_from(list(LOTS)))


def draft(work_id: UUID, item: str, move: Move) -> Draft:
    ends = ("SUPPLIER", WAREHOUSE) if move.change > 0 else (WAREHOUSE, "LOSS")
    return Draft(
        id=work_id,
        kind=Kind.RECEIPT if move.change > 0 else Kind.ISSUE,
        region="19.71",
        occurred_at=move.at,
        caller=Caller("model", Role.OPERATOR, ("19",)),
        lines=(Line(item, abs(move.change), *ends, move.lot),),
    )
