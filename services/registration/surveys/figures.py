"""What is asked of all answers of a wave at once: cells with their quartiles, cases before and after, facts of need.

What other capabilities keep is asked of their tables by name: they share a database, and do not import one another.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.surveys import need
from services.registration.surveys.cells import STEP, Cell, Quartiles, rounded
from services.registration.surveys.domain import GONE_PERMILLE, Measure, Status
from services.registration.surveys.effect import Case
from services.registration.surveys.need import Facts


@dataclass(frozen=True, slots=True)
class Figures:
    """What the answers of a cell say: how many there are, how many are closed or suspended, and the declines told."""

    answers: int
    closed: int
    suspended: int
    measured: int
    quartiles: Quartiles | None


# Businesses that are one by now answer with one voice: of each wave what any of them said last. Who was never merged
# is a family alone.
# Of a wave that is open, answers of a sector in a region come in by fives, so that two looks never differ by one: what
# was first answered after the last whole five waits, and so does what was corrected after it. Then all of it counts.
VOICES = f"""
    WITH RECURSIVE numbered AS (
        SELECT a.*, s.closed_at IS NULL AND s.closes_on >= CAST(:today AS date) AS open,
               row_number() OVER (PARTITION BY a.survey_id, a.business_id ORDER BY a.id) = 1 AS first
        FROM survey_answer a JOIN survey s ON s.id = a.survey_id WHERE a.survey_id = ANY(CAST(:ids AS uuid[]))
    ), stepped AS (
        SELECT n.*, count(*) FILTER (WHERE first) OVER (PARTITION BY survey_id, sector, region ORDER BY id) AS place,
               count(*) FILTER (WHERE first) OVER (PARTITION BY survey_id, sector, region) / {STEP} * {STEP} AS whole
        FROM numbered n
    ), counting AS (
        SELECT DISTINCT ON (survey_id, business_id) * FROM stepped
        WHERE NOT open OR CASE WHEN first THEN place <= whole ELSE place < whole END
        ORDER BY survey_id, business_id, id DESC
    ), above AS (
        SELECT id, merged_into AS top FROM business WHERE merged_into IS NOT NULL
        UNION SELECT a.id, b.merged_into FROM above a JOIN business b ON b.id = a.top WHERE b.merged_into IS NOT NULL
    ), merged AS (
        SELECT a.id, a.top FROM above a JOIN business b ON b.id = a.top WHERE b.merged_into IS NULL
    ), voice AS (
        SELECT DISTINCT ON (a.survey_id, coalesce(m.top, a.business_id)) a.*, coalesce(m.top, a.business_id) AS family
        FROM counting a LEFT JOIN merged m ON m.id = a.business_id
        ORDER BY a.survey_id, coalesce(m.top, a.business_id), a.answered_on DESC, a.id DESC
    )
"""  # noqa: S608 - our own constant
# One statement for a table with all its totals, of as many waves as are asked for.
CELLS = """
    SELECT survey_id, sector, region, grouping(sector) AS all_sectors, grouping(region) AS all_regions,
           count(*) AS answers, count(*) FILTER (WHERE status = 'closed') AS closed,
           count(*) FILTER (WHERE status = 'suspended') AS suspended, count({measure}_decline_permille) AS measured,
           percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY {measure}_decline_permille) AS quartiles
    FROM voice
    GROUP BY GROUPING SETS ((survey_id, sector, region), (survey_id, sector), (survey_id, region), (survey_id))
"""
QUESTIONS = {measure: text(VOICES + CELLS.format(measure=measure.value)) for measure in Measure}


async def cells(
    session: AsyncSession, ids: Sequence[UUID], measure: Measure, today: date
) -> dict[UUID, dict[Cell, Figures]]:
    """Give for each wave what its answers say of every sector, region, both, and all; of an open one in steps."""
    found: dict[UUID, dict[Cell, Figures]] = {one: {} for one in ids}
    for row in await session.execute(QUESTIONS[measure], {"ids": list(ids), "today": today}):
        cell = Cell(None if row.all_sectors else row.sector, None if row.all_regions else row.region)
        parts = Quartiles(*(rounded(value) for value in row.quartiles)) if row.measured else None
        found[row.survey_id][cell] = Figures(row.answers, row.closed, row.suspended, row.measured, parts)
    return found


BOTH_WAVES = """
    SELECT array(SELECT b.family UNION SELECT id FROM merged WHERE top = b.family) AS members, b.sector, b.scale,
           b.turnover_decline_permille AS base, f.turnover_decline_permille AS now,
           b.answered_on AS since, f.answered_on AS until
    FROM voice b JOIN voice f USING (family)
    WHERE b.survey_id = CAST(:base AS uuid) AND f.survey_id = CAST(:follow AS uuid)
      AND b.turnover_decline_permille IS NOT NULL AND f.turnover_decline_permille IS NOT NULL
      AND EXISTS (SELECT FROM unnest(CAST(:own AS text[])) AS own(code)
                  WHERE f.region = own.code OR starts_with(f.region, own.code || '.'))
