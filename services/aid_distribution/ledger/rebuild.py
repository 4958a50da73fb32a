"""Working out anew what the ledger keeps beside its journal, where the audit found that it does not agree.

The journal is the truth and is only read. Nothing is rebuilt when the journal itself would make a card negative: then
it is the journal that was changed, and it must be brought back first.
"""

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.ledger.audit import CHECKS, EXPECTED_CARDS, EXPECTED_DAYS, RUNNING

# Nobody posts meanwhile: a posting locks the rows of its cards, and this the whole of both tables.
LOCK = text("LOCK TABLE card, card_day IN SHARE ROW EXCLUSIVE MODE")
CARDS = """
    INSERT INTO card (place, item, lot, on_hand, last_occurred_at) SELECT * FROM expected
    ON CONFLICT (place, item, lot)
    DO UPDATE SET on_hand = excluded.on_hand, last_occurred_at = excluded.last_occurred_at
"""
EMPTY = """
    UPDATE card SET on_hand = 0, last_occurred_at = NULL
    WHERE NOT EXISTS (SELECT FROM movement m WHERE (m.place, m.item, m.lot) = (card.place, card.item, card.lot))
      AND NOT EXISTS (SELECT FROM count_line c WHERE (c.place, c.item, c.lot) = (card.place, card.item, card.lot))
"""
NO_DAYS = "DELETE FROM card_day"
DAYS = """
    INSERT INTO card_day (place, item, lot, day, opening, incoming, outgoing, lowest)
    SELECT place, item, lot, day, opening, incoming, outgoing, lowest FROM expected
"""
ANEW = (
    text(RUNNING + EXPECTED_CARDS + CARDS),
    text(RUNNING + EMPTY),
    text(NO_DAYS),
    text(RUNNING + EXPECTED_DAYS + DAYS),
)
REBUILT = ("card_is_sum_of_lines", "day_is_sum_of_lines")


class JournalBroken(Exception):
    """The journal itself does not hold together: what follows from it must not be written."""


async def wrong(session: AsyncSession) -> int:
    """Count the cards and days that do not agree with the journal."""
    return sum([len((await session.execute(CHECKS[check])).all()) for check in REBUILT])


async def rebuild(session: AsyncSession) -> None:
    """Work out every card and every day from the journal; raises JournalBroken when that makes no sense."""
    await session.execute(LOCK)
    try:
        for statement in ANEW:
            await session.execute(statement)
    except IntegrityError as error:
        raise JournalBroken("by the journal a card would have been negative: bring its lines back first") from error
