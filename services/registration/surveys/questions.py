"""What may be asked about the answers: summaries, lines through waves, needs, what has changed, and who said closed."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.businesses.domain import State
from services.registration.surveys import cells, effect, figures, handlers, links, sealing, store, views
from services.registration.surveys.answers import wave_of
from services.registration.surveys.cells import Cell
from services.registration.surveys.domain import WaveState
from services.registration.surveys.figures import Figures, Hit
from services.registration.surveys.need import Need, need
from services.registration.surveys.orders import (
    AnswerQuery,
    Grouping,
    NeedQuery,
    SeriesQuery,
    SummaryQuery,
    SurveyPageQuery,
)
from services.registration.surveys.shapes import (
    AnswerView,
    CellView,
    EffectView,
    NeedView,
    OwnAnswerView,
    OwnSurveyView,
    PointView,
    SaidClosedView,
    SeriesView,
    SummaryView,
)
from shared import cursor
from shared.caller import Caller
from shared.clock import wib_day
from shared.database import Work
from shared.problems import Absent, FieldError, Invalid
from shared.routes import Page

FORMULA = (
    "percentile_cont: of n sorted declines the value at place p * (n - 1), between two neighbours in proportion,"
    " rounded to whole per mille"
)
UNIT = "permille"
MATCHING = (
    "Comparable is who had neither training nor orders between the two answers, in the same sector, of the same scale,"
    f" and whose decline in the first wave lay in the same band of {effect.BAND_PERMILLE} per mille."
)


async def summary(work: Work, survey_id: UUID, query: SummaryQuery) -> SummaryView:
    """Summarise a wave; what is hidden is hidden for all alike, whoever asks. Raises: Absent (404).

    Who does not see all that the wave asks in is given the sectors of their own regions in place of the whole.
    """
    wave = await handlers.wave(work, survey_id)
    today = wib_day(work.now)
    found = (await figures.cells(work.session, [survey_id], query.measure, today))[survey_id]
    hidden = cells.hidden({cell: one.answers for cell, one in found.items()})
    everywhere = work.caller.sees(wave.region)
    by = query.by if everywhere or query.by is Grouping.REGION else Grouping.SECTOR_REGION
    items = [cell for cell in found if _asked(cell, by) and _seen(work.caller, cell, everywhere=everywhere)]
    total = Cell(None, None)
    return SummaryView(
        survey_id=survey_id,
        title=wave.title,
        measure=query.measure,
        unit=UNIT,
        formula=FORMULA,
        cell_min=cells.CELL_MIN,
        steps_of=cells.STEP if wave_of(wave).state(today) is WaveState.OPEN else None,
        total=_cell(total, found[total], hidden=total in hidden) if everywhere and total in found else None,
        items=[
            _cell(cell, found[cell], hidden=cell in hidden)
            for cell in sorted(items, key=lambda cell: (cell.sector or "", cell.region or ""))
        ],
    )


def _asked(cell: Cell, by: Grouping) -> bool:
    match by:
        case Grouping.SECTOR:
            return cell.sector is not None and cell.region is None
        case Grouping.REGION:
            return cell.sector is None and cell.region is not None
        case Grouping.SECTOR_REGION:
            return cell.sector is not None and cell.region is not None


def _seen(caller: Caller, cell: Cell, *, everywhere: bool) -> bool:
    return everywhere if cell.region is None else caller.sees(cell.region)


def _cell(cell: Cell, found: Figures | None, *, hidden: bool) -> CellView:
    told = None if hidden or found is None else found
    parts = told.quartiles if told and told.measured >= cells.CELL_MIN else None
    return CellView(
        sector=cell.sector,
        region=cell.region,
        suppressed=hidden,
        answers=told.answers if told else None,
        cases=told.measured if told and parts else None,
        lower_quartile=parts.lower if parts else None,
        median=parts.median if parts else None,
        upper_quartile=parts.upper if parts else None,
        closed_share=cells.share_permille(told.closed, told.answers) if told else None,
        suspended_share=cells.share_permille(told.suspended, told.answers) if told else None,
    )


async def series(work: Work, survey_id: UUID, query: SeriesQuery) -> SeriesView:
    """Give a line through a wave and those that it follows, the first one first.

    Raises: Absent (404), also for a region that the caller does not see
    """
    wave = await handlers.wave(work, survey_id)
    cell = Cell(query.sector, query.region)
    if not _seen(work.caller, cell, everywhere=work.caller.sees(wave.region)):
        raise Absent
    ids = await store.chain(work.session, survey_id)
    waves = await store.waves(work.session, ids)
    found = await figures.cells(work.session, ids, query.measure, wib_day(work.now))
    points = []
    for one in ids:
        hidden = cells.hidden({cell: part.answers for cell, part in found[one].items()})
        values = _cell(cell, found[one].get(cell), hidden=cell in hidden)
        points.append(PointView(x=waves[one].now_month, label=waves[one].title, survey_id=one, values=values))
    return SeriesView(measure=query.measure, unit=UNIT, sector=query.sector, region=query.region, points=points)


async def effect_of(work: Work, survey_id: UUID, base: UUID | None) -> EffectView:
    """Set before and after beside each other, for those who had something and for comparable others.

    Raises: Absent (404), Invalid (422) at /query/base for a wave that this one does not follow
    """
    wave = await handlers.wave(work, survey_id)
    before = base or wave.follows
    if before is None or before == survey_id or before not in await store.chain(work.session, survey_id):
        raise Invalid([FieldError("/query/base", "not_followed", "This wave does not follow that one, or none.")])
    today = wib_day(work.now)
    found = effect.compare(await figures.cases(work.session, before, survey_id, work.caller.regions, today))
    return EffectView(
        base=before,
        survey_id=survey_id,
        unit=UNIT,
        cell_min=cells.CELL_MIN,
        matching=MATCHING,
        note=effect.NO_CAUSE,
        note_english=effect.NO_CAUSE_ENGLISH,
        items=[views.compared(one) for one in found],
    )


async def need_of(session: AsyncSession, business_ids: Collection[UUID]) -> dict[UUID, Need]:
    """Give the needs of businesses, for whoever orders a list by them; those that never answered are left out."""
    hit = await figures.hit_of(session, business_ids)
    return {business_id: need(one.facts) for business_id, one in hit.items()}


async def need_shown(work: Work, business_id: UUID) -> NeedView:
    """Show the need of a business of the caller's regions with every reason; raises Absent (404)."""
    firm = (await store.businesses(work.session, [business_id])).get(business_id)
    if firm is None or not work.caller.sees(firm.region):
        raise Absent
    found = (await figures.hit_of(work.session, [business_id])).get(business_id)
    return views.need(found, need(found.facts)) if found else views.never_answered(firm)


