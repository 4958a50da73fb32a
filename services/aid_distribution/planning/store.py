"""What is stored of an allocation plan: its figures, its lines, and every change that people made by hand."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.ledger import usable as free
from services.aid_distribution.ledger.domain import Virtual
from services.aid_distribution.ledger.usable import Usable
from services.aid_distribution.planning.domain import PERMILLE


class AllocationPlanRow(SQLModel, table=True):
    """A plan to share goods that lie at one place."""

    __tablename__ = "allocation_plan"
    __table_args__ = (
        CheckConstraint("supply > 0", name="allocation_plan_supply_positive"),
        CheckConstraint("allocated BETWEEN 0 AND supply", name="allocation_plan_within_supply"),
        CheckConstraint("expiring >= 0 AND expired >= 0 AND held >= 0", name="allocation_plan_left_out_not_negative"),
        CheckConstraint("per_thousand > 0", name="allocation_plan_per_thousand_positive"),
        CheckConstraint("received_since IS NULL OR per_thousand IS NOT NULL", name="allocation_plan_derived"),
        CheckConstraint("version > 0", name="allocation_plan_version_positive"),
        CheckConstraint(
            "(state = 'draft' AND settled_at IS NULL AND settled_by IS NULL AND reason IS NULL) OR"
            " (state = 'confirmed' AND settled_at IS NOT NULL AND settled_by IS NOT NULL AND reason IS NULL) OR"
            " (state = 'discarded' AND settled_at IS NOT NULL AND settled_by IS NOT NULL AND reason IS NOT NULL)",
            name="allocation_plan_state",
        ),
        Index("allocation_plan_by_region", "region", "id"),
        Index("allocation_plan_by_item", "item", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    state: str
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), nullable=False))
    from_place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    region: str
    supply: int = Field(sa_column=Column(BigInteger, nullable=False))
    supply_given: bool = Field(sa_column=Column(Boolean, nullable=False))
    allocated: int = Field(sa_column=Column(BigInteger, nullable=False))
    expiring: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
    expired: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
    held: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
    per_thousand: int | None = Field(default=None, sa_column=Column(Integer))
    received_since: date | None = None
    document: str | None = None
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    created_by: str
    settled_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    settled_by: str | None = None
    reason: str | None = None
    version: int = Field(default=1, sa_column=Column(BigInteger, nullable=False, server_default="1"))


class AllocationLineRow(SQLModel, table=True):
    """What a plan gives to one region, and the figures that it follows from.

    Shape: `decline_answers` is how many declared needs the decline follows from; None where it was told
    """

    __tablename__ = "allocation_line"
    __table_args__ = (
        UniqueConstraint("plan_id", "place", name="allocation_line_place_once"),
        CheckConstraint("population > 0", name="allocation_line_population_positive"),
        CheckConstraint("received >= 0 AND gross_need >= 0", name="allocation_line_not_negative"),
        CheckConstraint("need BETWEEN 0 AND gross_need", name="allocation_line_need"),
        CheckConstraint(
            f"decline_permille BETWEEN 0 AND {PERMILLE} AND pressure_permille BETWEEN 0 AND {PERMILLE}",
            name="allocation_line_weights",
        ),
        CheckConstraint("decline_answers >= 0", name="allocation_line_decline_answers"),
        CheckConstraint("fair_quantity BETWEEN 0 AND need", name="allocation_line_fair_within_need"),
        CheckConstraint("quantity >= 0", name="allocation_line_quantity_not_negative"),
        CheckConstraint("transfer_id IS NULL OR quantity > 0", name="allocation_line_sent_is_something"),
    )

    plan_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("allocation_plan.id"), primary_key=True))
    region: str = Field(sa_column=Column(Text, ForeignKey("known_region.code"), primary_key=True))
    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    population: int | None = Field(default=None, sa_column=Column(Integer))
    population_given: bool = Field(sa_column=Column(Boolean, nullable=False))
    gross_need: int = Field(sa_column=Column(BigInteger, nullable=False))
    received: int = Field(sa_column=Column(BigInteger, nullable=False))
    need: int = Field(sa_column=Column(BigInteger, nullable=False))
    derived: bool = Field(sa_column=Column(Boolean, nullable=False))
    decline_permille: int = Field(sa_column=Column(Integer, nullable=False))
    decline_answers: int | None = Field(default=None, sa_column=Column(Integer))
    pressure_permille: int = Field(sa_column=Column(Integer, nullable=False))
    fair_quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    transfer_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("transfer.id"), unique=True))


class AllocationOverrideRow(SQLModel, table=True):
    """A change of a line by hand: who, when, from what to what, and why. It is kept for ever."""

    __tablename__ = "allocation_override"
    __table_args__ = (
        ForeignKeyConstraint(["plan_id", "region"], ["allocation_line.plan_id", "allocation_line.region"]),
        CheckConstraint("from_quantity >= 0 AND to_quantity >= 0", name="allocation_override_not_negative"),
        CheckConstraint("from_quantity <> to_quantity", name="allocation_override_changes"),
        CheckConstraint("reason <> ''", name="allocation_override_has_reason"),
        Index("allocation_override_by_line", "plan_id", "region", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    plan_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    from_quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    to_quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    reason: str
    actor: str
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


OUTSIDE = (Virtual.SUPPLIER, Virtual.DONOR, Virtual.PRODUCTION, Virtual.IN_TRANSIT)
"""Where goods of a region come from; what goes back there, or is sent on, counts against it."""

USABLE = text(f"SELECT {free.FIGURES} FROM card c {free.LOTS} WHERE c.place = :place AND c.item = :item")  # noqa: S608 - put together from our own text
RECEIVED = text(
    """
    WITH local AS (
        SELECT r.code AS region, p.code AS place FROM unnest(CAST(:regions AS text[])) r(code)
        JOIN place p ON p.kind <> 'virtual' AND (p.region = r.code OR starts_with(p.region, r.code || '.'))
    )
    SELECT region, sum(quantity)::bigint AS quantity FROM (
        SELECT local.region, l.quantity FROM local JOIN posting_line l ON l.to_place = local.place
        WHERE l.item = :item AND l.occurred_at >= :since AND l.from_place = ANY(CAST(:outside AS text[]))
        UNION ALL
        SELECT local.region, -l.quantity FROM posting_line l JOIN local ON l.from_place = local.place
        WHERE l.item = :item AND l.occurred_at >= :since AND l.to_place = ANY(CAST(:outside AS text[]))
        UNION ALL
        SELECT local.region, l.dispatched FROM transfer t JOIN local ON t.to_place = local.place
        JOIN transfer_line l ON l.transfer_id = t.id
        WHERE l.item = :item AND t.occurred_at >= :since AND t.state = 'in_transit'
    ) came GROUP BY region
    """
)


async def usable(session: AsyncSession, place: str, item: str, today: date) -> Usable:
    """Say how much of an item can be sent from a place, and how much of what lies there free cannot."""
    found = await session.execute(USABLE, {"place": place, "item": item} | free.days(today))
    return Usable(*found.one())


async def available(session: AsyncSession, place: str, item: str, today: date) -> int:
    """Say how much of an item can be sent from a place."""
    return (await usable(session, place, item, today)).available


async def received(session: AsyncSession, item: str, regions: Collection[str], since: datetime) -> dict[str, int]:
    """Say how much of an item has come into each region since a moment, what is on its way there included."""
    values = {"item": item, "regions": list(regions), "since": since, "outside": list(OUTSIDE)}
    return {row.region: max(row.quantity, 0) for row in await session.execute(RECEIVED, values)}


async def lines_of(session: AsyncSession, plan_id: UUID) -> Sequence[AllocationLineRow]:
    """Give the lines of a plan by their regions."""
    question = select(AllocationLineRow).where(AllocationLineRow.plan_id == plan_id)
    return (await session.exec(question.order_by(col(AllocationLineRow.region)))).all()


ACCEPTED = text(
    "SELECT transfer_id, sum(accepted)::bigint AS accepted FROM transfer_line"
    " WHERE transfer_id = ANY(CAST(:ids AS uuid[])) AND accepted IS NOT NULL GROUP BY transfer_id"
)


async def accepted(session: AsyncSession, transfers: Collection[UUID]) -> dict[UUID, int]:
    """Say how much was accepted of transfers that have arrived."""
    if not transfers:
        return {}
    rows = await session.execute(ACCEPTED, {"ids": list(transfers)})
    return {row.transfer_id: row.accepted for row in rows}


async def overrides_of(session: AsyncSession, plan_id: UUID) -> dict[str, list[AllocationOverrideRow]]:
    """Give the changes by hand of each line that has any, in the order in which they were made."""
    found: dict[str, list[AllocationOverrideRow]] = {}
    question = select(AllocationOverrideRow).where(AllocationOverrideRow.plan_id == plan_id)
    for row in await session.exec(question.order_by(col(AllocationOverrideRow.id))):
        found.setdefault(row.region, []).append(row)
    return found