"""
PAIRED = text(VOICES + BOTH_WAVES)
Between = Mapping[UUID, tuple[date, date]]
"""The days of two answers of each business."""


async def cases(session: AsyncSession, base: UUID, follow: UUID, own: Sequence[str], today: date) -> list[Case]:
    """Give the businesses of these regions that told their turnover in two waves, and what each had between them.

    Shape: those that were merged are one case, which had what any of them had
    """
    asked = {"ids": [base, follow], "base": base, "follow": follow, "own": list(own), "today": today}
    rows = (await session.execute(PAIRED, asked)).all()
    between = {one: (row.since, row.until) for row in rows for one in row.members}
    trained, ordered = await trained_between(session, between), await ordered_between(session, between)
    return [
        Case(
            sector=row.sector,
            scale=row.scale,
            base_permille=row.base,
            now_permille=row.now,
            trained=not trained.isdisjoint(row.members),
            orders=not ordered.isdisjoint(row.members),
        )
        for row in rows
    ]


SPANS = "unnest(CAST(:ids AS uuid[]), CAST(:since AS date[]), CAST(:until AS date[])) AS one(business_id, since, until)"
TRAINED = text(
    f"SELECT DISTINCT business_id FROM attendance a JOIN enrolment e ON e.id = a.enrolment_id"  # noqa: S608 - our own constant
    " JOIN training_session t ON (t.training_id, t.no) = (a.training_id, a.session_no)"
    f" JOIN {SPANS} USING (business_id) WHERE t.held_on BETWEEN one.since AND one.until"
)
ORDERED = text(
    f"SELECT DISTINCT business_id FROM income JOIN {SPANS} USING (business_id)"  # noqa: S608 - our own constant
    " WHERE (kind = 'payment' OR accepted > 0)"
    " AND (occurred_at AT TIME ZONE INTERVAL '7 hours')::date BETWEEN one.since AND one.until"
)


async def trained_between(session: AsyncSession, between: Between) -> set[UUID]:
    """Give those who were there at a session of a training in these days."""
    return await _within(session, TRAINED, between)


async def ordered_between(session: AsyncSession, between: Between) -> set[UUID]:
    """Give those who delivered what was ordered of them, or were paid for it, in these days."""
    return await _within(session, ORDERED, between)


async def _within(session: AsyncSession, question: Any, between: Between) -> set[UUID]:
    asked = {
        "ids": list(between),
        "since": [since for since, _ in between.values()],
        "until": [until for _, until in between.values()],
    }
    return set((await session.execute(question, asked)).scalars())


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """The answer that a need is worked out from: the latest that counts of the latest month that was asked about."""

    business_id: UUID
    name: str
    sector: str
    region: str
    answer_id: UUID
    survey_id: UUID
    survey_title: str
    answered_on: date
    facts: Facts


# What came to those that were merged into a business came to it.
SUPPORTED = """(
    SELECT (SELECT count(*) FROM support t WHERE t.business_id = ANY(family.ids) AND t.voided_at IS NULL)
           + (SELECT count(DISTINCT i.order_id) FROM income i WHERE i.business_id = ANY(family.ids))
    FROM (SELECT array(SELECT business_family({business})) AS ids) family
)"""
HIT = """
    SELECT DISTINCT ON (b.id) b.id AS business_id, b.name, b.sector, b.region, b.business_scale, b.industry_scale,
           a.id AS answer_id, a.survey_id, s.title, a.answered_on, a.status, a.turnover_decline_permille,
           a.capacity_decline_permille, a.workers_decline_permille,
           {supports} AS supports
    FROM business b CROSS JOIN LATERAL business_family(b.id) AS member(id)
    JOIN survey_answer a ON a.business_id = member.id AND a.superseded_at IS NULL
    JOIN survey s ON s.id = a.survey_id
    WHERE {which} ORDER BY b.id, s.now_month DESC, a.id DESC
