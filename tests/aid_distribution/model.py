"""What the ledger is held against: the plain list of all movements, and prefix sums over it."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from services.aid_distribution.ledger.domain import Draft, Kind, Line
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
class Undo:
    """One of the postings so far is to be reversed."""

    which: int


@dataclass(slots=True)
class Model:
    """The list of all movements, and prefix sums over it."""

    entries: list[tuple[Moment, str, int]] = field(default_factory=list)
    postings: list[tuple[datetime, dict[str, int]]] = field(default_factory=list)
    undone: set[int] = field(default_factory=set)
    reversals: set[int] = field(default_factory=set)
    now: datetime = NOON

    def moment(self, at: datetime) -> Moment:
        """Give the place on the timeline that the next posting would have."""
        return at, max(self.now, at), len(self.postings)

    def lowest_from(self, lot: str, at: datetime) -> int:
        """Give the lowest balance of a lot from a moment on."""
        moment = self.moment(at)
        mine = sorted(entry for entry in self.entries if entry[1] == lot)
        balance = sum(change for when, _, change in mine if when < moment)
        lowest = balance
        for _, _, change in (entry for entry in mine if entry[0] > moment):
            balance += change
            lowest = min(lowest, balance)
        return lowest

    def enter(self, at: datetime, changes: dict[str, int]) -> bool:
        """Enter one posting, unless some lot would be negative from then on."""
        if any(change < 0 and self.lowest_from(lot, at) + change < 0 for lot, change in changes.items()):
            return False
        self.entries += [(self.moment(at), lot, change) for lot, change in changes.items()]
        self.postings.append((at, changes))
        return True

    def move(self, move: Move) -> bool:
        if move.change > 0:
            return self.enter(move.at, {move.lot or "": move.change})
        if move.lot is not None:
            return self.enter(move.at, {move.lot: move.change})
        held = {lot for _, lot, _ in self.entries}
        missing, changes = -move.change, dict[str, int]()
        for lot in sorted(held, key=lambda lot: (LOTS[lot] or date.max, lot)):
            taken = min(missing, max(self.lowest_from(lot, move.at), 0))
            if taken:
                changes[lot] = -taken
                missing -= taken
        return missing == 0 and self.enter(move.at, changes)

    def undo(self, which: int) -> bool:
        """Reverse a posting at its own moment, once; a reversal is not reversed."""
        if which in self.undone | self.reversals:
            return False
        at, changes = self.postings[which]
        if not self.enter(at, {lot: -change for lot, change in changes.items()}):
            return False
        self.undone.add(which)
        self.reversals.add(len(self.postings) - 1)
        return True

    def days(self, lot: str) -> list[tuple[date, int, int, int, int]]:
        """Give opening, incoming, outgoing and lowest balance of each day on which something happened to a lot."""
        found: dict[date, list[int]] = {}
        balance = 0
        for (at, _, _), _, change in sorted(entry for entry in self.entries if entry[1] == lot):
            day = found.setdefault(wib_day(at), [balance, 0, 0, balance])
            balance += change
            day[1 if change > 0 else 2] += abs(change)
            day[3] = min(day[3], balance)
        return [(day, *figures) for day, figures in found.items()]  # type: ignore[misc]  # four figures

    @property
    def balances(self) -> dict[str, int]:
        totals: dict[str, int] = {}
        for _, lot, change in self.entries:
            totals[lot] = totals.get(lot, 0) + change
        return {lot: total for lot, total in totals.items() if total}


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


def draft(work_id: UUID, item: str, move: Move) -> Draft:
    ends = ("SUPPLIER", WAREHOUSE) if move.change > 0 else (WAREHOUSE, "LOSS")
    return Draft(
        id=work_id,
        kind=Kind.RECEIPT if move.change > 0 else Kind.ISSUE,
        region="19.71",
        occurred_at=move.at,
        actor="model",
        lines=(Line(item, abs(move.change), *ends, move.lot),),
    )
