"""Surveys as they are shown."""

from typing import Any

from services.registration.businesses.store import BusinessRow
from services.registration.surveys.answers import Taken
from services.registration.surveys.domain import Channel, Status, WaveState
from services.registration.surveys.effect import Compared, Spread
from services.registration.surveys.figures import Hit
from services.registration.surveys.handlers import Found
from services.registration.surveys.need import Need
from services.registration.surveys.shapes import (
    AnswerNotice,
    AnswerView,
    ComparedView,
    NeedView,
    OwnAnswerView,
    OwnSurveyView,
    PartView,
    SaidClosedView,
    SpreadView,
    SurveyView,
)
from services.registration.surveys.store import SurveyAnswerRow, SurveyRow
from shared.clock import shown

SAID_CLOSED = AnswerNotice(
    pointer="/status",
    code="said_closed",
    detail="The register still has it as a going business; close it there once you are sure.",
)


def survey(found: Found) -> SurveyView:
    """Show a wave."""
    row = found.wave
    return SurveyView(
        id=row.id,
        title=row.title,
        region=row.region,
        opens_on=row.opens_on,
        closes_on=row.closes_on,
        before_month=f"{row.before_month:%Y-%m}",
        now_month=f"{row.now_month:%Y-%m}",
        follows=row.follows,
        document=row.document,
        state=found.state,
        planned_at=shown(row.planned_at),
        closed_at=shown(row.closed_at) if row.closed_at else None,
        reason=row.reason,
        invited=found.invited,
        answered=found.answered,
        version=row.version,
    )


def taken(done: Taken) -> AnswerView:
    """Show an answer that was just taken, with what is worth a second look."""
    return _answer(done.row, [SAID_CLOSED] if done.said_closed else [])


def answer(row: SurveyAnswerRow) -> AnswerView:
    """Show an answer."""
    return _answer(row, [])


def _answer(row: SurveyAnswerRow, warnings: list[AnswerNotice]) -> AnswerView:
    return AnswerView(
        id=row.id,
        survey_id=row.survey_id,
        business_id=row.business_id,
        sector=row.sector,
        region=row.region,
        status=Status(row.status),
        turnover_decline_permille=row.turnover_decline_permille,
        capacity_before=row.capacity_before,
        capacity_now=row.capacity_now,
        capacity_decline_permille=row.capacity_decline_permille,
        workers_before=row.workers_before,
        workers_now=row.workers_now,
        workers_decline_permille=row.workers_decline_permille,
        answered_on=row.answered_on,
        document=row.document,
        channel=Channel(row.channel),
        recorded_at=shown(row.recorded_at),
        recorded_by=row.recorded_by,
        superseded_at=shown(row.superseded_at) if row.superseded_at else None,
        warnings=warnings,
    )


def own_answer(row: SurveyAnswerRow, turnover: tuple[int, int] | None) -> OwnAnswerView:
    """Show an answer to its owner."""
    before, now = turnover or (None, None)
    return OwnAnswerView(
        id=row.id,
        survey_id=row.survey_id,
        business_id=row.business_id,
        status=Status(row.status),
        turnover_before_rupiah=before,
        turnover_now_rupiah=now,
        capacity_before=row.capacity_before,
        capacity_now=row.capacity_now,
        workers_before=row.workers_before,
        workers_now=row.workers_now,
        answered_on=row.answered_on,
        channel=Channel(row.channel),
        recorded_at=shown(row.recorded_at),
        superseded_at=shown(row.superseded_at) if row.superseded_at else None,
    )


def own_survey(row: Any, wave: SurveyRow, state: WaveState, code: str | None) -> OwnSurveyView:
    """Show a wave to whom it asks, with the code by which it is answered where that is possible."""
    return OwnSurveyView(
        survey_id=wave.id,
        title=wave.title,
        business_id=row.business_id,
        business_name=row.business_name,
        before_month=f"{wave.before_month:%Y-%m}",
        now_month=f"{wave.now_month:%Y-%m}",
        closes_on=wave.closes_on,
        state=state,
        answered_at=shown(row.answered_at) if row.answered_at else None,
        code=code,
    )


def need(hit: Hit, found: Need) -> NeedView:
    """Show a need with its reasons."""
    return NeedView(
        business_id=hit.business_id,
        name=hit.name,
        sector=hit.sector,
        region=hit.region,
        score=found.score,
        band=found.band,
        rule=found.rule,
        parts=[
            PartView(
                part=one.part,
                points=one.points,
                of=one.of,
                because=one.because,
                because_english=one.because_english,
            )
            for one in found.parts
        ],
        survey_id=hit.survey_id,
        survey_title=hit.survey_title,
        answered_on=hit.answered_on,
    )


def never_answered(firm: BusinessRow) -> NeedView:
    """Show that nothing is known of a need."""
    return NeedView(
        business_id=firm.id,
        name=firm.name,
        sector=firm.sector,
        region=firm.region,
        score=None,
        band=None,
        rule=None,
        parts=[],
        survey_id=None,
        survey_title=None,
        answered_on=None,
    )


def said_closed(row: Any) -> SaidClosedView:
    """Show a business that said that it is closed."""
    return SaidClosedView(
        business_id=row.business_id,
        name=row.name,
        sector=row.sector,
        region=row.region,
        answer_id=row.answer_id,
        answered_on=row.answered_on,
        recorded_at=shown(row.recorded_at),
    )


def compared(found: Compared) -> ComparedView:
    """Show a group beside its comparable others."""
    return ComparedView(
        group=found.group,
        treated=_spread(found.treated),
        others=_spread(found.others),
        unmatched=found.unmatched,
        difference=found.difference_permille,
    )


def _spread(found: Spread) -> SpreadView:
    return SpreadView(
        cases=found.cases,
        lower_quartile=found.change.lower if found.change else None,
        median=found.change.median if found.change else None,
        upper_quartile=found.change.upper if found.change else None,
    )
