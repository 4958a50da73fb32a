"""Surveys over HTTP."""

from collections.abc import Sequence
from uuid import UUID

from services.registration.surveys import answers, handlers, link_page, links, questions, views
from services.registration.surveys.domain import LinkUsed, WaveClosed, WaveNotOpen
from services.registration.surveys.orders import (
    AnswerByLink,
    AnswerLine,
    AnswerQuery,
    AnswerSurvey,
    CloseSurvey,
    EffectQuery,
    InviteToSurvey,
    LinkCode,
    NeedQuery,
    PlanSurvey,
    SeriesQuery,
    SummaryQuery,
    SurveyPageQuery,
)
from services.registration.surveys.shapes import (
    AnswerLineDone,
    AnswerView,
    EffectView,
    InvitationsView,
    LinkedSurveyView,
    LinkReceipt,
    LinkView,
    NeedView,
    OwnAnswerView,
    OwnSurveyView,
    SaidClosedView,
    SeriesView,
    SummaryView,
    SurveyView,
)
from shared.answers import Content
from shared.database import Work
from shared.incoming import JSON
from shared.openapi import HTML
from shared.problems import Absent, Refusal, TooMany
from shared.public_page import asks_for_page
from shared.roles import Action
from shared.routes import PUBLIC_PAGES_PER_MINUTE, Asked, Call, Page, Routes

routes = Routes("/registration", tag="Surveys")


@routes.post("/surveys", Action.PLAN_SURVEY, location="/registration/surveys/{id}", rules=handlers.mistakes)
async def plan_survey(call: Call, body: PlanSurvey) -> SurveyView:
    """Plan a wave of a survey; it opens and closes on its days."""
    return views.survey(await handlers.plan(call.work, body))


@routes.get("/surveys", Action.SEE_SURVEYS)
async def list_surveys(call: Call, query: SurveyPageQuery) -> Page[SurveyView]:
    """List the waves that ask in your regions, the latest first."""
    page = await handlers.page(call.work, query.cursor, query.limit)
    return Page([views.survey(found) for found in page.items], page.next)


@routes.get("/surveys/{survey_id}", Action.SEE_SURVEYS, refusals=[Absent])
async def show_survey(call: Call, survey_id: UUID) -> SurveyView:
    """Show a wave with its state of today, and how many were invited and have answered."""
    return views.survey(await handlers.show(call.work, survey_id))


@routes.post(
    "/surveys/{survey_id}/closing",
    Action.PLAN_SURVEY,
    location="/registration/surveys/{id}",
    refusals=[Absent, WaveClosed],
)
async def close_survey(call: Call, survey_id: UUID, body: CloseSurvey) -> SurveyView:
    """Close a wave for good; not even answers on paper are recorded any more."""
    return views.survey(await handlers.close(call.work, survey_id, body.reason))


@routes.post(
    "/surveys/{survey_id}/invitations", Action.PLAN_SURVEY, status=200, refusals=[Absent, WaveClosed, WaveNotOpen]
)
async def invite_to_survey(call: Call, survey_id: UUID, body: InviteToSurvey) -> InvitationsView:
    """Invite the active businesses that were not invited yet; each owner is told of a link of their own."""
    return await handlers.invite(call.work, survey_id, body, call.public_url)


@routes.get("/surveys/{survey_id}/businesses/{business_id}/link", Action.SEE_SURVEY_LINK, refusals=[Absent])
async def show_survey_link(call: Call, survey_id: UUID, business_id: UUID) -> LinkView:
    """Give the link of a business that was invited, for an owner whom no message reaches."""
    return await handlers.link(call.work, survey_id, business_id, call.public_url)


@routes.post(
    "/surveys/{survey_id}/answers",
    Action.RECORD_ANSWER,
    refusals=[Absent, WaveClosed, WaveNotOpen, *answers.KEPT_OUT],
    rules=answers.mistakes,
)
async def record_survey_answer(call: Call, survey_id: UUID, body: AnswerSurvey) -> AnswerView:
    """Write down the answer of a business; it counts from now on, and one before it is kept."""
    return views.taken(await handlers.record(call.work, survey_id, body))


