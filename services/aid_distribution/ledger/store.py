"""What the ledger stores: postings and their lines for ever, and for each card its balance by day.

The journal (posting, posting_line) is append-only, which triggers of the database enforce. Cards and their days
are sums of it, kept in the same transaction; their checks are the last guard of "never negative".
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Text,
    Uuid,
    text,
)
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.ledger.account import Card, CardKey, Cards
from services.aid_distribution.ledger.domain import CARD_MAX, NO_LOT, QUANTITY_MAX, SERIES, Draft, Kind, Line

LotKey = tuple[str, str]
"""An item and the code of a lot of it."""

KINDS_SQL = ", ".join(f"'{kind}'" for kind in Kind)


class PostingRow(SQLModel, table=True):
    """One fact of the journal."""

    __tablename__ = "posting"
    __table_args__ = (
        CheckConstraint(f"kind IN ({KINDS_SQL})", name="posting_kind_known"),
        CheckConstraint("(kind = 'reversal') = (reverses IS NOT NULL)", name="posting_reversal_names_what"),
        CheckConstraint("reverses IS NULL OR reason IS NOT NULL", name="posting_reversal_has_reason"),
        CheckConstraint("occurred_at <= recorded_at", name="posting_not_in_the_future"),
        Index("posting_by_region", "region", "occurred_at", "id"),
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


class PostingLineRow(SQLModel, table=True):
    """A positive quantity moved from one place to another; the moment is repeated here so that a card is one scan."""

    __tablename__ = "posting_line"
    __table_args__ = (
        CheckConstraint(f"quantity BETWEEN 1 AND {QUANTITY_MAX}", name="posting_line_quantity"),
        CheckConstraint("from_place <> to_place", name="posting_line_moves"),
        Index("posting_line_out", "from_place", "item", "occurred_at", "recorded_at", "posting_id", "line_no"),
        Index("posting_line_in", "to_place", "item", "occurred_at", "recorded_at", "posting_id", "line_no"),
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


class LotRow(SQLModel, table=True):
    """A lot of an item, with the last day on which it may be used."""

    __tablename__ = "lot"

    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    lot: str = Field(primary_key=True)
    expires_on: date | None = None


class CardRow(SQLModel, table=True):
    """The present balance of an item and lot at a place; its row is the lock of the card."""

    __tablename__ = "card"
    __table_args__ = (
        CheckConstraint("on_hand >= 0", name="card_on_hand_not_negative"),
        CheckConstraint("reserved BETWEEN 0 AND on_hand", name="card_reserved_within_on_hand"),
    )

    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), primary_key=True))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    lot: str = Field(sa_column=Column(Text, primary_key=True))
    on_hand: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    reserved: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
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


@dataclass(frozen=True, slots=True)
class Posted:
    """A draft that stands in the journal now."""

    draft: Draft
    lines: tuple[Line, ...]
    number: str
    recorded_at: datetime


RAISE_SERIES = text(
    "INSERT INTO document_series AS s (office, month, kind, last) SELECT * FROM unnest(CAST(:offices AS text[]),"
    " CAST(:months AS date[]), CAST(:kinds AS text[]), CAST(:counts AS bigint[])) AS n(office, month, kind, last)"
    " ORDER BY 1, 2, 3 ON CONFLICT (office, month, kind) DO UPDATE SET last = s.last + excluded.last"
    " RETURNING office, month, kind, last"
)
# One statement for all that postings leave behind: four would cost three more round trips while the cards are locked.
WRITE = text(
    """
    WITH posted AS (
        INSERT INTO posting (id, number, kind, region, occurred_at, recorded_at, actor, document, reason, reverses)
        SELECT * FROM unnest(
            CAST(:ids AS uuid[]), CAST(:numbers AS text[]), CAST(:kinds AS text[]), CAST(:regions AS text[]),
            CAST(:occurred AS timestamptz[]), CAST(:recorded AS timestamptz[]), CAST(:actors AS text[]),
            CAST(:documents AS text[]), CAST(:reasons AS text[]), CAST(:reverses AS uuid[]))
    ), moved AS (
        INSERT INTO posting_line (posting_id, line_no, item, lot, quantity, from_place, to_place, occurred_at,
                                  recorded_at)
        SELECT * FROM unnest(
            CAST(:line_ids AS uuid[]), CAST(:line_nos AS integer[]), CAST(:line_items AS text[]),
            CAST(:line_lots AS text[]), CAST(:quantities AS bigint[]), CAST(:froms AS text[]), CAST(:tos AS text[]),
            CAST(:line_occurred AS timestamptz[]), CAST(:line_recorded AS timestamptz[]))
    ), counted AS (
        INSERT INTO card_day (place, item, lot, day, opening, incoming, outgoing, lowest)
        SELECT * FROM unnest(
            CAST(:day_places AS text[]), CAST(:day_items AS text[]), CAST(:day_lots AS text[]), CAST(:days AS date[]),
            CAST(:openings AS bigint[]), CAST(:incoming AS bigint[]), CAST(:outgoing AS bigint[]),
            CAST(:lowest AS bigint[]))
        ON CONFLICT (place, item, lot, day) DO UPDATE SET opening = excluded.opening, incoming = excluded.incoming,
            outgoing = excluded.outgoing, lowest = excluded.lowest
    )
    UPDATE card SET on_hand = n.on_hand, last_occurred_at = n.last_occurred_at
    FROM unnest(CAST(:places AS text[]), CAST(:items AS text[]), CAST(:lots AS text[]), CAST(:on_hand AS bigint[]),
                CAST(:last AS timestamptz[])) AS n(place, item, lot, on_hand, last_occurred_at)
    WHERE (card.place, card.item, card.lot) = (n.place, n.item, n.lot)
    """
)
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


async def take_numbers(
    session: AsyncSession, series: Mapping[tuple[str, date, Kind], int]
) -> dict[tuple[str, date, Kind], int]:
    """Take so many numbers of each series; gives the last one taken. The series stays locked until the commit."""
    ordered = sorted(series)
    rows = await session.execute(
        RAISE_SERIES,
        {
            "offices": [office for office, _, _ in ordered],
            "months": [month for _, month, _ in ordered],
            "kinds": [SERIES[kind] for _, _, kind in ordered],
            "counts": [series[key] for key in ordered],
        },
    )
    last = {(row.office, row.month, row.kind): row.last for row in rows}
    return {key: last[key[0], key[1], SERIES[key[2]]] for key in ordered}


async def write(session: AsyncSession, posted: Sequence[Posted], cards: Cards) -> None:
    """Write postings with their lines, and what they changed on their cards."""
    changed = [card for card in cards.values() if card.changed]
    await session.execute(WRITE, _journal(posted) | _lines(posted) | _days(changed) | _balances(changed))


def _journal(posted: Sequence[Posted]) -> dict[str, list[object]]:
    return {
        "ids": [one.draft.id for one in posted],
        "numbers": [one.number for one in posted],
        "kinds": [one.draft.kind.value for one in posted],
        "regions": [one.draft.region for one in posted],
        "occurred": [one.draft.occurred_at for one in posted],
        "recorded": [one.recorded_at for one in posted],
        "actors": [one.draft.actor for one in posted],
        "documents": [one.draft.document for one in posted],
        "reasons": [one.draft.reason for one in posted],
        "reverses": [one.draft.reverses for one in posted],
    }


def _lines(posted: Sequence[Posted]) -> dict[str, list[object]]:
    lines = [(one, number, line) for one in posted for number, line in enumerate(one.lines, 1)]
    return {
        "line_ids": [one.draft.id for one, _, _ in lines],
        "line_nos": [number for _, number, _ in lines],
        "line_items": [line.item for _, _, line in lines],
        "line_lots": [line.lot or NO_LOT for _, _, line in lines],
        "quantities": [line.quantity for _, _, line in lines],
        "froms": [line.from_place for _, _, line in lines],
        "tos": [line.to_place for _, _, line in lines],
        "line_occurred": [one.draft.occurred_at for one, _, _ in lines],
        "line_recorded": [one.recorded_at for one, _, _ in lines],
    }


def _days(cards: Collection[Card]) -> dict[str, list[object]]:
    days = [(card.key, day) for card in cards for day in card.days if day.changed]
    return {
        "day_places": [key.place for key, _ in days],
        "day_items": [key.item for key, _ in days],
        "day_lots": [key.lot for key, _ in days],
        "days": [day.day for _, day in days],
        "openings": [day.opening for _, day in days],
        "incoming": [day.incoming for _, day in days],
        "outgoing": [day.outgoing for _, day in days],
        "lowest": [day.lowest for _, day in days],
    }


def _balances(cards: Collection[Card]) -> dict[str, list[object]]:
    return columns([card.key for card in cards]) | {
        "on_hand": [card.on_hand for card in cards],
        "last": [card.last_occurred_at for card in cards],
    }


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
