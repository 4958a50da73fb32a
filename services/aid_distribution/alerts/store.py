"""What is stored of levels and alerts; that one thing is told once at a time is also a rule of the database."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, Text, Uuid, text
from sqlmodel import Field, SQLModel, UniqueConstraint
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.alerts.domain import EXPIRES_WITHIN_DAYS_MAX
from services.aid_distribution.ledger import usable
from services.aid_distribution.ledger.domain import QUANTITY_MAX
from shared.outbox import WAKE_CHANNEL

SWEEPER = 1_634_493_812
"""The advisory lock of the one who sweeps."""
ROWS_PER_SWEEP_MAX = 500


class StockLevelRow(SQLModel, table=True):
    """The level of an item at a place: low at or below one figure, well only above another."""

    __tablename__ = "stock_level"
    __table_args__ = (
        UniqueConstraint("place", "item", name="stock_level_once"),
        CheckConstraint("low_at >= 0", name="stock_level_low_not_negative"),
        CheckConstraint("ok_at > low_at", name="stock_level_ok_above_low"),
        CheckConstraint(f"ok_at <= {QUANTITY_MAX}", name="stock_level_ok_countable"),
        CheckConstraint(
            f"expires_within_days BETWEEN 1 AND {EXPIRES_WITHIN_DAYS_MAX}", name="stock_level_expires_within_days"
        ),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    low_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    ok_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    expires_within_days: int | None = Field(default=None, sa_column=Column(Integer))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    changed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    version: int = Field(default=1, sa_column=Column(BigInteger, nullable=False, server_default="1"))


class AlertRow(SQLModel, table=True):
    """Something that is not as it should be, from when to when; of one kind and subject at most one is open.

    Shape: `subject` is the key of what it is about (`stock/<place>/<item>`), whatever capability raises it; `figure`
           is what was found, `threshold` what it was held against, `due_on` the day that it is about; `expiring`
           is what of the figure expires soon, `expired` and `held` what lay there and was not counted
    """

    __tablename__ = "alert"
    __table_args__ = (
        CheckConstraint("kind ~ '^[a-z][a-z_]{0,39}$'", name="alert_kind_form"),
        CheckConstraint("length(subject) BETWEEN 1 AND 200", name="alert_subject_length"),
        CheckConstraint("cleared_at >= raised_at", name="alert_cleared_after_raised"),
        CheckConstraint("expiring >= 0 AND expired >= 0 AND held >= 0", name="alert_left_out_not_negative"),
        Index("alert_open_once", "kind", "subject", unique=True, postgresql_where=text("cleared_at IS NULL")),
        Index("alert_by_region", "region", "raised_at", "id"),
        Index("alert_by_time", "raised_at", "id"),
        Index("alert_by_kind", "kind", "raised_at", "id"),
        Index("alert_by_place", "place", "raised_at", "id"),
        Index("alert_of_region_by_kind", "region", "kind", "raised_at", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    subject: str = Field(sa_column=Column(Text, nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    place: str | None = Field(default=None, sa_column=Column(Text, ForeignKey("place.code")))
    item: str | None = Field(default=None, sa_column=Column(Text, ForeignKey("item.code")))
    lot: str | None = Field(default=None, sa_column=Column(Text))
    figure: int | None = Field(default=None, sa_column=Column(BigInteger))
    threshold: int | None = Field(default=None, sa_column=Column(BigInteger))
    due_on: date | None = None
    expiring: int | None = Field(default=None, sa_column=Column(BigInteger))
    expired: int | None = Field(default=None, sa_column=Column(BigInteger))
    held: int | None = Field(default=None, sa_column=Column(BigInteger))
    raised_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    cleared_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class Shelf(NamedTuple):
    """A shelf whose stock and alerts do not agree; `on_hand` is what can be handed out."""

    place: str
    item: str
    region: str
    low_at: int
    ok_at: int
    on_hand: int
    expiring: int
    expired: int
    held: int
    open_kinds: list[str]


class ExpiringLot(NamedTuple):
    """A lot that expires soon, of which stock lies on a shelf, and of which nothing is open."""

    place: str
    item: str
    region: str
    lot: str
    on_hand: int
    expires_on: date
    within_days: int


class Lasting(NamedTuple):
    """Something that another capability keeps and that is not as it should be, of which nothing is open."""

    subject: str
    region: str
    place: str | None
    item: str | None
    lot: str | None
    figure: int | None
    threshold: int | None
    due_on: date | None


class Cleared(NamedTuple):
    """An alert that was open until now."""

    id: UUID
    kind: str
    subject: str
    region: str
    place: str | None
    item: str | None
    lot: str | None


# Joins, so that the planner may choose between the cards of each level and all cards at once; of alerts only those that
# are open are read. The condition is the rule of `domain.turn`, which decides.
CROSSINGS = text(
    f"""
    SELECT place, item, region, low_at, ok_at, available, expiring, expired, held, kinds FROM (
        SELECT s.place, s.item, s.region, s.low_at, s.ok_at, {usable.FIGURES}, coalesce(o.kinds, '{{}}') AS kinds
        FROM stock_level s
        LEFT JOIN card c ON (c.place, c.item) = (s.place, s.item) {usable.LOTS}
        LEFT JOIN (
            SELECT place, item, array_agg(kind) AS kinds FROM alert
            WHERE kind IN ('low', 'out') AND cleared_at IS NULL GROUP BY place, item
        ) o ON (o.place, o.item) = (s.place, s.item)
        GROUP BY s.id, o.kinds
    ) shelf
    WHERE CASE WHEN available > ok_at THEN kinds <> '{{}}'
               WHEN available = 0 AND NOT 'out' = ANY(kinds) THEN true
               ELSE available <= low_at AND kinds = '{{}}' END
    ORDER BY place, item LIMIT :rows
    """  # noqa: S608 - put together from our own text
)
SOON = """
    FROM stock_level l JOIN card c ON (c.place, c.item) = (l.place, l.item)
    LEFT JOIN card promised ON (promised.place, promised.item, promised.lot) = (c.place || '~', c.item, c.lot)
    JOIN lot ON (lot.item, lot.lot) = (c.item, c.lot)
    WHERE c.on_hand + coalesce(promised.on_hand, 0) > 0
      AND lot.expires_on <= CAST(:today AS date) + l.expires_within_days