@routes.post_lines(
    "/survey-answers/bulk",
    Action.RECORD_ANSWER,
    refusals=[WaveClosed, WaveNotOpen, *answers.KEPT_OUT],
    rules=answers.mistakes,
)
async def import_survey_answers(work: Work, asked: Sequence[Asked[AnswerLine]]) -> Sequence[AnswerLineDone | Refusal]:
    """Write down many answers, a line each, with an answer for each line.

    A line's `key` makes its retry free: after a broken connection send the whole file again.
    """
    done = await handlers.record_lines(work, asked)
    return [one if isinstance(one, Refusal) else AnswerLineDone(answer=views.taken(one)) for one in done]


@routes.get("/surveys/{survey_id}/answers", Action.SEE_ANSWERS, refusals=[Absent])
async def list_survey_answers(call: Call, survey_id: UUID, query: AnswerQuery) -> Page[AnswerView]:
    """List the answers that count, the latest first; of one business every answer, with who wrote it down and when."""
    return await questions.answers_of(call.work, survey_id, query)


@routes.get("/surveys/{survey_id}/said-closed", Action.SEE_ANSWERS, refusals=[Absent])
async def list_said_closed(call: Call, survey_id: UUID, query: SurveyPageQuery) -> Page[SaidClosedView]:
    """List the businesses that said that they are closed, and are not so in the register."""
    return await questions.said_closed(call.work, survey_id, query)


@routes.get("/surveys/{survey_id}/summary", Action.SEE_SURVEYS, refusals=[Absent])
async def summarise_survey(call: Call, survey_id: UUID, query: SummaryQuery) -> SummaryView:
    """Summarise a wave: median and quartiles of the decline, shares closed and suspended; small cells hidden."""
    return await questions.summary(call.work, survey_id, query)


@routes.get("/surveys/{survey_id}/series", Action.SEE_SURVEYS, refusals=[Absent])
async def draw_survey_series(call: Call, survey_id: UUID, query: SeriesQuery) -> SeriesView:
    """Give a line through a wave and those that it follows, ready for a chart."""
    return await questions.series(call.work, survey_id, query)


@routes.get("/surveys/{survey_id}/effect", Action.SEE_SURVEYS, refusals=[Absent])
async def compare_survey(call: Call, survey_id: UUID, query: EffectQuery) -> EffectView:
    """Set before and after beside each other: the trained, those with orders, and comparable others."""
    return await questions.effect_of(call.work, survey_id, query.base)


@routes.get("/businesses/{business_id}/need", Action.SEE_NEED, refusals=[Absent])
async def show_need(call: Call, business_id: UUID) -> NeedView:
    """Show the need of a business with every reason; it helps people to decide and decides nothing."""
    return await questions.need_shown(call.work, business_id)


@routes.get("/needs", Action.SEE_NEED)
async def list_needs(call: Call, query: NeedQuery) -> Page[NeedView]:
    """List the active businesses that have answered, the greatest need first."""
    return await questions.needs(call.work, query)


@routes.get("/my/surveys", Action.SEE_OWN_SURVEYS)
async def list_own_surveys(call: Call, query: SurveyPageQuery) -> Page[OwnSurveyView]:
    """List the waves that the owner who asks was invited to, each with the code by which it is answered."""
    return await questions.own_surveys(call.work, query)


@routes.get("/my/survey-answers", Action.SEE_OWN_BUSINESS)
async def list_own_survey_answers(call: Call, query: SurveyPageQuery) -> Page[OwnAnswerView]:
    """List what the owner who asks has answered, with the turnover that was told."""
    return await questions.own_answers(call.work, query)


@routes.get(
    "/survey-links/{code}",
    Action.SEE_LINKED_SURVEY,
    media={HTML: None, JSON: LinkedSurveyView},
    per_minute=PUBLIC_PAGES_PER_MINUTE,
)
async def show_linked_survey(call: Call, code: str) -> Content | LinkedSurveyView:
    """Say what the link with this code asks: a form for people, or JSON for who accepts that and no page."""
    found = await links.show(call.work, code)
    if asks_for_page(call.accept):
        return link_page.page(found)
    if found is None:
        raise Absent
    return found


@routes.post(
    "/survey-links/{code}",
    Action.ANSWER_BY_LINK,
    refusals=[Absent, LinkUsed, WaveClosed, WaveNotOpen, *answers.KEPT_OUT, TooMany],
    rules=answers.mistakes,
)
async def answer_by_link(call: Call, code: LinkCode, body: AnswerByLink) -> LinkReceipt:
    """Answer by the link with this code, once; anybody who has it may."""
    return await links.answer(call.work, code, body)
