"""Packs: how many base units of an item come together, so that goods are entered and shown as they are handled.

The ledger counts base units only. What was told in packs is kept beside the posting, with the units of the pack as
they were; so a pack that was used once never changes, which the database sees to: another one gets another code.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    literal,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.ledger.catalogue import CodeTaken, ItemRow
from services.aid_distribution.ledger.domain import NO_LOT, QUANTITY_MAX
from services.aid_distribution.ledger.orders import AddPack, PackedView, PackView
from services.aid_distribution.ledger.store import Posted
from shared import cursor
from shared.caller import Caller
from shared.database import Work
from shared.problems import Absent, FieldError, Invalid
from shared.routes import Page

PackKey = tuple[str, str]
"""An item and the code of a pack of it."""


class PackRow(SQLModel, table=True):
    """So many base units of an item in one pack."""

    __tablename__ = "item_pack"
    __table_args__ = (
        CheckConstraint(f"quantity BETWEEN 2 AND {QUANTITY_MAX}", name="item_pack_holds_several"),
        UniqueConstraint("item", "code", "quantity", name="item_pack_with_quantity"),
    )

    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    code: str = Field(sa_column=Column(Text, primary_key=True))
    id: UUID = Field(sa_column=Column(Uuid, nullable=False, unique=True))
    name: str
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    actor: str
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class PostingPackRow(SQLModel, table=True):
    """A line of a posting as it was told, in packs; the reference holds the units of the pack for ever."""

    __tablename__ = "posting_pack"
    __table_args__ = (
        CheckConstraint("packs >= 0 AND quantity = packs * per_pack", name="posting_pack_adds_up"),
        ForeignKeyConstraint(
            ["item", "pack", "per_pack"],
            ["item_pack.item", "item_pack.code", "item_pack.quantity"],
            name="posting_pack_keeps_its_units",
        ),
    )

    posting_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), primary_key=True))
    entry_no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    item: str = Field(sa_column=Column(Text, nullable=False))
    lot: str = Field(sa_column=Column(Text, nullable=False))
    pack: str = Field(sa_column=Column(Text, nullable=False))
    packs: int = Field(sa_column=Column(BigInteger, nullable=False))
    per_pack: int = Field(sa_column=Column(BigInteger, nullable=False))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))


QUANTITIES = text(
    "SELECT item, code, quantity FROM item_pack WHERE (item, code) IN"
    " (SELECT * FROM unnest(CAST(:items AS text[]), CAST(:codes AS text[])))"
)
KEEP = text(
    "INSERT INTO posting_pack (posting_id, entry_no, item, lot, pack, packs, per_pack, quantity)"
    " SELECT posting_id, entry_no, item, lot, pack, packs, per_pack, packs * per_pack FROM"
    " unnest(CAST(:ids AS uuid[]), CAST(:entries AS integer[]), CAST(:items AS text[]), CAST(:lots AS text[]),"
    " CAST(:codes AS text[]), CAST(:packs AS bigint[]), CAST(:per_pack AS bigint[]))"
    " AS p(posting_id, entry_no, item, lot, pack, packs, per_pack)"
)


# A line may be told in packs beside others of its item that are not, so what is told is a part of what moved.
UNITS = """
    SELECT concat_ws(' ', p.number, k.item, k.pack), k.packs * i.quantity, k.quantity
    FROM posting_pack k JOIN posting p ON p.id = k.posting_id JOIN item_pack i ON (i.item, i.code) = (k.item, k.pack)
    WHERE k.quantity <> k.packs * i.quantity OR k.per_pack <> i.quantity ORDER BY 1
"""
MOVED = """
    WITH told AS (
        SELECT posting_id, item, sum(quantity) AS quantity FROM posting_pack GROUP BY posting_id, item
    ), base AS (
        SELECT posting_id, item, sum(quantity) AS quantity FROM (
            SELECT l.posting_id, l.item, l.quantity FROM told t
            JOIN posting p ON p.id = t.posting_id AND p.kind <> 'count'
            JOIN posting_line l ON (l.posting_id, l.item) = (t.posting_id, t.item) AND l.late_by IS NULL
            UNION ALL
            SELECT c.posting_id, c.item, c.counted FROM told t
            JOIN count_line c ON (c.posting_id, c.item) = (t.posting_id, t.item)
        ) line GROUP BY posting_id, item
    )
    SELECT concat_ws(' ', p.number, t.item), 'at most ' || coalesce(b.quantity, 0), t.quantity
    FROM told t JOIN posting p ON p.id = t.posting_id LEFT JOIN base b USING (posting_id, item)
    WHERE t.quantity > coalesce(b.quantity, 0) ORDER BY 1
