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

import msgspec

from services.aid_distribution.ledger.account import CardKey, Moment
from shared.caller import Caller, Role
from shared.problems import FieldError, Refusal

QUANTITY_MAX = 1_000_000_000_000
"""The most that one line moves: far beyond any warehouse."""

CARD_MAX = 1_000_000_000_000_000
"""The most that a card may hold on one day, all that came in counted; sums over many cards stay inside 64 bits."""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Nothing is dated before this, whoever asks: it is where a card begins."""

NO_LOT = ""


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

RESERVED = "~"
"""What the code of a reserved place ends in after that of the place itself; no client may write it."""


def reserved_place(place: str) -> str:
    """Name the place in which the goods of a place lie that are promised to somebody."""
    return place + RESERVED


def home_of(place: str) -> str:
    """Name the place at which goods lie, reserved or not."""
    return place.removesuffix(RESERVED)


def is_reserved(place: str) -> bool:
    """Tell a reserved place from the others."""
    return place.endswith(RESERVED)


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

LOSSES = {reason: place for reason, place in ISSUE_PLACES.items() if place is Virtual.LOSS}
"""The reasons for which goods are gone for good."""


class ShortOfStock(Refusal):
    """A card would be negative at this moment or at a later one."""

    code = "short_of_stock"
    title = "Not enough stock"


class CountedSince(Refusal):
    """What a later count has taken up is not undone: the count says what lies there."""

    code = "counted_since"
    title = "A later count stands"

    @property
    def counts(self) -> Sequence[str]:
        """Give the ids of the counts."""
        counts = self.members["counts"]
        return [str(count) for count in counts] if isinstance(counts, Sequence) else []


class BookMoved(Refusal):
    """The book is not what it was when the counting began."""

    code = "book_moved"
    title = "Stock has moved since the counting began"


class LotNeeded(Refusal):
    """Goods that lie there in lots are counted lot by lot."""

    code = "lot_needed"
    title = "Count each lot"


class ReservedNotCounted(Refusal):
    """Fewer goods were counted than are promised; whoever counts says first which promise cannot be kept."""

    code = "reserved_not_counted"
    title = "Less was counted than is reserved"


class LotHeld(Refusal):
    """A lot that is on hold is not handed out."""

    code = "lot_held"
    title = "This lot is on hold"


class TooMuch(Refusal):
    """A card would hold more than it can count."""

    code = "too_much"
    title = "More than a card can hold"


class Line(msgspec.Struct, frozen=True):
    """A positive quantity of one item on its way from one place to another."""

    item: str
    quantity: int
    from_place: str
    to_place: str
    lot: str | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of an item and lot at a place.

    Shape:  `snapshot` is what the book said when the counting began; None when it was counted without one
    """

    key: CardKey
    quantity: int
    reason: Reason = Reason.RECOUNT
    snapshot: int | None = None


