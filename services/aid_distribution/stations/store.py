"""What is stored of handwashing stations: where they stand, every visit and report, and what follows from these.

Visits and reports are only ever added. What follows from them (state, outages, next visit) is written anew with each,
under the lock of the station's row.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    delete,
    text,
)
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.stations.domain import (
    PEOPLE_PER_DAY_MAX,
    SOAP_MILLILITRE_MAX,
    WATER_MILLILITRE_MAX,
    Levels,
    Outage,
    Outcome,
    Report,
    Seen,
    Standing,
    State,
    Trouble,
    Visit,
)
from services.aid_distribution.stations.use import Because, CrowdLevel


def _one_of(values: type[State | Seen | Trouble | Outcome | Because | CrowdLevel]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class StationRow(SQLModel, table=True):
    """A station at its site; its row is the lock under which its history grows."""

    __tablename__ = "station"
    __table_args__ = (
        UniqueConstraint("region", "code", name="station_code_in_region"),
        CheckConstraint(f"state IN ({_one_of(State)})", name="station_state_known"),
        CheckConstraint(
            f"crowd_level IS NULL OR crowd_level IN ({_one_of(CrowdLevel)})", name="station_crowd_level_known"
        ),
        CheckConstraint(f"people_per_day BETWEEN 0 AND {PEOPLE_PER_DAY_MAX}", name="station_people_per_day"),
        CheckConstraint(
            f"water_capacity_millilitre BETWEEN 1 AND {WATER_MILLILITRE_MAX}"
            " AND water_first_millilitre BETWEEN 0 AND water_capacity_millilitre",
            name="station_water",
        ),
        CheckConstraint(
            f"soap_capacity_millilitre BETWEEN 1 AND {SOAP_MILLILITRE_MAX}"
            " AND soap_first_millilitre BETWEEN 0 AND soap_capacity_millilitre",
            name="station_soap",
        ),
        CheckConstraint(
            "(state = 'removed' AND removed_at >= placed_at AND removal_posting_id IS NOT NULL AND outcome IS NOT NULL)"
            " OR (state <> 'removed' AND removed_at IS NULL AND removal_posting_id IS NULL AND outcome IS NULL)",
            name="station_removal",
        ),
        CheckConstraint(f"outcome IS NULL OR outcome IN ({_one_of(Outcome)})", name="station_outcome_known"),
        CheckConstraint(f"next_visit_because IN ({_one_of(Because)})", name="station_next_visit_because_known"),
        CheckConstraint(
            "water_use_millilitre_per_day >= 0 AND soap_use_millilitre_per_day >= 0", name="station_use_not_negative"
        ),
        Index("station_by_region", "region", "next_visit_at", "id"),
        Index("station_dry", "id", postgresql_where=text("state = 'dry'")),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    code: str
    name: str
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), nullable=False))
    lot: str
    site: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    region: str
    crowd_level: str | None = None
    people_per_day: int = Field(sa_column=Column(Integer, nullable=False))
    water_capacity_millilitre: int = Field(sa_column=Column(Integer, nullable=False))
    soap_capacity_millilitre: int = Field(sa_column=Column(Integer, nullable=False))
    water_first_millilitre: int = Field(sa_column=Column(Integer, nullable=False))
    soap_first_millilitre: int = Field(sa_column=Column(Integer, nullable=False))
    placed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    actor: str
    document: str | None = None
    posting_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), nullable=False, unique=True))
    removed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    outcome: str | None = None
    removal_posting_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("posting.id"), unique=True))
    report_code_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    state: str
    state_since: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    water_left_millilitre: int = Field(sa_column=Column(Integer, nullable=False))
    soap_left_millilitre: int = Field(sa_column=Column(Integer, nullable=False))
    last_visit_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    next_visit_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    next_visit_because: str
    water_use_millilitre_per_day: int = Field(sa_column=Column(BigInteger, nullable=False))
    water_use_measured: bool = Field(sa_column=Column(Boolean, nullable=False))
    soap_use_millilitre_per_day: int = Field(sa_column=Column(BigInteger, nullable=False))
    soap_use_measured: bool = Field(sa_column=Column(Boolean, nullable=False))
    version: int = Field(default=1, sa_column=Column(BigInteger, nullable=False, server_default="1"))

    @property
    def standing(self) -> Standing:
        """Give from when until when it stood, in the words of the rules."""
        return Standing(
            self.placed_at, Levels(self.water_first_millilitre, self.soap_first_millilitre), self.removed_at
        )

    @property
    def capacity(self) -> Levels:
        """Give how much it holds."""
        return Levels(self.water_capacity_millilitre, self.soap_capacity_millilitre)


DRY = """
    SELECT 'station/' || id AS subject, region, site AS place, item,
           CAST(NULL AS text) AS lot, CAST(NULL AS bigint) AS figure, CAST(NULL AS bigint) AS threshold,
           CAST(NULL AS date) AS due_on
    FROM station WHERE state = 'dry'
