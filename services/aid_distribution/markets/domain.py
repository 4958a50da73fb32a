"""The rules of cheap markets: what may follow what, and what becomes of a sale that a counter tells.

Units:  packages are what coupons entitle to; one package lets a family take its limit of each item once
Source: DOMAIN section 2: both models occur, a subsidised package against a coupon, and distributor price without
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from shared.problems import Refusal

PACKAGES_MAX = 10
"""The most that one coupon entitles to: a large household under one roof."""

ALLOTMENT_MAX = 100_000_000
"""The most of an item that a market is given: times any price it still fits into 64 bits, a whole offer of them too."""

ALLOTMENT_EXHAUSTED, LIMIT_PER_FAMILY = "allotment_exhausted", "limit_per_family"
BREACHES = (ALLOTMENT_EXHAUSTED, LIMIT_PER_FAMILY)
"""What a sale is refused for that others may have used up since its goods left."""


class Model(StrEnum):
    """How a market sells: a package below its price against a coupon, or at the distributor's price to everybody."""

    SUBSIDISED_PACKAGE = "subsidised_package"
    DISTRIBUTOR_PRICE = "distributor_price"


class State(StrEnum):
    """How far a market has come."""

    ANNOUNCED = "announced"
    OPEN = "open"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    SETTLED = "settled"


FOLLOWS = {
    State.OPEN: State.ANNOUNCED,
    State.CLOSED: State.OPEN,
    State.CANCELLED: State.ANNOUNCED,
    State.SETTLED: State.CLOSED,
}
"""What a market must be to become what; nothing leads back."""

SELLS = (State.OPEN, State.CLOSED)
"""While sales are taken: also after closing, since a counter that was offline tells them late."""

GIVES_COUPONS = (State.ANNOUNCED, State.OPEN)
HELD = (State.OPEN, State.CLOSED, State.SETTLED)
"""Markets that took place."""


class WrongMarketState(Refusal):
    """The market has not come so far, or is further already."""

    code = "wrong_market_state"
    title = "Not possible in this state of the market"


class CouponsExhausted(Refusal):
    """More packages would be promised than the allotment holds."""

    code = "coupons_exhausted"
    title = "No packages are left"


class SlotFull(Refusal):
    """No more coupons fit into this stretch of time."""

    code = "slot_full"
    title = "This slot is full"


class FamilyHasCoupon(Refusal):
    """A family gets one coupon of a market."""

    code = "family_has_coupon"
    title = "This family has a coupon already"


class NoCoupons(Refusal):
    """A market at the distributor's price gives no coupons."""

    code = "no_coupons"
    title = "This market has no coupons"


@dataclass(frozen=True, slots=True)
class Line:
    """So much of one item that a counter handed out."""

    item: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon that was shown; its signature has been checked."""

    id: UUID
    packages: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One sale as a counter tells it; `fault` says what is wrong with its coupon, if that is known already.

    Shape: `was_parked` where it waits for its goods: then it comes into the book with them or not at all
    """

    id: UUID
    lines: tuple[Line, ...]
    coupon: Coupon | None = None
    family: str | None = None
    fault: str | None = None
    was_parked: bool = False

    @property
    def quantities(self) -> dict[str, int]:
        """Sum up what was handed out of each item."""
        sums: dict[str, int] = {}
        for line in self.lines:
            sums[line.item] = sums.get(line.item, 0) + line.quantity
        return sums

    @property
    def key(self) -> UUID | str | None:
        """Give whose entitlement this is: the coupon's or the family's."""
        return self.coupon.id if self.coupon else self.family


