"""What is stored of production: what is needed, what producers can do, the orders, what came of them and was paid.

A call's row is the lock of its need and of everybody's cap; an order's row the lock of its deliveries and payments.
Whoever needs both takes the call first.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.businesses.restricted import RESTRICTED
from services.aid_distribution.production.domain import (
    CAPACITY_MAX,
    LAYERS_MAX,
    ORDER_QUANTITY_MAX,
    PRICE_RUPIAH_MAX,
    Defect,
    State,
)

STATES_SQL = ", ".join(f"'{state}'" for state in State)
DEFECTS_SQL = ", ".join(f"'{defect}'" for defect in Defect)


def _moment(*, nullable: bool = False) -> Column[Any]:
    return Column(DateTime(timezone=True), nullable=nullable)


class ProducerProfileRow(SQLModel, table=True):
    """What a business can make and how hard it was hit.

    Staff set it; registration's surveys measure both and will fill it by their own event (`survey answered`). That may
    come before the event of the business itself, so the table does not refer to what is known of businesses.
    """

    __tablename__ = "producer_profile"
    __table_args__ = (
        CheckConstraint(f"capacity_per_week BETWEEN 0 AND {CAPACITY_MAX}", name="producer_profile_capacity"),
        CheckConstraint("decline_permille BETWEEN 0 AND 1000", name="producer_profile_decline"),
    )

    business_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    capacity_per_week: int = Field(sa_column=Column(Integer, nullable=False))
    decline_permille: int = Field(sa_column=Column(Integer, nullable=False))
    as_of: date
    source: str
    actor: str
    changed_at: datetime = Field(sa_column=_moment())
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))


class ProductionCallRow(SQLModel, table=True):
    """A need that businesses are asked to make: what, how much, for how much, until when, and where."""

    __tablename__ = "production_call"
    __table_args__ = (
        CheckConstraint(f"quantity BETWEEN 1 AND {ORDER_QUANTITY_MAX}", name="production_call_quantity"),
        CheckConstraint(f"price_rupiah BETWEEN 1 AND {PRICE_RUPIAH_MAX}", name="production_call_price"),
        CheckConstraint("cap_per_business BETWEEN 1 AND quantity", name="production_call_cap"),
        CheckConstraint("held BETWEEN 0 AND quantity", name="production_call_held_within_need"),
        CheckConstraint("cardinality(regions) BETWEEN 1 AND 50", name="production_call_regions"),
        UniqueConstraint("id", "cap_per_business", name="production_call_cap_key"),
        Index("production_call_newest", "created_at", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), nullable=False))
    quantity: int = Field(sa_column=Column(Integer, nullable=False))
    price_rupiah: int = Field(sa_column=Column(BigInteger, nullable=False))
    cap_per_business: int = Field(sa_column=Column(Integer, nullable=False))
    held: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    due_on: date
    sector: str
    regions: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    place_region: str
    document: str | None = None
    actor: str
    created_at: datetime = Field(sa_column=_moment())
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))


class ProductionShareRow(SQLModel, table=True):
    """How much of a call's need one business holds; the cap stands beside it so that the database keeps it too."""

    __tablename__ = "production_share"
    __table_args__ = (
        ForeignKeyConstraint(["call_id", "cap"], ["production_call.id", "production_call.cap_per_business"]),
        CheckConstraint("held BETWEEN 0 AND cap", name="production_share_within_cap"),
    )

    call_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    business_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("known_business.id"), primary_key=True))
    cap: int = Field(sa_column=Column(Integer, nullable=False))
    held: int = Field(sa_column=Column(Integer, nullable=False))


