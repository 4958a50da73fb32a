"""What the ledger stores: postings and their lines for ever, and for each card its balance by day.

The journal (posting, posting_line) is append-only, which triggers of the database enforce. Cards and their days
are sums of it, kept in the same transaction; their checks are the last guard of "never negative".
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
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

from services.aid_distribution.ledger.account import Card, CardKey, Cards, Day, Entry, Moment
from services.aid_distribution.ledger.domain import CARD_MAX, NO_LOT, QUANTITY_MAX, SERIES, VIRTUAL, Draft, Kind, Line
from shared.clock import wib_day, wib_midnight

ONE_DAY = timedelta(days=1)
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


# New cards first, in one order for all, then the locks in the same order: nobody waits in a circle.
OPEN_CARDS = text(
    "INSERT INTO card (place, item, lot) SELECT DISTINCT * FROM"
    " unnest(CAST(:places AS text[]), CAST(:items AS text[]), CAST(:lots AS text[])) AS k(place, item, lot)"
    " ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING"
)
LOCK_CARDS = text(
    "SELECT c.place, c.item, c.lot, c.last_occurred_at, l.expires_on"
    " FROM card c LEFT JOIN lot l ON l.item = c.item AND l.lot = c.lot"
    " WHERE (c.place, c.item) IN (SELECT * FROM unnest(CAST(:places AS text[]), CAST(:items AS text[])))"
    " ORDER BY c.place, c.item, c.lot FOR UPDATE OF c"
)
# From the last day on or before the one that is touched: its closing is the balance to begin with.
LOAD_DAYS = text(
    """
    SELECT d.* FROM unnest(CAST(:places AS text[]), CAST(:items AS text[]), CAST(:lots AS text[]),
                           CAST(:days AS date[])) AS k(place, item, lot, day)
    JOIN card_day d ON (d.place, d.item, d.lot) = (k.place, k.item, k.lot) AND d.day >= coalesce(
        (SELECT max(b.day) FROM card_day b WHERE (b.place, b.item, b.lot) = (k.place, k.item, k.lot)
         AND b.day <= k.day), k.day)
    ORDER BY d.place, d.item, d.lot, d.day
    """
)
LOAD_ENTRIES = text(
    """
    SELECT k.place, k.item, k.lot, m.occurred_at, m.recorded_at, m.posting_id, sum(m.change)::bigint AS change
    FROM unnest(CAST(:places AS text[]), CAST(:items AS text[]), CAST(:lots AS text[]),
                CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[])) AS k(place, item, lot, starts, ends)
    JOIN LATERAL (
        SELECT occurred_at, recorded_at, posting_id, quantity AS change FROM posting_line
        WHERE to_place = k.place AND item = k.item AND lot = k.lot AND occurred_at >= starts AND occurred_at < ends
        UNION ALL
        SELECT occurred_at, recorded_at, posting_id, -quantity FROM posting_line
        WHERE from_place = k.place AND item = k.item AND lot = k.lot AND occurred_at >= starts AND occurred_at < ends
    ) m ON true
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
    """
)
RAISE_SERIES = text(
    "INSERT INTO document_series AS s (office, month, kind, last) SELECT * FROM unnest(CAST(:offices AS text[]),"
    " CAST(:months AS date[]), CAST(:kinds AS text[]), CAST(:counts AS bigint[])) AS n(office, month, kind, last)"
    " ORDER BY 1, 2, 3 ON CONFLICT (office, month, kind) DO UPDATE SET last = s.last + excluded.last"
    " RETURNING office, month, kind, last"
)
WRITE_POSTINGS = text(
    "INSERT INTO posting (id, number, kind, region, occurred_at, recorded_at, actor, document, reason, reverses)"
    " SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:numbers AS text[]), CAST(:kinds AS text[]),"
    " CAST(:regions AS text[]), CAST(:occurred AS timestamptz[]), CAST(:recorded AS timestamptz[]),"
    " CAST(:actors AS text[]), CAST(:documents AS text[]), CAST(:reasons AS text[]), CAST(:reverses AS uuid[]))"
)
WRITE_LINES = text(
    "INSERT INTO posting_line (posting_id, line_no, item, lot, quantity, from_place, to_place, occurred_at,"
    " recorded_at) SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:numbers AS integer[]), CAST(:items AS text[]),"
    " CAST(:lots AS text[]), CAST(:quantities AS bigint[]), CAST(:froms AS text[]), CAST(:tos AS text[]),"
    " CAST(:occurred AS timestamptz[]), CAST(:recorded AS timestamptz[]))"
)
WRITE_DAYS = text(
    "INSERT INTO card_day (place, item, lot, day, opening, incoming, outgoing, lowest) SELECT * FROM"
    " unnest(CAST(:places AS text[]), CAST(:items AS text[]), CAST(:lots AS text[]), CAST(:days AS date[]),"
    " CAST(:openings AS bigint[]), CAST(:incoming AS bigint[]), CAST(:outgoing AS bigint[]),"
    " CAST(:lowest AS bigint[])) ON CONFLICT (place, item, lot, day) DO UPDATE SET opening = excluded.opening,"
    " incoming = excluded.incoming, outgoing = excluded.outgoing, lowest = excluded.lowest"
)
WRITE_CARDS = text(
    "UPDATE card SET on_hand = n.on_hand, last_occurred_at = n.last_occurred_at FROM unnest("
    "CAST(:places AS text[]), CAST(:items AS text[]), CAST(:lots AS text[]), CAST(:on_hand AS bigint[]),"
    " CAST(:last AS timestamptz[])) AS n(place, item, lot, on_hand, last_occurred_at)"
    " WHERE (card.place, card.item, card.lot) = (n.place, n.item, n.lot)"
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


async def lock_cards(session: AsyncSession, drafts: Sequence[Draft]) -> Cards:
    """Lock every card that these drafts may touch, and load as much of each as deciding needs.

    Shape: cards of a place and item with all their lots, since a line may leave the choice of the lot to us
    """
    incoming = [
        CardKey(line.to_place, line.item, line.lot or NO_LOT)
        for draft in drafts
        for line in draft.lines
        if line.to_place not in VIRTUAL
    ]
    if incoming:
        await session.execute(OPEN_CARDS, _columns(incoming))
    shelves = sorted({(place, item) for draft in drafts for place, item, _ in draft.touches})
    rows = await session.execute(LOCK_CARDS, {"places": [s[0] for s in shelves], "items": [s[1] for s in shelves]})
    cards = Cards(
        Card(CardKey(row.place, row.item, row.lot), last_occurred_at=row.last_occurred_at, expires_on=row.expires_on)
        for row in rows
    )
    await _load_days(session, cards, drafts)
    return cards


async def _load_days(session: AsyncSession, cards: Cards, drafts: Sequence[Draft]) -> None:
    first = _first_moments(cards, drafts)
    rows = await session.execute(LOAD_DAYS, _columns(first) | {"days": [wib_day(at) for at in first.values()]})
    for row in rows:
        closing = row.opening + row.incoming - row.outgoing
        day = Day(row.day, row.opening, row.incoming, row.outgoing, row.lowest, closing)
        cards[CardKey(row.place, row.item, row.lot)].days.append(day)
    windows = [window for draft in drafts for window in _windows(cards, draft)]
    if windows:
        await _load_entries(session, cards, windows)


def _first_moments(cards: Cards, drafts: Sequence[Draft]) -> dict[CardKey, datetime]:
    earliest: dict[tuple[str, str], datetime] = {}
    for draft in drafts:
        for place, item, _ in draft.touches:
            shelf = (place, item)
            earliest[shelf] = min(draft.occurred_at, earliest.get(shelf, draft.occurred_at))
    return {key: earliest[key.place, key.item] for key in cards}


@dataclass(frozen=True, slots=True)
class _Window:
    """A stretch of one card's day whose movements are needed one by one."""

    key: CardKey
    day: date
    starts: datetime


