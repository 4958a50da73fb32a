"""What the ledger stores: postings and their lines for ever, and for each card its balance by day.

The journal (posting, posting_line) is append-only, which triggers of the database enforce. Cards and their days
are sums of it, kept in the same transaction; their checks are the last guard of "never negative".
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.ledger.account import CardKey, Moment
from services.aid_distribution.ledger.domain import (
    CARD_MAX,
    QUANTITY_MAX,
    Draft,
    Entered,
    Kind,
    Line,
    Reason,
    difference_lines,
)

LotKey = tuple[str, str]
"""An item and the code of a lot of it."""

REASONS_SQL = ", ".join(f"'{reason}'" for reason in Reason)
KINDS_SQL = ", ".join(f"'{kind}'" for kind in Kind)


class PostingRow(SQLModel, table=True):
    """One fact of the journal."""

    __tablename__ = "posting"
    __table_args__ = (
        CheckConstraint(f"kind IN ({KINDS_SQL})", name="posting_kind_known"),
        CheckConstraint("(kind = 'reversal') = (reverses IS NOT NULL)", name="posting_reversal_names_what"),
        CheckConstraint("reverses IS NULL OR reason IS NOT NULL", name="posting_reversal_has_reason"),
        CheckConstraint("occurred_at <= recorded_at", name="posting_not_in_the_future"),
        CheckConstraint("chain_seq > 0 AND octet_length(chain_hash) = 32", name="posting_chain_link"),
        CheckConstraint("chain_form IN (1, 2)", name="posting_chain_form_known"),
        UniqueConstraint("region", "chain_seq", name="posting_chain_place"),
        Index("posting_by_region", "region", "occurred_at", "id"),
        Index("posting_of_a_count", "id", postgresql_where=text("kind = 'count'")),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    number: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    kind: str
    region: str
    occurred_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    actor: str
    document: str | None = None
    reason: str | None = None
    reverses: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("posting.id"), unique=True))
    chain_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    chain_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    chain_form: int = Field(sa_column=Column(SmallInteger, nullable=False))
    """Which of the forms of `ledger.chain` its hash covers; it is part of what is hashed."""


class PostingLineRow(SQLModel, table=True):
    """A positive quantity moved from one place to another; the moment is repeated here so that a card is one scan."""

    __tablename__ = "posting_line"
    __table_args__ = (
        CheckConstraint(f"quantity BETWEEN 1 AND {QUANTITY_MAX}", name="posting_line_quantity"),
        CheckConstraint("from_place <> to_place", name="posting_line_moves"),
        Index("posting_line_out", "from_place", "item", "occurred_at", "recorded_at", "posting_id", "line_no"),
        Index("posting_line_in", "to_place", "item", "occurred_at", "recorded_at", "posting_id", "line_no"),
        Index("posting_line_late_by", "late_by", postgresql_where=text("late_by IS NOT NULL")),
    )

    posting_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), primary_key=True))
    line_no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), nullable=False))
    lot: str = Field(sa_column=Column(Text, nullable=False, server_default=""))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    from_place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    to_place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    occurred_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    late_by: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("posting.id")))
    """On a line that a count got afterwards: the late posting that it took up."""


class ChainHeadRow(SQLModel, table=True):
    """The end of a region's chain of postings; its row is the lock of the chain (`ledger.chain`)."""

    __tablename__ = "chain_head"
    __table_args__ = (CheckConstraint("last_seq > 0 AND octet_length(last_hash) = 32", name="chain_head_link"),)

    region: str = Field(primary_key=True)
    last_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    last_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class CountLineRow(SQLModel, table=True):
    """What was counted on one card: from its moment on the card holds this, whatever is found out about earlier."""

    __tablename__ = "count_line"
    __table_args__ = (
        CheckConstraint(f"counted BETWEEN 0 AND {QUANTITY_MAX} AND book >= 0", name="count_line_quantities"),
        CheckConstraint("snapshot IS NULL OR snapshot = book", name="count_line_snapshot_was_the_book"),
        CheckConstraint(f"reason IN ({REASONS_SQL})", name="count_line_reason_known"),
    )

    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), primary_key=True))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    lot: str = Field(sa_column=Column(Text, primary_key=True))
    occurred_at: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    posting_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), primary_key=True, index=True))
    counted: int = Field(sa_column=Column(BigInteger, nullable=False))
    book: int = Field(sa_column=Column(BigInteger, nullable=False))
    snapshot: int | None = Field(default=None, sa_column=Column(BigInteger))
    reason: str


