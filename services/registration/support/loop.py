"""The closed loop of a business: how hard it was hit, what it was trained in and ordered to make, where its goods went.

One question to the database for a business, and one for an occasion: who has made what was given there.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text

from services.registration.support import store
from shared.clock import shown
from shared.database import Work
from shared.problems import Absent
from shared.roles import Action, allowed

MAKERS_MAX = 500
LINES_MAX = 50
"""At most so many of each kind, the latest: a clerk reads them at a glance, the whole histories have their pages."""


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """A production order, what came of it, and where its goods went.

    Shape:  `given` is what was handed out and sold of its goods, less what was brought back, at `occasions` hand-outs
            and markets between `first_given_at` and `last_given_at`
    """

    order_id: UUID
    item: str
    item_name: str
    unit: str
    quantity: int
    price_rupiah: int
    due_on: date
    state: str
    lot: str
    accepted: int
    rejected: int
    due_rupiah: int
    paid_rupiah: int
    given: int
    occasions: int
    first_given_at: datetime | None
    last_given_at: datetime | None


class ReceivedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution that the business received from."""

    distribution_id: UUID
    number: str
    programme: str
    place_name: str
    occurred_at: datetime


class SurveyLine(msgspec.Struct, frozen=True, kw_only=True):
    """What a business told in a survey; the decline is in per mille of the time before, negative where it has grown."""

    survey_id: UUID
    title: str
    month: date
    answered_on: date
    status: str
    turnover_decline_permille: int | None
    workers_decline_permille: int | None


class TrainingLine(msgspec.Struct, frozen=True, kw_only=True):
    """A training that the business has applied for: how far it came, and at how many of its sessions it was there."""

    training_id: UUID
    title: str
    starts_on: date
    state: str
    attended: int
    sessions: int
    certificate: str | None


class LoopView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was done with and for a business, from how it was hit to where its work went; latest first.

    Shape:  of each list at most 50, as everywhere; what was taken back is left out. `surveys` and `came_back_permille`
            are null for who may not see what one business told; the latter is how much of the decline that was told
            first is gone by the answer that was told last, which shows a difference and not its cause
    """

    business_id: UUID
    name: str
    sector: str
    region: str
    surveys: list[SurveyLine] | None
    came_back_permille: int | None
    trainings: list[TrainingLine]
    orders: list[OrderLine]
    received: list[ReceivedLine]


class MakerLine(msgspec.Struct, frozen=True, kw_only=True):
    """A business whose goods were given at an occasion, of which order they were, and how it fares since."""

    business_id: UUID
    name: str
    region: str
    order_id: UUID
    item: str
    item_name: str
    unit: str
    lot: str
    quantity: int
    paid_rupiah: int
    came_back_permille: int | None


class ElsewhereLine(msgspec.Struct, frozen=True, kw_only=True):
    """Goods of makers outside of what the caller sees."""

    item: str
    item_name: str
    unit: str
    quantity: int


class MakersView(msgspec.Struct, frozen=True, kw_only=True):
    """Who has made what was given at a distribution or a market; `elsewhere` is of businesses of other regions."""

    occasion: UUID
    makers: list[MakerLine]
    elsewhere: list[ElsewhereLine]


# The first and the last decline that a business told, the one less the other; of a single answer there is none.
CAME_BACK = """
    SELECT (array_agg(a.turnover_decline_permille ORDER BY w.now_month, a.id))[1]
           - (array_agg(a.turnover_decline_permille ORDER BY w.now_month DESC, a.id DESC))[1] AS permille
    FROM survey_answer a JOIN survey w ON w.id = a.survey_id
    WHERE a.business_id IN (SELECT business_family({business})) AND a.superseded_at IS NULL
      AND a.turnover_decline_permille IS NOT NULL HAVING count(*) > 1
