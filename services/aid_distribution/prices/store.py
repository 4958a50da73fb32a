"""What is stored of prices: every observation and every ceiling, also those that were corrected.

Of the observations of an item at a place on a day, and of the ceilings of an item in a region from a day on, one
counts: the row that nothing supersedes. What was said before stays.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Text,
    Uuid,
    text,
)
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.prices.domain import OBSERVED_DAYS_MAX, PRICE_RUPIAH_MAX, circles, middle

COUNTS = text("superseded_at IS NULL")
PRICE_SQL = f"BETWEEN 1 AND {PRICE_RUPIAH_MAX}"


class PriceObservationRow(SQLModel, table=True):
    """A price that somebody saw; `ceiling_rupiah` is the ceiling that counted when it was recorded."""

    __tablename__ = "price_observation"
    __table_args__ = (
        CheckConstraint(f"price_rupiah {PRICE_SQL}", name="price_observation_price"),
        CheckConstraint(f"ceiling_rupiah {PRICE_SQL}", name="price_observation_ceiling"),
        CheckConstraint("observed_at <= recorded_at", name="price_observation_not_in_the_future"),
        CheckConstraint("superseded_at >= recorded_at", name="price_observation_superseded_later"),
        Index("price_observation_counts", "place", "item", "observed_on", unique=True, postgresql_where=COUNTS),
        Index("price_observation_by_day", "item", "observed_on", "region", "price_rupiah", postgresql_where=COUNTS),
        Index("price_observation_by_region", "item", "region", "observed_on", "price_rupiah", postgresql_where=COUNTS),
        Index("price_observation_by_time", "observed_at", "id"),
        Index("price_observation_of_item", "item", "observed_at", "id"),
        Index("price_observation_of_place", "place", "observed_at", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    region: str
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), nullable=False))
    observed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    observed_on: date = Field(sa_column=Column(Date, nullable=False))
    price_rupiah: int = Field(sa_column=Column(BigInteger, nullable=False))
    unit_note: str | None = None
    ceiling_rupiah: int | None = Field(default=None, sa_column=Column(BigInteger))
    actor: str
    document: str | None = None
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    supersedes: UUID | None = Field(
        default=None, sa_column=Column(Uuid, ForeignKey("price_observation.id"), unique=True)
    )
    superseded_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class PriceCeilingRow(SQLModel, table=True):
    """What one unit of an item may cost at most in a region from a day on, and who says so."""

    __tablename__ = "price_ceiling"
    __table_args__ = (
        CheckConstraint(f"price_rupiah {PRICE_SQL}", name="price_ceiling_price"),
        CheckConstraint("source <> ''", name="price_ceiling_has_source"),
        CheckConstraint("superseded_at >= recorded_at", name="price_ceiling_superseded_later"),
        Index("price_ceiling_counts", "item", "region", "valid_from", unique=True, postgresql_where=COUNTS),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), nullable=False))
    region: str
    valid_from: date = Field(sa_column=Column(Date, nullable=False))
    price_rupiah: int = Field(sa_column=Column(BigInteger, nullable=False))
    source: str
    actor: str
    document: str | None = None
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    supersedes: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("price_ceiling.id"), unique=True))
    superseded_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class PriceWatchRow(SQLModel, table=True):
    """The newest price of an item at a place, and whether it is above its ceiling; its row is the lock of both."""

    __tablename__ = "price_watch"
    __table_args__ = (
        CheckConstraint("above = (coalesce(price_rupiah > ceiling_rupiah, false))", name="price_watch_above"),
        Index("price_watch_those_above", "place", "item", postgresql_where=text("above")),
    )

    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), primary_key=True))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    observed_on: date | None = Field(default=None, sa_column=Column(Date))
    price_rupiah: int | None = Field(default=None, sa_column=Column(BigInteger))
    ceiling_rupiah: int | None = Field(default=None, sa_column=Column(BigInteger))
    above: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default="false"))


ABOVE_CEILING = """
    SELECT concat_ws('/', 'price', w.place, w.item) AS subject, p.region, w.place, w.item,
           w.price_rupiah AS figure, w.ceiling_rupiah AS threshold, CAST(NULL AS text) AS lot, w.observed_on AS due_on
    FROM price_watch w JOIN place p ON p.code = w.place WHERE w.above
