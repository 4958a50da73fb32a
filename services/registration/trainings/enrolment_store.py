"""What is stored of who takes part in a training: each enrolment, its steps, and who was there.

Locks are taken in one order: the training, then its enrolments.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.trainings.enrolment_rules import How, State

STATES_SQL = ", ".join(f"'{state}'" for state in State)
HOWS_SQL = ", ".join(f"'{how}'" for how in How)
SHOWN_STEPS_MAX = 100


class EnrolmentRow(SQLModel, table=True):
    """A business that has applied for a training, and how far it has come."""

    __tablename__ = "enrolment"
    __table_args__ = (
        UniqueConstraint("training_id", "business_id", name="enrolment_once"),
        UniqueConstraint("ticket", name="enrolment_ticket_key"),
        CheckConstraint(f"state IN ({STATES_SQL})", name="enrolment_state_known"),
        CheckConstraint("(state = 'offered') = (answer_by IS NOT NULL)", name="enrolment_offer_has_a_deadline"),
        CheckConstraint("(state = 'accepted') = (ticket IS NOT NULL)", name="enrolment_seat_has_a_ticket"),
        CheckConstraint("state <> 'ineligible' OR cardinality(reasons) > 0", name="enrolment_ineligible_for_a_reason"),
        CheckConstraint("step >= 0 AND version > 0", name="enrolment_step_counted"),
        CheckConstraint("(need_points IS NULL) = (need_explained IS NULL)", name="enrolment_need_is_explained"),
        Index("enrolment_queue", "training_id", "applied_at", "id"),
        Index("enrolment_of_business", "business_id", "id"),
        Index("enrolment_open_offers", "answer_by", postgresql_where=text("state = 'offered'")),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    training_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("training.id"), nullable=False))
    business_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("business.id"), nullable=False))
    state: str = Field(sa_column=Column(Text, nullable=False))
    reasons: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text()), nullable=False))
    override_reason: str | None = Field(default=None, sa_column=Column(Text))
    applied_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    need_points: int | None = Field(default=None, sa_column=Column(Integer))
    need_explained: str | None = Field(default=None, sa_column=Column(Text))
    answer_by: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    ticket: UUID | None = Field(default=None, sa_column=Column(Uuid))
    step: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    version: int = Field(default=1, sa_column=Column(BigInteger, nullable=False, server_default="1"))


class EnrolmentStepRow(SQLModel, table=True):
    """A step of an enrolment: whereto, when, by whom and how, and why."""

    __tablename__ = "enrolment_step"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES_SQL})", name="enrolment_step_state_known"),
        CheckConstraint(f"how IN ({HOWS_SQL})", name="enrolment_step_how_known"),
    )

    enrolment_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("enrolment.id"), primary_key=True))
    no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    state: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    how: str = Field(sa_column=Column(Text, nullable=False))
    reason: str | None = Field(default=None, sa_column=Column(Text))


class AttendanceRow(SQLModel, table=True):
    """Somebody who was there at a session: by a scan of their code, or marked by hand for a reason."""

    __tablename__ = "attendance"
    __table_args__ = (
        ForeignKeyConstraint(
            ["training_id", "session_no"],
            ["training_session.training_id", "training_session.no"],
            name="attendance_session",
        ),
        UniqueConstraint("training_id", "scan_id", name="attendance_scan_key"),
        CheckConstraint("(scan_id IS NULL) = (scanned_at IS NULL)", name="attendance_scan_has_a_moment"),
        CheckConstraint("(scan_id IS NULL) = (reason IS NOT NULL)", name="attendance_by_hand_for_a_reason"),
        Index("attendance_of_session", "training_id", "session_no", "enrolment_id"),
    )

    enrolment_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("enrolment.id"), primary_key=True))
    session_no: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    training_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    scan_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    scanned_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    actor: str = Field(sa_column=Column(Text, nullable=False))


class AttendanceTakenBackRow(SQLModel, table=True):
    """An attendance that was written down by mistake: as it was, and who took it back, when and why; never changed."""

    __tablename__ = "attendance_taken_back"
    __table_args__ = (
        ForeignKeyConstraint(
            ["training_id", "session_no"],
            ["training_session.training_id", "training_session.no"],
            name="attendance_taken_back_session",
        ),
        UniqueConstraint("training_id", "scan_id", name="attendance_taken_back_scan_key"),
        CheckConstraint("(scan_id IS NULL) = (scanned_at IS NULL)", name="attendance_taken_back_scan_has_a_moment"),
        CheckConstraint("(scan_id IS NULL) = (reason IS NOT NULL)", name="attendance_taken_back_by_hand_for_a_reason"),
        CheckConstraint("length(taken_back_reason) BETWEEN 1 AND 200", name="attendance_taken_back_reason_length"),
        CheckConstraint("taken_back_at >= recorded_at", name="attendance_taken_back_afterwards"),
        Index("attendance_taken_back_of_session", "training_id", "session_no", "id"),
        Index("attendance_taken_back_of_enrolment", "enrolment_id", "session_no"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    enrolment_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("enrolment.id"), nullable=False))
    session_no: int = Field(sa_column=Column(SmallInteger, nullable=False))
    training_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    scan_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    scanned_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    taken_back_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    taken_back_by: str = Field(sa_column=Column(Text, nullable=False))
    taken_back_reason: str = Field(sa_column=Column(Text, nullable=False))


@dataclass(frozen=True, slots=True)
class Firm:
    """What trainings look at of a business."""

    id: UUID
    owner_id: UUID
    name: str
    owner_name: str
    sector: str
    region: str
    state: str
    restricted_at: datetime | None
    erased_at: datetime | None


FIRMS = text(
    "SELECT b.id, b.owner_id, b.name, o.name AS owner_name, b.sector, b.region, b.state, o.restricted_at,"
    " o.erased_at"
    " FROM business b JOIN owner o ON o.id = b.owner_id WHERE b.id = ANY(CAST(:ids AS uuid[]))"
)
TAKEN_BEFORE = text(
    "SELECT EXISTS (SELECT FROM enrolment e JOIN training t ON t.id = e.training_id"
    " WHERE e.business_id IN (SELECT business_family(:business)) AND e.state = 'accepted' AND t.programme = :programme"
    " AND t.id <> :training AND t.state <> 'cancelled')"
)
CONCERNED = text(
    "SELECT business_id FROM enrolment WHERE training_id = :training"
    " AND state IN ('offered', 'accepted', 'waitlisted') ORDER BY id"
)
LAPSED = text(
    "SELECT DISTINCT e.training_id FROM enrolment e JOIN training t ON t.id = e.training_id"
    " WHERE e.state = 'offered' AND e.answer_by <= :now AND t.state = 'announced' ORDER BY 1 LIMIT :rows"
)


# Whose business closed, or who was erased: nobody comes of them. One that was merged goes on as the other.
NO_MORE = (
    "EXISTS (SELECT FROM business b JOIN owner o ON o.id = b.owner_id WHERE b.id = enrolment.business_id"
    " AND (b.state = 'closed' OR o.erased_at IS NOT NULL))"
)
EMPTY_SEATS = text(
    "SELECT DISTINCT t.id FROM training t JOIN enrolment ON enrolment.training_id = t.id"  # noqa: S608  a text of ours
    f" WHERE t.state = 'announced' AND t.starts_on > :today AND enrolment.state IN ('offered', 'accepted')"
    f" AND {NO_MORE} ORDER BY 1 LIMIT :rows"
)


async def trainings_with_empty_seats(session: AsyncSession, today: date, limit: int) -> list[UUID]:
    """Name trainings to come that have seats of businesses that are no more."""
    return list((await session.execute(EMPTY_SEATS, {"today": today, "rows": limit})).scalars())


async def no_more(session: AsyncSession, training_id: UUID) -> Sequence[EnrolmentRow]:
    """Lock the seats of a training of businesses that are no more."""
    question = select(EnrolmentRow).where(
        col(EnrolmentRow.training_id) == training_id,
        col(EnrolmentRow.state).in_([State.OFFERED.value, State.ACCEPTED.value]),
        text(NO_MORE),
    )
    return (await session.exec(question.order_by(col(EnrolmentRow.id)).with_for_update())).all()


async def firms(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Firm]:
    """Give what is known of these businesses."""
    rows = await session.execute(FIRMS, {"ids": list(ids)})
    return {row.id: Firm(*row) for row in rows}


async def taken_before(session: AsyncSession, business_id: UUID, programme: str, training_id: UUID) -> bool:
    """Tell whether a business had a seat in another training of a programme that was not called off."""
    asked = {"business": business_id, "programme": programme, "training": training_id}
    return bool((await session.execute(TAKEN_BEFORE, asked)).scalar_one())


async def of_business(session: AsyncSession, training_id: UUID, business_id: UUID) -> EnrolmentRow | None:
    """Give the enrolment of a business in a training that is locked."""
    question = select(EnrolmentRow).where(
        col(EnrolmentRow.training_id) == training_id, col(EnrolmentRow.business_id) == business_id
    )
    return (await session.exec(question.with_for_update())).one_or_none()


async def locked(session: AsyncSession, enrolment_id: UUID) -> EnrolmentRow | None:
    """Lock an enrolment of a training that is locked."""
    question = select(EnrolmentRow).where(col(EnrolmentRow.id) == enrolment_id).with_for_update()
    return (await session.exec(question, execution_options={"populate_existing": True})).one_or_none()


async def in_states(session: AsyncSession, training_id: UUID, states: Collection[State]) -> Sequence[EnrolmentRow]:
    """Lock the enrolments of a training in some states, in the order of their ids."""
    question = select(EnrolmentRow).where(
        col(EnrolmentRow.training_id) == training_id, col(EnrolmentRow.state).in_([str(one) for one in states])
    )
    found = question.order_by(col(EnrolmentRow.id)).with_for_update()
    return (await session.exec(found, execution_options={"populate_existing": True})).all()


# Whoever is no more, or of whom nothing may be written down, keeps their place in the list and is passed over.
STANDING = text(
    "EXISTS (SELECT FROM business b JOIN owner o ON o.id = b.owner_id WHERE b.id = enrolment.business_id"
    " AND b.state NOT IN ('closed', 'merged') AND o.restricted_at IS NULL AND o.erased_at IS NULL)"
)


async def in_line(session: AsyncSession, training_id: UUID) -> Sequence[EnrolmentRow]:
    """Lock those who may be offered a seat of a training, in the order of their ids."""
    question = select(EnrolmentRow).where(
        col(EnrolmentRow.training_id) == training_id,
        col(EnrolmentRow.state).in_([State.ELIGIBLE.value, State.WAITLISTED.value]),
        STANDING,
    )
    found = question.order_by(col(EnrolmentRow.id)).with_for_update()
    return (await session.exec(found, execution_options={"populate_existing": True})).all()


async def waiting(session: AsyncSession, training_id: UUID, limit: int) -> Sequence[EnrolmentRow]:
    """Lock those who wait for a seat and are next: by need, then by time."""
    question = select(EnrolmentRow).where(
        col(EnrolmentRow.training_id) == training_id, col(EnrolmentRow.state) == State.WAITLISTED.value, STANDING
    )
    order = col(EnrolmentRow.need_points).desc(), col(EnrolmentRow.applied_at), col(EnrolmentRow.id)
    return (await session.exec(question.order_by(*order).limit(limit).with_for_update())).all()


async def lapsed(session: AsyncSession, training_id: UUID, now: datetime) -> Sequence[EnrolmentRow]:
    """Lock the offers of a training that nobody answered in time."""
    question = select(EnrolmentRow).where(
        col(EnrolmentRow.training_id) == training_id,
        col(EnrolmentRow.state) == State.OFFERED.value,
        col(EnrolmentRow.answer_by) <= now,
    )
    return (await session.exec(question.order_by(col(EnrolmentRow.id)).with_for_update())).all()


async def trainings_with_lapsed(session: AsyncSession, now: datetime, limit: int) -> list[UUID]:
    """Name trainings that have offers which nobody answered in time."""
    return list((await session.execute(LAPSED, {"now": now, "rows": limit})).scalars())


async def concerned(session: AsyncSession, training_id: UUID) -> list[UUID]:
    """Name the businesses that have or await a seat."""
    return list((await session.execute(CONCERNED, {"training": training_id})).scalars())


async def steps(session: AsyncSession, enrolment_id: UUID) -> Sequence[EnrolmentStepRow]:
    """Give the last steps of an enrolment, in their order."""
    question = select(EnrolmentStepRow).where(col(EnrolmentStepRow.enrolment_id) == enrolment_id)
    newest = (await session.exec(question.order_by(col(EnrolmentStepRow.no).desc()).limit(SHOWN_STEPS_MAX))).all()
    return newest[::-1]


async def page(
    session: AsyncSession, training_id: UUID, state: State | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[EnrolmentRow]:
    """Give the enrolments of a training in the order of the applications."""
    question = select(EnrolmentRow).where(col(EnrolmentRow.training_id) == training_id)
    if state is not None:
        question = question.where(col(EnrolmentRow.state) == state.value)
    if after is not None:
        question = question.where(tuple_(col(EnrolmentRow.applied_at), col(EnrolmentRow.id)) > after)
    order = col(EnrolmentRow.applied_at), col(EnrolmentRow.id)
    return (await session.exec(question.order_by(*order).limit(limit))).all()


OWN = text(
    "SELECT e.id FROM enrolment e JOIN business b ON b.id = e.business_id WHERE b.owner_id = :owner"
    " AND e.id > coalesce(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000') ORDER BY e.id LIMIT :rows"
)


async def own(session: AsyncSession, owner_id: UUID, after: UUID | None, limit: int) -> Sequence[EnrolmentRow]:
    """Give the enrolments of the businesses of an owner, in the order in which they were made."""
    ids = list((await session.execute(OWN, {"owner": owner_id, "after": after, "rows": limit})).scalars())
    question = select(EnrolmentRow).where(col(EnrolmentRow.id).in_(ids)).order_by(col(EnrolmentRow.id))
    return (await session.exec(question)).all()


async def by_ticket(session: AsyncSession, tickets: Collection[UUID]) -> dict[UUID, EnrolmentRow]:
    """Give the enrolments that have these tickets."""
    rows = await session.exec(select(EnrolmentRow).where(col(EnrolmentRow.ticket).in_(tickets)))
    return {row.ticket: row for row in rows if row.ticket}


async def attendances(
    session: AsyncSession, training_id: UUID, enrolments: Collection[UUID]
) -> dict[tuple[UUID, int], AttendanceRow]:
    """Give who of these was there at which session."""
    question = select(AttendanceRow).where(
        col(AttendanceRow.training_id) == training_id, col(AttendanceRow.enrolment_id).in_(enrolments)
    )
    return {(row.enrolment_id, row.session_no): row for row in await session.exec(question)}


async def scans(session: AsyncSession, training_id: UUID, ids: Collection[UUID]) -> dict[UUID, AttendanceRow]:
    """Give the attendances that these scans of a training have brought about."""
    question = select(AttendanceRow).where(
        col(AttendanceRow.training_id) == training_id, col(AttendanceRow.scan_id).in_(ids)
    )
    rows = await session.exec(question)
    return {row.scan_id: row for row in rows if row.scan_id}


async def scans_taken_back(session: AsyncSession, training_id: UUID, ids: Collection[UUID]) -> set[UUID]:
    """Give those of these scans of a training whose attendance was taken back."""
    question = select(AttendanceTakenBackRow.scan_id).where(
        col(AttendanceTakenBackRow.training_id) == training_id, col(AttendanceTakenBackRow.scan_id).in_(ids)
    )
    return {scan for scan in await session.exec(question) if scan}


async def taken_back_page(
    session: AsyncSession, training_id: UUID, session_no: int, after: UUID | None, limit: int
) -> Sequence[AttendanceTakenBackRow]:
    """Give the attendances of a session that were taken back, in the order in which they were."""
    question = select(AttendanceTakenBackRow).where(
        col(AttendanceTakenBackRow.training_id) == training_id, col(AttendanceTakenBackRow.session_no) == session_no
    )
    if after is not None:
        question = question.where(col(AttendanceTakenBackRow.id) > after)
    return (await session.exec(question.order_by(col(AttendanceTakenBackRow.id)).limit(limit))).all()


async def somebody_there(session: AsyncSession, training_id: UUID, session_no: int) -> bool:
    """Tell whether anybody was seen at a session."""
    question = select(AttendanceRow.enrolment_id).where(
        col(AttendanceRow.training_id) == training_id, col(AttendanceRow.session_no) == session_no
    )
    return (await session.exec(question.limit(1))).first() is not None


async def attendance_page(
    session: AsyncSession, training_id: UUID, session_no: int, after: UUID | None, limit: int
) -> Sequence[AttendanceRow]:
    """Give who was there at a session, by enrolment."""
    question = select(AttendanceRow).where(
        col(AttendanceRow.training_id) == training_id, col(AttendanceRow.session_no) == session_no
    )
    if after is not None:
        question = question.where(col(AttendanceRow.enrolment_id) > after)
    return (await session.exec(question.order_by(col(AttendanceRow.enrolment_id)).limit(limit))).all()


ATTENDED = text(
    "SELECT a.enrolment_id, count(*) AS sessions FROM attendance a"
    " JOIN training_session s ON (s.training_id, s.no) = (a.training_id, a.session_no) AND s.cancelled_at IS NULL"
    " WHERE a.training_id = :training GROUP BY a.enrolment_id"
)


async def attended(session: AsyncSession, training_id: UUID) -> dict[UUID, int]:
    """Give how many of the sessions that were held each participant attended."""
    rows = await session.execute(ATTENDED, {"training": training_id})
    return {row.enrolment_id: row.sessions for row in rows}


FOR_OWNER = text(
    "SELECT t.id FROM training t WHERE t.state = 'announced' AND t.starts_on > :today"
    " AND EXISTS (SELECT FROM business b WHERE b.owner_id = :owner AND b.state = 'active' AND b.sector = t.sector"
    " AND (b.region = t.region OR starts_with(b.region, t.region || '.')))"
    " AND (CAST(:day AS date) IS NULL OR (t.starts_on, t.id) > (CAST(:day AS date), CAST(:after AS uuid)))"
    " ORDER BY t.starts_on, t.id LIMIT :rows"
)


async def open_for(
    session: AsyncSession, owner_id: UUID, today: date, after: tuple[date, UUID] | None, limit: int
) -> list[UUID]:
    """Name the trainings to come for which the businesses of an owner may apply, the next first."""
    day, training = after or (None, None)
    asked = {"owner": owner_id, "today": today, "day": day, "after": training, "rows": limit}
    return list((await session.execute(FOR_OWNER, asked)).scalars())