"""
LOOP = text(
    f"""
    WITH family AS (SELECT business_family(CAST(:id AS uuid)) AS id),
    surveys AS (
        SELECT a.survey_id, w.title, w.now_month AS month, a.answered_on, a.status, a.turnover_decline_permille,
               a.workers_decline_permille
        FROM survey_answer a JOIN survey w ON w.id = a.survey_id
        WHERE a.business_id IN (SELECT id FROM family) AND a.superseded_at IS NULL
        ORDER BY w.now_month DESC, a.id DESC LIMIT :most
    ), trainings AS (
        SELECT t.id AS training_id, t.title, t.starts_on, e.state,
               (SELECT count(*) FROM attendance x WHERE x.enrolment_id = e.id) AS attended,
               (SELECT count(*) FROM training_session x WHERE x.training_id = t.id AND x.cancelled_at IS NULL)
                   AS sessions,
               (SELECT number FROM certificate c WHERE c.enrolment_id = e.id AND c.revoked_at IS NULL) AS certificate
        FROM enrolment e JOIN training t ON t.id = e.training_id
        WHERE e.business_id IN (SELECT id FROM family) ORDER BY t.starts_on DESC, t.id DESC LIMIT :most
    ), orders AS (
        SELECT o.order_id, o.item, o.item_name, o.unit, o.quantity, o.price_rupiah, o.due_on, o.lot,
               CASE WHEN o.state = 'offered' AND o.answer_by <= :now THEN 'expired' ELSE o.state END AS state,
               i.accepted, i.rejected, i.due_rupiah, i.paid_rupiah,
               g.given, g.occasions, g.first_given_at, g.last_given_at
        FROM (SELECT * FROM ordered WHERE business_id IN (SELECT id FROM family)
              ORDER BY due_on DESC, order_id DESC LIMIT :most) o
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(accepted), 0)::bigint AS accepted, coalesce(sum(rejected), 0)::bigint AS rejected,
                   coalesce(sum(amount_rupiah) FILTER (WHERE kind = 'delivery'), 0)::bigint AS due_rupiah,
                   coalesce(sum(amount_rupiah) FILTER (WHERE kind = 'payment'), 0)::bigint AS paid_rupiah
            FROM income WHERE income.order_id = o.order_id
        ) i
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(CASE kind WHEN 'return' THEN -quantity ELSE quantity END), 0)::bigint AS given,
                   count(DISTINCT occasion) AS occasions,
                   min(occurred_at) FILTER (WHERE kind <> 'return') AS first_given_at,
                   max(occurred_at) FILTER (WHERE kind <> 'return') AS last_given_at
            FROM given WHERE given.lot = o.lot AND given.item = o.item AND voided_at IS NULL
        ) g
    ), received AS (
        SELECT distribution_id, number, programme, place_name, occurred_at FROM support
        WHERE business_id IN (SELECT id FROM family) AND voided_at IS NULL
        ORDER BY occurred_at DESC, distribution_id DESC LIMIT :most
    )
    SELECT to_jsonb(b) || jsonb_build_object(
        'surveys', (SELECT coalesce(jsonb_agg(surveys ORDER BY month DESC), '[]') FROM surveys),
        'came_back_permille', ({CAME_BACK.format(business="b.business_id")}),
        'trainings', (SELECT coalesce(jsonb_agg(trainings ORDER BY starts_on DESC), '[]') FROM trainings),
        'orders', (SELECT coalesce(jsonb_agg(orders ORDER BY due_on DESC, order_id DESC), '[]') FROM orders),
        'received', (SELECT coalesce(jsonb_agg(received ORDER BY occurred_at DESC, distribution_id DESC), '[]')
                     FROM received)
    )
    FROM (SELECT id AS business_id, name, sector, region FROM business WHERE id = :id) b
    """  # noqa: S608 - put together from our own text
)
MAKERS = text(
    f"""
    SELECT b.id AS business_id, b.name, coalesce(b.region, '') AS region, o.order_id, o.item, o.item_name, o.unit,
           o.lot, sum(g.quantity)::bigint AS quantity,
           (SELECT coalesce(sum(amount_rupiah), 0)::bigint FROM income
            WHERE income.order_id = o.order_id AND kind = 'payment') AS paid_rupiah,
           ({CAME_BACK.format(business="b.id")}) AS came_back_permille
    FROM given g JOIN ordered o ON o.lot = g.lot AND o.item = g.item LEFT JOIN business b ON b.id = o.business_id
    WHERE g.occasion = :occasion AND g.voided_at IS NULL
      AND (g.region = ANY(CAST(:regions AS text[]))
           OR g.region LIKE ANY(SELECT own || '.%' FROM unnest(CAST(:regions AS text[])) own))
    GROUP BY b.id, o.order_id ORDER BY quantity DESC, o.order_id LIMIT :most
    """  # noqa: S608 - put together from our own text
)


async def loop_of(work: Work, business_id: UUID) -> LoopView:
    """Give the closed loop of a business of the caller's regions; raises Absent (404)."""
    region = await store.business_region(work.session, business_id)
    if region is None or not work.caller.sees(region):
        raise Absent
    found = (await work.session.execute(LOOP, {"id": business_id, "most": LINES_MAX, "now": work.now})).scalar_one()
    if not allowed(Action.SEE_ANSWERS, work.caller.role):
        found |= {"surveys": None, "came_back_permille": None}
    return msgspec.convert(_shown(found), LoopView)


async def makers_of(work: Work, occasion: UUID) -> MakersView:
    """Give who has made what was given at a distribution or a market, as far as it was made to order.

    An occasion of another region is answered like one that nobody knows: with nothing.
    """
    question = {"occasion": occasion, "regions": list(work.caller.regions), "most": MAKERS_MAX}
    rows = (await work.session.execute(MAKERS, question)).mappings().all()
    elsewhere: dict[str, ElsewhereLine] = {}
    for row in (row for row in rows if not work.caller.sees(row["region"])):
        before = elsewhere[row["item"]].quantity if row["item"] in elsewhere else 0
        elsewhere[row["item"]] = ElsewhereLine(
            item=row["item"], item_name=row["item_name"], unit=row["unit"], quantity=before + row["quantity"]
        )
    unseen = {} if allowed(Action.SEE_ANSWERS, work.caller.role) else {"came_back_permille": None}
    makers = [MakerLine(**{**row, **unseen}) for row in rows if work.caller.sees(row["region"])]
    return MakersView(occasion=occasion, makers=makers, elsewhere=list(elsewhere.values()))


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    """Put every moment into the offset that people here read."""
    for line in (*found["orders"], *found["received"]):
        for name, value in line.items():
            if name.endswith("_at") and value:
                line[name] = shown(datetime.fromisoformat(value))
    return found
