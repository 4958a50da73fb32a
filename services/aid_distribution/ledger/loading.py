"""Reading cards for a decision: locked, and as much of their past as deciding exactly needs, however long that is.

A card's day holds its lowest balance. So of the day that a posting falls into only the movements after it are read,
and those before it are asked for one figure at the most.
"""

from bisect import insort
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Any, NamedTuple

from sqlalchemy import Result, text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.ledger.account import Card, CardKey, Cards, Day, Entry, Moment
from services.aid_distribution.ledger.domain import Draft, is_reserved
from services.aid_distribution.ledger.store import columns
from shared.clock import wib_day, wib_midnight

ONE_DAY = timedelta(days=1)

# New cards first, in one order for all, then the locks in the same order: nobody waits in a circle.
OPEN_CARDS = text(
    "INSERT INTO card (place, item, lot) SELECT DISTINCT * FROM"
    " unnest(CAST(:places AS text[]), CAST(:items AS text[]), CAST(:lots AS text[])) AS k(place, item, lot)"
    " ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING"
)
# Those of reserved places last, wherever they are called: see `lock_cards`.
LOCK_CARDS = text(
    "SELECT c.place, c.item, c.lot, c.last_occurred_at, l.expires_on, coalesce(l.held, false)"
    " FROM card c LEFT JOIN lot l ON l.item = c.item AND l.lot = c.lot"
    " WHERE (c.place, c.item) IN (SELECT * FROM unnest(CAST(:places AS text[]), CAST(:items AS text[])))"
    " ORDER BY right(c.place, 1) = '~', c.place, c.item, c.lot FOR UPDATE OF c"
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

# The first count after each of these moments; one that was reversed, or is being reversed, stands no more.
FIND_COUNTS = text(
    """
    SELECT k.place, k.item, k.lot, c.occurred_at, c.recorded_at, c.posting_id
    FROM unnest(CAST(:places AS text[]), CAST(:items AS text[]), CAST(:lots AS text[]),
                CAST(:occurred AS timestamptz[]), CAST(:recorded AS timestamptz[]), CAST(:ids AS uuid[]),
                CAST(:reverses AS uuid[]))
         AS k(place, item, lot, occurred_at, recorded_at, id, reverses)
    JOIN LATERAL (
        SELECT occurred_at, recorded_at, posting_id FROM count_line
        WHERE (place, item, lot) = (k.place, k.item, k.lot)
          AND (occurred_at, recorded_at, posting_id) > (k.occurred_at, k.recorded_at, k.id)
          AND posting_id IS DISTINCT FROM k.reverses
          AND NOT EXISTS (SELECT FROM posting WHERE posting.reverses = count_line.posting_id)
        ORDER BY occurred_at, recorded_at, posting_id LIMIT 1
    ) c ON true
    """
)

# What each posting did to each of these cards in its stretch of time.
MOVEMENTS = """
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
    GROUP BY 1, 2, 3, 4, 5, 6
"""
LOAD_ENTRIES = text(f"{MOVEMENTS} ORDER BY 1, 2, 3, 4, 5, 6")
# How far below its beginning each stretch went.
LOAD_DEPTHS = text(
    f"""
    SELECT place, item, lot, day, min(balance)::bigint AS depth FROM (
        SELECT place, item, lot, (occurred_at AT TIME ZONE INTERVAL '7 hours')::date AS day,
               sum(change) OVER (PARTITION BY place, item, lot, (occurred_at AT TIME ZONE INTERVAL '7 hours')::date
                                 ORDER BY occurred_at, recorded_at, posting_id) AS balance
        FROM ({MOVEMENTS}) movement
    ) running GROUP BY place, item, lot, day
    """  # noqa: S608 - put together from our own text
)


def recorded_at(draft: Draft, now: datetime) -> datetime:
    """Give the moment of recording; what is undone may bear a moment of another machine's clock, a little ahead."""
    return max(now, draft.occurred_at)


async def lock_cards(session: AsyncSession, drafts: Sequence[Draft], now: datetime) -> Cards:
    """Lock every card that these drafts may touch, and load as much of each as deciding needs.

    Shape: cards of a place and item with all their lots, since a line may leave the choice of the lot to us
    """
    if incoming := {key for draft in drafts for key in draft.opens}:
        await session.execute(OPEN_CARDS, columns(incoming))
    shelves = {(place, item) for draft in drafts for place, item, _ in draft.touches}
    if any(is_reserved(place) for place, _ in shelves):
        # A reserved card may have come into being while we waited for the free one: it is looked for only then.
        await lock_shelves(session, [shelf for shelf in shelves if not is_reserved(shelf[0])])
    rows = await lock_shelves(session, shelves)
    cards = Cards(
        Card(CardKey(place, item, lot), last_occurred_at=last_occurred_at, expires_on=expires_on, held=held)
        for place, item, lot, last_occurred_at, expires_on, held in rows
    )
    await load_days(session, cards, drafts, now)
    return cards


async def lock_shelves(session: AsyncSession, shelves: Collection[tuple[str, str]]) -> Result[*tuple[Any, ...]]:
    """Lock the cards of shelves; gives them with what is known of their lots."""
    ordered = sorted(shelves)
    return await session.execute(
        LOCK_CARDS, {"places": [place for place, _ in ordered], "items": [item for _, item in ordered]}
    )


async def load_days(session: AsyncSession, cards: Cards, drafts: Sequence[Draft], now: datetime) -> None:
    """Load the days of cards from the first one on that these drafts touch."""
    first = _first_moments(cards, drafts)
    rows = await session.execute(LOAD_DAYS, columns(first) | {"days": [wib_day(at) for at in first.values()]})
    for place, item, lot, day, opening, incoming, outgoing, lowest in rows:
        loaded = Day(day, opening, incoming, outgoing, lowest, opening + incoming - outgoing)
        cards[CardKey(place, item, lot)].days.append(loaded)
    if late := _late(cards, drafts):
        await _load_counts(session, late, now)
        if stretches := _stretches(late):
            await _load_entries(session, stretches)


def _first_moments(cards: Cards, drafts: Sequence[Draft]) -> dict[CardKey, datetime]:
    earliest: dict[tuple[str, str], datetime] = {}
    for draft in drafts:
        for place, item, _ in draft.touches:
            shelf = (place, item)
            earliest[shelf] = min(draft.occurred_at, earliest.get(shelf, draft.occurred_at))
    return {key: earliest[key.place, key.item] for key in cards}


@dataclass(slots=True)
class _Stretch:
    """The rest of one card's day, from the first posting that is not the last thing on it.

    Shape: `comes_in` tells that the lowest balance of the day may rise, so that it must be known exactly before that
    """

    key: CardKey
    day: Day
    starts: datetime
    comes_in: bool


class _Late(NamedTuple):
    """A draft that is not the last thing on a card that it touches."""

    card: Card
    draft: Draft
    comes_in: bool


def _late(cards: Cards, drafts: Sequence[Draft]) -> list[_Late]:
    return [
        _Late(card, draft, comes_in)
        for draft in drafts
        for place, item, comes_in in draft.touches
        for card in cards.shelf(place, item)
        if card.last_occurred_at is not None and draft.occurred_at <= card.last_occurred_at
    ]


async def _load_counts(session: AsyncSession, late: Sequence[_Late], now: datetime) -> None:
    drafts = [one.draft for one in late]
    moments = {
        "occurred": [draft.occurred_at for draft in drafts],
        "recorded": [recorded_at(draft, now) for draft in drafts],
        "ids": [draft.id for draft in drafts],
        "reverses": [draft.reverses for draft in drafts],
    }
    cards = {one.card.key: one.card for one in late}
    for place, item, lot, *moment in await session.execute(
        FIND_COUNTS, columns([one.card.key for one in late]) | moments
    ):
        counts = cards[CardKey(place, item, lot)].counts
        if (found := Moment(*moment)) not in counts:
            insort(counts, found)


def _stretches(late: Sequence[_Late]) -> list[_Stretch]:
    """Give the days that must be known movement by movement: those of the drafts, and of the counts after them."""
    found: dict[tuple[CardKey, date], _Stretch] = {}
    for card, draft, comes_in in late:
        _stretch(found, card, draft.occurred_at, comes_in=comes_in)
        for count in card.counts:
            _stretch(found, card, count.occurred_at, comes_in=True)
    return list(found.values())


def _stretch(found: dict[tuple[CardKey, date], _Stretch], card: Card, starts: datetime, *, comes_in: bool) -> None:
    if day := next((day for day in card.days if day.day == wib_day(starts)), None):
        known = found.setdefault((card.key, day.day), _Stretch(card.key, day, starts, comes_in))
        known.starts = min(known.starts, starts)
        known.comes_in |= comes_in


async def _load_entries(session: AsyncSession, stretches: Sequence[_Stretch]) -> None:
    days = {(stretch.key, stretch.day.day): stretch.day for stretch in stretches}
    ends = [wib_midnight(stretch.day.day + ONE_DAY) for stretch in stretches]
    for place, item, lot, *moment, change in await session.execute(
        LOAD_ENTRIES, _between(stretches, [stretch.starts for stretch in stretches], ends)
    ):
        days[CardKey(place, item, lot), wib_day(moment[0])].entries.append(Entry(Moment(*moment), change))
    for stretch in stretches:
        stretch.day.earlier_closing = stretch.day.closing - sum(entry.change for entry in stretch.day.entries)
    if unknown := [stretch for stretch in stretches if stretch.comes_in and _lowest_is_later(stretch.day)]:
        await _load_depths(session, unknown)


def _lowest_is_later(day: Day) -> bool:
    """Tell whether the lowest balance lies among the loaded entries, so that the lowest before them is unknown."""
    balances = accumulate((entry.change for entry in day.entries), initial=day.earlier_closing)
    return day.earlier_closing > day.earlier_lowest and min(balances) <= day.earlier_lowest


async def _load_depths(session: AsyncSession, stretches: Sequence[_Stretch]) -> None:
    """Find the lowest balance of each day before its stretch begins."""
    begins = [wib_midnight(stretch.day.day) for stretch in stretches]
    rows = await session.execute(LOAD_DEPTHS, _between(stretches, begins, [stretch.starts for stretch in stretches]))
    depths = {(CardKey(place, item, lot), day): depth for place, item, lot, day, depth in rows}
    for stretch in stretches:
        stretch.day.earlier_lowest = stretch.day.opening + min(0, depths.get((stretch.key, stretch.day.day), 0))


def _between(
    stretches: Iterable[_Stretch], starts: Sequence[datetime], ends: Sequence[datetime]
) -> dict[str, list[object]]:
    return columns([stretch.key for stretch in stretches]) | {"starts": list(starts), "ends": list(ends)}
