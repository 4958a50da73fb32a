"""What is stored of surveys: waves, who takes part in each, and every answer, of which one a business and wave counts.

Figures of turnover stand sealed under the key of the owner (sealing.py); declines stand beside them in per mille.
Locks are taken in this order: the wave, then those who take part by wave and business.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
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
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    and_,
    or_,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col, false, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.businesses.store import BusinessRow, RegionRow
from services.registration.surveys.domain import (
    CAPACITY_MAX,
    GONE_PERMILLE,
    GROWTH_PERMILLE_MAX,
    WAVE_DAYS_MAX,
    WORKERS_MAX,
    Channel,
    Status,
)

Pair = tuple[UUID, UUID]
"""A wave and a business."""


def _one_of(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _derived(name: str) -> str:
    """Say of a decline that it is the one which follows from its two figures."""
    before, now = f"{name}_before::bigint", f"{name}_now::bigint"
    figure = f"floor((2000 * ({before} - {now}) + {before})::numeric / (2 * {before}))"
    due = f"CASE WHEN {name}_before > 0 THEN greatest(-{GROWTH_PERMILLE_MAX}, {figure}) END"
    return f"{name}_decline_permille IS NOT DISTINCT FROM {due}"


class SurveyRow(SQLModel, table=True):
    """A wave: what is asked of which month and the month before the crisis, where, and for how long."""

    __tablename__ = "survey"
    __table_args__ = (
        CheckConstraint("title <> ''", name="survey_title_present"),
        CheckConstraint("region ~ '^[0-9]{2}([.][0-9]{2})?$'", name="survey_region_form"),
        CheckConstraint(f"closes_on BETWEEN opens_on AND opens_on + {WAVE_DAYS_MAX}", name="survey_days_ascend"),
        CheckConstraint("before_month < now_month AND now_month <= closes_on", name="survey_months_ascend"),
        CheckConstraint(
            "extract(day FROM before_month) = 1 AND extract(day FROM now_month) = 1", name="survey_months_are_months"
        ),
        CheckConstraint("follows <> id", name="survey_follows_another"),
        CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (reason IS NULL)",
            name="survey_closed_with_reason",
        ),
        CheckConstraint("version > 0", name="survey_version_positive"),
        Index("survey_by_opening", "opens_on", "id"),
        Index("survey_following", "follows"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    title: str = Field(sa_column=Column(Text, nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    opens_on: date = Field(sa_column=Column(Date, nullable=False))
    closes_on: date = Field(sa_column=Column(Date, nullable=False))
    before_month: date = Field(sa_column=Column(Date, nullable=False))
    now_month: date = Field(sa_column=Column(Date, nullable=False))
    follows: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("survey.id")))
    document: str | None = Field(default=None, sa_column=Column(Text))
    planned_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    planned_by: str = Field(sa_column=Column(Text, nullable=False))
    closed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    closed_by: str | None = Field(default=None, sa_column=Column(Text))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    version: int = Field(default=1, sa_column=Column(BigInteger, nullable=False, server_default="1"))


class SurveyParticipantRow(SQLModel, table=True):
    """A business that takes part in a wave, by invitation or by its answer; its row is the lock of its answers.

    Shape: of the code of its link only the hash is kept; `used_at` says when the link was used up
    """

    __tablename__ = "survey_participant"
    __table_args__ = (
        UniqueConstraint("survey_id", "business_id", name="survey_participant_once"),
        CheckConstraint(
            "(invited_at IS NULL) = (code_hash IS NULL) AND (invited_at IS NULL) = (invited_by IS NULL)",
            name="survey_participant_invited_with_a_link",
        ),
        CheckConstraint("octet_length(code_hash) = 32", name="survey_participant_code_hash_length"),
        CheckConstraint("used_at IS NULL OR invited_at IS NOT NULL", name="survey_participant_used_a_link"),
        Index("survey_participant_code", "code_hash", unique=True),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    survey_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("survey.id"), nullable=False))
    business_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("business.id"), nullable=False))
    invited_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    invited_by: str | None = Field(default=None, sa_column=Column(Text))
    code_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    used_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class SurveyAnswerRow(SQLModel, table=True):
    """An answer; sector, region and scale are those of the business at that time, so that a summary stays as it was."""

    __tablename__ = "survey_answer"
    __table_args__ = (
        CheckConstraint(f"status IN ({_one_of(Status)})", name="survey_answer_status_known"),
        CheckConstraint(f"channel IN ({_one_of(Channel)})", name="survey_answer_channel_known"),
        CheckConstraint(
            "(turnover_before_sealed IS NULL) = (turnover_now_sealed IS NULL)", name="survey_answer_turnover_paired"
        ),
        CheckConstraint(
            "turnover_decline_permille IS NULL OR (turnover_before_sealed IS NOT NULL AND"
            f" turnover_decline_permille BETWEEN -{GROWTH_PERMILLE_MAX} AND {GONE_PERMILLE})",
            name="survey_answer_turnover_decline",
        ),
        CheckConstraint("(capacity_before IS NULL) = (capacity_now IS NULL)", name="survey_answer_capacity_paired"),
        CheckConstraint(
            f"capacity_before BETWEEN 0 AND {CAPACITY_MAX} AND capacity_now BETWEEN 0 AND {CAPACITY_MAX}",
            name="survey_answer_capacity_plausible",
        ),
        CheckConstraint(_derived("capacity"), name="survey_answer_capacity_decline"),
        CheckConstraint("(workers_before IS NULL) = (workers_now IS NULL)", name="survey_answer_workers_paired"),
        CheckConstraint(
            f"workers_before BETWEEN 0 AND {WORKERS_MAX} AND workers_now BETWEEN 0 AND {WORKERS_MAX}",
            name="survey_answer_workers_plausible",
        ),
        CheckConstraint(_derived("workers"), name="survey_answer_workers_decline"),
        Index(
            "survey_answer_one_active",
            "survey_id",
            "business_id",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
        ),
        Index("survey_answer_of_business", "business_id", "id"),
        Index("survey_answer_by_link", "survey_id", "recorded_at", postgresql_where=text("channel = 'link'")),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    survey_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("survey.id"), nullable=False))
    business_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("business.id"), nullable=False))
    owner_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("owner.id"), nullable=False))
    sector: str = Field(sa_column=Column(Text, nullable=False))
    region: str = Field(sa_column=Column(Text, ForeignKey("region.code"), nullable=False))
    scale: str | None = Field(default=None, sa_column=Column(Text))
    status: str = Field(sa_column=Column(Text, nullable=False))
    turnover_before_sealed: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    turnover_now_sealed: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    turnover_decline_permille: int | None = Field(default=None, sa_column=Column(SmallInteger))
    capacity_before: int | None = Field(default=None, sa_column=Column(Integer))
    capacity_now: int | None = Field(default=None, sa_column=Column(Integer))
    capacity_decline_permille: int | None = Field(default=None, sa_column=Column(SmallInteger))
    workers_before: int | None = Field(default=None, sa_column=Column(Integer))
    workers_now: int | None = Field(default=None, sa_column=Column(Integer))
    workers_decline_permille: int | None = Field(default=None, sa_column=Column(SmallInteger))
    answered_on: date = Field(sa_column=Column(Date, nullable=False))
    document: str | None = Field(default=None, sa_column=Column(Text))
    channel: str = Field(sa_column=Column(Text, nullable=False))
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    recorded_by: str = Field(sa_column=Column(Text, nullable=False))
    superseded_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


async def region_known(session: AsyncSession, code: str) -> bool:
    """Tell whether there is a region of this code, or one inside it."""
    found = select(RegionRow.code).where(
        or_(col(RegionRow.code) == code, col(RegionRow.code).startswith(f"{code}.", autoescape=True))
    )
    return (await session.exec(found.limit(1))).first() is not None


async def waves(session: AsyncSession, ids: Collection[UUID], *, held: bool = False) -> dict[UUID, SurveyRow]:
    """Give waves by their ids; `held` they are not closed by anybody until the end of the transaction."""
    found = select(SurveyRow).where(col(SurveyRow.id).in_(ids)).order_by(col(SurveyRow.id))
    if held:
        found = found.with_for_update(read=True)
    return {row.id: row for row in await session.exec(found, execution_options={"populate_existing": held})}


async def locked(session: AsyncSession, survey_id: UUID) -> SurveyRow | None:
    """Lock a wave, to close it."""
    found = select(SurveyRow).where(col(SurveyRow.id) == survey_id).with_for_update()
    return (await session.exec(found, execution_options={"populate_existing": True})).one_or_none()


async def page(
    session: AsyncSession, own: Sequence[str], after: tuple[date, UUID] | None, limit: int
) -> Sequence[SurveyRow]:
    """Give the waves that ask in these regions, around them or inside them, the latest first."""
    region = col(SurveyRow.region)
    around = {outer for code in own for outer in (code[:2], code[:5])}  # its province, and its regency or city
    inside = [region.startswith(f"{code}.", autoescape=True) for code in own]
    found = select(SurveyRow).where(or_(false(), region.in_({*own, *around}), *inside))
    if after is not None:
        found = found.where(tuple_(col(SurveyRow.opens_on), col(SurveyRow.id)) < after)
    latest = found.order_by(col(SurveyRow.opens_on).desc(), col(SurveyRow.id).desc())
    return (await session.exec(latest.limit(limit))).all()


COUNTS = text(
    """
    SELECT s.id, count(p.invited_at) AS invited, count(p.used_at) AS by_link, count(a.id) AS answered
    FROM unnest(CAST(:ids AS uuid[])) AS s(id)
    LEFT JOIN survey_participant p ON p.survey_id = s.id
    LEFT JOIN survey_answer a ON (a.survey_id, a.business_id) = (p.survey_id, p.business_id) AND a.superseded_at IS NULL
    GROUP BY s.id
    """
)


async def counts(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """Count for each wave who was invited and who has answered."""
    return {row.id: (row.invited, row.answered) for row in await session.execute(COUNTS, {"ids": list(ids)})}


CHAIN = text(
    """
    WITH RECURSIVE chain AS (
        SELECT id, follows, 1 AS no FROM survey WHERE id = CAST(:id AS uuid)
        UNION ALL SELECT s.id, s.follows, chain.no + 1 FROM survey s JOIN chain ON s.id = chain.follows
        WHERE chain.no < :most
    ) SELECT id FROM chain ORDER BY no DESC
    """
)
CHAIN_MAX = 50


async def chain(session: AsyncSession, survey_id: UUID) -> list[UUID]:
    """Name a wave and those before it that it follows, the first one first."""
    return list((await session.execute(CHAIN, {"id": survey_id, "most": CHAIN_MAX})).scalars())


async def businesses(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, BusinessRow]:
    """Give businesses by their ids."""
    return {row.id: row for row in await session.exec(select(BusinessRow).where(col(BusinessRow.id).in_(ids)))}


STANDINGS = "SELECT id, restricted_at, erased_at FROM owner WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id"
SEEN_STANDINGS, HELD_STANDINGS = text(STANDINGS), text(f"{STANDINGS} FOR KEY SHARE")


async def standings(
    session: AsyncSession, owner_ids: Collection[UUID], *, held: bool
) -> dict[UUID, tuple[datetime | None, datetime | None]]:
    """Say since when the data of these owners are restricted, and since when erased; `held` nobody is meanwhile."""
    rows = await session.execute(HELD_STANDINGS if held else SEEN_STANDINGS, {"ids": list(owner_ids)})
    return {row.id: (row.restricted_at, row.erased_at) for row in rows}


# Those who answered before they were invited take part already: they get a link too, in the row that they have.
INVITED = text(
    """
    SELECT b.id, b.region, b.sector, p.id AS participant_id, count(*) OVER () AS waiting
    FROM business b JOIN owner o ON o.id = b.owner_id AND o.restricted_at IS NULL AND o.erased_at IS NULL
    LEFT JOIN survey_participant p ON p.survey_id = CAST(:survey_id AS uuid) AND p.business_id = b.id
    WHERE b.state = 'active' AND p.invited_at IS NULL AND (b.region = :region OR starts_with(b.region, :region || '.'))
      AND (CAST(:sector AS text) IS NULL OR b.sector = :sector)
    ORDER BY b.id LIMIT :most
    """
)


async def not_invited(
    session: AsyncSession, survey_id: UUID, region: str, sector: str | None, most: int
) -> Sequence[Any]:
    """Give active businesses of a region that were not invited yet, and with each how many there are in all."""
    asked = {"survey_id": survey_id, "region": region, "sector": sector, "most": most}
    return (await session.execute(INVITED, asked)).all()


async def take_part(session: AsyncSession, ids: Mapping[Pair, UUID]) -> dict[Pair, SurveyParticipantRow]:
    """Give who takes part, locked, each under the id given where the row is new."""
    pairs = sorted(ids)
    table = SurveyParticipantRow.__table__  # type: ignore[attr-defined]  # every table row has one
    values = [{"id": ids[pair], "survey_id": pair[0], "business_id": pair[1]} for pair in pairs]
    if values:
        await session.execute(insert(table).on_conflict_do_nothing(), values)
    key = tuple_(col(SurveyParticipantRow.survey_id), col(SurveyParticipantRow.business_id))
    found = select(SurveyParticipantRow).where(key.in_(pairs)).order_by(*key.clauses).with_for_update()
    rows = await session.exec(found, execution_options={"populate_existing": True})
    return {(row.survey_id, row.business_id): row for row in rows}


async def participant(session: AsyncSession, survey_id: UUID, business_id: UUID) -> SurveyParticipantRow | None:
    """Give who takes part."""
    found = select(SurveyParticipantRow).where(
        col(SurveyParticipantRow.survey_id) == survey_id, col(SurveyParticipantRow.business_id) == business_id
    )
    return (await session.exec(found)).one_or_none()


async def by_code(session: AsyncSession, code_hash: bytes) -> SurveyParticipantRow | None:
    """Give whom a link was made for."""
    found = select(SurveyParticipantRow).where(col(SurveyParticipantRow.code_hash) == code_hash)
    return (await session.exec(found)).one_or_none()


# Waves are few: each is looked up for each business, and nobody else's invitations are read.
OWN = text(
    """
    SELECT p.id, p.survey_id, p.business_id, p.used_at, b.name AS business_name, b.state AS business_state,
           o.restricted_at, o.erased_at, a.recorded_at AS answered_at
    FROM business b JOIN owner o ON o.id = b.owner_id CROSS JOIN survey s
    JOIN survey_participant p ON (p.survey_id, p.business_id) = (s.id, b.id) AND p.invited_at IS NOT NULL
    LEFT JOIN survey_answer a ON (a.survey_id, a.business_id) = (s.id, b.id) AND a.superseded_at IS NULL
    WHERE b.owner_id = :owner AND (CAST(:after AS uuid) IS NULL OR p.id < CAST(:after AS uuid))
    ORDER BY p.id DESC LIMIT :rows
    """
)


async def invitations_of(session: AsyncSession, owner_id: UUID, after: UUID | None, limit: int) -> Sequence[Any]:
    """Give the invitations of the businesses of an owner, the latest first, and when each was answered."""
    return (await session.execute(OWN, {"owner": owner_id, "after": after, "rows": limit})).all()


BY_LINK = text(
    "SELECT count(*) FROM survey_answer WHERE survey_id = CAST(:id AS uuid) AND channel = 'link'"
    " AND recorded_at > CAST(:since AS timestamptz)"
)


async def by_link_since(session: AsyncSession, survey_id: UUID, since: datetime) -> int:
    """Count the answers that came in by link since a moment."""
    return int((await session.execute(BY_LINK, {"id": survey_id, "since": since})).scalar_one())


SUPERSEDE = text(
    "UPDATE survey_answer a SET superseded_at = CAST(:now AS timestamptz)"
    " FROM unnest(CAST(:waves AS uuid[]), CAST(:businesses AS uuid[])) AS one(survey_id, business_id)"
    " WHERE (a.survey_id, a.business_id) = (one.survey_id, one.business_id) AND a.superseded_at IS NULL"
)


async def add_answers(session: AsyncSession, rows: Sequence[SurveyAnswerRow], now: datetime) -> None:
    """Store answers; those that they follow are kept, and count no more."""
    if not rows:
        return
    pairs = {(row.survey_id, row.business_id) for row in rows}
    waves, firms = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    await session.execute(SUPERSEDE, {"now": now, "waves": waves, "businesses": firms})
    table = SurveyAnswerRow.__table__  # type: ignore[attr-defined]  # every table row has one
    await session.execute(insert(table), [row.model_dump() for row in rows])


async def answers(
    session: AsyncSession,
    survey_id: UUID,
    business_id: UUID | None,
    own: Sequence[str],
    after: UUID | None,
    limit: int,
) -> Sequence[SurveyAnswerRow]:
    """Give answers of a wave, the latest first: those that count, and of one business all of them."""
    region = col(SurveyAnswerRow.region)
    seen = or_(false(), *(or_(region == code, region.startswith(f"{code}.", autoescape=True)) for code in own))
    found = select(SurveyAnswerRow).where(col(SurveyAnswerRow.survey_id) == survey_id, seen)
    if business_id is None:
        found = found.where(col(SurveyAnswerRow.superseded_at).is_(None))
    else:
        found = found.where(col(SurveyAnswerRow.business_id) == business_id)
    return await _latest(session, found, after, limit)


async def counting(session: AsyncSession, survey_id: UUID, business_ids: Collection[UUID]) -> Sequence[SurveyAnswerRow]:
    """Give the answers of these businesses to a wave that count."""
    found = select(SurveyAnswerRow).where(
        col(SurveyAnswerRow.survey_id) == survey_id,
        col(SurveyAnswerRow.business_id).in_(business_ids),
        col(SurveyAnswerRow.superseded_at).is_(None),
    )
    return (await session.exec(found, execution_options={"populate_existing": True})).all()


async def answers_of_owner(
    session: AsyncSession, owner_id: UUID, after: UUID | None, limit: int
) -> Sequence[SurveyAnswerRow]:
    """Give all answers for the businesses of an owner, the latest first."""
    theirs = select(BusinessRow.id).where(col(BusinessRow.owner_id) == owner_id)
    found = select(SurveyAnswerRow).where(
        and_(col(SurveyAnswerRow.business_id).in_(theirs), col(SurveyAnswerRow.owner_id) == owner_id)
    )
    return await _latest(session, found, after, limit)


async def _latest(session: AsyncSession, found: Any, after: UUID | None, limit: int) -> Sequence[SurveyAnswerRow]:
    if after is not None:
        found = found.where(col(SurveyAnswerRow.id) < after)
    rows: Sequence[SurveyAnswerRow] = (
        await session.exec(found.order_by(col(SurveyAnswerRow.id).desc()).limit(limit))
    ).all()
    return rows