"""
EXPIRING = text(
    f"""
    SELECT l.place, l.item, l.region, c.lot, (c.on_hand + coalesce(promised.on_hand, 0))::bigint AS on_hand,
           lot.expires_on, l.expires_within_days {SOON}
      AND NOT EXISTS (
        SELECT FROM alert a WHERE a.kind = 'expiring' AND a.cleared_at IS NULL
          AND (a.place, a.item, a.lot) = (c.place, c.item, c.lot))
    ORDER BY l.place, l.item, c.lot LIMIT :rows
    """  # noqa: S608 - put together from our own text
)
NOT_EXPIRING = text(
    f"""
    SELECT a.id FROM alert a WHERE a.kind = 'expiring' AND a.cleared_at IS NULL
      AND NOT EXISTS (SELECT {SOON} AND (c.place, c.item, c.lot) = (a.place, a.item, a.lot))
    ORDER BY a.place, a.item, a.lot LIMIT :rows
    """  # noqa: S608 - as above
)
RAISE = text(
    """
    INSERT INTO alert (id, kind, subject, region, place, item, lot, figure, threshold, due_on, expiring, expired, held,
                       raised_at)
    SELECT n.*, CAST(:now AS timestamptz) FROM unnest(
        CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:subjects AS text[]), CAST(:regions AS text[]),
        CAST(:places AS text[]), CAST(:items AS text[]), CAST(:lots AS text[]), CAST(:figures AS bigint[]),
        CAST(:thresholds AS bigint[]), CAST(:dues AS date[]), CAST(:expiring AS bigint[]),
        CAST(:expired AS bigint[]), CAST(:held AS bigint[])) AS n
    ON CONFLICT (kind, subject) WHERE cleared_at IS NULL DO NOTHING RETURNING id
    """
)
CLEARED = (
    "UPDATE alert SET cleared_at = greatest(raised_at, CAST(:now AS timestamptz)) WHERE cleared_at IS NULL AND"
    " {which} RETURNING id, kind, subject, region, place, item, lot"
)
CLEAR_SHELVES = text(CLEARED.format(which="kind IN ('low', 'out') AND subject = ANY(CAST(:subjects AS text[]))"))
CLEAR = text(CLEARED.format(which="id = ANY(CAST(:ids AS uuid[]))"))


NOT_OPEN = """
    SELECT d.subject, d.region, d.place, d.item, d.lot, d.figure, d.threshold, d.due_on FROM ({lasting}) d
    WHERE NOT EXISTS (
        SELECT FROM alert a WHERE a.kind = :kind AND a.subject = d.subject AND a.cleared_at IS NULL)
    ORDER BY d.subject LIMIT :rows
