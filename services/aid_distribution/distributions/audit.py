"""How it is seen that what was handed out by day is the sum of the distributions that stand, and how it is mended."""

from sqlalchemy import TextClause, text
from sqlmodel.ext.asyncio.session import AsyncSession

HANDED_OUT = """
    SELECT l.item, (d.occurred_at AT TIME ZONE INTERVAL '7 hours')::date AS day, d.region, d.programme,
           sum(l.quantity)::bigint AS quantity
    FROM distribution d JOIN posting_line l ON l.posting_id = d.posting_id
    WHERE d.state = 'posted' GROUP BY 1, 2, 3, 4
"""
# A day on which everything was taken back may stay, at nothing.
DAYS = f"""
    SELECT concat_ws(' ', item, day, region, programme), coalesce(e.quantity, 0), coalesce(h.quantity, 0)
    FROM ({HANDED_OUT}) e FULL JOIN handed_out_day h USING (item, day, region, programme)
    WHERE coalesce(e.quantity, 0) <> coalesce(h.quantity, 0) ORDER BY 1
"""  # noqa: S608 - put together from our own text

CHECKS: dict[str, TextClause] = {"handed_out_is_sum_of_distributions": text(DAYS)}

ANEW = (
    text("LOCK TABLE handed_out_day IN SHARE ROW EXCLUSIVE MODE"),
    text("DELETE FROM handed_out_day"),
    text(f"INSERT INTO handed_out_day (item, day, region, programme, quantity) {HANDED_OUT}"),
)


async def wrong(session: AsyncSession) -> int:
    """Count the days that do not agree with the distributions."""
    return sum([len((await session.execute(check)).all()) for check in CHECKS.values()])


async def rebuild(session: AsyncSession) -> None:
    """Work out every day anew from the distributions."""
    for statement in ANEW:
        await session.execute(statement)