"""
HIT_OF = text(HIT.format(supports=SUPPORTED.format(business="b.id"), which="b.id = ANY(CAST(:ids AS uuid[]))"))
ACTIVE = HIT.format(
    supports=SUPPORTED.format(business="b.id"),
    which="b.state = 'active' AND (CAST(:sector AS text) IS NULL OR b.sector = :sector)"
    " AND (CAST(:region AS text) IS NULL OR b.region = :region OR starts_with(b.region, :region || '.'))"
    " AND EXISTS (SELECT FROM unnest(CAST(:own AS text[])) AS own(code)"
    " WHERE b.region = own.code OR starts_with(b.region, own.code || '.'))",
)


def _case(of: str, points: Mapping[Any, int]) -> str:
    told = " ".join(f"WHEN '{name}' THEN {number}" for name, number in points.items())
    return f"CASE {of} {told} ELSE 0 END"


def _fallen(column: str, of: int) -> str:
    return f"{of} * greatest(0, coalesce({column}_decline_permille, 0)) / {GONE_PERMILLE}"


SCALE = "coalesce(business_scale, industry_scale)"
# The score of need.py, from its own constants, so that the list is put in order and cut where the rows are.
SCORE = " + ".join(
    (
        _fallen("turnover", need.TURNOVER_POINTS),
        _fallen("capacity", need.CAPACITY_POINTS),
        _fallen("workers", need.WORKERS_POINTS),
        _case("status", {status.value: points for status, points in need.STATUS_POINTS.items()}),
        f"CASE WHEN {SCALE} IS NULL THEN {need.SCALE_UNKNOWN_POINTS} ELSE {_case(SCALE, need.SCALE_POINTS)} END",
        f"CASE WHEN supports = 0 THEN {need.NOT_SERVED_POINTS} ELSE 0 END",
    )
)
HIT_IN = text(
    f"""
    SELECT * FROM (SELECT hit.*, {SCORE} AS score FROM ({ACTIVE}) AS hit) AS scored
    WHERE CAST(:score AS int) IS NULL OR score < :score OR (score = :score AND business_id > CAST(:after AS uuid))
    ORDER BY score DESC, business_id LIMIT :rows
    """  # noqa: S608 - our own constants
)


SUPPORTS = text(
    f"SELECT one.id, {SUPPORTED.format(business='one.id')} AS supports"  # noqa: S608 - our own constant
    " FROM unnest(CAST(:ids AS uuid[])) AS one(id)"
)


async def supports_of(session: AsyncSession, business_ids: Collection[UUID]) -> dict[UUID, int]:
    """Count how often each business received something, or had an order."""
    rows = await session.execute(SUPPORTS, {"ids": list(business_ids)})
    return {row.id: row.supports for row in rows}


async def hit_of(session: AsyncSession, business_ids: Collection[UUID]) -> dict[UUID, Hit]:
    """Give what each of these businesses answered last; those that never answered are left out."""
    rows = await session.execute(HIT_OF, {"ids": list(business_ids)})
    return {row.business_id: _hit(row) for row in rows}


async def hit_in(
    session: AsyncSession,
    sector: str | None,
    region: str | None,
    own: Sequence[str],
    after: tuple[int, UUID] | None,
    limit: int,
) -> list[Hit]:
    """Give what active businesses of a sector and region answered last, the greatest need first."""
    score, beyond = after or (None, None)
    asked = {"sector": sector, "region": region, "own": list(own), "score": score, "after": beyond, "rows": limit}
    return [_hit(row) for row in await session.execute(HIT_IN, asked)]


def _hit(row: Any) -> Hit:
    facts = Facts(
        status=Status(row.status),
        turnover_decline_permille=row.turnover_decline_permille,
        capacity_decline_permille=row.capacity_decline_permille,
        workers_decline_permille=row.workers_decline_permille,
        scale=row.business_scale or row.industry_scale,
        supports=row.supports,
    )
    return Hit(
        business_id=row.business_id,
        name=row.name,
        sector=row.sector,
        region=row.region,
        answer_id=row.answer_id,
        survey_id=row.survey_id,
        survey_title=row.title,
        answered_on=row.answered_on,
        facts=facts,
    )


SAID_CLOSED = text(
    """
    SELECT b.id AS business_id, b.name, b.sector, b.region, a.id AS answer_id, a.answered_on, a.recorded_at
    FROM survey_answer a JOIN business b ON b.id = a.business_id
    WHERE a.survey_id = CAST(:id AS uuid) AND a.superseded_at IS NULL AND a.status = 'closed'
      AND b.state NOT IN ('closed', 'merged')
      AND EXISTS (SELECT FROM unnest(CAST(:own AS text[])) AS own(code)
                  WHERE b.region = own.code OR starts_with(b.region, own.code || '.'))
      AND (CAST(:after AS uuid) IS NULL OR a.id > CAST(:after AS uuid))
    ORDER BY a.id LIMIT :most
    """
)


async def said_closed(
    session: AsyncSession, survey_id: UUID, own: Sequence[str], after: UUID | None, limit: int
) -> Sequence[Any]:
    """Give businesses that said in a wave that they are closed, and are not so in the register."""
    asked = {"id": survey_id, "own": list(own), "after": after, "most": limit}
    return (await session.execute(SAID_CLOSED, asked)).all()
