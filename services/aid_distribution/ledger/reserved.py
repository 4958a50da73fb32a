"""What is stored of reservations: what is promised of which lots, how much of it was used, and which documents used it.

The goods themselves lie on the cards of the reserved place that belongs to a place; the sum of what the open
reservations still hold is what those cards say, which the audit checks.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
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
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.ledger.domain import reserved_place


class State(StrEnum):
    """How far a reservation has come."""

    OPEN = "open"
    USED = "used"
    RELEASED = "released"
    EXPIRED = "expired"


STATES_SQL = ", ".join(f"'{state}'" for state in State)


class ReservationRow(SQLModel, table=True):
    """A promise of goods that lie at a place, until it is used, released, or expires."""

    __tablename__ = "reservation"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES_SQL})", name="reservation_state_known"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="reservation_ended_has_moment"),
        CheckConstraint(
            "(state IN ('released', 'expired')) = (release_posting_id IS NOT NULL)", name="reservation_release_posted"
        ),
        CheckConstraint("expires_at > reserved_at", name="reservation_expires_later"),
        CheckConstraint(
            "wanted_on BETWEEN (reserved_at AT TIME ZONE INTERVAL '7 hours')::date"
            " AND (expires_at AT TIME ZONE INTERVAL '7 hours')::date",
            name="reservation_wanted_while_it_holds",
        ),
        CheckConstraint("(training_id IS NULL) = (kits_of IS NULL)", name="reservation_kits_of_a_training"),
        CheckConstraint("called_off IS NULL OR training_id IS NOT NULL", name="reservation_called_off_of_a_training"),
        Index("reservation_by_region", "region", "reserved_at", "id"),
        Index("reservation_by_place", "place", "reserved_at", "id"),
        Index("reservation_by_time", "reserved_at", "id"),
        Index("reservation_open_by_expiry", "expires_at", "id", postgresql_where=text("state = 'open'")),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    number: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    state: str = Field(sa_column=Column(Text, nullable=False))
    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    purpose: str = Field(sa_column=Column(Text, nullable=False))
    training_id: UUID | None = Field(default=None, sa_column=Column(Uuid, unique=True))
    kits_of: dict[str, object] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    called_off: str | None = Field(default=None, sa_column=Column(Text))
    """Why what comes back into it is wanted no more: its training was called off."""
    document: str | None = Field(default=None, sa_column=Column(Text))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    reserved_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    wanted_on: date | None = None
    posting_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), nullable=False, unique=True))
    ended_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    ended_by: str | None = Field(default=None, sa_column=Column(Text))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    release_posting_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("posting.id"), unique=True))
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))


class ReservationLineRow(SQLModel, table=True):
    """What a reservation holds of one item and lot: what was promised, and what of it was used or released since."""

    __tablename__ = "reservation_line"
    __table_args__ = (
        UniqueConstraint("reservation_id", "item", "lot", name="reservation_line_once"),
        CheckConstraint("quantity > 0", name="reservation_line_quantity_positive"),
        CheckConstraint(
            "used >= 0 AND released >= 0 AND used + released <= quantity", name="reservation_line_within_quantity"
        ),
    )

    reservation_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("reservation.id"), primary_key=True))
    line_no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), nullable=False))
    lot: str = Field(sa_column=Column(Text, nullable=False))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    used: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    released: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))

    @property
    def left(self) -> int:
        """Give what is still promised of it."""
        return self.quantity - self.used - self.released


EXPIRES_BEFORE_USE = """
    SELECT concat_ws('/', 'reservation', r.id, l.item, l.lot) AS subject, r.region, r.place, l.item, l.lot,
           l.quantity - l.used - l.released AS figure, CAST(NULL AS bigint) AS threshold, lot.expires_on AS due_on
    FROM reservation r JOIN reservation_line l ON l.reservation_id = r.id
    JOIN lot ON (lot.item, lot.lot) = (l.item, l.lot)
    WHERE r.state = 'open' AND l.quantity > l.used + l.released AND lot.expires_on < r.wanted_on
