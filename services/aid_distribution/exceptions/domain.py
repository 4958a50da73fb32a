"""The rules of parked exceptions: what has happened is not thrown away, and somebody has to settle it in time.

Source: DOMAIN section 1, "Late is not lost"
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from services.aid_distribution.ledger.domain import ShortOfStock
from shared.problems import Invalid, Refusal

DEADLINE_DAYS = 7
"""By when an exception is to be settled, where whoever parks it says nothing else."""

DEADLINE_DAYS_MAX = 366
ELSEWHERE_MAX = 3
"""So many other places are named at the most, those with the most stock."""


class State(StrEnum):
    """What has become of an exception."""

    OPEN = "open"
    APPLIED = "applied"
    DROPPED = "dropped"


class Why(StrEnum):
    """Why goods left a card that did not hold them."""

    MISSING_RECEIPT = "missing_receipt"  # goods are on their way to this place, or have come and nobody wrote it down
    WRONG_COUNT = "wrong_count"  # a count has taken off what was there
    WRONG_PLACE = "wrong_place"  # the goods came from another place of the office
    UNKNOWN = "unknown"


class LikelyCause(msgspec.Struct, frozen=True, kw_only=True):
    """A likely cause, as the ledger shows it.

    Shape:  `number` is the document of the transfer or of the count, `place` where the transfer comes from or where
            such goods lie, `quantity` how much is on its way, was counted off, or lies there
    """

    why: Why
    number: str | None = None
    place: str | None = None
    quantity: int | None = None


class ShortCard(msgspec.Struct, frozen=True, kw_only=True):
    """A card that did not hold what left it, from which day on, and why that may be."""

    place: str
    item: str
    lot: str | None
    asked: int
    available: int
    short: int
    first_short_on: date
    causes: list[LikelyCause] = msgspec.field(default_factory=list)


class ExceptionClosed(Refusal):
    """An exception is settled once."""

    code = "exception_closed"
    title = "This exception is settled already"


class NotShort(Refusal):
    """Only what cannot be entered is parked."""

    code = "not_short"
    title = "There is enough stock"


class EntryDropped(Refusal):
    """What somebody has dropped does not come back by being sent again."""

    code = "entry_dropped"
    title = "This entry was dropped"


def short_cards(refusal: Refusal) -> list[ShortCard]:
    """Give the cards that a refusal names; where another rule stands against it, there are none."""
    if not isinstance(refusal, ShortOfStock):
        return []
    return msgspec.convert(refusal.members["cards"], list[ShortCard])


def code_of(refusal: Refusal) -> str:
    """Name the rule that stands against an order: the one mistake of an order, or the reason of a sale."""
    if isinstance(refusal, Invalid) and len(codes := {error.code for error in refusal.errors}) == 1:
        return codes.pop()
    return str(refusal.members.get("reason") or refusal.code)


def due_at(now: datetime, wished: datetime | None = None) -> datetime:
    """Give by when an exception is to be settled: as wished, but neither before now nor after a year."""
    if wished is None:
        return now + timedelta(days=DEADLINE_DAYS)
    return min(max(wished, now), now + timedelta(days=DEADLINE_DAYS_MAX))


def with_causes(cards: Sequence[ShortCard], found: Mapping[int, Sequence[LikelyCause]]) -> list[ShortCard]:
    """Add to each card the causes that were found for it, by its number in the list."""
    unknown = [LikelyCause(why=Why.UNKNOWN)]
    return [
        msgspec.structs.replace(card, causes=_sorted(found.get(number, ())) or unknown)
        for number, card in enumerate(cards)
    ]


def _sorted(causes: Sequence[LikelyCause]) -> list[LikelyCause]:
    order = list(Why)
    found = sorted(causes, key=lambda one: (order.index(one.why), -(one.quantity or 0), one.number or one.place or ""))
    elsewhere = [one for one in found if one.why is Why.WRONG_PLACE][:ELSEWHERE_MAX]
    return [one for one in found if one.why is not Why.WRONG_PLACE] + elsewhere


def causes_named(cards: Sequence[ShortCard]) -> list[Why]:
    """Give every cause that one of the cards has, once, the likeliest first."""
    named = {cause.why for card in cards for cause in card.causes}
    return [why for why in Why if why in named]


class Breach(msgspec.Struct, frozen=True):
    """A rule that what was parked breaks, and that somebody has accepted: its goods had left all the same.

    Shape: `code` and `detail` are those of the refusal, `members` what else it tells
    """

    code: str
    detail: str
    members: dict[str, Any] = {}


class Posting(msgspec.Struct, frozen=True):
    """What an exception has become: the posting that moved its goods, its document's number, what was accepted."""

    id: UUID
    number: str
    breach: Breach | None = None