class ProductionOrderRow(SQLModel, table=True):
    """An order to one business, with the score for which it was asked and what has come of it."""

    __tablename__ = "production_order"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES_SQL})", name="production_order_state_known"),
        CheckConstraint(f"quantity BETWEEN 1 AND {ORDER_QUANTITY_MAX}", name="production_order_quantity"),
        CheckConstraint(f"price_rupiah BETWEEN 1 AND {PRICE_RUPIAH_MAX}", name="production_order_price"),
        CheckConstraint(
            "proposed >= 0 AND (quantity = proposed OR override_reason IS NOT NULL)",
            name="production_order_override_has_reason",
        ),
        CheckConstraint("answer_by > offered_at", name="production_order_time_to_answer"),
        CheckConstraint(
            "accepted_at IS NOT NULL OR state NOT IN ('accepted', 'delivered', 'short')",
            name="production_order_delivered_when_accepted",
        ),
        CheckConstraint("(state = 'declined') = (decline_reason IS NOT NULL)", name="production_order_declined_why"),
        CheckConstraint(
            "(state = 'taken_back') = (taken_back_reason IS NOT NULL)", name="production_order_taken_back_why"
        ),
        CheckConstraint("accepted BETWEEN 0 AND quantity", name="production_order_accepted_within_quantity"),
        CheckConstraint("rejected >= 0", name="production_order_rejected_not_negative"),
        CheckConstraint("(state = 'delivered') = (accepted = quantity)", name="production_order_delivered_in_full"),
        CheckConstraint(
            "state NOT IN ('offered', 'declined', 'expired') OR (accepted = 0 AND rejected = 0)",
            name="production_order_nothing_before_acceptance",
        ),
        CheckConstraint("paid_rupiah BETWEEN 0 AND accepted * price_rupiah", name="production_order_paid_within_due"),
        CheckConstraint(
            "(ended_on IS NOT NULL) = (state IN ('delivered', 'short', 'taken_back'))", name="production_order_ended"
        ),
        ForeignKeyConstraint(["call_id", "business_id"], ["production_share.call_id", "production_share.business_id"]),
        Index("production_order_of_call", "call_id", "business_id"),
        Index("production_order_of_business", "business_id", "offered_at", "id"),
        Index("production_order_newest", "offered_at", "id"),
        Index("production_order_by_state", "state", "offered_at", "id"),
        Index("production_order_waiting", "answer_by", postgresql_where=text("state = 'offered'")),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    call_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("production_call.id"), nullable=False))
    business_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("known_business.id"), nullable=False))
    region: str
    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    place_region: str
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), nullable=False))
    quantity: int = Field(sa_column=Column(Integer, nullable=False))
    proposed: int = Field(sa_column=Column(Integer, nullable=False))
    override_reason: str | None = None
    price_rupiah: int = Field(sa_column=Column(BigInteger, nullable=False))
    due_on: date
    score: int = Field(sa_column=Column(BigInteger, nullable=False))
    rule: str
    state: str
    offered_at: datetime = Field(sa_column=_moment())
    offered_by: str
    answer_by: datetime = Field(sa_column=_moment())
    accepted_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    answered_by: str | None = None
    decline_reason: str | None = None
    taken_back_reason: str | None = None
    accepted: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    rejected: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    paid_rupiah: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    ended_on: date | None = None
    document: str | None = None
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))

    @property
    def due_rupiah(self) -> int:
        """Give what is due for all that was accepted until now, paid or not."""
        return self.accepted * self.price_rupiah


class ProductionRankingRow(SQLModel, table=True):
    """All candidates with their scores as they stood when an order was offered: also those who were passed over."""

    __tablename__ = "production_ranking"
    __table_args__ = (CheckConstraint("jsonb_typeof(candidates) = 'array'", name="production_ranking_is_a_list"),)

    order_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("production_order.id"), primary_key=True))
    rule: str
    candidates: list[dict[str, object]] = Field(sa_column=Column(JSONB, nullable=False))


class ProductionDeliveryRow(SQLModel, table=True):
    """A delivery and its inspection; `layers_needed` is what the standard asked for at that time."""

    __tablename__ = "production_delivery"
    __table_args__ = (
        CheckConstraint("no > 0 AND quantity > 0", name="production_delivery_positive"),
        CheckConstraint(
            "accepted >= 0 AND rejected >= 0 AND accepted + rejected = quantity", name="production_delivery_adds_up"
        ),
        CheckConstraint(f"layers BETWEEN 0 AND {LAYERS_MAX}", name="production_delivery_layers"),
        CheckConstraint(
            "accepted = 0 OR coalesce(layers, 0) >= layers_needed", name="production_delivery_layers_enough"
        ),
        CheckConstraint("(accepted > 0) = (posting_id IS NOT NULL)", name="production_delivery_accepted_is_posted"),
        CheckConstraint("(posting_id IS NULL) = (number IS NULL)", name="production_delivery_number"),
    )

    order_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("production_order.id"), primary_key=True))
    no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    occurred_at: datetime = Field(sa_column=_moment())
    recorded_at: datetime = Field(sa_column=_moment())
    actor: str
    document: str | None = None
    quantity: int = Field(sa_column=Column(Integer, nullable=False))
    layers: int | None = Field(default=None, sa_column=Column(Integer))
    layers_needed: int = Field(sa_column=Column(Integer, nullable=False))
    accepted: int = Field(sa_column=Column(Integer, nullable=False))
    rejected: int = Field(sa_column=Column(Integer, nullable=False))
    last: bool = Field(sa_column=Column(Boolean, nullable=False))
    posting_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("posting.id"), unique=True))
    number: str | None = None


