"""What is stored of exceptions, and what the ledger is asked to find their likely causes."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.exceptions.domain import LikelyCause, ShortCard, State, Why

EXCEPTIONS_PER_SWEEP = 200


class ExceptionRow(SQLModel, table=True):
    """Something that has happened and cannot be entered yet: the order as it was asked, who settles it, and by when.

    Shape:  `asked` is the order; what of it is about a person is taken out when the exception is settled. `entry_id`
            and `digest` are of the device that told it, `context` what entering it needs beside the order
    """

    __tablename__ = "stock_exception"
    __table_args__ = (
        CheckConstraint("kind ~ '^[a-z][a-z_]{0,39}$'", name="stock_exception_kind_form"),
        CheckConstraint("owner <> ''", name="stock_exception_has_owner"),
        CheckConstraint("due_at >= opened_at", name="stock_exception_due_after_opened"),
        CheckConstraint("occurred_at <= opened_at", name="stock_exception_has_happened"),
        CheckConstraint(
            "last_refusal <> 'short_of_stock' OR jsonb_array_length(cards) > 0",
            name="stock_exception_is_short_of_something",
        ),
        CheckConstraint("attempts > 0 AND last_attempt_at >= opened_at", name="stock_exception_attempts"),
        CheckConstraint("deadline_no > 0", name="stock_exception_deadlines_are_counted"),
        CheckConstraint("overdue_told_at >= due_at", name="stock_exception_told_when_overdue"),
        CheckConstraint("(entry_id IS NULL) = (digest IS NULL)", name="stock_exception_entry_has_digest"),
        CheckConstraint(
            "(state = 'open' AND closed_at IS NULL AND closed_by IS NULL AND posting_id IS NULL AND number IS NULL"
            " AND drop_reason IS NULL) OR"
            " (state = 'applied' AND closed_at IS NOT NULL AND closed_by IS NOT NULL AND posting_id IS NOT NULL"
            " AND number IS NOT NULL AND drop_reason IS NULL) OR"
            " (state = 'dropped' AND closed_at IS NOT NULL AND closed_by IS NOT NULL AND posting_id IS NULL"
            " AND number IS NULL AND drop_reason IS NOT NULL)",
            name="stock_exception_state",
        ),
        CheckConstraint(
            "(breach IS NULL) = (breach_reason IS NULL) AND (breach IS NULL OR state = 'applied')",
            name="stock_exception_breach_has_reason",
        ),
        UniqueConstraint("kind", "entry_id", name="stock_exception_once_for_entry"),
        Index("stock_exception_by_region", "region", "state", "due_at", "id"),
        Index("stock_exception_by_due", "state", "due_at", "id"),
        Index("stock_exception_of_any_state", "due_at", "id"),
        Index("stock_exception_of_owner", "owner", "due_at", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    kind: str
    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    region: str
    occurred_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    asked: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    context: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    cards: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    entry_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    digest: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    state: str
    owner: str
    opened_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    due_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    deadline_no: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))
    overdue_told_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    attempts: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))
    last_attempt_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    last_refusal: str
    closed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    closed_by: str | None = None
    document: str | None = None
    posting_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("posting.id"), unique=True))
    number: str | None = None
    drop_reason: str | None = None
    breach: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    breach_reason: str | None = None
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))

    def __repr__(self) -> str:
        return f"ExceptionRow(id={self.id})"  # a row that ends in a log shows no person


OVERDUE = """
    SELECT 'exception/' || id AS subject, region, place, CAST(NULL AS text) AS item,
           CAST(NULL AS bigint) AS figure, CAST(NULL AS text) AS lot, CAST(NULL AS bigint) AS threshold,
           (due_at AT TIME ZONE INTERVAL '7 hours')::date AS due_on
    FROM stock_exception WHERE state = 'open' AND due_at <= :now