async def needs(work: Work, query: NeedQuery) -> Page[NeedView]:
    """List the active businesses of a sector and region that have answered, the greatest need first."""
    beyond = cursor.decode(query.cursor, tuple[int, UUID]) if query.cursor else None
    own, rows = work.caller.regions, query.limit + 1
    found = await figures.hit_in(work.session, query.sector, query.region, own, beyond, rows)
    scored: list[tuple[Hit, Need]] = [(one, need(one.facts)) for one in found]
    return cursor.page(
        scored, query.limit, lambda one: views.need(*one), lambda one: (one[1].score, one[0].business_id)
    )


async def said_closed(work: Work, survey_id: UUID, query: SurveyPageQuery) -> Page[SaidClosedView]:
    """List the businesses that said in a wave that they are closed, and are not so in the register."""
    await handlers.wave(work, survey_id)
    beyond = cursor.decode(query.cursor, tuple[UUID])[0] if query.cursor else None
    rows = await figures.said_closed(work.session, survey_id, work.caller.regions, beyond, query.limit + 1)
    return cursor.page(rows, query.limit, views.said_closed, lambda row: (row.answer_id,))


async def answers_of(work: Work, survey_id: UUID, query: AnswerQuery) -> Page[AnswerView]:
    """List answers of the caller's regions, the latest first; raises Absent (404)."""
    await handlers.wave(work, survey_id)
    beyond = cursor.decode(query.cursor, tuple[UUID])[0] if query.cursor else None
    own = work.caller.regions
    rows = await store.answers(work.session, survey_id, query.business_id, own, beyond, query.limit + 1)
    return cursor.page(rows, query.limit, views.answer, lambda row: (row.id,))


async def own_answers(work: Work, query: SurveyPageQuery) -> Page[OwnAnswerView]:
    """List what the owner who asks has answered, with the turnover that was told."""
    owner_id = _owner(work.caller)
    if owner_id is None:
        return Page([])
    beyond = cursor.decode(query.cursor, tuple[UUID])[0] if query.cursor else None
    rows = await store.answers_of_owner(work.session, owner_id, beyond, query.limit + 1)
    told = await sealing.turnovers(work.session, work.vault, rows)
    return cursor.page(rows, query.limit, lambda row: views.own_answer(row, told.get(row.id)), lambda row: (row.id,))


async def own_surveys(work: Work, query: SurveyPageQuery) -> Page[OwnSurveyView]:
    """List the waves that the businesses of the owner who asks were invited to, the latest invitation first."""
    owner_id = _owner(work.caller)
    if owner_id is None:
        return Page([])
    beyond = cursor.decode(query.cursor, tuple[UUID])[0] if query.cursor else None
    rows = await store.invitations_of(work.session, owner_id, beyond, query.limit + 1)
    waves = await store.waves(work.session, {row.survey_id for row in rows})

    def shown(row: Any) -> OwnSurveyView:
        wave = waves[row.survey_id]
        state = wave_of(wave).state(wib_day(work.now))
        kept_out = row.business_state == State.MERGED or row.restricted_at or row.erased_at
        may_answer = state is WaveState.OPEN and row.used_at is None and not kept_out
        code = links.code_of(work.vault, wave.id, row.business_id) if may_answer else None
        return views.own_survey(row, wave, state, code)

    return cursor.page(rows, query.limit, shown, lambda row: (row.id,))


def _owner(caller: Caller) -> UUID | None:
    """Give the id of the owner who asks; None for a token that names no owner we could know."""
    try:
        return UUID(caller.subject)
    except ValueError:
        return None