class ProductionRejectionRow(SQLModel, table=True):
    """What was rejected of a delivery for one reason."""

    __tablename__ = "production_rejection"
    __table_args__ = (
        ForeignKeyConstraint(["order_id", "delivery_no"], ["production_delivery.order_id", "production_delivery.no"]),
        CheckConstraint(f"reason IN ({DEFECTS_SQL})", name="production_rejection_reason_known"),
        CheckConstraint("quantity > 0", name="production_rejection_quantity_positive"),
    )

    order_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    delivery_no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    reason: str = Field(sa_column=Column(Text, primary_key=True))
    quantity: int = Field(sa_column=Column(Integer, nullable=False))


class ProductionPaymentRow(SQLModel, table=True):
    """Money that was paid for an order; its reference is the bank's or the treasury's."""

    __tablename__ = "production_payment"
    __table_args__ = (
        CheckConstraint("no > 0 AND amount_rupiah > 0", name="production_payment_positive"),
        UniqueConstraint("order_id", "reference", name="production_payment_once"),
    )

    order_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("production_order.id"), primary_key=True))
    no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    amount_rupiah: int = Field(sa_column=Column(BigInteger, nullable=False))
    paid_at: datetime = Field(sa_column=_moment())
    recorded_at: datetime = Field(sa_column=_moment())
    reference: str
    actor: str
    document: str | None = None


# An offer whose time is over counts as expired at once; the sweep only writes down what holds already.
NOW = """
    SELECT id, call_id, business_id, offered_at,
        CASE WHEN state = 'offered' AND answer_by <= :now THEN 'expired' ELSE state END AS state,
        CASE WHEN state = 'offered' AND answer_by <= :now OR state IN ('declined', 'expired') THEN 0
             WHEN state IN ('short', 'taken_back') THEN accepted ELSE quantity END AS held
    FROM production_order
"""
CANDIDATES = text(
    f"""
    WITH standing AS ({NOW} WHERE call_id = :call OR offered_at > :since),
    mine AS (
        SELECT business_id, sum(held)::bigint AS held,
               (array_agg(state ORDER BY offered_at DESC, id DESC))[1] AS last_state
        FROM standing WHERE call_id = :call GROUP BY business_id
    ),
    served AS (
        SELECT business_id, sum(held)::bigint AS served FROM standing WHERE call_id <> :call GROUP BY business_id
    )
    SELECT b.id, b.name, b.region, coalesce(p.decline_permille, 0) AS decline_permille,
        coalesce(p.capacity_per_week, 0) AS capacity_per_week, coalesce(s.served, 0) AS served,
        coalesce(m.held, 0) AS held, m.last_state, p.business_id IS NOT NULL AS profiled,
        {RESTRICTED.format(business="b")} AS restricted,
        (b.state = 'open' AND b.sector = :sector AND EXISTS (
            SELECT FROM unnest(CAST(:regions AS text[])) r WHERE b.region = r OR starts_with(b.region, r || '.')
        )) AS asked
    FROM known_business b LEFT JOIN mine m ON m.business_id = b.id LEFT JOIN served s ON s.business_id = b.id
        LEFT JOIN producer_profile p ON p.business_id = b.id
    WHERE (b.state = 'open' AND b.sector = :sector AND EXISTS (
            SELECT FROM unnest(CAST(:regions AS text[])) r WHERE b.region = r OR starts_with(b.region, r || '.')
        )) OR coalesce(m.held, 0) > 0
    """  # noqa: S608 - put together from our own words
)


async def candidates(session: AsyncSession, call: ProductionCallRow, since: datetime, now: datetime) -> Sequence[Any]:
    """Give every business that a call may ask, and whoever holds a part of it, with all that their score needs."""
    asked = {"call": call.id, "sector": call.sector, "regions": call.regions, "since": since, "now": now}
    return (await session.execute(CANDIDATES, asked)).all()