"""
"""The exceptions that nobody has settled in time, as alerts ask for them; `due_on` is a local day."""


class ExceptionChangeRow(SQLModel, table=True):
    """A change of who settles an exception and by when, as it is since; what was before is the change before."""

    __tablename__ = "stock_exception_change"
    __table_args__ = (
        CheckConstraint("owner <> '' AND reason <> ''", name="stock_exception_change_says_who_and_why"),
        CheckConstraint("version > 1", name="stock_exception_change_makes_a_version"),
    )

    exception_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("stock_exception.id"), primary_key=True))
    version: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    owner: str
    due_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    reason: str
    document: str | None = None
    changed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    changed_by: str


# The short cards that are asked about, by their numbers; a card without a lot stands for all lots of its item.
ASKED = (
    "unnest(CAST(:places AS text[]), CAST(:items AS text[]), CAST(:lots AS text[]))"
    " WITH ORDINALITY AS k(place, item, lot, no)"
)
ON_THEIR_WAY = text(
    f"""
    SELECT k.no, t.number, t.from_place, sum(l.dispatched)::bigint AS quantity
    FROM {ASKED}
    JOIN transfer t ON t.to_place = k.place AND t.state = 'in_transit'
    JOIN transfer_line l ON l.transfer_id = t.id AND l.item = k.item AND (k.lot IS NULL OR l.lot = k.lot)
    GROUP BY k.no, t.number, t.from_place
    """  # noqa: S608 - put together from our own text
)
COUNTED_OFF = text(
    f"""
    SELECT k.no, c.number, c.quantity FROM {ASKED}
    JOIN LATERAL (
        SELECT p.number, c.book - c.counted AS quantity FROM count_line c JOIN posting p ON p.id = c.posting_id
        WHERE c.place = k.place AND c.item = k.item AND (k.lot IS NULL OR c.lot = k.lot) AND c.counted < c.book
          AND NOT EXISTS (SELECT FROM posting r WHERE r.reverses = c.posting_id)
        ORDER BY c.occurred_at DESC, c.recorded_at DESC, c.lot LIMIT 1
    ) c ON true
    """  # noqa: S608 - put together from our own text
)
LIES_ELSEWHERE = text(
    f"""
    SELECT k.no, c.place, sum(c.on_hand)::bigint AS quantity FROM {ASKED}
    JOIN place here ON here.code = k.place
    JOIN place p ON p.region = here.region AND p.code <> here.code AND p.kind NOT IN ('virtual', 'reserved')
    JOIN card c ON c.place = p.code AND c.item = k.item AND (k.lot IS NULL OR c.lot = k.lot)
    GROUP BY k.no, c.place HAVING sum(c.on_hand) > 0
    """  # noqa: S608 - put together from our own text
)


async def causes(session: AsyncSession, cards: Sequence[ShortCard]) -> dict[int, list[LikelyCause]]:
    """Ask the ledger why these cards may be short; gives what was found by the number of the card in the list."""
    asked = {
        "places": [card.place for card in cards],
        "items": [card.item for card in cards],
        "lots": [card.lot for card in cards],
    }
    found: defaultdict[int, list[LikelyCause]] = defaultdict(list)
    for no, number, place, quantity in await session.execute(ON_THEIR_WAY, asked):
        found[no - 1].append(LikelyCause(why=Why.MISSING_RECEIPT, number=number, place=place, quantity=quantity))
    for no, number, quantity in await session.execute(COUNTED_OFF, asked):
        found[no - 1].append(LikelyCause(why=Why.WRONG_COUNT, number=number, quantity=quantity))
    for no, place, quantity in await session.execute(LIES_ELSEWHERE, asked):
        found[no - 1].append(LikelyCause(why=Why.WRONG_PLACE, place=place, quantity=quantity))
    return found


# An entry of a device is one matter wherever it is told: at two markets, or in two batches, at once. Whoever tells it,
# applies it or drops it takes its turn here before it locks anything else. The turns are few, so that an upload of
# hundreds of entries does not fill the server's table of locks, and are taken in one order.
TURNS, TURNS_OF_ENTRIES = 256, 38
TURN = text(
    """
    SELECT pg_advisory_xact_lock(:space, turn) FROM (
        SELECT DISTINCT hashtext(id::text) & (:turns - 1) AS turn FROM unnest(CAST(:ids AS uuid[])) AS e(id)
        ORDER BY turn OFFSET 0
    ) t
    """
)
ENTRY = text("SELECT entry_id FROM stock_exception WHERE id = :id AND entry_id IS NOT NULL")


async def take_turn(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Keep everybody else from entering the same entries of devices, until the commit."""
    if ids:
        await session.execute(TURN, {"space": TURNS_OF_ENTRIES, "turns": TURNS, "ids": list(ids)})


async def changes_of(session: AsyncSession, exception_id: UUID) -> Sequence[ExceptionChangeRow]:
    """Give the changes of an exception's owner and deadline, the first one first."""
    question = select(ExceptionChangeRow).where(ExceptionChangeRow.exception_id == exception_id)
    return (await session.exec(question.order_by(col(ExceptionChangeRow.version)))).all()


async def locked(session: AsyncSession, exception_id: UUID) -> ExceptionRow | None:
    """Give an exception and keep others from settling it meanwhile, also those who tell its entry again."""
    await take_turn(session, list((await session.execute(ENTRY, {"id": exception_id})).scalars()))
    return await session.get(ExceptionRow, exception_id, with_for_update=True, populate_existing=True)


async def of_entries(session: AsyncSession, kind: str, ids: Collection[UUID]) -> dict[UUID, ExceptionRow]:
    """Give the exceptions that entries of devices have become, by the entry, and keep others from settling them."""
    if not ids:
        return {}
    await take_turn(session, ids)
    question = select(ExceptionRow).where(ExceptionRow.kind == kind, col(ExceptionRow.entry_id).in_(ids))
    question = question.order_by(col(ExceptionRow.id)).with_for_update().execution_options(populate_existing=True)
    return {row.entry_id: row for row in await session.exec(question) if row.entry_id is not None}


async def overdue(session: AsyncSession, now: datetime) -> Sequence[ExceptionRow]:
    """Give open exceptions whose time is over and of which nobody was told yet, some at a time."""
    question = (
        select(ExceptionRow)
        .where(
            ExceptionRow.state == State.OPEN,
            ExceptionRow.due_at <= now,
            col(ExceptionRow.overdue_told_at).is_(None),
        )
        .order_by(col(ExceptionRow.due_at), col(ExceptionRow.id))
        .limit(EXCEPTIONS_PER_SWEEP)
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(question)).all()


async def open_with(session: AsyncSession, kind: str, name: str, value: str) -> Sequence[UUID]:
    """Name the open exceptions of a kind whose context says this, some of them where there are many."""
    question = select(ExceptionRow.id).where(
        ExceptionRow.kind == kind,
        ExceptionRow.state == State.OPEN,
        col(ExceptionRow.context)[name].astext == value,
    )
    return (await session.exec(question.order_by(col(ExceptionRow.id)).limit(EXCEPTIONS_PER_SWEEP))).all()
