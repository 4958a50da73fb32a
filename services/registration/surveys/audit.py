"""How it is seen that whoever was invited has a link, and that every answer that was told of is kept as it was told."""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.registration import SurveyAnswered, SurveyOpened
from shared.effect_audit import Seen, Told, compared, seen_in

INVITED = text(
    "SELECT id, survey_id, business_id, code_hash IS NOT NULL AS linked FROM survey_participant"
    " WHERE id = ANY(CAST(:ids AS uuid[]))"
)
# Of the answers that count one is the last of its business: an older one that still counts would be the second.
ANSWERS = text(
    """
    SELECT a.id, a.survey_id, a.business_id, a.region, a.sector, a.status, a.channel, a.answered_on,
           (a.superseded_at IS NULL) = NOT EXISTS (
               SELECT FROM survey_answer later WHERE (later.survey_id, later.business_id) = (a.survey_id, a.business_id)
               AND (later.recorded_at, later.id) > (a.recorded_at, a.id)) AS last_counts
    FROM survey_answer a WHERE a.id = ANY(CAST(:ids AS uuid[]))
    """
)
CURE = "bring the row back from a backup; what was told stands in: serumpun events show {at}"


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare invitations and answers with what was told of them."""
    opened = [(one, one.event) for one in told if isinstance(one.event, SurveyOpened)]
    answered = [(one, one.event) for one in told if isinstance(one.event, SurveyAnswered)]
    rows = (await session.execute(INVITED, {"ids": [event.participant_id for _, event in opened]})).mappings()
    invited = {row["id"]: dict(row) for row in rows}
    rows = (await session.execute(ANSWERS, {"ids": [event.answer_id for _, event in answered]})).mappings()
    kept = {row["id"]: dict(row) for row in rows}
    return [
        *(_seen(one, "invitation", compared(_invitation(event), invited.get(event.participant_id)))
          for one, event in opened),
        *(_seen(one, f"answer {event.answer_id}", compared(_answer(event), kept.get(event.answer_id)))
          for one, event in answered),
    ]  # fmt: skip


def _seen(told: Told, aspect: str, wrong: str) -> Seen:
    return Seen(told, aspect, wrong, CURE.format(at=f"{told.source}/{told.partition}/{told.seq}"))


def _invitation(event: SurveyOpened) -> dict[str, object]:
    return {"survey_id": event.survey_id, "business_id": event.business_id, "linked": True}


def _answer(event: SurveyAnswered) -> dict[str, object]:
    return {
        "survey_id": event.survey_id,
        "business_id": event.business_id,
        "region": event.region,
        "sector": event.sector,
        "status": event.status,
        "channel": event.channel,
        "answered_on": event.answered_on,
        "last_counts": True,
    }


SURVEYS = seen_in(look, SurveyOpened, SurveyAnswered)