def _windows(cards: Cards, draft: Draft) -> list[_Window]:
    """Name the movements needed because a draft is not the last thing on its cards.

    What leaves needs only what follows it; what comes in may raise the lowest balance of its day, which
    then has to be found anew from the day's beginning.
    """
    day = wib_day(draft.occurred_at)
    return [
        _Window(card.key, day, wib_midnight(day) if comes_in else draft.occurred_at)
        for place, item, comes_in in draft.touches
        for card in cards.shelf(place, item)
        if card.last_occurred_at is not None and draft.occurred_at <= card.last_occurred_at
    ]


async def _load_entries(session: AsyncSession, cards: Cards, windows: Sequence[_Window]) -> None:
    starts: dict[tuple[CardKey, date], datetime] = {}
    for window in windows:
        known = starts.get((window.key, window.day), window.starts)
        starts[window.key, window.day] = min(known, window.starts)
    keys = [key for key, _ in starts]
    ends = [wib_midnight(day + ONE_DAY) for _, day in starts]
    rows = await session.execute(LOAD_ENTRIES, _columns(keys) | {"starts": list(starts.values()), "ends": ends})
    for row in rows:
        key = CardKey(row.place, row.item, row.lot)
        day = next(day for day in cards[key].days if day.day == wib_day(row.occurred_at))
        day.entries.append(Entry(Moment(row.occurred_at, row.recorded_at, row.posting_id), row.change))
    for (key, wanted), start in starts.items():
        for day in cards[key].days:
            if day.day == wanted:
                day.earlier_closing = day.closing - sum(entry.change for entry in day.entries)
                if start == wib_midnight(wanted):
                    day.earlier_lowest = day.opening


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
    await session.execute(
        WRITE_POSTINGS,
        {
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
        },
    )
    lines = [(one, number, line) for one in posted for number, line in enumerate(one.lines, 1)]
    await session.execute(
        WRITE_LINES,
        {
            "ids": [one.draft.id for one, _, _ in lines],
            "numbers": [number for _, number, _ in lines],
            "items": [line.item for _, _, line in lines],
            "lots": [line.lot or NO_LOT for _, _, line in lines],
            "quantities": [line.quantity for _, _, line in lines],
            "froms": [line.from_place for _, _, line in lines],
            "tos": [line.to_place for _, _, line in lines],
            "occurred": [one.draft.occurred_at for one, _, _ in lines],
            "recorded": [one.recorded_at for one, _, _ in lines],
        },
    )
    await _write_cards(session, [card for card in cards.values() if card.changed])


async def _write_cards(session: AsyncSession, cards: Collection[Card]) -> None:
    days = [(card.key, day) for card in cards for day in card.days if day.changed]
    await session.execute(
        WRITE_DAYS,
        _columns([key for key, _ in days])
        | {
            "days": [day.day for _, day in days],
            "openings": [day.opening for _, day in days],
            "incoming": [day.incoming for _, day in days],
            "outgoing": [day.outgoing for _, day in days],
            "lowest": [day.lowest for _, day in days],
        },
    )
    await session.execute(
        WRITE_CARDS,
        _columns([card.key for card in cards])
        | {"on_hand": [card.on_hand for card in cards], "last": [card.last_occurred_at for card in cards]},
    )


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


def _columns(keys: Collection[CardKey]) -> dict[str, list[object]]:
    return {
        "places": [key.place for key in keys],
        "items": [key.item for key in keys],
        "lots": [key.lot for key in keys],
    }
