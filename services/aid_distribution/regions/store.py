"""What is stored of a region, and the questions that every capability may ask of it."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.regions.domain import POPULATION_MAX, YEAR_FIRST, YEAR_LAST
from shared.within import within


class KnownRegionRow(SQLModel, table=True):
    """A regency or a city, by its code of the system that is named.

    Shape: `population_year` is the year that the population was counted in, None where nobody has said it
    """

    __tablename__ = "known_region"
    __table_args__ = (
        CheckConstraint("code ~ '^[0-9]{2}[.][0-9]{2}$'", name="known_region_code_form"),
        CheckConstraint("code_system = 'kemendagri'", name="known_region_code_system_known"),
        CheckConstraint("kind IN ('regency', 'city')", name="known_region_kind_known"),
        CheckConstraint(f"population BETWEEN 1 AND {POPULATION_MAX}", name="known_region_population"),
        CheckConstraint(f"population_year BETWEEN {YEAR_FIRST} AND {YEAR_LAST}", name="known_region_population_year"),
        CheckConstraint("households BETWEEN 1 AND population", name="known_region_households"),
    )

    code: str = Field(sa_column=Column(Text, primary_key=True))
    id: UUID = Field(sa_column=Column(Uuid, nullable=False, unique=True))
    code_system: str = Field(sa_column=Column(Text, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    population: int = Field(sa_column=Column(Integer, nullable=False))
    population_year: int | None = Field(default=None, sa_column=Column(Integer))
    households: int | None = Field(default=None, sa_column=Column(Integer))
    version: int = Field(default=1, sa_column=Column(BigInteger, nullable=False, server_default="1"))


async def add(session: AsyncSession, rows: Sequence[KnownRegionRow]) -> int:
    """Make regions known; gives how many were not known before, and leaves those that were as they are."""
    news = insert(KnownRegionRow.__table__).on_conflict_do_nothing(index_elements=["code"])  # type: ignore[attr-defined]  # every table row has one
    added = await session.execute(news.returning(col(KnownRegionRow.code)), [row.model_dump() for row in rows])
    return len(added.all())


async def seen(session: AsyncSession, regions: Collection[str]) -> Sequence[KnownRegionRow]:
    """Give the regencies and cities within these regions, by their codes: all that a caller of them sees."""
    code = col(KnownRegionRow.code)
    return (await session.exec(select(KnownRegionRow).where(within(code, regions)).order_by(code))).all()


async def by_code(session: AsyncSession, codes: Collection[str]) -> dict[str, KnownRegionRow]:
    """Find regions by their codes; what is unknown is missing in the answer."""
    found = await session.exec(select(KnownRegionRow).where(col(KnownRegionRow.code).in_(codes)))
    return {row.code: row for row in found}
