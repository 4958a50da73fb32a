"""The rules of the stock ledger: double entry, append-only, never negative over the whole timeline.

A posting moves goods from place to place; each place that is real has a card of each item and lot (`account`).

Units:  quantities in the item's base unit, whole and positive in a line
Source: DOMAIN section 1; the semantics that OpenLMIS, open-mSupply and ERPNext test for
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.aid_distribution.ledger.account import Card, CardKey, Cards, Moment
from shared.caller import Role
from shared.clock import wib_day
from shared.problems import FieldError, Json, Refusal

QUANTITY_MAX = 1_000_000_000_000
"""The most that one line moves: far beyond any warehouse."""

CARD_MAX = 1_000_000_000_000_000
"""The most that a card may hold on one day, all that came in counted; sums over many cards stay inside 64 bits."""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Nothing is dated before this, whoever asks: it is where a card begins."""

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
    COUNT = "count"
    RETURN = "return"
    LOAN = "loan"
    LOAN_RETURN = "loan_return"
    ASSEMBLY = "assembly"
    UNPACKING = "unpacking"
    RESERVATION = "reservation"
    RELEASE = "release"
    PRODUCTION = "production"
    REFILL = "refill"
    COUPON = "coupon"
    SALE = "sale"


SERIES = {
    Kind.RECEIPT: "GR",
    Kind.ISSUE: "GI",
    Kind.DISTRIBUTION: "DO",
    Kind.DISPATCH: "TO",
    Kind.ARRIVAL: "TI",
    Kind.REVERSAL: "RV",
    Kind.COUNT: "SC",
    Kind.RETURN: "GB",
    Kind.LOAN: "LO",
    Kind.LOAN_RETURN: "LB",
    Kind.ASSEMBLY: "KA",
    Kind.UNPACKING: "KU",
    Kind.RESERVATION: "RS",
    Kind.RELEASE: "RL",
    Kind.PRODUCTION: "PD",
    Kind.REFILL: "RF",
    Kind.COUPON: "CP",
    Kind.SALE: "SL",
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
    ON_LOAN = "ON-LOAN"
    KITS = "KITS"
    STATIONS = "STATIONS"
    COUPONS = "COUPONS"


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


class TooMuch(Refusal):
    """A card would hold more than it can count."""

    code = "too_much"
    title = "More than a card can hold"


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


def post(draft: Draft, cards: Cards, recorded_at: datetime) -> tuple[Line, ...] | Refusal:
    """Enter a draft on the cards it touches, or say why not; a refused draft leaves every card as it was.

    Shape:  gives the lines with their lots chosen; a line that needs several lots becomes several. The refusal is
            ShortOfStock or TooMuch
    """
    moment = Moment(draft.occurred_at, recorded_at, draft.id)
    choice = _choose_lots(draft, cards, moment)
    changes = changes_of(choice.lines)
    short = [(key, change, day) for key, change in changes.items() if (day := _short(cards, key, moment, change))]
    if short:
        return _refusal(short, cards, moment, choice.unmet)
    full = [key for key, change in changes.items() if key in cards and cards[key].fullest + change > CARD_MAX]
    if full:
        return TooMuch(f"{full[0].item} at {full[0].place}: at most {CARD_MAX}.", limit=CARD_MAX)
    for key, change in changes.items():
        cards.opened(key).add(moment, change)
    return choice.lines


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


@dataclass(slots=True)
class Unmet:
    """What was asked of a shelf without naming a lot, and could not all be found."""

    asked: int = 0
    missing: int = 0
    skipped: Sequence[Card] = ()


@dataclass(frozen=True, slots=True)
class _Choice:
    """Lines with their lots, and which shelves hold less than was asked of them."""

    lines: tuple[Line, ...]
    unmet: Mapping[tuple[str, str], Unmet]


def _refusal(
    short: Sequence[tuple[CardKey, int, date]],
    cards: Cards,
    moment: Moment,
    unmet: Mapping[tuple[str, str], Unmet],
) -> ShortOfStock:
    told: list[dict[str, Json]] = []
    for key, change, day in short:
        shelf = unmet.get((key.place, key.item)) if key.lot == NO_LOT else None
        asked = shelf.asked if shelf else -change
        free = max(cards[key].free_from(moment), 0) if key in cards else 0
        available = shelf.asked - shelf.missing if shelf else free
        about: dict[str, Json] = {"place": key.place, "item": key.item, "lot": key.lot or None}
        about |= {"asked": asked, "available": available, "short": asked - available, "first_short_on": day.isoformat()}
        if shelf and shelf.skipped:
            about["skipped_expired"] = [card.key.lot for card in shelf.skipped]
        told.append(about)
    first = told[0]
    detail = f"{first['item']} at {first['place']}: asked {first['asked']}, available {first['available']}."
    return ShortOfStock(detail, cards=told)


def _choose_lots(draft: Draft, cards: Cards, moment: Moment) -> _Choice:
    """Choose the lots of lines that name none: earliest expiry first, no expiry last (FEFO).

    The lines of one posting share what a lot holds; what names its lot has it first.
    """
    taken = changes_of(line for line in draft.lines if not _open(line))
    lines: list[Line] = []
    unmet: dict[tuple[str, str], Unmet] = {}
    for line in draft.lines:
        shelf = cards.shelf(line.from_place, line.item)
        if not _open(line) or all(card.key.lot == NO_LOT for card in shelf):
            lines.append(_of_lot(line, line.lot or NO_LOT, line.quantity))
            continue
        usable, skipped = _usable(shelf, draft)
        missing = line.quantity
        for card in sorted(usable, key=lambda card: (card.expires_on or date.max, card.key.lot)):
            free = card.free_from(moment) + taken.get(card.key, 0)
            if part := min(missing, max(free, 0)):
                lines.append(_of_lot(line, card.key.lot, part))
                taken[card.key] = taken.get(card.key, 0) - part
                missing -= part
        of_shelf = unmet.setdefault((line.from_place, line.item), Unmet(skipped=skipped))
        of_shelf.asked += line.quantity
        of_shelf.missing += missing
        if missing:
            # What no lot holds is asked of the card without lot, which cannot give it: so the draft is refused.
            lines.append(_of_lot(line, NO_LOT, missing))
    return _Choice(tuple(lines), unmet)


def _open(line: Line) -> bool:
    """Tell whether the choice of the lot is left to the ledger."""
    return line.lot is None and line.from_place not in VIRTUAL


def _usable(shelf: Sequence[Card], draft: Draft) -> tuple[list[Card], list[Card]]:
    """Part the cards of a shelf into those that may be chosen and those that are skipped because they expired."""
    today = wib_day(draft.occurred_at)
    parted: tuple[list[Card], list[Card]] = ([], [])
    for card in shelf:
        parted[draft.usable_only and card.expires_on is not None and card.expires_on < today].append(card)
    return parted


def _of_lot(line: Line, lot: str, quantity: int) -> Line:
    return Line(line.item, quantity, line.from_place, line.to_place, lot)


def when_mistakes(occurred_at: datetime, now: datetime, role: Role, pointer: str = "/occurred_at") -> list[FieldError]:
    """Say what is wrong with the moment of a posting: it lies ahead, or further back than this role may date."""
    if occurred_at > now:
        return [FieldError(pointer, "in_the_future", "This has not happened yet.")]
    if occurred_at < EARLIEST:
        return [FieldError(pointer, "too_far_back", f"Nothing is dated before {EARLIEST.year}.")]
    days = DATING_BACK_DAYS.get(role)
    if days is not None and occurred_at < now - timedelta(days=days):
        return [FieldError(pointer, "too_far_back", f"Your role may date back at most {days} days.")]
    return []


def document_number(office: str, month: date, kind: Kind, count: int) -> str:
    """Give the number of a document: `2026-05-19.71-DO-0001`; it grows wider when it must."""
    return f"{month:%Y-%m}-{office}-{SERIES[kind]}-{count:04d}"
