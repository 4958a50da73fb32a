"""What was handed out on each day: by region, programme and item, so that a year is a few thousand rows however busy.

It follows from documents that hold postings; whoever hands out adds to it in the transaction of the posting.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Text, text
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.ledger.store import Posted
from shared.clock import wib_day


class HandedOutDayRow(SQLModel, table=True):
    """How much of an item was handed out in a region under a programme on one local day.

    Shape:  `quantity` is what was handed out, less what was voided; `returned` how much of that came back since, on
            whichever day it did. What was handed out net is the difference
    """

    __tablename__ = "handed_out_day"
    __table_args__ = (
        CheckConstraint("quantity >= 0", name="handed_out_day_not_negative"),
        CheckConstraint("returned BETWEEN 0 AND quantity", name="handed_out_day_returned_within_quantity"),
    )

    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    day: date = Field(primary_key=True)
    region: str = Field(primary_key=True)
    programme: str = Field(primary_key=True)
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    returned: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))


class Key(NamedTuple):
    """What one figure is about."""

    item: str
    day: date
    region: str
    programme: str


NEWS = """
    unnest(CAST(:items AS text[]), CAST(:days AS date[]), CAST(:regions AS text[]), CAST(:programmes AS text[]),
           CAST(:quantities AS bigint[])) AS n(item, day, region, programme, quantity)
"""
# In one order for all, so that nobody waits in a circle.
ADD = text(
    f"""
    INSERT INTO handed_out_day AS h (item, day, region, programme, quantity)
    SELECT * FROM {NEWS} ORDER BY item, day, region, programme
    ON CONFLICT (item, day, region, programme) DO UPDATE SET quantity = h.quantity + excluded.quantity
    """  # noqa: S608 - put together from our own text
)
LOCK = text(
    f"""
    SELECT FROM handed_out_day h WHERE (item, day, region, programme) IN
        (SELECT item, day, region, programme FROM {NEWS})
    ORDER BY item, day, region, programme FOR UPDATE
    """  # noqa: S608 - put together from our own text
)
TAKE_BACK = text(
    f"""
    UPDATE handed_out_day h SET quantity = h.quantity - n.quantity FROM {NEWS}
    WHERE (h.item, h.day, h.region, h.programme) = (n.item, n.day, n.region, n.programme)
    """  # noqa: S608 - put together from our own text
)
GIVE_BACK = text(
    f"""
    UPDATE handed_out_day h SET returned = h.returned + n.quantity FROM {NEWS}
    WHERE (h.item, h.day, h.region, h.programme) = (n.item, n.day, n.region, n.programme)
    """  # noqa: S608 - put together from our own text
)

# Summed up before it is asked whose it is: that of some regions instead of thousands of days.
SERVED = text(
    """
    SELECT region, quantity FROM (
        SELECT region, sum(quantity - returned)::bigint AS quantity FROM handed_out_day
        WHERE item = :item AND day BETWEEN :first AND :last
          AND (CAST(:programme AS text) IS NULL OR programme = :programme)
        GROUP BY region
    ) s WHERE EXISTS (SELECT FROM unnest(CAST(:regions AS text[])) r WHERE region = r OR starts_with(region, r || '.'))
    """
)


async def add(session: AsyncSession, documents: Iterable[tuple[str, Posted]]) -> None:
    """Add what postings handed out, each under its programme."""
    if values := _columns(_sums(documents)):
        await session.execute(ADD, values)


async def take_back(session: AsyncSession, programme: str, reversal: Posted) -> None:
    """Take off what the reversal of a posting gave back; it bears the moment of what it reverses."""
    if values := _columns(_sums([(programme, reversal)])):
        await session.execute(LOCK, values)
        await session.execute(TAKE_BACK, values)


async def give_back(session: AsyncSession, days: Counter[Key]) -> None:
    """Count what came back of what was handed out on some days; the figures of those days stay beside it."""
    if values := _columns(days):
        await session.execute(LOCK, values)
        await session.execute(GIVE_BACK, values)


async def served(
    session: AsyncSession, regions: Collection[str], item: str, programme: str | None, first: date, last: date
) -> dict[str, int]:
    """Say how much of an item was handed out net in each region within these, from one day to another, both included.

    What came back since is taken off the day on which it was handed out.
    """
    values = {"item": item, "programme": programme, "first": first, "last": last, "regions": list(regions)}
    return {row.region: row.quantity for row in await session.execute(SERVED, values)}


def _sums(documents: Iterable[tuple[str, Posted]]) -> Counter[Key]:
    sums: Counter[Key] = Counter()
    for programme, posted in documents:
        day = wib_day(posted.draft.occurred_at)
        for line in posted.lines:
            sums[Key(line.item, day, posted.draft.region, programme)] += line.quantity
    return sums


def _columns(sums: Counter[Key]) -> dict[str, Sequence[object]]:
    if not sums:
        return {}
    names = ("items", "days", "regions", "programmes")
    return dict(zip(names, zip(*sums, strict=True), strict=True)) | {"quantities": list(sums.values())}
