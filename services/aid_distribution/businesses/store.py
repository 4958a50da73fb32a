"""What is known here of a business: a projection of registration's events, never a copy of its records."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Uuid, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession


class KnownBusinessRow(SQLModel, table=True):
    """A business that aid may be handed to as long as it is open.

    Shape:  `closed_at` is when its end was heard of here; None of one that closed before that was kept. `survivor` is
            the business that it has turned out to be
    """

    __tablename__ = "known_business"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'closed')", name="known_business_state"),
        CheckConstraint(
            "state = 'closed' OR (closed_at IS NULL AND survivor IS NULL)", name="known_business_closed_at"
        ),
        CheckConstraint("survivor <> id", name="known_business_survives_another"),
        Index("known_business_by_region", "region", "id"),
        Index("known_business_by_survivor", "survivor", postgresql_where=text("survivor IS NOT NULL")),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    owner_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    name: str
    sector: str
    region: str
    state: str
    closed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    survivor: UUID | None = Field(default=None, sa_column=Column(Uuid))

    def open_at(self, moment: datetime) -> bool:
        """Tell whether it was open then; what has happened is judged by its own moment."""
        return self.state == "open" or (self.closed_at is not None and moment < self.closed_at)


NEWS = insert(KnownBusinessRow.__table__)  # type: ignore[attr-defined]  # every table row has one
# Without the key: setting it, even to what it is, would lock out the distributions that name this business.
KEEP = NEWS.on_conflict_do_update(
    index_elements=["id"], set_={name: NEWS.excluded[name] for name in KnownBusinessRow.model_fields if name != "id"}
)


async def keep(session: AsyncSession, rows: Sequence[KnownBusinessRow]) -> None:
    """Write what is known of businesses, each of them once, whether or not they were known before."""
    await session.execute(KEEP, [row.model_dump() for row in rows])


# What is told again leaves the first moment; a business that was closed and is merged then keeps its own.
CLOSE = text(
    "UPDATE known_business SET state = 'closed', closed_at = CASE state WHEN 'open' THEN :at ELSE closed_at END"
    " WHERE id = ANY(CAST(:ids AS uuid[]))"
)
# Those that had turned out to be the one that is merged now are that other one as well.
MERGE = text(
    """
    UPDATE known_business b SET survivor = n.stays
    FROM unnest(CAST(:ids AS uuid[]), CAST(:stays AS uuid[])) AS n(id, stays)
    WHERE (b.id = n.id OR b.survivor = n.id) AND b.id <> n.stays AND b.state = 'closed'
    """
)
SURVIVORS = text(
    "SELECT id, survivor FROM known_business WHERE id = ANY(CAST(:ids AS uuid[])) AND survivor IS NOT NULL"
)


async def close(session: AsyncSession, ids: Collection[UUID], at: datetime) -> None:
    """Note that businesses are closed, those that were open from this moment on."""
    await session.execute(CLOSE, {"ids": list(ids), "at": at})


async def merge(session: AsyncSession, merged: Sequence[tuple[UUID, UUID]]) -> None:
    """Note which business others have turned out to be, as pairs of the old one and the one that stays."""
    ids, stays = zip(*merged, strict=True)
    await session.execute(MERGE, {"ids": list(ids), "stays": list(stays)})


async def survivors(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Give of businesses that were merged the ones that they have turned out to be."""
    if not ids:
        return {}
    return {row.id: row.survivor for row in await session.execute(SURVIVORS, {"ids": list(ids)})}


async def by_id(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, KnownBusinessRow]:
    """Find businesses; what is unknown is missing in the answer."""
    found = await session.exec(select(KnownBusinessRow).where(col(KnownBusinessRow.id).in_(ids)))
    return {business.id: business for business in found}
