"""How it is seen who was told of a fact, and how often."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notifications.messages.rules import RULES
from shared.effect_audit import SETTLED, Effect, EffectPages

# Who was not told because nobody writes to them counts as told.
TOLD = text(
    "SELECT fact, purpose, person, count(*) AS times FROM ("
    "SELECT fact, purpose, person FROM message WHERE fact = ANY(CAST(:facts AS text[]))"
    " UNION ALL SELECT fact, purpose, person FROM withheld WHERE fact = ANY(CAST(:facts AS text[]))"
    ") AS told GROUP BY fact, purpose, person"
)
# Only who had an address long enough before the message was written, consented, and chose nothing else, must have it
# by mail too.
NOT_QUEUED = text(
    """
    SELECT m.fact, count(*) AS lacking FROM message m
    LEFT JOIN contact c ON c.owner_id = CASE WHEN starts_with(m.person, 'owner/') THEN substr(m.person, 7)::uuid END
    LEFT JOIN staff_member s ON s.subject = CASE WHEN starts_with(m.person, 'staff/') THEN substr(m.person, 7) END
    WHERE m.fact = ANY(CAST(:facts AS text[])) AND m.purpose = ANY(CAST(:leaving AS text[]))
      AND coalesce(c.email, s.email) IS NOT NULL
      AND coalesce(c.changed_at, s.changed_at) < m.created_at - CAST(:settled AS interval)
      AND NOT EXISTS (SELECT FROM delivery d WHERE d.message_id = m.id)
      AND NOT EXISTS (SELECT FROM preference p WHERE p.person = m.person)
      AND (m.urgency = 'required' OR NOT EXISTS (
        SELECT FROM contact_consent k WHERE k.owner_id = c.owner_id
          AND NOT (k.given AND k.changed_at < m.created_at - CAST(:settled AS interval))))
    GROUP BY m.fact
    """
)
# What no event brought about, such as an answer to a reply, is left out.
PAGE = text(
    "SELECT id::text AS key, fact, purpose FROM message WHERE id > CAST(:after AS uuid)"
    " AND purpose = ANY(CAST(:purposes AS text[])) ORDER BY message.id LIMIT :rows"
)
BEFORE_ALL = "00000000-0000-0000-0000-000000000000"
DOUBLED = (
    "delete the later one: DELETE FROM message a USING message b WHERE a.fact = '{fact}' AND a.purpose = '{purpose}'"
    " AND (b.fact, b.purpose, b.person) = (a.fact, a.purpose, a.person) AND a.id > b.id"
)
SURPLUS = "look at them: SELECT * FROM message WHERE fact = '{fact}' AND purpose = '{purpose}'"
UNSENT = (
    "take the messages away, and hand the event again: DELETE FROM message m WHERE fact = '{fact}'"
    " AND NOT EXISTS (SELECT FROM delivery d WHERE d.message_id = m.id)"
)
LEAVING = [rule.purpose for rule in RULES if rule.outside]

Counts = Mapping[tuple[str, str], Counter[str]]
"""How often each person was told, by fact and purpose."""


async def told(session: AsyncSession, facts: Sequence[str]) -> Counts:
    """Count who was told of some facts."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in await session.execute(TOLD, {"facts": list(facts)}):
        counts[row.fact, row.purpose][row.person] = row.times
    return counts


async def not_queued(session: AsyncSession, facts: Sequence[str]) -> dict[str, int]:
    """Count the messages of some facts that ought to be on their way by mail and are not."""
    asked = {"facts": list(facts), "leaving": LEAVING, "settled": SETTLED}
    return {row.fact: row.lacking for row in await session.execute(NOT_QUEUED, asked)}


def wrong(
    counts: Counter[str], certain: frozenset[str], possible: frozenset[str], fact: str, purpose: str
) -> tuple[str, str]:
    """Say what is wrong with who was told, and what cures it where telling again does not."""
    if lacking := certain - counts.keys():
        return f"{len(lacking)} of {len(certain)} were not told, such as {min(lacking)}", ""
    if doubled := [person for person, times in counts.items() if times > 1]:
        return f"{len(doubled)} were told twice, such as {min(doubled)}", DOUBLED.format(fact=fact, purpose=purpose)
    if surplus := counts.keys() - possible:
        cure = SURPLUS.format(fact=fact, purpose=purpose)
        return f"{len(surplus)} were told whom it does not concern, such as {min(surplus)}", cure
    return "", ""


async def _page(session: AsyncSession, after: str, rows: int) -> Sequence[Effect]:
    found = await session.execute(PAGE, {"after": after or BEFORE_ALL, "rows": rows, "purposes": list(TYPES)})
    return [Effect(row.key, row.fact.partition("#")[0], TYPES.get(row.purpose, frozenset())) for row in found]


TYPES = {rule.purpose: frozenset({rule.event.type}) for rule in RULES}
ALL_MESSAGES = EffectPages("message", _page)