"""
"""The stations that a visit found dry, as alerts ask for them."""


class StationVisitRow(SQLModel, table=True):
    """A visit, as it was told; nothing of it changes."""

    __tablename__ = "station_visit"
    __table_args__ = (
        UniqueConstraint("station_id", "occurred_at", name="station_visit_one_at_a_moment"),
        CheckConstraint(f"seen IN ({_one_of(Seen)})", name="station_visit_seen_known"),
        CheckConstraint(
            f"water_before_millilitre BETWEEN 0 AND {WATER_MILLILITRE_MAX}"
            f" AND water_added_millilitre BETWEEN 0 AND {WATER_MILLILITRE_MAX}"
            f" AND soap_before_millilitre BETWEEN 0 AND {SOAP_MILLILITRE_MAX}"
            f" AND soap_added_millilitre BETWEEN 0 AND {SOAP_MILLILITRE_MAX}",
            name="station_visit_levels",
        ),
        CheckConstraint(
            "seen = 'broken' OR (seen = 'dry') = (water_before_millilitre = 0 OR soap_before_millilitre = 0)",
            name="station_visit_seen_as_measured",
        ),
        CheckConstraint("NOT repaired OR seen = 'broken'", name="station_visit_repairs_what_is_broken"),
        CheckConstraint("occurred_at <= recorded_at", name="station_visit_not_in_the_future"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    station_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("station.id"), nullable=False))
    occurred_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    actor: str
    document: str | None = None
    note: str | None = None
    seen: str
    repaired: bool = Field(sa_column=Column(Boolean, nullable=False))
    water_before_millilitre: int = Field(sa_column=Column(Integer, nullable=False))
    soap_before_millilitre: int = Field(sa_column=Column(Integer, nullable=False))
    water_added_millilitre: int = Field(sa_column=Column(Integer, nullable=False))
    soap_added_millilitre: int = Field(sa_column=Column(Integer, nullable=False))
    posting_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("posting.id"), unique=True))
    number: str | None = None

    @property
    def visit(self) -> Visit:
        """Give the visit in the words of the rules."""
        return Visit(
            self.occurred_at,
            Seen(self.seen),
            Levels(self.water_before_millilitre, self.soap_before_millilitre),
            Levels(self.water_added_millilitre, self.soap_added_millilitre),
            self.repaired,
        )


class StationReportRow(SQLModel, table=True):
    """What somebody reported: which problem and when, and nothing about who; `counted` unless just said by another."""

    __tablename__ = "station_report"
    __table_args__ = (
        CheckConstraint(f"problem IN ({_one_of(Trouble)})", name="station_report_problem_known"),
        Index("station_report_by_station", "station_id", "reported_at"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    station_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("station.id"), nullable=False))
    reported_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    problem: str
    by_staff: bool = Field(sa_column=Column(Boolean, nullable=False))
    counted: bool = Field(sa_column=Column(Boolean, nullable=False))


class StationOutageRow(SQLModel, table=True):
    """A stretch of time in which a station could not be used, as it follows from visits and reports."""

    __tablename__ = "station_outage"
    __table_args__ = (
        CheckConstraint("state IN ('dry', 'broken')", name="station_outage_state_known"),
        CheckConstraint("ended_at IS NULL OR ended_at > began_at", name="station_outage_lasts"),
        Index("station_outage_open_once", "station_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    station_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("station.id"), primary_key=True))
    began_at: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    state: str
    ended_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    reported: bool = Field(sa_column=Column(Boolean, nullable=False))

    @property
    def outage(self) -> Outage:
        """Give the outage in the words of the rules."""
        return Outage(State(self.state), self.began_at, self.ended_at, self.reported)


class Site(NamedTuple):
    """A place where a station may stand."""

    name: str
    region: str
    kind: str


async def site(session: AsyncSession, code: str) -> Site | None:
    """Give a place with its kind; None where there is none, and for virtual places."""
    question = text("SELECT name, region, kind FROM place WHERE code = :code AND kind <> 'virtual'")
    row = (await session.execute(question, {"code": code})).first()
    return Site(*row) if row else None


async def site_names(session: AsyncSession, codes: Sequence[str]) -> dict[str, str]:
    """Give the names of sites."""
    question = text("SELECT code, name FROM place WHERE code = ANY(CAST(:codes AS text[]))")
    return {row.code: row.name for row in await session.execute(question, {"codes": list(codes)})}


async def code_taken(session: AsyncSession, region: str, code: str) -> bool:
    """Tell whether a station of the region bears this code; what comes in between is stopped by the database."""
    question = select(StationRow.id).where(StationRow.region == region, StationRow.code == code)
    return (await session.exec(question)).first() is not None


async def visits(session: AsyncSession, station_id: UUID) -> list[StationVisitRow]:
    """Give all visits of a station, in the order of their time."""
    question = select(StationVisitRow).where(StationVisitRow.station_id == station_id)
    return list(await session.exec(question.order_by(col(StationVisitRow.occurred_at))))


async def reports(session: AsyncSession, station_id: UUID) -> list[Report]:
    """Give the counted reports about a station, in the order of their time."""
    question = select(StationReportRow).where(StationReportRow.station_id == station_id, col(StationReportRow.counted))
    rows = await session.exec(question.order_by(col(StationReportRow.reported_at), col(StationReportRow.id)))
    return [Report(row.reported_at, Trouble(row.problem), row.by_staff) for row in rows]


async def reports_since(session: AsyncSession, station_id: UUID, since: datetime) -> list[StationReportRow]:
    """Give the reports about a station after a moment, counted or not, in the order of their time."""
    question = select(StationReportRow).where(
        StationReportRow.station_id == station_id, col(StationReportRow.reported_at) > since
    )
    return list(await session.exec(question.order_by(col(StationReportRow.reported_at), col(StationReportRow.id))))


async def outages(session: AsyncSession, station_id: UUID) -> list[Outage]:
    """Give the outages of a station in their order."""
    question = select(StationOutageRow).where(StationOutageRow.station_id == station_id)
    rows = await session.exec(question.order_by(col(StationOutageRow.began_at)))
    return [row.outage for row in rows]


async def write_outages(session: AsyncSession, station_id: UUID, now_known: Sequence[Outage]) -> None:
    """Put the outages of a station in the place of those known before."""
    await session.execute(delete(StationOutageRow).where(col(StationOutageRow.station_id) == station_id))
    session.add_all(
        StationOutageRow(
            station_id=station_id,
            began_at=outage.began_at,
            state=outage.state,
            ended_at=outage.ended_at,
            reported=outage.reported,
        )
        for outage in now_known
    )
    await session.flush()


# Whole minutes of the clock, as `domain.outage_minutes` counts them.
MINUTES = text(
    """
    SELECT s.id, s.region,
        coalesce((SELECT sum(greatest(0, extract(epoch FROM
                least(date_trunc('minute', coalesce(o.ended_at, :end)), :end)
                - greatest(date_trunc('minute', o.began_at), :start))::bigint / 60))
            FROM station_outage o WHERE o.station_id = s.id AND o.began_at < :end
              AND (o.ended_at IS NULL OR o.ended_at > :start)), 0)::bigint AS outage,
        greatest(0, extract(epoch FROM least(date_trunc('minute', coalesce(s.removed_at, :end)), :end)
            - greatest(date_trunc('minute', s.placed_at), :start))::bigint / 60)::bigint AS standing
    FROM station s
    WHERE (CAST(:ids AS uuid[]) IS NULL OR s.id = ANY(CAST(:ids AS uuid[])))
      AND (CAST(:region AS text) IS NULL OR s.region = :region OR starts_with(s.region, :region || '.'))
      AND EXISTS (SELECT 1 FROM unnest(CAST(:regions AS text[])) r
                  WHERE s.region = r OR starts_with(s.region, r || '.'))
    ORDER BY s.region, s.id
    """
)


class Minutes(NamedTuple):
    """How long a station stood and could not be used in a period."""

    station_id: UUID
    region: str
    outage: int
    standing: int


async def minutes(
    session: AsyncSession,
    regions: Sequence[str],
    start: datetime,
    end: datetime,
    *,
    region: str | None = None,
    ids: Sequence[UUID] | None = None,
) -> list[Minutes]:
    """Count the minutes of stations of these regions between two moments that are whole minutes."""
    values = {"regions": list(regions), "region": region, "ids": None if ids is None else list(ids)}
    rows = await session.execute(MINUTES, {**values, "start": start, "end": max(start, end)})
    return [Minutes(*row) for row in rows]
