"""The rules of the stock ledger: double entry, append-only, never negative over the whole timeline.

A card is the account of one item (and lot) at one place. What is known of it is held by day, so that a posting
dated in the past is checked exactly without replaying all that came after: within its day movement by movement,
and for each later day against the lowest balance of that day.

Units:  quantities in the item's base unit, whole and positive in a line, signed as a change of a card
Source: DOMAIN section 1; the semantics that OpenLMIS, open-mSupply and ERPNext test for
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from shared.caller import Role
from shared.clock import wib_day
from shared.problems import FieldError, Refusal

QUANTITY_MAX = 1_000_000_000_000
"""Far beyond any warehouse, and small enough that sums of any length stay inside 64 bits."""

NO_LOT = ""
DATING_BACK_DAYS: Mapping[Role, int] = {Role.REGENCY_OFFICER: 30, Role.PROVINCE_STAFF: 366}
"""How far back a role may date a posting; who is not named here has no limit (DESIGN section 5)."""


class Kind(StrEnum):
    """What kind of fact a posting is."""

    RECEIPT = "receipt"
    ISSUE = "issue"
    DISTRIBUTION = "distribution"
    DISPATCH = "transfer_dispatch"
    ARRIVAL = "transfer_receipt"
    REVERSAL = "reversal"


SERIES = {
    Kind.RECEIPT: "GR",
    Kind.ISSUE: "GI",
    Kind.DISTRIBUTION: "DO",
    Kind.DISPATCH: "TO",
    Kind.ARRIVAL: "TI",
    Kind.REVERSAL: "RV",
}
"""The letters that a document number carries for its kind."""


class Virtual(StrEnum):
    """Where goods come from and go to outside all warehouses; these have no card and no limit."""

    SUPPLIER = "SUPPLIER"
    DONOR = "DONOR"
    PRODUCTION = "PRODUCTION"
    PUBLIC = "PUBLIC"
    LOSS = "LOSS"
    ADJUSTMENT = "ADJUSTMENT"
    IN_TRANSIT = "IN-TRANSIT"


VIRTUAL = frozenset(Virtual)


class Source(StrEnum):
    """Where received goods come from."""

    SUPPLIER = "supplier"
    PRODUCTION = "production"
    DONATION = "donation"


class Reason(StrEnum):
    """Why stock leaves or differs, other than by being handed out."""

    DAMAGED = "damaged"
    LOST = "lost"
    EXPIRED = "expired"
    FOUND = "found"
    RECOUNT = "recount"
    OTHER = "other"


SOURCE_PLACES = {
    Source.SUPPLIER: Virtual.SUPPLIER,
    Source.PRODUCTION: Virtual.PRODUCTION,
    Source.DONATION: Virtual.DONOR,
}
ISSUE_PLACES = {
    Reason.DAMAGED: Virtual.LOSS,
    Reason.LOST: Virtual.LOSS,
    Reason.EXPIRED: Virtual.LOSS,
    Reason.RECOUNT: Virtual.ADJUSTMENT,
    Reason.OTHER: Virtual.ADJUSTMENT,
}
"""Where an issue goes by its reason; stock that was found comes in, so `found` is no reason to issue."""


class ShortOfStock(Refusal):
    """A card would be negative at this moment or at a later one."""

    code = "short_of_stock"
    title = "Not enough stock"


class CardKey(NamedTuple):
    """What a card is the account of."""

    place: str
    item: str
    lot: str


@dataclass(frozen=True, slots=True)
class Line:
    """A positive quantity of one item on its way from one place to another."""

    item: str
    quantity: int
    from_place: str
    to_place: str
    lot: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A posting that is asked for.

    Shape:  `lot` of a line may be None: what leaves is then taken by expiry, what comes in has no lot
            `usable_only` skips expired lots when choosing
    """

    id: UUID
    kind: Kind
    region: str
    occurred_at: datetime
    actor: str
    lines: tuple[Line, ...]
    document: str | None = None
    reason: str | None = None
    reverses: UUID | None = None
    usable_only: bool = False

    @property
    def touches(self) -> Iterator[tuple[str, str, bool]]:
        """Name each shelf (place and item) that has a card, and whether goods come in there."""
        for line in self.lines:
            if line.from_place not in VIRTUAL:
                yield line.from_place, line.item, False
            if line.to_place not in VIRTUAL:
                yield line.to_place, line.item, True


