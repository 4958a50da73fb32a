"""The ledger on its database against a naive model, in every order of arrival, in batches and one by one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger import store
from services.aid_distribution.ledger.catalogue import Category, Unit
from services.aid_distribution.ledger.domain import Draft, Kind, Line
from services.aid_distribution.ledger.orders import AddItem, ReversePosting
from services.aid_distribution.ledger.store import Posted
from shared.database import Database
from shared.problems import Refusal
from tests.aid_distribution.story import NOON, OFFICE, WAREHOUSE, StoppedClock, audited

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
    st.integers(-9, 9).filter(bool),
    st.sampled_from([None, None, "", "A", "B", "C"]),
)
# Whose clock is behind records earlier than what is there already, and with a tie comes before it.
behind_seconds = st.sampled_from([0, 0, 0, 2, 5])
steps = st.lists(
    st.tuples(behind_seconds, st.one_of(st.lists(moves, min_size=1, max_size=5), st.builds(Undo, st.integers(0, 30)))),
    max_size=12,
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


async def apply(database: Database, item: str, batch: Sequence[Move]) -> list[Posted | Refusal]:
    async with database.work(OFFICE) as work:
        return await ledger.post(work, [draft(work.new_id(), item, move) for move in batch])


async def undo(database: Database, posting_id: UUID) -> UUID | Refusal:
    try:
        async with database.work(OFFICE) as work:
            return (await ledger.reverse(work, OFFICE, posting_id, ReversePosting(reason="typed twice"))).id
    except Refusal as refusal:
        return refusal


async def new_item(database: Database) -> str:
    async with database.work(OFFICE) as work:
        code = f"ITEM-{work.new_id()}".upper()
        await ledger.add_item(work, AddItem(code=code, name="x", unit=Unit.PIECE, category=Category.OTHER))
        lots = [((code, lot), expires_on) for lot, expires_on in LOTS.items() if lot]
        await store.remember_lots(work.session, lots)
    return code


async def balances(database: Database, item: str) -> dict[str, int]:
    async with database.reading(OFFICE) as work:
        question = text("SELECT lot, on_hand FROM card WHERE item = :item AND on_hand <> 0")
        return {row.lot: row.on_hand for row in await work.session.execute(question, {"item": item})}


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(steps=steps)
async def test_the_ledger_decides_as_a_plain_list_of_movements_would(
    database: Database, clock: StoppedClock, steps: Sequence[tuple[int, list[Move] | Undo]]
) -> None:
    item, model, ids = await new_item(database), Model(), list[UUID]()
    for number, (behind, step) in enumerate(steps):
        clock.at = model.now = NOON + timedelta(seconds=number - behind)
        if isinstance(step, list):
            expected = [model.move(move) for move in step]
            outcomes = await apply(database, item, step)
            assert [isinstance(outcome, Posted) for outcome in outcomes] == expected
            ids += [outcome.draft.id for outcome in outcomes if isinstance(outcome, Posted)]
        elif ids:
            which = step.which % len(ids)
            expected = [model.undo(which)]
            undone = await undo(database, ids[which])
            assert [isinstance(undone, UUID)] == expected
            ids += [undone] if isinstance(undone, UUID) else []
        assert await balances(database, item) == model.balances
    assert await audited(database) == []