"""
CHECKS = {"packs_are_their_base_units": text(UNITS), "packs_are_part_of_what_moved": text(MOVED)}
"""Packs times their size are base units, and no more of them than the posting moved, or counted."""


async def quantities(session: AsyncSession, packs: Collection[PackKey]) -> dict[PackKey, int]:
    """Say how many base units each of these packs holds, as far as there are such packs."""
    values = {"items": [item for item, _ in packs], "codes": [code for _, code in packs]}
    return {(item, code): quantity for item, code, quantity in await session.execute(QUANTITIES, values)}


async def keep(session: AsyncSession, posted: Sequence[Posted]) -> None:
    """Keep which lines of these postings were told in packs; most were not, and then nothing is asked."""
    told = [(one.draft.id, number, packed) for one in posted for number, packed in enumerate(one.draft.packs, 1)]
    if not told:
        return
    await session.execute(
        KEEP,
        {
            "ids": [posting_id for posting_id, _, _ in told],
            "entries": [number for _, number, _ in told],
            "items": [packed.item for _, _, packed in told],
            "lots": [packed.lot or NO_LOT for _, _, packed in told],
            "codes": [packed.pack for _, _, packed in told],
            "packs": [packed.packs for _, _, packed in told],
            "per_pack": [packed.per_pack for _, _, packed in told],
        },
    )


async def of_posting(session: AsyncSession, posting_id: UUID) -> list[PackedView]:
    """Give the lines of a posting that were told in packs."""
    question = select(PostingPackRow).where(PostingPackRow.posting_id == posting_id)
    return [
        PackedView(item=row.item, lot=row.lot or None, pack=row.pack, packs=row.packs, quantity=row.quantity)
        for row in await session.exec(question.order_by(col(PostingPackRow.entry_no)))
    ]


async def units_of(work: Work, item: str | None, pack: str | None) -> int | None:
    """Say how many base units the pack holds in which somebody wants to see an item; None when in none.

    Raises: Invalid (422) for a pack that there is not, or of no item
    """
    if pack is None:
        return None
    if item is None:
        raise Invalid([FieldError("/query/item", "missing", "A pack is one of an item; name the item.")])
    found = await quantities(work.session, [(item, pack)])
    if not found:
        raise Invalid([FieldError("/query/pack", "unknown_pack", f"There is no pack {pack} of {item}.")])
    return found[item, pack]


async def define(work: Work, caller: Caller, item: str, order: AddPack) -> PackView:
    """Define a pack of an item; raises Absent (404) for an unknown item, CodeTaken (409)."""
    await _known(work, item)
    row = PackRow(
        item=item,
        code=order.code,
        id=work.new_id(),
        name=order.name,
        quantity=order.quantity,
        actor=caller.subject,
        created_at=work.now,
    )
    asked = insert(PackRow).values(**row.model_dump()).on_conflict_do_nothing(index_elements=["item", "code"])
    if (await work.session.execute(asked.returning(literal(1)))).first() is None:
        raise CodeTaken(f"{order.code} is a pack of {item} already.")
    return _view(row)


async def page(work: Work, item: str, after_cursor: str | None, limit: int) -> Page[PackView]:
    """List the packs of an item by code; raises Absent (404) for an unknown item."""
    await _known(work, item)
    (after,) = cursor.decode(after_cursor, tuple[str]) if after_cursor else ("",)
    question = select(PackRow).where(PackRow.item == item, col(PackRow.code) > after)
    rows = (await work.session.exec(question.order_by(col(PackRow.code)).limit(limit + 1))).all()
    return cursor.page(rows, limit, _view, lambda row: (row.code,))


async def _known(work: Work, item: str) -> None:
    if await work.session.get(ItemRow, item) is None:
        raise Absent


def _view(row: PackRow) -> PackView:
    return PackView(id=row.id, item=row.item, code=row.code, name=row.name, quantity=row.quantity)
