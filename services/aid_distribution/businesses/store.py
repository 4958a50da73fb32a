"""What is known here of a business: a projection of registration's events, never a copy of its records."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, Uuid, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession


class KnownBusinessRow(SQLModel, table=True):
    """A business that aid may be handed to as long as it is open."""

    __tablename__ = "known_business"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'closed')", name="known_business_state"),
        Index("known_business_by_region", "region", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    owner_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    name: str
    sector: str
    region: str
    state: str


NEWS = insert(KnownBusinessRow.__table__)  # type: ignore[attr-defined]  # every table row has one
# Without the key: setting it, even to what it is, would lock out the distributions that name this business.
KEEP = NEWS.on_conflict_do_update(
    index_elements=["id"], set_={name: NEWS.excluded[name] for name in KnownBusinessRow.model_fields if name != "id"}
)


async def keep(session: AsyncSession, rows: Sequence[KnownBusinessRow]) -> None:
    """Write what is known of businesses, each of them once, whether or not they were known before."""
    await session.execute(KEEP, [row.model_dump() for row in rows])


CLOSE = text("UPDATE known_business SET state = 'closed' WHERE id = ANY(CAST(:ids AS uuid[]))")


async def close(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Note that businesses are closed."""
    await session.execute(CLOSE, {"ids": list(ids)})


async def by_id(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, KnownBusinessRow]:
    """Find businesses; what is unknown is missing in the answer."""
    found = await session.exec(select(KnownBusinessRow).where(col(KnownBusinessRow.id).in_(ids)))
    return {business.id: business for business in found}