class Moment(NamedTuple):
    """The place of a posting on the timeline; ties of time are settled by the next field."""

    occurred_at: datetime
    recorded_at: datetime
    posting_id: UUID


class Entry(NamedTuple):
    """One movement on a card."""

    moment: Moment
    change: int


@dataclass(slots=True)
class Day:
    """One local day of a card.

    Shape:  `entries` are the last movements of the day, in order; `earlier_lowest` is the lowest balance before
            them, and `earlier_closing` the balance at which they begin
    """

    day: date
    opening: int
    incoming: int
    outgoing: int
    earlier_lowest: int
    earlier_closing: int
    entries: list[Entry] = field(default_factory=list)
    changed: bool = False

    @property
    def closing(self) -> int:
        """Give the balance at the end of the day."""
        return self.opening + self.incoming - self.outgoing

    @property
    def lowest(self) -> int:
        """Give the lowest balance of the day."""
        lowest = balance = self.earlier_closing
        for entry in self.entries:
            balance += entry.change
            lowest = min(lowest, balance)
        return min(lowest, self.earlier_lowest)

    def lowest_from(self, moment: Moment) -> int:
        """Give the lowest balance from a moment to the end of the day, that moment's own balance included."""
        balance = self.earlier_closing
        lowest: int | None = None
        for entry in self.entries:
            if lowest is None and entry.moment > moment:
                lowest = balance
            balance += entry.change
            if lowest is not None:
                lowest = min(lowest, balance)
        return balance if lowest is None else lowest

    def add(self, moment: Moment, change: int) -> None:
        """Put a movement in its place."""
        insort(self.entries, Entry(moment, change))
        if change > 0:
            self.incoming += change
        else:
            self.outgoing -= change
        self.changed = True

    def shift(self, change: int) -> None:
        """Follow a movement of an earlier day."""
        self.opening += change
        self.earlier_closing += change
        self.earlier_lowest += change
        self.changed = True


@dataclass(slots=True)
class Card:
    """The account of one item and lot at one place, from the first day that a batch of postings touches.

    Shape: `days` ascend, without holes where nothing happened; `expires_on` is the lot's
    """

    key: CardKey
    days: list[Day] = field(default_factory=list)
    last_occurred_at: datetime | None = None
    expires_on: date | None = None
    changed: bool = False

    @property
    def on_hand(self) -> int:
        """Give the balance after everything."""
        return self.days[-1].closing if self.days else 0

    def free_from(self, moment: Moment) -> int:
        """Give how much may leave at a moment without any later balance becoming negative."""
        return min(lowest for _, lowest in self._lowest_by_day(moment))

    def short_on(self, moment: Moment, change: int) -> date | None:
        """Name the first day on which the balance would be negative after this change, if there is one."""
        return next((day for day, lowest in self._lowest_by_day(moment) if lowest + change < 0), None)

    def _lowest_by_day(self, moment: Moment) -> Iterator[tuple[date, int]]:
        today, before, begun = wib_day(moment.occurred_at), 0, False
        for day in self.days:
            if day.day < today:
                before = day.closing
            elif day.day == today:
                begun = True
                yield today, day.lowest_from(moment)
            else:
                if not begun:
                    begun = True
                    yield today, before
                yield day.day, day.lowest
        if not begun:
            yield today, before

    def add(self, moment: Moment, change: int) -> None:
        """Enter a movement; every later day follows."""
        self._day(wib_day(moment.occurred_at)).add(moment, change)
        for day in self.days:
            if day.day > wib_day(moment.occurred_at):
                day.shift(change)
        if self.last_occurred_at is None or moment.occurred_at > self.last_occurred_at:
            self.last_occurred_at = moment.occurred_at
        self.changed = True

    def _day(self, wanted: date) -> Day:
        before = 0
        for index, day in enumerate(self.days):
            if day.day == wanted:
                return day
            if day.day > wanted:
                self.days.insert(index, new := Day(wanted, before, 0, 0, before, before))
                return new
            before = day.closing
        self.days.append(new := Day(wanted, before, 0, 0, before, before))
        return new


