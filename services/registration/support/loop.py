"""The closed loop of a business: what was ordered of it, what it earned, where its goods went, and what it received.

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


class LoopView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was done with and for a business, from who it is to where its work went; each list latest first.

    Shape: of each list at most 50, as everywhere; what was taken back is left out
    """

    business_id: UUID
    name: str
    sector: str
    region: str
    orders: list[OrderLine]
    received: list[ReceivedLine]


class MakerLine(msgspec.Struct, frozen=True, kw_only=True):
    """A business whose goods were given at an occasion, and of which order they were."""

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


LOOP = text(
    """
    WITH orders AS (
        SELECT o.order_id, o.item, o.item_name, o.unit, o.quantity, o.price_rupiah, o.due_on, o.lot,
               CASE WHEN o.state = 'offered' AND o.answer_by <= :now THEN 'expired' ELSE o.state END AS state,
               i.accepted, i.rejected, i.due_rupiah, i.paid_rupiah,
               g.given, g.occasions, g.first_given_at, g.last_given_at
        FROM (SELECT * FROM ordered WHERE business_id = :id ORDER BY due_on DESC, order_id DESC LIMIT :most) o
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
        WHERE business_id = :id AND voided_at IS NULL
        ORDER BY occurred_at DESC, distribution_id DESC LIMIT :most
    )
    SELECT to_jsonb(b) || jsonb_build_object(
        'orders', (SELECT coalesce(jsonb_agg(orders ORDER BY due_on DESC, order_id DESC), '[]') FROM orders),
        'received', (SELECT coalesce(jsonb_agg(received ORDER BY occurred_at DESC, distribution_id DESC), '[]')
                     FROM received)
    )
    FROM (SELECT id AS business_id, name, sector, region FROM business WHERE id = :id) b
    """
)
MAKERS = text(
    """
    SELECT b.id AS business_id, b.name, coalesce(b.region, '') AS region, o.order_id, o.item, o.item_name, o.unit,
           o.lot, sum(g.quantity)::bigint AS quantity,
           (SELECT coalesce(sum(amount_rupiah), 0)::bigint FROM income
            WHERE income.order_id = o.order_id AND kind = 'payment') AS paid_rupiah
    FROM given g JOIN ordered o ON o.lot = g.lot AND o.item = g.item LEFT JOIN business b ON b.id = o.business_id
    WHERE g.occasion = :occasion AND g.voided_at IS NULL
      AND (g.region = ANY(CAST(:regions AS text[]))
           OR g.region LIKE ANY(SELECT own || '.%' FROM unnest(CAST(:regions AS text[])) own))
    GROUP BY b.id, o.order_id ORDER BY quantity DESC, o.order_id LIMIT :most
    """
)


async def loop_of(work: Work, business_id: UUID) -> LoopView:
    """Give the closed loop of a business of the caller's regions; raises Absent (404)."""
    region = await store.business_region(work.session, business_id)
    if region is None or not work.caller.sees(region):
        raise Absent
    found = (await work.session.execute(LOOP, {"id": business_id, "most": LINES_MAX, "now": work.now})).scalar_one()
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
    makers = [MakerLine(**row) for row in rows if work.caller.sees(row["region"])]
    return MakersView(occasion=occasion, makers=makers, elsewhere=list(elsewhere.values()))


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    """Put every moment into the offset that people here read."""
    for line in (*found["orders"], *found["received"]):
        for name, value in line.items():
            if name.endswith("_at") and value:
                line[name] = shown(datetime.fromisoformat(value))
    return found