"""
"""Promised lots that expire before the day on which they are wanted, as a training that is moved brings about."""


class ReservationUseRow(SQLModel, table=True):
    """What one posting took out of a reservation; `returned` when the posting was reversed."""

    __tablename__ = "reservation_use"
    __table_args__ = (
        ForeignKeyConstraint(
            ["reservation_id", "item", "lot"],
            ["reservation_line.reservation_id", "reservation_line.item", "reservation_line.lot"],
        ),
        CheckConstraint("quantity > 0", name="reservation_use_quantity_positive"),
        Index("reservation_use_of", "reservation_id", "item", "lot"),
        Index("reservation_use_in_order", "reservation_id", "posting_id", "item", "lot"),
    )

    posting_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), primary_key=True))
    item: str = Field(sa_column=Column(Text, primary_key=True))
    lot: str = Field(sa_column=Column(Text, primary_key=True))
    reservation_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("reservation.id"), nullable=False))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    returned: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default="false"))


class Lot(NamedTuple):
    """What decides whether a lot may be handed out."""

    expires_on: date | None
    held: bool


UseKey = tuple[UUID, str, str]
"""A posting, an item and a lot: postings bear ids that ascend with time."""


class Use(NamedTuple):
    """What one posting took out of a reservation of one item and lot; `returned` when it was reversed."""

    posting_id: UUID
    item: str
    lot: str
    quantity: int
    returned: bool

    @property
    def key(self) -> UseKey:
        """Give its place in the list."""
        return self.posting_id, self.item, self.lot


# Each by the index, and no further than is asked for, however long it is used.
FIRST_USES = text(
    """
    SELECT k.id, u.* FROM unnest(CAST(:ids AS uuid[])) AS k(id) CROSS JOIN LATERAL (
        SELECT posting_id, item, lot, quantity, returned FROM reservation_use WHERE reservation_id = k.id
        ORDER BY posting_id, item, lot LIMIT :rows
    ) u ORDER BY k.id, u.posting_id, u.item, u.lot
    """
)
USES_AFTER = text(
    "SELECT posting_id, item, lot, quantity, returned FROM reservation_use WHERE reservation_id = :id"
    " AND (posting_id, item, lot) > (CAST(:posting AS uuid), CAST(:item AS text), CAST(:lot AS text))"
    " ORDER BY posting_id, item, lot LIMIT :rows"
)
OPEN_PLACES = text(
    "INSERT INTO place (code, id, name, kind, region, created_at)"
    " SELECT code || '~', CAST(:id AS uuid), name, 'reserved', region, CAST(:now AS timestamptz)"
    " FROM place WHERE code = :place ON CONFLICT (code) DO NOTHING"
)
FIND_LOTS = text(
    "SELECT r.reservation_id, r.item, r.lot, l.expires_on, l.held FROM reservation_line r"
    " JOIN lot l ON (l.item, l.lot) = (r.item, r.lot) WHERE r.reservation_id = ANY(CAST(:ids AS uuid[]))"
)
LAPSED = text(
    "SELECT id FROM reservation WHERE state = 'open' AND expires_at <= :now ORDER BY expires_at, id LIMIT :rows"
    " FOR UPDATE SKIP LOCKED"
)
USED_BY = text("SELECT DISTINCT reservation_id FROM reservation_use WHERE posting_id = :posting AND NOT returned")


async def open_place(session: AsyncSession, place: str, new_id: UUID, now: datetime) -> str:
    """Give the place in which what is reserved at a place lies; it is made with the first reservation."""
    await session.execute(OPEN_PLACES, {"place": place, "id": new_id, "now": now})
    return reserved_place(place)


async def lock(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, ReservationRow]:
    """Lock reservations, in one order for all; what is not there is missing in the answer."""
    question = select(ReservationRow).where(col(ReservationRow.id).in_(ids)).order_by(col(ReservationRow.id))
    rows = await session.exec(question.with_for_update().execution_options(populate_existing=True))
    return {row.id: row for row in rows}


async def lines_of(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[ReservationLineRow]]:
    """Give the lines of reservations in their order, which is that of their expiry."""
    found: dict[UUID, list[ReservationLineRow]] = {one: [] for one in ids}
    question = select(ReservationLineRow).where(col(ReservationLineRow.reservation_id).in_(ids))
    order = (col(ReservationLineRow.reservation_id), col(ReservationLineRow.line_no))
    for row in await session.exec(question.order_by(*order).execution_options(populate_existing=True)):
        found[row.reservation_id].append(row)
    return found


async def lots_of(session: AsyncSession, ids: Collection[UUID]) -> dict[tuple[UUID, str, str], Lot]:
    """Say of each lot in reservations when it expires and whether it is on hold."""
    rows = await session.execute(FIND_LOTS, {"ids": list(ids)})
    return {(one, item, lot): Lot(expires_on, held) for one, item, lot, expires_on, held in rows}


async def uses_by(
    session: AsyncSession, ids: Collection[UUID], posting_id: UUID
) -> dict[UUID, list[ReservationUseRow]]:
    """Give what one posting took out of reservations."""
    found: dict[UUID, list[ReservationUseRow]] = {one: [] for one in ids}
    question = select(ReservationUseRow).where(
        col(ReservationUseRow.reservation_id).in_(ids), ReservationUseRow.posting_id == posting_id
    )
    order = (col(ReservationUseRow.item), col(ReservationUseRow.lot))
    for row in await session.exec(question.order_by(*order).execution_options(populate_existing=True)):
        found[row.reservation_id].append(row)
    return found


async def first_uses(session: AsyncSession, ids: Collection[UUID], rows: int) -> dict[UUID, list[Use]]:
    """Give for each reservation the first so many uses, those of the earliest postings first."""
    found: dict[UUID, list[Use]] = {one: [] for one in ids}
    for one, *use in await session.execute(FIRST_USES, {"ids": list(ids), "rows": rows}):
        found[one].append(Use(*use))
    return found


async def uses_after(session: AsyncSession, reservation_id: UUID, after: UseKey | None, rows: int) -> list[Use]:
    """Give the uses of a reservation that follow one of them, so many at the most."""
    posting, item, lot = after or (UUID(int=0), "", "")
    values = {"id": reservation_id, "posting": posting, "item": item, "lot": lot, "rows": rows}
    return [Use(*row) for row in await session.execute(USES_AFTER, values)]


async def lapsed(session: AsyncSession, now: datetime, rows: int) -> list[UUID]:
    """Lock open reservations whose time is over, those that nobody else works on."""
    return list((await session.execute(LAPSED, {"now": now, "rows": rows})).scalars())


async def used_by(session: AsyncSession, posting_id: UUID) -> list[UUID]:
    """Name the reservations out of which a posting took goods."""
    return sorted((await session.execute(USED_BY, {"posting": posting_id})).scalars())


def by_lot(goods: Iterable[tuple[str, str, int]]) -> Counter[tuple[str, str]]:
    """Sum up goods by item and lot, in their order."""
    sums: Counter[tuple[str, str]] = Counter()
    for item, lot, quantity in goods:
        sums[item, lot] += quantity
    return sums


def left_of(lines: Sequence[ReservationLineRow]) -> int:
    """Say how much is still promised in all; nothing when a reservation is used up."""
    return sum(line.left for line in lines)


UNBALANCED = """
    WITH promised AS (
        SELECT r.place || '~' AS place, l.item, l.lot, sum(l.quantity - l.used - l.released) AS promised
        FROM reservation r JOIN reservation_line l ON l.reservation_id = r.id WHERE r.state = 'open'
        GROUP BY r.place, l.item, l.lot
    ), there AS (
        SELECT c.place, c.item, c.lot, c.on_hand FROM card c JOIN place p ON p.code = c.place AND p.kind = 'reserved'
    )
    SELECT concat_ws(' ', place, item, nullif(lot, '')), coalesce(promised, 0), coalesce(on_hand, 0)
    FROM promised FULL JOIN there USING (place, item, lot)
    WHERE coalesce(promised, 0) <> coalesce(on_hand, 0) ORDER BY 1