HOLD_SHARE = text(
    """
    INSERT INTO production_share AS s (call_id, business_id, cap, held)
    SELECT c.id, n.business_id, c.cap_per_business, n.held
    FROM unnest(CAST(:calls AS uuid[]), CAST(:businesses AS uuid[]), CAST(:changes AS integer[]))
        AS n(call_id, business_id, held) JOIN production_call c ON c.id = n.call_id ORDER BY 1, 2
    ON CONFLICT (call_id, business_id) DO UPDATE SET held = s.held + excluded.held
    """
)
RELEASE_SHARE = text(
    """
    UPDATE production_share s SET held = s.held - n.held
    FROM (SELECT call_id, business_id, sum(held)::integer AS held
          FROM unnest(CAST(:calls AS uuid[]), CAST(:businesses AS uuid[]), CAST(:changes AS integer[]))
              AS u(call_id, business_id, held) GROUP BY 1, 2) n
    WHERE (s.call_id, s.business_id) = (n.call_id, n.business_id)
    """
)
HOLD_CALL = text(
    """
    UPDATE production_call c SET held = c.held + n.held, version = c.version + 1
    FROM (SELECT call_id, sum(held)::integer AS held
          FROM unnest(CAST(:calls AS uuid[]), CAST(:changes AS integer[])) AS u(call_id, held) GROUP BY 1) n
    WHERE c.id = n.call_id
    """
)


async def hold(session: AsyncSession, call_id: UUID, business_id: UUID, quantity: int) -> None:
    """Give a business a part of a call's need; the call is locked."""
    await session.execute(HOLD_SHARE, {"calls": [call_id], "businesses": [business_id], "changes": [quantity]})
    await session.execute(HOLD_CALL, {"calls": [call_id], "changes": [quantity]})


async def release(session: AsyncSession, parts: Sequence[tuple[UUID, UUID, int]]) -> None:
    """Take parts of needs, each as (call, business, quantity), back from businesses; the calls are locked."""
    if not parts:
        return
    calls, businesses, quantities = (list(column) for column in zip(*parts, strict=True))
    await session.execute(RELEASE_SHARE, {"calls": calls, "businesses": businesses, "changes": quantities})
    await session.execute(HOLD_CALL, {"calls": calls, "changes": [-quantity for quantity in quantities]})


LAPSED_CALLS = text(
    "SELECT DISTINCT call_id FROM production_order WHERE state = 'offered' AND answer_by <= :now"
    " ORDER BY call_id LIMIT :rows"
)
LOCK_CALLS = text("SELECT id FROM production_call WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE")
EXPIRE = text(
    "UPDATE production_order SET state = 'expired', version = version + 1"
    " WHERE call_id = ANY(CAST(:calls AS uuid[])) AND state = 'offered' AND answer_by <= :now RETURNING id"
)


async def lapsed_calls(session: AsyncSession, now: datetime, limit: int) -> list[UUID]:
    """Name calls that have offers whose time is over and that nobody has written down as expired."""
    return list((await session.execute(LAPSED_CALLS, {"now": now, "rows": limit})).scalars())