@dataclass(frozen=True, slots=True)
class Packed:
    """A line that was told in packs: so many of them, each of so many base units."""

    item: str
    lot: str | None
    pack: str
    packs: int
    per_pack: int


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A posting that is asked for.

    Shape:  `lot` of a line may be None: what leaves is then taken by expiry, what comes in has no lot
            `usable_only` skips expired and held lots when choosing, and refuses a held one that is named
            `wanted_on` is a later day on which what is chosen must still be good, as of a promise
            `held_accepted` hands out a held one that is named all the same: it has happened, and somebody says why
            `packs` are the lines that were told in packs, of which `lines` has the base units
            `counted` are the lines of a count, which has no others; `uncounted` the cards of a count to be reversed
    """

    id: UUID
    kind: Kind
    region: str
    occurred_at: datetime
    caller: Caller
    lines: tuple[Line, ...]
    document: str | None = None
    reason: str | None = None
    reverses: UUID | None = None
    usable_only: bool = False
    held_accepted: bool = False
    wanted_on: date | None = None
    packs: tuple[Packed, ...] = ()
    counted: tuple[Counted, ...] = ()
    uncounted: tuple[CardKey, ...] = ()

    @property
    def actor(self) -> str:
        """Name whoever asks for it."""
        return self.caller.subject

    @property
    def touches(self) -> Iterator[tuple[str, str, bool]]:
        """Name each shelf (place and item) that has a card, and whether goods come in there.

        Where reserved goods are concerned the free and the reserved shelf are both named: a count is of both.
        """
        for line in self.lines:
            for place, comes_in in ((line.from_place, False), (line.to_place, True)):
                if place not in VIRTUAL:
                    yield place, line.item, comes_in
                    if is_reserved(place):
                        yield home_of(place), line.item, False
        for key in (*(one.key for one in self.counted), *self.uncounted):
            yield key.place, key.item, True
            yield reserved_place(key.place), key.item, False

    @property
    def opens(self) -> Iterator[CardKey]:
        """Name each card that this may be the first to touch; which reserved ones, the choice of lots will tell."""
        for line in self.lines:
            if line.to_place not in VIRTUAL and not is_reserved(line.to_place):
                yield CardKey(line.to_place, line.item, line.lot or NO_LOT)
        yield from (one.key for one in self.counted)


class Change(msgspec.Struct, frozen=True):
    """What a posting did to one card.

    Shape:  with `taken_up_by` only until that count, whose difference it changed; `overtaken` when something that is
            dated later stood on the card already
    """

    key: CardKey
    quantity: int
    taken_up_by: Moment | None = None
    overtaken: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """What a count found on a card, and what the book had said."""

    counted: Counted
    book: int

    @property
    def quantity(self) -> int:
        """Give how much more was counted than the book said."""
        return self.counted.quantity - self.book


@dataclass(frozen=True, slots=True)
class LotNote:
    """What is worth knowing of a lot when it was, or was not, chosen.

    Shape: `why` is `expired`, `held`, `expires_before` the day on which the goods are wanted, or `expiring`
    """

    key: CardKey
    why: str
    expires_on: date | None


class Entered(msgspec.Struct, frozen=True):
    """What a draft has come to: its lines with their lots, and what it meant to counts and lots."""

    lines: tuple[Line, ...]
    changes: tuple[Change, ...] = ()
    differences: tuple[Difference, ...] = ()
    notes: tuple[LotNote, ...] = ()


def changes_of(lines: Iterable[Line]) -> dict[CardKey, int]:
    """Sum up what lines do to each card; virtual places have none."""
    changes: dict[CardKey, int] = {}
    for line in lines:
        for place, change in ((line.from_place, -line.quantity), (line.to_place, line.quantity)):
            if place not in VIRTUAL:
                key = CardKey(place, line.item, line.lot or NO_LOT)
                changes[key] = changes.get(key, 0) + change
    return changes


def difference_lines(key: CardKey, change: int, reason: Reason = Reason.RECOUNT) -> Iterator[Line]:
    """Give the lines that change a card by so much, as a count does: what is damaged, lost or expired is a loss."""
    outside = LOSSES.get(reason, Virtual.ADJUSTMENT) if change < 0 else Virtual.ADJUSTMENT
    ends = (outside.value, key.place) if change > 0 else (key.place, outside.value)
    left = abs(change)
    while left:
        part = min(left, QUANTITY_MAX)
        yield Line(key.item, part, *ends, key.lot)
        left -= part


def when_mistakes(
    occurred_at: datetime, now: datetime, role: Role, back_days: Mapping[Role, int], pointer: str = "/occurred_at"
) -> list[FieldError]:
    """Say what is wrong with the moment of a posting: it lies ahead, or further back than this role may date.

    Shape: `back_days` is how far back each role may date; who is not named there has no limit
    """
    if occurred_at > now:
        return [FieldError(pointer, "in_the_future", "This has not happened yet.")]
    if occurred_at < EARLIEST:
        return [FieldError(pointer, "too_far_back", f"Nothing is dated before {EARLIEST.year}.")]
    days = back_days.get(role)
    if days is not None and occurred_at < now - timedelta(days=days):
        return [FieldError(pointer, "too_far_back", f"Your role may date back at most {days} days.")]
    return []


def document_number(office: str, month: date, kind: Kind, count: int) -> str:
    """Give the number of a document: `2026-05-19.71-DO-0001`; it grows wider when it must."""
    return f"{month.year:04d}-{month.month:02d}-{office}-{SERIES[kind]}-{count:04d}"