Cards = dict[CardKey, Card]


def post(draft: Draft, cards: Cards, recorded_at: datetime) -> tuple[Line, ...] | ShortOfStock:
    """Enter a draft on the cards it touches, or say why not; a refused draft leaves every card as it was.

    Shape:  gives the lines with their lots chosen; a line that needs several lots becomes several
    """
    moment = Moment(draft.occurred_at, recorded_at, draft.id)
    lines = tuple(part for line in draft.lines for part in _with_lots(line, draft, cards, moment))
    changes = changes_of(lines)
    short = [(key, change, day) for key, change in changes.items() if (day := _short(cards, key, moment, change))]
    if short:
        return _refusal(short, cards, moment)
    for key, change in changes.items():
        cards.setdefault(key, Card(key)).add(moment, change)
    return lines


def changes_of(lines: Iterable[Line]) -> dict[CardKey, int]:
    """Sum up what lines do to each card; virtual places have none."""
    changes: dict[CardKey, int] = {}
    for line in lines:
        for place, change in ((line.from_place, -line.quantity), (line.to_place, line.quantity)):
            if place not in VIRTUAL:
                key = CardKey(place, line.item, line.lot or NO_LOT)
                changes[key] = changes.get(key, 0) + change
    return changes


def _short(cards: Cards, key: CardKey, moment: Moment, change: int) -> date | None:
    return cards.get(key, Card(key)).short_on(moment, change) if change < 0 else None


def _refusal(short: Sequence[tuple[CardKey, int, date]], cards: Cards, moment: Moment) -> ShortOfStock:
    cards_short = [
        {
            "place": key.place,
            "item": key.item,
            "lot": key.lot or None,
            "asked": -change,
            "available": max(cards[key].free_from(moment), 0) if key in cards else 0,
            "first_short_on": day.isoformat(),
        }
        for key, change, day in short
    ]
    first = cards_short[0]
    detail = f"{first['item']} at {first['place']}: asked {first['asked']}, available {first['available']}."
    return ShortOfStock(detail, cards=cards_short)


def _with_lots(line: Line, draft: Draft, cards: Cards, moment: Moment) -> list[Line]:
    """Choose the lots of a line that names none: earliest expiry first, no expiry last (FEFO)."""
    if line.lot is not None or line.from_place in VIRTUAL:
        return [_of_lot(line, line.lot or NO_LOT, line.quantity)]
    held = [card for key, card in cards.items() if (key.place, key.item) == (line.from_place, line.item)]
    if all(card.key.lot == NO_LOT for card in held):
        return [_of_lot(line, NO_LOT, line.quantity)]
    today = wib_day(draft.occurred_at)
    usable = [card for card in held if not (draft.usable_only and card.expires_on and card.expires_on < today)]
    parts: list[Line] = []
    missing = line.quantity
    for card in sorted(usable, key=lambda card: (card.expires_on or date.max, card.key.lot)):
        taken = min(missing, max(card.free_from(moment), 0))
        if taken:
            parts.append(_of_lot(line, card.key.lot, taken))
            missing -= taken
    # What no lot holds is asked of the card without lot, so that the refusal names what is missing.
    return [*parts, _of_lot(line, NO_LOT, missing)] if missing else parts


def _of_lot(line: Line, lot: str, quantity: int) -> Line:
    return Line(line.item, quantity, line.from_place, line.to_place, lot)


def when_mistakes(occurred_at: datetime, now: datetime, role: Role, pointer: str = "/occurred_at") -> list[FieldError]:
    """Say what is wrong with the moment of a posting: it lies ahead, or further back than this role may date."""
    if occurred_at > now:
        return [FieldError(pointer, "in_the_future", "This has not happened yet.")]
    days = DATING_BACK_DAYS.get(role)
    if days is not None and occurred_at < now - timedelta(days=days):
        return [FieldError(pointer, "too_far_back", f"Your role may date back at most {days} days.")]
    return []


def document_number(office: str, month: date, kind: Kind, count: int) -> str:
    """Give the number of a document: `2026-05-19.71-DO-0001`; it grows wider when it must."""
    return f"{month:%Y-%m}-{office}-{SERIES[kind]}-{count:04d}"
