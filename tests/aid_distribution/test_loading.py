"""How much of a card's past is read for a decision: what came after it, however much came before."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.aid_distribution.ledger import handlers
from services.aid_distribution.ledger.account import CardKey, Day
from services.aid_distribution.ledger.domain import Draft, Kind, Line
from services.aid_distribution.ledger.loading import lock_cards
from services.aid_distribution.ledger.orders import PostingView
from shared.caller import Caller, Role
from shared.database import Database
from shared.routes import Asked
from tests.aid_distribution.story import MASKS, OFFICE, WAREHOUSE, ago, audited, issue, receipt, receive

MINUTES = 120


async def busy_morning(database: Database, lowest_at: int) -> None:
    """Let a card have a movement each minute; its balance is lowest after one of them."""
    await receive(database, receipt(1_000, ago(1)))
    async with database.work(OFFICE) as work:
        for minute in range(MINUTES):
            at = ago(minutes=MINUTES - minute)
            if minute == lowest_at + 1:
                (outcome,) = await handlers.receive(work, [Asked(receipt(550, at), OFFICE)])
            else:
                quantity = 500 if minute == lowest_at else 1
                (outcome,) = await handlers.issue(work, [Asked(issue(quantity, at), OFFICE)])
            assert isinstance(outcome, PostingView)


async def loaded(database: Database, kind: Kind, at: datetime) -> Day:
    """Give the last day of the card as a posting of that moment would see it."""
    ends = ("SUPPLIER", WAREHOUSE) if kind is Kind.RECEIPT else (WAREHOUSE, "LOSS")
    async with database.work(OFFICE) as work:
        draft = Draft(
            id=UUID(int=1),
            kind=kind,
            region="19.71",
            occurred_at=at,
            caller=Caller("reader", Role.OPERATOR, ("19",)),
            lines=(Line(MASKS, 1, *ends, ""),),
        )
        return (await lock_cards(work.session, [draft], work.now))[CardKey(WAREHOUSE, MASKS, "")].days[-1]


@pytest.mark.parametrize("lowest_at", [0, 60, MINUTES - 2])
@pytest.mark.parametrize("kind", [Kind.RECEIPT, Kind.ISSUE])
async def test_what_is_a_little_late_reads_a_little_however_busy_the_day_was(
    database: Database, kind: Kind, lowest_at: int
) -> None:
    await busy_morning(database, lowest_at)
    day = await loaded(database, kind, ago(minutes=5))
    assert len(day.entries) == 5
    assert day.earlier_closing == day.closing - sum(entry.change for entry in day.entries)


@pytest.mark.parametrize("lowest_at", [0, 60, MINUTES - 4, MINUTES - 2])
async def test_a_late_receipt_knows_exactly_how_low_the_day_was_before_it(database: Database, lowest_at: int) -> None:
    await busy_morning(database, lowest_at)
    at = ago(minutes=3)
    day = await loaded(database, Kind.RECEIPT, at)
    # After so many issues of one, or after the one that took 500: whatever of it lies before the moment.
    assert day.earlier_lowest == (1_000 - lowest_at - 500 if lowest_at < MINUTES - 3 else 1_000 - (MINUTES - 3))
    await receive(database, receipt(7, at))
    await receive(database, receipt(7, at - timedelta(seconds=1)))
    assert await audited(database) == []