class LateChangeRow(SQLModel, table=True):
    """What a late posting changed: the closings of these days of a card, each by so much, or a count's difference."""

    __tablename__ = "late_change"
    __table_args__ = (
        CheckConstraint("change <> 0", name="late_change_changes"),
        CheckConstraint("(first_day IS NULL) = (last_day IS NULL)", name="late_change_days_together"),
        CheckConstraint("first_day <= last_day", name="late_change_days_ascend"),
        CheckConstraint("first_day IS NOT NULL OR taken_up_by IS NOT NULL", name="late_change_of_something"),
        Index("late_change_by_card", "place", "item", "recorded_at", "posting_id", "lot"),
    )

    posting_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), primary_key=True))
    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), primary_key=True))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    lot: str = Field(sa_column=Column(Text, primary_key=True))
    change: int = Field(sa_column=Column(BigInteger, nullable=False))
    first_day: date | None = None
    last_day: date | None = None
    taken_up_by: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("posting.id")))
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    told_region: str | None = None


class SnapshotRow(SQLModel, table=True):
    """What the book said of a place when a counting began."""

    __tablename__ = "snapshot"

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    items: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text)))
    """The items that are to be counted; None for all of them."""
    taken_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    actor: str


class SnapshotLineRow(SQLModel, table=True):
    """What the book said of one card when a counting began."""

    __tablename__ = "snapshot_line"
    __table_args__ = (CheckConstraint("on_hand >= 0", name="snapshot_line_on_hand"),)

    snapshot_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("snapshot.id"), primary_key=True))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    lot: str = Field(sa_column=Column(Text, primary_key=True))
    on_hand: int = Field(sa_column=Column(BigInteger, nullable=False))


class LotRow(SQLModel, table=True):
    """A lot of an item, with the last day on which it may be used."""

    __tablename__ = "lot"
    __table_args__ = (CheckConstraint("held = (held_reason IS NOT NULL)", name="lot_held_has_reason"),)

    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    lot: str = Field(primary_key=True)
    expires_on: date | None = None
    held: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default="false"))
    held_reason: str | None = None
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))


class LotNoteRow(SQLModel, table=True):
    """What was worth knowing of a lot when a posting chose, or did not choose it."""

    __tablename__ = "lot_note"
    __table_args__ = (
        CheckConstraint("why IN ('expired', 'held', 'expires_before', 'expiring')", name="lot_note_why_known"),
    )

    posting_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), primary_key=True))
    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), primary_key=True))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    lot: str = Field(sa_column=Column(Text, primary_key=True))
    why: str = Field(sa_column=Column(Text, nullable=False))
    expires_on: date | None = None


class CardRow(SQLModel, table=True):
    """The present balance of an item and lot at a place, of what is free or of what is reserved there.

    Its row is the lock of the card; on hand is what lies free and what lies reserved, so no more can be reserved.
    """

    __tablename__ = "card"
    __table_args__ = (CheckConstraint("on_hand >= 0", name="card_on_hand_not_negative"),)

    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), primary_key=True))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    lot: str = Field(sa_column=Column(Text, primary_key=True))
    on_hand: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    last_occurred_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class CardDayRow(SQLModel, table=True):
    """One local day of a card: with it a balance of any moment needs only that day's movements."""

    __tablename__ = "card_day"
    __table_args__ = (
        CheckConstraint("lowest >= 0", name="card_day_never_negative"),
        CheckConstraint("lowest <= opening AND lowest <= opening + incoming - outgoing", name="card_day_lowest"),
        CheckConstraint("incoming >= 0 AND outgoing >= 0", name="card_day_sums_not_negative"),
        CheckConstraint(f"opening + incoming <= {CARD_MAX}", name="card_day_countable"),
    )

    place: str = Field(primary_key=True)
    item: str = Field(primary_key=True)
    lot: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    opening: int = Field(sa_column=Column(BigInteger, nullable=False))
    incoming: int = Field(sa_column=Column(BigInteger, nullable=False))
    outgoing: int = Field(sa_column=Column(BigInteger, nullable=False))
    lowest: int = Field(sa_column=Column(BigInteger, nullable=False))


