"""What businesses have declared of their need in surveys, in one word each; nothing else of their answers comes here.

Of one survey the last answer counts; of several surveys the one of the latest day. An answer may be heard of after its
owner was erased, as both go their own ways: so of those who were erased the ids of their businesses are kept.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Date, DateTime, Index, Text, Uuid, text
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.businesses.restricted import RESTRICTED
from shared.contracts.registration import PersonErased, SurveyAnswered
from shared.database import Work
from shared.effect_audit import Effect, EffectPages, Seen, Told, compared, seen_in
from shared.reaction import Heard

DECLARED_DAYS_MAX = 366
"""What was declared longer ago says nothing of today."""

DECLINE_PERMILLE = {"low": 0, "medium": 500, "high": 1_000}
"""What a declared need counts as in the weight of a region. Source: docs/decisions/0070."""


class DeclaredNeedRow(SQLModel, table=True):
    """The need that a business has declared in a survey."""

    __tablename__ = "declared_need"
    __table_args__ = (
        CheckConstraint("need IN ('low', 'medium', 'high')", name="declared_need_known"),
        Index("declared_need_by_business", "business_id", "answered_on"),
    )

    participant_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    survey_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    business_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    answer_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    answered_on: date = Field(sa_column=Column(Date, nullable=False))
    need: str = Field(sa_column=Column(Text, nullable=False))


class ErasedBusinessRow(SQLModel, table=True):
    """A business whose owner was erased: nothing that is heard of it later is kept."""

    __tablename__ = "erased_business"

    business_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    heard_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class Declared(NamedTuple):
    """What the businesses of a region have declared: how many, and how much they count together."""

    answers: int
    decline_permille: int


LEARN = text(
    """
    INSERT INTO declared_need (participant_id, survey_id, business_id, answer_id, answered_on, need)
    SELECT n.* FROM unnest(CAST(:participants AS uuid[]), CAST(:surveys AS uuid[]), CAST(:businesses AS uuid[]),
                           CAST(:answers AS uuid[]), CAST(:days AS date[]), CAST(:needs AS text[]))
        AS n(participant_id, survey_id, business_id, answer_id, answered_on, need)
    WHERE NOT EXISTS (SELECT FROM erased_business e WHERE e.business_id = n.business_id)
    ON CONFLICT (participant_id) DO UPDATE
    SET answer_id = excluded.answer_id, answered_on = excluded.answered_on, need = excluded.need
    """
)
# The lock keeps an answer that is written at the same moment from missing that its owner was erased.
REMEMBER_ERASED = text(
    """
    INSERT INTO erased_business (business_id, heard_at)
    SELECT id, CAST(:now AS timestamptz) FROM unnest(CAST(:businesses AS uuid[])) AS id ORDER BY id
    ON CONFLICT DO NOTHING
    """
)
ALONE = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('declared_need/' || id, 0))"
    " FROM (SELECT DISTINCT id::text AS id FROM unnest(CAST(:businesses AS uuid[])) AS id ORDER BY 1) one"
)
FORGET = text("DELETE FROM declared_need WHERE business_id = ANY(CAST(:businesses AS uuid[]))")
IN_REGIONS = text(
    f"""
    SELECT r.code, count(*) AS answers,
           round(avg(CASE last.need WHEN 'high' THEN {DECLINE_PERMILLE["high"]}
                                    WHEN 'medium' THEN {DECLINE_PERMILLE["medium"]}
                                    ELSE {DECLINE_PERMILLE["low"]} END))::int AS decline_permille
    FROM unnest(CAST(:regions AS text[])) AS r(code)
    JOIN known_business b ON b.region = r.code OR starts_with(b.region, r.code || '.')
    JOIN LATERAL (
        SELECT need FROM declared_need d WHERE d.business_id = b.id AND d.answered_on > CAST(:since AS date)
        ORDER BY answered_on DESC, answer_id DESC LIMIT 1
    ) last ON true
    WHERE b.state = 'open' AND NOT {RESTRICTED.format(business="b")}
    GROUP BY r.code
    """  # noqa: S608 - put together from our own text
)
KEPT = text(
    "SELECT participant_id, survey_id, business_id, answer_id, answered_on, need FROM declared_need"
    " WHERE participant_id = ANY(CAST(:ids AS uuid[]))"
)
ERASED = text("SELECT business_id FROM erased_business WHERE business_id = ANY(CAST(:businesses AS uuid[]))")
LEFT = text("SELECT count(*) FROM declared_need WHERE business_id = ANY(CAST(:businesses AS uuid[]))")
PAGE = text(
    "SELECT participant_id::text FROM declared_need WHERE participant_id > CAST(:after AS uuid)"
    " ORDER BY declared_need.participant_id LIMIT :rows"
)
BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


async def learn(work: Work, run: Sequence[Heard[SurveyAnswered]]) -> None:
    """Keep what businesses have declared, unless their owner was erased meanwhile."""
    events = list({one.event.participant_id: one.event for one in run}.values())  # the last word of each
    businesses = [event.business_id for event in events]
    await work.session.execute(ALONE, {"businesses": businesses})
    await work.session.execute(
        LEARN,
        {
            "participants": [event.participant_id for event in events],
            "surveys": [event.survey_id for event in events],
            "businesses": businesses,
            "answers": [event.answer_id for event in events],
            "days": [event.answered_on for event in events],
            "needs": [event.need for event in events],
        },
    )


async def forget(work: Work, event: PersonErased) -> None:
    """Take away what the businesses of somebody who was erased have declared, also what is heard of later."""
    asked = {"businesses": event.businesses}
    await work.session.execute(ALONE, asked)
    await work.session.execute(REMEMBER_ERASED, asked | {"now": work.now})
    await work.session.execute(FORGET, asked)


async def in_regions(session: AsyncSession, regions: Collection[str], today: date) -> dict[str, Declared]:
    """Say what the open businesses of each region have declared within a year; a region without any is missing.

    Units: permille, the average of what each business's last word counts as
    """
    since = date.fromordinal(today.toordinal() - DECLARED_DAYS_MAX)
    rows = await session.execute(IN_REGIONS, {"regions": list(regions), "since": since})
    return {row.code: Declared(row.answers, row.decline_permille) for row in rows}


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """See that the last answer of each business is kept, and nothing of those who were erased."""
    answers = [(one, one.event) for one in told if isinstance(one.event, SurveyAnswered)]
    found = await session.execute(KEPT, {"ids": [event.participant_id for _, event in answers]})
    kept = {row["participant_id"]: dict(row) for row in found.mappings()}
    asked = {"businesses": [event.business_id for _, event in answers]}
    erased = set((await session.execute(ERASED, asked)).scalars())
    seen = [
        Seen(one, "declared need", _wrong(event, kept.get(event.participant_id), gone=event.business_id in erased))
        for one, event in answers
    ]
    for one in told:
        if isinstance(one.event, PersonErased):
            left = (await session.execute(LEFT, {"businesses": one.event.businesses})).scalar_one()
            seen.append(Seen(one, "declared needs", f"{left} are still there" if left else ""))
    return seen


def _wrong(event: SurveyAnswered, row: dict[str, object] | None, *, gone: bool) -> str:
    if gone:
        return "" if row is None else "it is kept of somebody who was erased"
    expected = {name: getattr(event, name) for name in ("survey_id", "business_id", "answer_id", "answered_on", "need")}
    return compared(expected, row)


async def _page(session: AsyncSession, after: str, rows: int) -> Sequence[Effect]:
    found = await session.execute(PAGE, {"after": after or BEFORE_ALL, "rows": rows})
    cause = frozenset({SurveyAnswered.type})
    return [Effect(key, f"survey_participant/{key}", cause) for key in found.scalars()]


DECLARED_NEEDS = seen_in(look, SurveyAnswered, PersonErased)
ALL_DECLARED = EffectPages("declared need", _page)
