"""What is known here of a business: a projection of registration's events, never a copy of its records."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Uuid
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession


class KnownBusinessRow(SQLModel, table=True):
    """A business that aid may be handed to as long as it is open."""

    __tablename__ = "known_business"
    __table_args__ = (CheckConstraint("state IN ('open', 'closed')", name="known_business_state"),)

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    owner_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    name: str
    sector: str
    region: str
    state: str


async def keep(session: AsyncSession, row: KnownBusinessRow) -> None:
    """Write what is known of a business now, whether or not it was known before."""
    values = row.model_dump()
    # Without the key: setting it, even to what it is, would lock out the distributions that name this business.
    news = {name: value for name, value in values.items() if name != "id"}
    await session.execute(
        insert(KnownBusinessRow).values(**values).on_conflict_do_update(index_elements=["id"], set_=news)
    )


async def by_id(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, KnownBusinessRow]:
    """Find businesses; what is unknown is missing in the answer."""
    found = await session.exec(select(KnownBusinessRow).where(col(KnownBusinessRow.id).in_(ids)))
    return {business.id: business for business in found}