class DocumentSeriesRow(SQLModel, table=True):
    """The last number given in an office, month and kind; raised in the transaction of the document, so no gaps."""

    __tablename__ = "document_series"
    __table_args__ = (CheckConstraint("last > 0", name="document_series_last_positive"),)

    office: str = Field(primary_key=True)
    month: date = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    last: int = Field(sa_column=Column(BigInteger, nullable=False))


VISIBLE = (
    "EXISTS (SELECT 1 FROM unnest(CAST(:regions AS text[])) r WHERE p.region = r OR starts_with(p.region, r || '.'))"
)
"""The condition that a place `p` lies in one of the caller's `:regions`."""


class Posted(msgspec.Struct, frozen=True):
    """A draft that stands in the journal now."""

    draft: Draft
    lines: tuple[Line, ...]
    number: str
    recorded_at: datetime
    entered: Entered

    @property
    def moment(self) -> Moment:
        """Give its place on the timeline."""
        return Moment(self.draft.occurred_at, self.recorded_at, self.draft.id)

    @property
    def taken_up(self) -> Iterator[tuple[Moment, Line]]:
        """Give the lines with which later counts take it up.

        They stand at the count's own moment, so that a card is still the sum of lines.
        """
        for change in self.entered.changes:
            if count := change.taken_up_by:
                for line in difference_lines(change.key, -change.quantity):
                    yield count, line


# An expiry that was not known is learned; one that is known stays.
WRITE_LOTS = text(
    "INSERT INTO lot (item, lot, expires_on) SELECT item, lot, max(expires_on) FROM unnest(CAST(:items AS text[]),"
    " CAST(:lots AS text[]), CAST(:expires AS date[])) AS l(item, lot, expires_on) GROUP BY item, lot ORDER BY 1, 2"
    " ON CONFLICT (item, lot) DO UPDATE SET expires_on = excluded.expires_on"
    " WHERE lot.expires_on IS NULL AND excluded.expires_on IS NOT NULL"
)
FIND_LOTS = text(
    "SELECT item, lot, expires_on FROM lot WHERE expires_on IS NOT NULL AND (item, lot) IN"
    " (SELECT * FROM unnest(CAST(:items AS text[]), CAST(:lots AS text[])))"
)


COUNTED_IN = text("SELECT place, item, lot FROM count_line WHERE posting_id = :count ORDER BY place, item, lot")


async def counted_in(session: AsyncSession, count_id: UUID) -> tuple[CardKey, ...]:
    """Name the cards that a count was taken of."""
    return tuple(CardKey(*row) for row in await session.execute(COUNTED_IN, {"count": count_id}))


async def expiries(session: AsyncSession, lots: Collection[LotKey]) -> dict[LotKey, date]:
    """Give the expiry of each of these lots of which it is known."""
    values = {"items": [item for item, _ in lots], "lots": [lot for _, lot in lots]}
    return {(row.item, row.lot): row.expires_on for row in await session.execute(FIND_LOTS, values)}


async def remember_lots(session: AsyncSession, lots: Sequence[tuple[LotKey, date | None]]) -> None:
    """Keep lots that were received, with their expiry where it was not known before."""
    await session.execute(
        WRITE_LOTS,
        {
            "items": [item for (item, _), _ in lots],
            "lots": [lot for (_, lot), _ in lots],
            "expires": [expires_on for _, expires_on in lots],
        },
    )


def columns(keys: Collection[CardKey]) -> dict[str, list[object]]:
    """Give keys of cards as the arrays that a statement takes."""
    return {
        "places": [key.place for key in keys],
        "items": [key.item for key in keys],
        "lots": [key.lot for key in keys],
    }
