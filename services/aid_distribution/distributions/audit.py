"""How it is seen that what was handed out by day is the sum of the distributions that stand, and how it is mended."""

from sqlalchemy import TextClause, text
from sqlmodel.ext.asyncio.session import AsyncSession

HANDED_OUT = """
    SELECT item, day, region, programme, sum(quantity)::bigint AS quantity, sum(returned)::bigint AS returned FROM (
        SELECT l.item, (d.occurred_at AT TIME ZONE INTERVAL '7 hours')::date AS day, d.region, d.programme,
               l.quantity, 0 AS returned
        FROM distribution d JOIN posting_line l ON l.posting_id = d.posting_id WHERE d.state = 'posted'
        UNION ALL
        SELECT r.item, (d.occurred_at AT TIME ZONE INTERVAL '7 hours')::date, d.region, d.programme, 0, r.quantity
        FROM distribution d JOIN distribution_return r ON r.returns = d.posting_id WHERE d.state = 'posted'
    ) moved GROUP BY 1, 2, 3, 4
"""
# A day on which everything was taken back may stay, at nothing.
DAYS = f"""
    SELECT concat_ws(' ', item, day, region, programme),
           concat_ws(' less ', coalesce(e.quantity, 0), nullif(coalesce(e.returned, 0), 0)),
           concat_ws(' less ', coalesce(h.quantity, 0), nullif(coalesce(h.returned, 0), 0))
    FROM ({HANDED_OUT}) e FULL JOIN handed_out_day h USING (item, day, region, programme)
    WHERE coalesce(e.quantity, 0) <> coalesce(h.quantity, 0)
       OR coalesce(e.returned, 0) <> coalesce(h.returned, 0) ORDER BY 1
"""  # noqa: S608 - put together from our own text
CAME_BACK = """
    WITH back AS (
        SELECT r.posting_id, l.item, r.returns, (r.occurred_at AT TIME ZONE INTERVAL '7 hours')::date AS day,
               r.business_id, sum(l.quantity)::bigint AS quantity
        FROM stock_return r JOIN distribution d ON d.posting_id = r.returns
        JOIN posting_line l ON l.posting_id = r.posting_id AND l.late_by IS NULL
        WHERE r.void_posting_id IS NULL GROUP BY 1, 2, 3, 4, 5
    )
    SELECT concat_ws(' ', posting_id, item), concat_ws(' ', b.quantity, 'of', b.returns, b.day, b.business_id),
           concat_ws(' ', k.quantity, 'of', k.returns, k.day, k.business_id)
    FROM back b FULL JOIN distribution_return k USING (posting_id, item)
    WHERE (b.quantity, b.returns, b.day, b.business_id)
          IS DISTINCT FROM (k.quantity, k.returns, k.day, k.business_id) ORDER BY 1
"""
OFF_SHARES = """
    SELECT concat_ws(' ', d.number, s.business_id, s.item), coalesce(sum(r.quantity), 0), s.returned
    FROM distribution_share s JOIN distribution d ON d.id = s.distribution_id
    LEFT JOIN distribution_return r
      ON (r.returns, r.business_id, r.item) = (d.posting_id, s.business_id, s.item)
    GROUP BY d.number, s.business_id, s.item, s.returned HAVING coalesce(sum(r.quantity), 0) <> s.returned ORDER BY 1
"""

CHECKS: dict[str, TextClause] = {
    "handed_out_is_sum_of_distributions": text(DAYS),
    "returned_of_distributions_is_what_returns_say": text(CAME_BACK),
    "returned_of_shares_is_sum_of_returns": text(OFF_SHARES),
}

ANEW = (
    text("LOCK TABLE handed_out_day IN SHARE ROW EXCLUSIVE MODE"),
    text("DELETE FROM handed_out_day"),
    text(f"INSERT INTO handed_out_day (item, day, region, programme, quantity, returned) {HANDED_OUT}"),
)


async def wrong(session: AsyncSession) -> int:
    """Count the days that do not agree with the distributions."""
    return len((await session.execute(text(DAYS))).all())


async def rebuild(session: AsyncSession) -> None:
    """Work out every day anew from the distributions."""
    for statement in ANEW:
        await session.execute(statement)
