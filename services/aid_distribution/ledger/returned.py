"""What of a posting was given back by returns: never more than it moved, which the database sees to as well."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Text, Uuid, text
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.ledger.store import LotKey, PostingRow
from shared.caller import Caller
from shared.database import Work
from shared.problems import FieldError, Refusal


class GoodsReturned(Refusal):
    """A posting of which something was returned is not undone: those goods would come back twice."""

    code = "goods_returned"
    title = "Goods of this posting were returned"


class SoldSince(Refusal):
    """A return that made room for others is not taken back when that room is used."""

    code = "sold_since"
    title = "What came back was sold again"


class ReturnSettled(Refusal):
    """A return that a seller's claim was made or paid by is not taken back: the money would not follow."""

    code = "return_settled"
    title = "A claim has counted this return"


class ReturnedRow(SQLModel, table=True):
    """How much of one item and lot of a posting was returned; whoever changes it holds the lock of the posting."""

    __tablename__ = "posting_returned"
    __table_args__ = (CheckConstraint("returned BETWEEN 1 AND moved", name="posting_returned_within_moved"),)

    posting_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), primary_key=True))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    lot: str = Field(sa_column=Column(Text, primary_key=True))
    moved: int = Field(sa_column=Column(BigInteger, nullable=False))
    returned: int = Field(sa_column=Column(BigInteger, nullable=False))


class Left(NamedTuple):
    """What a posting moved of an item and lot, from where to where, and how much of it was returned."""

    from_place: str
    to_place: str
    moved: int
    returned: int


class GivenBack(NamedTuple):
    """Goods of a posting that come back from the public: which posting brings them, when, and of which business.

    Shape:  `goods` by item, all lots together, in base units; `business` only where it was told
    """

    posting_id: UUID
    occurred_at: datetime
    business: UUID | None
    goods: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Origin:
    """What the capability whose document moved goods has to say and to do when they come back.

    Shape:  both are asked under the lock of the posting that moved them. `before` comes before any card is locked, so
            it takes what its capability locks before cards, and says what is wrong with the return. `after` counts the
            return against the document, in its transaction. `undo_before` and `undo_after` are those of a return that
            is taken back; the former raises SoldSince (409) where what came back has a new owner by now, or
            ReturnSettled (409) where money has followed it
    """

    before: Callable[[Work, Caller, PostingRow, GivenBack], Awaitable[list[FieldError]]]
    after: Callable[[Work, Caller, PostingRow, GivenBack], Awaitable[None]]
    undo_before: Callable[[Work, PostingRow, GivenBack], Awaitable[None]]
    undo_after: Callable[[Work, PostingRow, GivenBack], Awaitable[None]]


Origins = Mapping[str, Origin]
"""The capabilities whose documents count what comes back, by the kind of their postings."""


# What a count has got afterwards is no part of what it moved.
LEFT = text(
    """
    SELECT l.item, l.lot, min(l.from_place), min(l.to_place), sum(l.quantity)::bigint, coalesce(max(r.returned), 0)
    FROM posting_line l
    LEFT JOIN posting_returned r ON (r.posting_id, r.item, r.lot) = (l.posting_id, l.item, l.lot)
    WHERE l.posting_id = :posting AND l.late_by IS NULL GROUP BY l.item, l.lot ORDER BY l.item, l.lot
    """
)
ADD = text(
    "INSERT INTO posting_returned AS r (posting_id, item, lot, moved, returned)"
    " SELECT CAST(:posting AS uuid), * FROM unnest(CAST(:items AS text[]), CAST(:lots AS text[]),"
    " CAST(:moved AS bigint[]), CAST(:returned AS bigint[])) ON CONFLICT (posting_id, item, lot)"
    " DO UPDATE SET returned = r.returned + excluded.returned"
)
GONE = (
    "unnest(CAST(:items AS text[]), CAST(:lots AS text[]), CAST(:returned AS bigint[])) AS n(item, lot, returned)"
    " WHERE r.posting_id = :posting AND (r.item, r.lot) = (n.item, n.lot)"
)
# A row of which nothing would be left goes first; what is then still there keeps the rest.
FORGET = text(f"DELETE FROM posting_returned r USING {GONE} AND r.returned = n.returned")  # noqa: S608 - our own text
TAKE_OFF = text(f"UPDATE posting_returned r SET returned = r.returned - n.returned FROM {GONE}")  # noqa: S608 - as above
ANY = text("SELECT EXISTS (SELECT FROM posting_returned WHERE posting_id = :posting)")


async def left(session: AsyncSession, posting_id: UUID) -> dict[LotKey, Left]:
    """Say of each item and lot of a posting what it moved and what was returned of it."""
    rows = await session.execute(LEFT, {"posting": posting_id})
    return {(item, lot): Left(*rest) for item, lot, *rest in rows}


async def add(
    session: AsyncSession, posting_id: UUID, moved: Mapping[LotKey, Left], back: Mapping[LotKey, int]
) -> None:
    """Keep that so much more of a posting was returned."""
    await session.execute(
        ADD,
        {
            "posting": posting_id,
            "items": [item for item, _ in back],
            "lots": [lot for _, lot in back],
            "moved": [moved[key].moved for key in back],
            "returned": list(back.values()),
        },
    )


async def take_off(session: AsyncSession, posting_id: UUID, back: Mapping[LotKey, int]) -> None:
    """Keep that so much of a posting was not returned after all."""
    values = {
        "posting": posting_id,
        "items": [item for item, _ in back],
        "lots": [lot for _, lot in back],
        "returned": list(back.values()),
    }
    await session.execute(FORGET, values)
    await session.execute(TAKE_OFF, values)


async def any_of(session: AsyncSession, posting_id: UUID) -> bool:
    """Tell whether something of a posting was returned."""
    return bool((await session.execute(ANY, {"posting": posting_id})).scalar_one())
