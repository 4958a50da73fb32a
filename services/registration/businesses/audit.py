"""How it is seen that the books of merges agree: businesses, their merges, and the cases that decided these."""

from collections.abc import Iterable, Sequence

from sqlalchemy import TextClause, text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.registration import BusinessMerged
from shared.effect_audit import Seen, Told, seen_in

MERGES = text(
    "SELECT merged_id, survivor_id FROM business_merge"
    " WHERE (merged_id, survivor_id) IN (SELECT * FROM unnest(CAST(:merged AS uuid[]), CAST(:survivors AS uuid[])))"
)
CURE = "bring it back from a backup; the event has it: serumpun events show {at}"


async def look_for_merges(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Find for each merge that was told the row that it tells of, undone since or not."""
    events = [(one, one.event) for one in told if isinstance(one.event, BusinessMerged)]
    asked = {"merged": [event.business_id for _, event in events], "survivors": [event.into for _, event in events]}
    known = {(row.merged_id, row.survivor_id) for row in await session.execute(MERGES, asked)}
    return [
        Seen(
            one,
            "merge",
            "" if (event.business_id, event.into) in known else "its merge is not there",
            CURE.format(at=f"{one.source}/{one.partition}/{one.seq}"),
        )
        for one, event in events
    ]


RECORDED_MERGES = seen_in(look_for_merges, BusinessMerged)

MERGED_WITHOUT = """
    SELECT b.id, concat_ws(' ', 'merged into', b.merged_into), concat_ws(' ', 'merged into', m.survivor_id)
    FROM business b LEFT JOIN business_merge m ON m.merged_id = b.id AND m.undone_at IS NULL
    WHERE b.state = 'merged' AND m.survivor_id IS DISTINCT FROM b.merged_into ORDER BY 1
"""
MERGE_WITHOUT = """
    SELECT m.merged_id, 'merged', b.state FROM business_merge m LEFT JOIN business b ON b.id = m.merged_id
    WHERE m.undone_at IS NULL AND b.state IS DISTINCT FROM 'merged' ORDER BY 1
"""
OF_ANOTHER_PAIR = """
    SELECT m.id, concat_ws(' ', c.low_id, c.high_id),
           concat_ws(' ', least(m.survivor_id, m.merged_id), greatest(m.survivor_id, m.merged_id))
    FROM business_merge m LEFT JOIN duplicate_case c ON c.id = m.case_id
    WHERE (c.low_id, c.high_id)
          IS DISTINCT FROM (least(m.survivor_id, m.merged_id), greatest(m.survivor_id, m.merged_id)) ORDER BY 1
"""
DECIDED_OTHERWISE = """
    SELECT c.id, concat_ws(' ', count(m.id) FILTER (WHERE m.undone_at IS NULL), 'merges that stand of', count(m.id)),
           c.state
    FROM duplicate_case c LEFT JOIN business_merge m ON m.case_id = c.id GROUP BY c.id, c.state
    HAVING count(m.id) FILTER (WHERE m.undone_at IS NULL) <> (c.state = 'merged')::int
           OR (c.state = 'undone' AND count(m.id) = 0) ORDER BY 1
"""
# A chain that comes back to where it began never ends: UNION stops it, and nothing of it is a going concern.
ENDLESS = """
    WITH RECURSIVE above AS (
        SELECT id, merged_into AS top FROM business WHERE merged_into IS NOT NULL
        UNION SELECT a.id, b.merged_into FROM above a JOIN business b ON b.id = a.top WHERE b.merged_into IS NOT NULL
    )
    SELECT a.id, 'one business that is not merged', count(*) FILTER (WHERE b.merged_into IS NULL)
    FROM above a LEFT JOIN business b ON b.id = a.top
    GROUP BY a.id HAVING count(*) FILTER (WHERE b.merged_into IS NULL) <> 1 ORDER BY 1
"""
UNDONE_BEFORE = """
    SELECT id, concat_ws(' ', 'undone after', merged_at), undone_at FROM business_merge
    WHERE undone_at < merged_at ORDER BY 1
"""
CHECKS: dict[str, TextClause] = {
    "merged_business_has_its_merge": text(MERGED_WITHOUT),
    "merge_has_its_merged_business": text(MERGE_WITHOUT),
    "merge_is_of_its_case": text(OF_ANOTHER_PAIR),
    "case_says_whether_a_merge_stands": text(DECIDED_OTHERWISE),
    "merged_businesses_end_in_one": text(ENDLESS),
    "merge_is_undone_afterwards": text(UNDONE_BEFORE),
}
"""Every figure about merges that is kept beside what it follows from, as a question for those that disagree."""