"""
UNUSED = """
    SELECT concat_ws(' ', r.number, l.item, nullif(l.lot, '')), coalesce(u.quantity, 0), l.used
    FROM reservation r JOIN reservation_line l ON l.reservation_id = r.id
    LEFT JOIN (
        SELECT reservation_id, item, lot, sum(quantity) AS quantity FROM reservation_use WHERE NOT returned
        GROUP BY reservation_id, item, lot
    ) u ON (u.reservation_id, u.item, u.lot) = (l.reservation_id, l.item, l.lot)
    WHERE l.used <> coalesce(u.quantity, 0) ORDER BY 1
"""
UNENDED = """
    SELECT number, CASE state WHEN 'open' THEN 'something left' ELSE 'nothing left' END, promised FROM (
        SELECT r.number, r.state, sum(l.quantity - l.used - l.released) AS promised
        FROM reservation r JOIN reservation_line l ON l.reservation_id = r.id GROUP BY r.id
    ) held WHERE (state = 'open') <> (promised > 0) ORDER BY 1
"""
UNWANTED = """
    SELECT number, 'nothing reserved', 'open' FROM reservation
    WHERE state = 'open' AND called_off IS NOT NULL ORDER BY 1
"""
CHECKS = {
    "reserved_is_what_is_promised": text(UNBALANCED),
    "reservation_used_is_sum_of_uses": text(UNUSED),
    "reservation_ends_with_its_goods": text(UNENDED),
    "reservation_that_is_called_off_holds_nothing": text(UNWANTED),
}
"""What is reserved on the cards is what open reservations hold, and these follow from their uses."""