@dataclass(slots=True)
class Offer:
    """An item on sale, and how much of its allotment is left."""

    price_rupiah: int
    limit_per_family: int
    left: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A sale that is not taken into the book; the same entry may be told again when its reason is gone."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A sale that goes into the book.

    Shape: `double_of` is the first use of the same coupon; `unposted` says why the goods of a double use cannot be
           taken off the book, although they have left; the others say that the goods of a sale that was parked are
           taken off the book although the family has had its limit, or the market its allotment
    """

    double_of: UUID | None = None
    unposted: str | None = None
    beyond_limit: bool = False
    beyond_allotment: bool = False


@dataclass(slots=True)
class Book:
    """What is known of a market while its sales are decided, one after the other.

    Shape: `breach_accepted` where somebody has said why the goods of a parked sale left against a rule
    """

    model: Model
    offers: Mapping[str, Offer]
    first_uses: dict[UUID, UUID] = field(default_factory=dict)
    families: dict[tuple[str, str], int] = field(default_factory=dict)
    breach_accepted: bool = False

    def decide(self, entry: Entry) -> Taken | Refused:
        """Say what becomes of a sale; what is taken is counted at once."""
        if refused := self._fault(entry) or self._without_right(entry):
            return refused
        over_limit, short = self._over_limit(entry), self._over_allotment(entry)
        if over_limit and not self.breach_accepted:
            return over_limit
        first = self.first_uses.get(entry.coupon.id) if entry.coupon else None
        if short and first is None and not self.breach_accepted:
            return short
        if short and not (entry.was_parked or self.breach_accepted):
            return Taken(first, short.code)
        taken = Taken(first, beyond_limit=over_limit is not None, beyond_allotment=short is not None)
        self._count(entry, taken, 1)
        if entry.coupon and first is None:
            self.first_uses[entry.coupon.id] = entry.id
        return taken

    def take_back(self, entry: Entry, taken: Taken) -> None:
        """Forget a sale that the ledger has refused."""
        self._count(entry, taken, -1)
        if entry.coupon and self.first_uses.get(entry.coupon.id) == entry.id:
            del self.first_uses[entry.coupon.id]

    def _fault(self, entry: Entry) -> Refused | None:
        if entry.fault:
            return Refused(entry.fault, "This is no coupon of this market.")
        if not entry.lines:
            return Refused("no_lines", "Nothing was handed out.")
        for line in entry.lines:
            if line.item not in self.offers:
                return Refused("unknown_item", f"{line.item[:40]} is not sold at this market.")
            if not 0 < line.quantity <= ALLOTMENT_MAX * PACKAGES_MAX:
                return Refused("bad_quantity", f"{line.item}: a quantity is 1 or more.")
        return None

    def _without_right(self, entry: Entry) -> Refused | None:
        if self.model is Model.SUBSIDISED_PACKAGE and entry.coupon is None:
            return Refused("coupon_missing", "A package is handed out against a coupon.")
        if self.model is Model.DISTRIBUTOR_PRICE and entry.family is None:
            return Refused("family_missing", "The limit of a family needs its reference.")
        return None

    def _over_limit(self, entry: Entry) -> Refused | None:
        for item, quantity in entry.quantities.items():
            packages = entry.coupon.packages if entry.coupon else 1
            limit = self.offers[item].limit_per_family * packages
            before = 0 if entry.coupon else self.families.get((entry.family or "", item), 0)
            if before + quantity > limit:
                return Refused(LIMIT_PER_FAMILY, f"{item}: {before} of {limit} were taken already, {quantity} asked.")
        return None

    def _over_allotment(self, entry: Entry) -> Refused | None:
        for item, quantity in entry.quantities.items():
            if quantity > (left := self.offers[item].left):
                return Refused(ALLOTMENT_EXHAUSTED, f"{item}: {left} are left of the allotment.")
        return None

    def _count(self, entry: Entry, taken: Taken, sign: int) -> None:
        for item, quantity in entry.quantities.items():
            if not taken.beyond_allotment:
                self.offers[item].left -= sign * quantity
            if entry.coupon is None and entry.family and not taken.beyond_limit:
                key = (entry.family, item)
                self.families[key] = self.families.get(key, 0) + sign * quantity


def packages_of(offers: Sequence[tuple[int, int]]) -> int:
    """Give how many packages an allotment makes: of (allotment, limit per family) the item that is scarcest."""
    return min(allotment // limit for allotment, limit in offers)


def amount_rupiah(lines: Sequence[Line], offers: Mapping[str, Offer]) -> int:
    """Give what a family pays."""
    return sum(line.quantity * offers[line.item].price_rupiah for line in lines)
