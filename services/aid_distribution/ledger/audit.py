"""The ledger's audit of itself: everything kept beside the journal is worked out from it anew and compared.

The journal's lines are the truth. Balances, days, document numbers and reversals must follow from them, and no card
may ever have been negative. It finds an error that was planted in the tables by hand.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import TextClause, text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.ledger.domain import SERIES


class Discrepancy(NamedTuple):
    """One figure that does not agree with the journal: which check, about what, and the two figures."""

    check: str
    subject: str
    expected: str
    found: str


# A card in the order of its movements; what one posting does to a card is one movement.
RUNNING = """
    WITH movement AS (
        SELECT m.place, m.item, m.lot, m.occurred_at, m.recorded_at, m.posting_id, sum(m.change) AS change
        FROM (
            SELECT to_place AS place, item, lot, occurred_at, recorded_at, posting_id, quantity AS change
            FROM posting_line
            UNION ALL
            SELECT from_place, item, lot, occurred_at, recorded_at, posting_id, -quantity FROM posting_line
        ) m JOIN place p ON p.code = m.place AND p.kind <> 'virtual'
        GROUP BY 1, 2, 3, 4, 5, 6
    ), running AS (
        SELECT *, (occurred_at AT TIME ZONE INTERVAL '7 hours')::date AS day,
               sum(change) OVER (PARTITION BY place, item, lot ORDER BY occurred_at, recorded_at, posting_id) AS balance
        FROM movement
    )
"""
# What a day opened with is what all earlier days left.
EXPECTED_DAYS = """
    , counted AS (
        SELECT place, item, lot, day,
               sum(sum(change)) OVER earlier - sum(change) AS opening,
               coalesce(sum(change) FILTER (WHERE change > 0), 0) AS incoming,
               coalesce(-sum(change) FILTER (WHERE change < 0), 0) AS outgoing,
               min(balance) AS lowest_after
        FROM running GROUP BY place, item, lot, day
        WINDOW earlier AS (PARTITION BY place, item, lot ORDER BY day)
    ), expected AS (
        SELECT place, item, lot, day, opening, incoming, outgoing, least(opening, lowest_after) AS lowest FROM counted
    )
"""
DAYS = """
    SELECT concat_ws(' ', place, item, nullif(lot, ''), day),
           concat_ws('/', e.opening, e.incoming, e.outgoing, e.lowest),
           concat_ws('/', d.opening, d.incoming, d.outgoing, d.lowest)
    FROM expected e FULL JOIN card_day d USING (place, item, lot, day)
    WHERE (e.opening, e.incoming, e.outgoing, e.lowest) IS DISTINCT FROM (d.opening, d.incoming, d.outgoing, d.lowest)
    ORDER BY 1
"""
EXPECTED_CARDS = """
    , happened AS (
        SELECT place, item, lot, change, occurred_at FROM movement
        UNION ALL
        SELECT place, item, lot, 0, occurred_at FROM count_line
    ), expected AS (
        SELECT place, item, lot, sum(change) AS on_hand, max(occurred_at) AS last_occurred_at
        FROM happened GROUP BY place, item, lot
    )
"""
CARDS = """
    SELECT concat_ws(' ', place, item, nullif(lot, '')),
           concat_ws(' at ', e.on_hand, e.last_occurred_at), concat_ws(' at ', c.on_hand, c.last_occurred_at)
    FROM expected e FULL JOIN card c USING (place, item, lot)
    WHERE coalesce(e.on_hand, 0) IS DISTINCT FROM c.on_hand
       OR e.last_occurred_at IS DISTINCT FROM c.last_occurred_at
    ORDER BY 1
"""
NEGATIVE = """
    SELECT DISTINCT ON (place, item, lot)
           concat_ws(' ', place, item, nullif(lot, ''), occurred_at), 'at least 0', balance
    FROM running WHERE balance < 0 ORDER BY place, item, lot, occurred_at, recorded_at, posting_id
"""
# What lies at places and what the world outside gave and took must cancel out, item by item.
ITEMS = """
    SELECT item, 0, sum(quantity) FROM (
        SELECT item, on_hand AS quantity FROM card
        UNION ALL
        SELECT l.item, l.quantity FROM posting_line l JOIN place p ON p.code = l.to_place AND p.kind = 'virtual'
        UNION ALL
        SELECT l.item, -l.quantity FROM posting_line l JOIN place p ON p.code = l.from_place AND p.kind = 'virtual'
    ) q GROUP BY item HAVING sum(quantity) <> 0 ORDER BY 1
