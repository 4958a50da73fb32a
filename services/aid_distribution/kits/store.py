"""What is stored of kits: what goes into one."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Text, Uuid, text
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.kits.domain import PER_KIT_MAX


class KitRow(SQLModel, table=True):
    """An item that is put together from others."""

    __tablename__ = "kit"

    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    id: UUID = Field(sa_column=Column(Uuid, nullable=False, unique=True))
    document: str | None = Field(default=None, sa_column=Column(Text))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    defined_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class KitComponentRow(SQLModel, table=True):
    """How much of an item goes into one kit."""

    __tablename__ = "kit_component"
    __table_args__ = (
        CheckConstraint(f"quantity BETWEEN 1 AND {PER_KIT_MAX}", name="kit_component_quantity"),
        CheckConstraint("item <> kit", name="kit_component_is_another"),
    )

    kit: str = Field(sa_column=Column(Text, ForeignKey("kit.item"), primary_key=True))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))


# Two that are defined at once could hold one another, and neither would see it.
ALONE = text("LOCK TABLE kit IN SHARE ROW EXCLUSIVE MODE")


async def alone(session: AsyncSession) -> None:
    """Keep everybody else from defining kits until this transaction ends."""
    await session.execute(ALONE)


async def all_components(session: AsyncSession) -> dict[str, list[str]]:
    """Say of every kit what goes into it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in await session.exec(select(KitComponentRow)):
        found[row.kit].append(row.item)
    return found


async def components_of(session: AsyncSession, kits: Collection[str]) -> dict[str, list[KitComponentRow]]:
    """Give what goes into each of these kits, in the order of the codes."""
    found: dict[str, list[KitComponentRow]] = {kit: [] for kit in kits}
    question = select(KitComponentRow).where(col(KitComponentRow.kit).in_(kits))
    for row in await session.exec(question.order_by(col(KitComponentRow.kit), col(KitComponentRow.item))):
        found[row.kit].append(row)
    return found


async def after(session: AsyncSession, code: str, limit: int) -> Sequence[KitRow]:
    """Give kits by their codes, from after this one on."""
    question = select(KitRow).where(col(KitRow.item) > code).order_by(col(KitRow.item)).limit(limit)
    return (await session.exec(question)).all()


MIXED_UP = text(
    """
    WITH line AS (
        SELECT p.id, p.number, l.item, l.quantity, (p.kind = 'assembly') = (l.from_place = 'KITS') AS is_kit
        FROM posting p JOIN posting_line l ON l.posting_id = p.id WHERE p.kind IN ('assembly', 'unpacking')
    ), due AS (
        SELECT k.id, k.number, c.item, sum(k.quantity * c.quantity) AS quantity
        FROM line k JOIN kit_component c ON c.kit = k.item WHERE k.is_kit GROUP BY k.id, k.number, c.item
    ), found AS (
        SELECT id, number, item, sum(quantity) AS quantity FROM line WHERE NOT is_kit GROUP BY id, number, item
    )
    SELECT concat_ws(' ', number, item), coalesce(due.quantity, 0), coalesce(found.quantity, 0)
    FROM due FULL JOIN found USING (id, number, item)
    WHERE coalesce(due.quantity, 0) <> coalesce(found.quantity, 0) ORDER BY 1
    """
)
CHECKS = {"kit_holds_its_components": MIXED_UP}
"""What kits were put together from, and taken apart into, is what goes into them."""