"""
NOT_LASTING = """
    SELECT a.id FROM alert a WHERE a.kind = :kind AND a.cleared_at IS NULL
      AND NOT EXISTS (SELECT FROM ({lasting}) d WHERE d.subject = a.subject)
    ORDER BY a.subject LIMIT :rows
"""


async def wake_sweeper(session: AsyncSession) -> None:
    """Let it look as soon as this transaction is committed, though no event is recorded."""
    await session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": WAKE_CHANNEL})


async def alone(session: AsyncSession) -> bool:
    """Tell whether nobody else sweeps; if so, nobody will until this transaction ends."""
    question = text("SELECT pg_try_advisory_xact_lock(:lock)")
    return bool((await session.execute(question, {"lock": SWEEPER})).scalar_one())


async def crossings(session: AsyncSession, today: date) -> list[Shelf]:
    """Give shelves whose stock asks for an alert that is not open, or for none where one is."""
    values = {"rows": ROWS_PER_SWEEP_MAX} | usable.days(today)
    return [Shelf(*row) for row in await session.execute(CROSSINGS, values)]


async def expiring(session: AsyncSession, today: date) -> list[ExpiringLot]:
    """Give lots that expire soon, and of which nothing is open."""
    rows = await session.execute(EXPIRING, {"today": today, "rows": ROWS_PER_SWEEP_MAX})
    return [ExpiringLot(*row) for row in rows]


async def not_expiring(session: AsyncSession, today: date) -> list[UUID]:
    """Give alerts of lots that are used up, or do not expire so soon any more."""
    rows = await session.execute(NOT_EXPIRING, {"today": today, "rows": ROWS_PER_SWEEP_MAX})
    return list(rows.scalars())


async def not_open(session: AsyncSession, kind: str, lasting: str, now: datetime) -> list[Lasting]:
    """Give what a question finds not as it should be, and of which nothing is open."""
    rows = await session.execute(
        text(NOT_OPEN.format(lasting=lasting)), {"kind": kind, "now": now, "rows": ROWS_PER_SWEEP_MAX}
    )
    return [Lasting(*row) for row in rows]


async def not_lasting(session: AsyncSession, kind: str, lasting: str, now: datetime) -> list[UUID]:
    """Give alerts of what a question does not find any more."""
    rows = await session.execute(
        text(NOT_LASTING.format(lasting=lasting)), {"kind": kind, "now": now, "rows": ROWS_PER_SWEEP_MAX}
    )
    return list(rows.scalars())


async def raise_all(session: AsyncSession, alerts: Sequence[AlertRow], now: datetime) -> set[UUID]:
    """Write alerts; gives the ids of those that are open now, and not those of which one was open already."""
    if not alerts:
        return set()
    rows = await session.execute(
        RAISE,
        {
            "ids": [alert.id for alert in alerts],
            "kinds": [alert.kind for alert in alerts],
            "subjects": [alert.subject for alert in alerts],
            "regions": [alert.region for alert in alerts],
            "places": [alert.place for alert in alerts],
            "items": [alert.item for alert in alerts],
            "lots": [alert.lot for alert in alerts],
            "figures": [alert.figure for alert in alerts],
            "thresholds": [alert.threshold for alert in alerts],
            "dues": [alert.due_on for alert in alerts],
            "expiring": [alert.expiring for alert in alerts],
            "expired": [alert.expired for alert in alerts],
            "held": [alert.held for alert in alerts],
            "now": now,
        },
    )
    return set(rows.scalars())


async def clear_shelves(session: AsyncSession, subjects: Sequence[str], now: datetime) -> list[Cleared]:
    """Clear all that is open about shelves."""
    rows = await session.execute(CLEAR_SHELVES, {"subjects": list(subjects), "now": now}) if subjects else ()
    return [Cleared(*row) for row in rows]


async def clear(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> list[Cleared]:
    """Clear alerts that are open."""
    rows = await session.execute(CLEAR, {"ids": list(ids), "now": now}) if ids else ()
    return [Cleared(*row) for row in rows]