"""
LINES = """
    SELECT concat_ws(' ', p.number, l.line_no), concat_ws(' ', p.occurred_at, p.recorded_at),
           concat_ws(' ', l.occurred_at, l.recorded_at)
    FROM posting p LEFT JOIN posting_line l ON l.posting_id = p.id
    WHERE (l.occurred_at, l.recorded_at) IS DISTINCT FROM (p.occurred_at, p.recorded_at)
      AND NOT (l.posting_id IS NULL AND EXISTS (SELECT FROM count_line c WHERE c.posting_id IN (p.id, p.reverses)))
    ORDER BY 1
"""
REVERSALS = """
    WITH pair AS (SELECT id, reverses, number FROM posting WHERE reverses IS NOT NULL), net AS (
        SELECT number, item, lot, from_place, to_place, quantity
        FROM pair JOIN posting_line ON posting_id = id
        UNION ALL
        SELECT number, item, lot, to_place, from_place, -quantity
        FROM pair JOIN posting_line ON posting_id = reverses
    )
    SELECT concat_ws(' ', number, item, nullif(lot, ''), from_place, to_place), 0, sum(quantity)
    FROM net GROUP BY number, item, lot, from_place, to_place HAVING sum(quantity) <> 0 ORDER BY 1
"""
# At its moment a count sets the balance, whatever became known since of the time before it; reserved goods included.
COUNTS = """
    , anchored AS (
        SELECT c.place, c.item, c.lot, c.counted, p.number,
               coalesce((SELECT sum(m.change) FROM movement m
                         WHERE m.place IN (c.place, c.place || '~') AND (m.item, m.lot) = (c.item, c.lot)
                           AND (m.occurred_at, m.recorded_at, m.posting_id)
                               <= (c.occurred_at, c.recorded_at, c.posting_id)), 0) AS balance
        FROM count_line c JOIN posting p ON p.id = c.posting_id
        WHERE NOT EXISTS (SELECT FROM posting r WHERE r.reverses = c.posting_id)
    )
    SELECT concat_ws(' ', number, place, item, nullif(lot, '')), counted, balance
    FROM anchored WHERE counted <> balance ORDER BY 1
"""
NUMBERS = """
    WITH given AS (
        SELECT region AS office, date_trunc('month', occurred_at AT TIME ZONE INTERVAL '7 hours')::date AS month,
               letters.series AS kind, substring(number FROM '[0-9]+$')::bigint AS count
        FROM posting JOIN unnest(CAST(:kinds AS text[]), CAST(:series AS text[])) AS letters(kind, series) USING (kind)
    ), expected AS (
        SELECT office, month, kind, count(DISTINCT count) AS given, min(count) AS first, max(count) AS last
        FROM given GROUP BY office, month, kind
    )
    SELECT concat_ws('-', to_char(month, 'YYYY-MM'), office, kind), concat_ws(' ', '1 to', s.last),
           concat_ws(' ', e.given, 'numbers', e.first, 'to', e.last)
    FROM expected e FULL JOIN document_series s USING (office, month, kind)
    WHERE (1, s.last, s.last) IS DISTINCT FROM (e.first, e.last, e.given) ORDER BY 1
"""

CHECKS: dict[str, TextClause] = {
    "card_is_sum_of_lines": text(RUNNING + EXPECTED_CARDS + CARDS),
    "day_is_sum_of_lines": text(RUNNING + EXPECTED_DAYS + DAYS),
    "never_negative": text(RUNNING + NEGATIVE),
    "item_sums_to_zero": text(ITEMS),
    "line_has_moment_of_posting": text(LINES),
    "reversal_is_the_opposite": text(REVERSALS),
    "count_sets_the_balance": text(RUNNING + COUNTS),
    "numbers_without_gap": text(NUMBERS).bindparams(
        kinds=[kind.value for kind in SERIES], series=list(SERIES.values())
    ),
}


async def audit(session: AsyncSession, checks: Mapping[str, TextClause] = CHECKS) -> list[Discrepancy]:
    """Compare everything that the ledger keeps with its journal; gives what disagrees, nothing when all is well."""
    return [
        Discrepancy(check, *(str(value) for value in row))
        for check, question in checks.items()
        for row in await session.execute(question)
    ]
