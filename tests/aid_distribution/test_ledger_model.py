"""The ledger on its database against a naive model, in every order of arrival, in batches and one by one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.aid_distribution.ledger import counts, store
from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger.catalogue import Category, Unit
from services.aid_distribution.ledger.orders import AddItem, CountedLine, CountStock, ReversePosting
from services.aid_distribution.ledger.store import Posted
from shared.database import Database
from shared.problems import Refusal
from tests.aid_distribution.model import LOTS, Model, Move, Tally, Undo, draft, moves, tallies
from tests.aid_distribution.story import NOON, OFFICE, WAREHOUSE, StoppedClock, audited

Step: TypeAlias = list[Move] | Tally | Undo

# Whose clock is behind records earlier than what is there already, and with a tie comes before it.
behind_seconds = st.sampled_from([0, 0, 0, 2, 5])
steps = st.lists(
    st.tuples(
        behind_seconds,
        st.one_of(st.lists(moves, min_size=1, max_size=5), tallies, st.builds(Undo, st.integers(0, 30))),
    ),
    max_size=12,
)


async def apply(database: Database, item: str, batch: Sequence[Move]) -> list[Posted | Refusal]:
    async with database.work(OFFICE) as work:
        return await ledger.post(work, [draft(work.new_id(), item, move) for move in batch])


async def counted(database: Database, item: str, tally: Tally) -> UUID | Refusal:
    line = CountedLine(item=item, quantity=tally.counted, lot=tally.lot or None)
    order = CountStock(place=WAREHOUSE, occurred_at=tally.at, lines=[line])
    try:
        async with database.work(OFFICE) as work:
            return (await counts.count(work, OFFICE, order)).id
    except Refusal as refusal:
        return refusal


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


@dataclass(slots=True)
class History:
    """A history that is lived through twice: in the ledger, and in the list of all movements."""

    database: Database
    clock: StoppedClock
    item: str
    model: Model = field(default_factory=Model)
    ids: list[UUID] = field(default_factory=list)

    async def take(self, number: int, behind: int, step: Step) -> None:
        """Take one step in both; they must decide alike."""
        self.clock.at = self.model.now = NOON + timedelta(seconds=number - behind)
        if isinstance(step, list):
            expected = [self.model.move(move) for move in step]
            outcomes = await apply(self.database, self.item, step)
            done = [outcome.draft.id if isinstance(outcome, Posted) else outcome for outcome in outcomes]
        elif isinstance(step, Tally):
            expected = [step.at <= self.clock.at and self.model.count(step)]
            done = [await counted(self.database, self.item, step)]
        elif self.ids:
            which = step.which % len(self.ids)
            expected = [self.model.undo(which)]
            done = [await undo(self.database, self.ids[which])]
        else:
            return
        assert [isinstance(one, UUID) for one in done] == expected
        self.ids += [one for one in done if isinstance(one, UUID)]


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(steps=steps)
async def test_the_ledger_decides_as_a_plain_list_of_movements_would(
    database: Database, clock: StoppedClock, steps: Sequence[tuple[int, Step]]
) -> None:
    history = History(database, clock, await new_item(database))
    for number, (behind, step) in enumerate(steps):
        await history.take(number, behind, step)
        assert await balances(database, history.item) == history.model.balances
    assert await audited(database) == []
