"""What is stored of trainings: what was announced, its days, and the kits that it needs with what became of them.

Sessions and kits stand in tables of their own: attendance will be of a session, and seats of a training.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
    Uuid,
    column,
    table,
    text,
)
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel, col, false, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.trainings.domain import (
    APPLICATIONS_MAX,
    ATTENDANCE_PERCENT_DEFAULT,
    KITS_MAX,
    SEATS_MAX,
    KitsState,
    State,
)

REGION = table("region", column("code", Text()))


def _one_of(values: type[State | KitsState]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class TrainingRow(SQLModel, table=True):
    """A training, and how far its kits have come; its row is the lock under which both change."""

    __tablename__ = "training"
    __table_args__ = (
        CheckConstraint(f"state IN ({_one_of(State)})", name="training_state_known"),
        CheckConstraint(f"kits_state IN ({_one_of(KitsState)})", name="training_kits_state_known"),
        CheckConstraint(f"seats BETWEEN 1 AND {SEATS_MAX}", name="training_seats"),
        CheckConstraint(
            "(state = 'cancelled') = (cancelled_at IS NOT NULL) AND (cancelled_at IS NULL) = (reason IS NULL)",
            name="training_cancelled_with_reason",
        ),
        CheckConstraint("(kits_state = 'none') = (kits_place IS NULL)", name="training_kits_have_a_place"),
        CheckConstraint(
            "kits_state <> 'reserved' OR (kits_reservation_id IS NOT NULL AND kits_number IS NOT NULL)",
            name="training_kits_reserved_by_number",
        ),
        CheckConstraint(
            "(kits_state = 'refused') = (kits_because IS NOT NULL AND kits_shortages IS NOT NULL)",
            name="training_kits_refused_for_a_reason",
        ),
        CheckConstraint("starts_on <= ends_on", name="training_days_ascend"),
        CheckConstraint("seats_taken BETWEEN 0 AND seats", name="training_seats_taken_within_seats"),
        CheckConstraint(f"applications BETWEEN 0 AND {APPLICATIONS_MAX}", name="training_applications"),
        CheckConstraint("attendance_percent BETWEEN 1 AND 100", name="training_attendance_percent"),
        CheckConstraint("(state = 'finished') = (finished_at IS NOT NULL)", name="training_finished_at_a_moment"),
        Index("training_by_region", "region", "starts_on", "id"),
        Index("training_by_start", "starts_on", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    programme: str = Field(sa_column=Column(Text, nullable=False))
    title: str = Field(sa_column=Column(Text, nullable=False))
    sector: str = Field(sa_column=Column(Text, nullable=False))
    region: str = Field(sa_column=Column(Text, ForeignKey("region.code"), nullable=False))
    venue: str = Field(sa_column=Column(Text, nullable=False))
    seats: int = Field(sa_column=Column(Integer, nullable=False))
    starts_on: date = Field(sa_column=Column(Date, nullable=False))
    ends_on: date = Field(sa_column=Column(Date, nullable=False))
    document: str | None = Field(default=None, sa_column=Column(Text))
    state: str = Field(sa_column=Column(Text, nullable=False))
    announced_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    announced_by: str = Field(sa_column=Column(Text, nullable=False))
    cancelled_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    kits_state: str = Field(sa_column=Column(Text, nullable=False))
    kits_place: str | None = Field(default=None, sa_column=Column(Text))
    kits_reservation_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    kits_number: str | None = Field(default=None, sa_column=Column(Text))
    kits_because: str | None = Field(default=None, sa_column=Column(Text))
    kits_shortages: list[dict[str, object]] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    seats_taken: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    applications: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    attendance_percent: int = Field(
        default=ATTENDANCE_PERCENT_DEFAULT,
        sa_column=Column(SmallInteger, nullable=False, server_default=str(ATTENDANCE_PERCENT_DEFAULT)),
    )
    finished_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    version: int = Field(default=1, sa_column=Column(BigInteger, nullable=False, server_default="1"))


class TrainingSessionRow(SQLModel, table=True):
    """A day on which a training is held, or was to be held; `venue` where it is another than the training's."""

    __tablename__ = "training_session"
    __table_args__ = (
        CheckConstraint("(cancelled_at IS NULL) = (cancel_reason IS NULL)", name="training_session_cancelled_why"),
        Index(
            "training_session_one_a_day",
            "training_id",
            "held_on",
            unique=True,
            postgresql_where=text("cancelled_at IS NULL"),
        ),
    )

    training_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("training.id"), primary_key=True))
    no: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    held_on: date = Field(sa_column=Column(Date, nullable=False))
    venue: str | None = Field(default=None, sa_column=Column(Text))
    cancelled_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    cancel_reason: str | None = Field(default=None, sa_column=Column(Text))


class TrainingKitRow(SQLModel, table=True):
    """How much of an item a training needs."""

    __tablename__ = "training_kit"
    __table_args__ = (CheckConstraint(f"quantity BETWEEN 1 AND {KITS_MAX}", name="training_kit_quantity"),)

    training_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("training.id"), primary_key=True))
    item: str = Field(sa_column=Column(Text, primary_key=True))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))


async def region_known(session: AsyncSession, code: str) -> bool:
    """Tell whether there is a region of this code."""
    found = select_columns(REGION.c.code).where(REGION.c.code == code)
    return (await session.execute(found)).first() is not None


async def locked(session: AsyncSession, training_id: UUID) -> TrainingRow | None:
    """Lock a training; its row is the lock under which it changes."""
    question = select(TrainingRow).where(col(TrainingRow.id) == training_id).with_for_update()
    return (await session.exec(question, execution_options={"populate_existing": True})).one_or_none()


async def sessions_of(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[TrainingSessionRow]]:
    """Give the days of trainings, in their order."""
    found: dict[UUID, list[TrainingSessionRow]] = {one: [] for one in ids}
    question = select(TrainingSessionRow).where(col(TrainingSessionRow.training_id).in_(ids))
    for row in await session.exec(question.order_by(col(TrainingSessionRow.no))):
        found[row.training_id].append(row)
    return found


async def kits_of(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[TrainingKitRow]]:
    """Give what trainings need, by the codes of the items."""
    found: dict[UUID, list[TrainingKitRow]] = {one: [] for one in ids}
    question = select(TrainingKitRow).where(col(TrainingKitRow.training_id).in_(ids))
    for row in await session.exec(question.order_by(col(TrainingKitRow.item))):
        found[row.training_id].append(row)
    return found


async def page(
    session: AsyncSession, own: Sequence[str], state: str | None, after: tuple[date, UUID] | None, limit: int
) -> Sequence[TrainingRow]:
    """Give the trainings of regions, the latest first."""
    region = col(TrainingRow.region)
    found = select(TrainingRow).where(
        or_(false(), *(or_(region == code, region.startswith(f"{code}.", autoescape=True)) for code in own))
    )
    if state is not None:
        found = found.where(col(TrainingRow.state) == state)
    if after is not None:
        starts_on, training_id = after
        found = found.where(
            or_(
                col(TrainingRow.starts_on) < starts_on,
                (col(TrainingRow.starts_on) == starts_on) & (col(TrainingRow.id) < training_id),
            )
        )
    latest = found.order_by(col(TrainingRow.starts_on).desc(), col(TrainingRow.id).desc())
    return (await session.exec(latest.limit(limit))).all()


async def by_id(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, TrainingRow]:
    """Give trainings by their ids."""
    return {row.id: row for row in await session.exec(select(TrainingRow).where(col(TrainingRow.id).in_(ids)))}