async def lock_calls(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Keep others from changing what is held of these calls."""
    await session.execute(LOCK_CALLS, {"ids": list(ids)})


async def expire(session: AsyncSession, calls: Collection[UUID], now: datetime) -> Sequence[ProductionOrderRow]:
    """Write down the offers of locked calls whose time is over as expired, and give them."""
    ids = list((await session.execute(EXPIRE, {"calls": list(calls), "now": now})).scalars())
    return await orders(session, ids)


async def orders(session: AsyncSession, ids: Collection[UUID]) -> Sequence[ProductionOrderRow]:
    """Give orders by id."""
    if not ids:
        return []
    found = select(ProductionOrderRow).where(col(ProductionOrderRow.id).in_(ids)).order_by(col(ProductionOrderRow.id))
    return (await session.exec(found.execution_options(populate_existing=True))).all()


async def deliveries(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[ProductionDeliveryRow]]:
    """Give the deliveries of orders, each order's in their order."""
    found: dict[UUID, list[ProductionDeliveryRow]] = {one: [] for one in ids}
    question = select(ProductionDeliveryRow).where(col(ProductionDeliveryRow.order_id).in_(ids))
    for row in await session.exec(question.order_by(col(ProductionDeliveryRow.no))):
        found[row.order_id].append(row)
    return found


async def rejections(session: AsyncSession, ids: Collection[UUID]) -> dict[tuple[UUID, int], list[tuple[str, int]]]:
    """Give why and how much was rejected, by order and number of the delivery."""
    found: dict[tuple[UUID, int], list[tuple[str, int]]] = {}
    question = select(ProductionRejectionRow).where(col(ProductionRejectionRow.order_id).in_(ids))
    for row in await session.exec(question.order_by(col(ProductionRejectionRow.reason))):
        found.setdefault((row.order_id, row.delivery_no), []).append((row.reason, row.quantity))
    return found


async def payments(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[ProductionPaymentRow]]:
    """Give the payments of orders, each order's in their order."""
    found: dict[UUID, list[ProductionPaymentRow]] = {one: [] for one in ids}
    question = select(ProductionPaymentRow).where(col(ProductionPaymentRow.order_id).in_(ids))
    for row in await session.exec(question.order_by(col(ProductionPaymentRow.no))):
        found[row.order_id].append(row)
    return found


LAPSED = text(
    "SELECT call_id, sum(quantity)::integer AS held FROM production_order"
    " WHERE call_id = ANY(CAST(:calls AS uuid[])) AND state = 'offered' AND answer_by <= :now GROUP BY call_id"
)


async def lapsed(session: AsyncSession, calls: Collection[UUID], now: datetime) -> dict[UUID, int]:
    """Give how much of calls is held by offers whose time is over and that nobody has written down as expired."""
    rows = await session.execute(LAPSED, {"calls": list(calls), "now": now})
    return {row.call_id: row.held for row in rows}


SET_PROFILE = text(
    """
    INSERT INTO producer_profile AS p
        (business_id, capacity_per_week, decline_permille, as_of, source, actor, changed_at)
    VALUES (:business_id, :capacity_per_week, :decline_permille, :as_of, :source, :actor, :now)
    ON CONFLICT (business_id) DO UPDATE SET capacity_per_week = excluded.capacity_per_week,
        decline_permille = excluded.decline_permille, as_of = excluded.as_of, source = excluded.source,
        actor = excluded.actor, changed_at = excluded.changed_at, version = p.version + 1
    WHERE p.as_of <= excluded.as_of
    RETURNING version
    """
)


async def set_profile(session: AsyncSession, **profile: object) -> bool:
    """Keep what is known of a business as a producer, unless something newer is known; tells whether it was kept."""
    return (await session.execute(SET_PROFILE, profile)).first() is not None


RECORD = text(
    f"""
    SELECT count(*) AS offered,
        count(*) FILTER (WHERE n.state = 'declined') AS declined,
        count(*) FILTER (WHERE n.state = 'expired') AS expired,
        count(*) FILTER (WHERE n.state = 'taken_back') AS taken_back,
        count(*) FILTER (WHERE n.state IN ('offered', 'accepted')) AS open,
        count(*) FILTER (WHERE o.ended_on IS NOT NULL AND o.accepted_at IS NOT NULL) AS completed,
        count(*) FILTER (WHERE n.state = 'delivered' AND o.ended_on <= o.due_on) AS on_time,
        coalesce(sum(o.quantity) FILTER (WHERE o.accepted_at IS NOT NULL), 0)::bigint AS ordered,
        coalesce(sum(o.accepted + o.rejected), 0)::bigint AS delivered,
        coalesce(sum(o.accepted), 0)::bigint AS accepted,
        coalesce(sum(o.rejected), 0)::bigint AS rejected,
        coalesce(sum(o.accepted * o.price_rupiah), 0)::bigint AS due_rupiah,
        coalesce(sum(o.paid_rupiah), 0)::bigint AS paid_rupiah
    FROM ({NOW} WHERE business_id = :business) n JOIN production_order o USING (id)
    """  # noqa: S608 - put together from our own words
)
REJECTED = text(
    "SELECT r.reason, sum(r.quantity)::bigint AS quantity FROM production_rejection r"
    " JOIN production_order o ON o.id = r.order_id WHERE o.business_id = :business GROUP BY 1 ORDER BY 2 DESC, 1"
)


async def record(session: AsyncSession, business_id: UUID, now: datetime) -> dict[str, int]:
    """Sum up what a business was offered, delivered and paid."""
    return dict((await session.execute(RECORD, {"business": business_id, "now": now})).mappings().one())


async def rejected_by_reason(session: AsyncSession, business_id: UUID) -> list[tuple[str, int]]:
    """Sum up what was rejected of a business by reason, the most frequent first."""
    return [(row.reason, row.quantity) for row in await session.execute(REJECTED, {"business": business_id})]