"""
"""The places where the newest price of an item is above its ceiling, as alerts ask for them; in rupiah."""


class DayPrice(NamedTuple):
    """The median price of a region on one day, and of how many observations."""

    region: str
    day: date
    median_rupiah: int
    observations: int


class Ceiling(NamedTuple):
    """The ceiling that counts."""

    price_rupiah: int
    region: str
    valid_from: date
    source: str


OPEN_WATCH = text("INSERT INTO price_watch (place, item) VALUES (:place, :item) ON CONFLICT DO NOTHING")
# The nearest region decides, then the latest day: what a city has of its own outweighs anything of its province.
CEILINGS = text(
    """
    SELECT DISTINCT ON (wanted.code) wanted.code, c.price_rupiah, c.region, c.valid_from, c.source
    FROM unnest(CAST(:codes AS text[]), CAST(:circles AS text[])) AS wanted(code, circle)
    JOIN price_ceiling c ON c.region = wanted.circle
    WHERE c.item = :item AND c.valid_from <= :on AND c.superseded_at IS NULL
    ORDER BY wanted.code, length(c.region) DESC, c.valid_from DESC
    """
)
MIDDLE = """
    percentile_disc(0.5) WITHIN GROUP (ORDER BY price_rupiah) AS lower,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY price_rupiah DESC) AS upper, count(*) AS observations
"""
LATEST = text(
    f"""
    SELECT wanted.code AS region, newest.observed_on AS day, prices.lower, prices.upper, prices.observations
    FROM unnest(CAST(:regions AS text[])) AS wanted(code)
    CROSS JOIN LATERAL (
        SELECT observed_on FROM price_observation
        WHERE item = :item AND region = wanted.code AND observed_on <= :on AND observed_on > :since
          AND superseded_at IS NULL ORDER BY observed_on DESC LIMIT 1
    ) newest
    CROSS JOIN LATERAL (
        SELECT {MIDDLE} FROM price_observation
        WHERE item = :item AND region = wanted.code AND observed_on = newest.observed_on AND superseded_at IS NULL
    ) prices
    """  # noqa: S608 - our own text
)


async def watched(session: AsyncSession, place: str, item: str) -> PriceWatchRow:
    """Lock the newest price of an item at a place; whoever tells another price of them waits here."""
    await session.execute(OPEN_WATCH, {"place": place, "item": item})
    question = select(PriceWatchRow).where(PriceWatchRow.place == place, PriceWatchRow.item == item)
    return (await session.exec(question.with_for_update())).one()


async def observed(session: AsyncSession, place: str, item: str, day: date) -> PriceObservationRow | None:
    """Give the observation that counts for a place, an item and a day."""
    question = select(PriceObservationRow).where(
        PriceObservationRow.place == place,
        PriceObservationRow.item == item,
        PriceObservationRow.observed_on == day,
        col(PriceObservationRow.superseded_at).is_(None),
    )
    return (await session.exec(question)).first()


async def ceiling_for_update(session: AsyncSession, item: str, region: str, day: date) -> PriceCeilingRow | None:
    """Give the ceiling that was told for exactly this item, region and day; two who tell one wait for each other."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
    await session.execute(lock, {"name": f"price_ceiling/{item}/{region}/{day}"})
    question = select(PriceCeilingRow).where(
        PriceCeilingRow.item == item,
        PriceCeilingRow.region == region,
        PriceCeilingRow.valid_from == day,
        col(PriceCeilingRow.superseded_at).is_(None),
    )
    return (await session.exec(question)).first()


async def ceilings(session: AsyncSession, item: str, regions: Sequence[str], day: date) -> dict[str, Ceiling]:
    """Give for each of these regions the ceiling that counts on a day, where there is one."""
    pairs = [(region, circle) for region in regions for circle in circles(region)]
    values = {"codes": [code for code, _ in pairs], "circles": [circle for _, circle in pairs], "item": item, "on": day}
    rows = await session.execute(CEILINGS, values)
    return {row.code: Ceiling(row.price_rupiah, row.region, row.valid_from, row.source) for row in rows}


async def latest(session: AsyncSession, item: str, regions: Sequence[str], day: date) -> Mapping[str, DayPrice]:
    """Give the median of the last day on which each region had a price, at most so many days before this one."""
    since = date.fromordinal(max(day.toordinal() - OBSERVED_DAYS_MAX, 1))
    rows = await session.execute(LATEST, {"item": item, "regions": list(regions), "on": day, "since": since})
    return {row.region: DayPrice(row.region, row.day, middle(row.lower, row.upper), row.observations) for row in rows}
