"""The rules of reorder levels: an alert is raised once when stock falls to its level, and cleared well above it.

Between `low_at` and `ok_at` nothing changes (hysteresis), so stock that goes up and down around a level is told once.

Units:  quantities in the item's base unit, all lots of a shelf (place and item) together that can be handed out: free,
        not expired, and not on hold
Source: DOMAIN section 2, alerts: low with hysteresis, once per crossing; out; expiring
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from shared.problems import FieldError, Refusal

EXPIRES_WITHIN_DAYS_DEFAULT = 30
EXPIRES_WITHIN_DAYS_MAX = 3_650


class AlertKind(StrEnum):
    """What an alert is about: the first three are of stock, the others of what other capabilities keep."""

    LOW = "low"
    OUT = "out"
    EXPIRING = "expiring"
    PRICE = "price"
    DRY_STATION = "dry_station"
    EXCEPTION_OVERDUE = "exception_overdue"
    RESERVED_EXPIRES = "reserved_expires"
    LEDGER_AUDIT = "ledger_audit"


OF_SHELF = frozenset({AlertKind.LOW, AlertKind.OUT})
"""The kinds that a level is about; they are cleared together when the shelf is well again."""


class LevelExists(Refusal):
    """A shelf has one level, which can be changed."""

    code = "level_exists"
    title = "This item has a level at this place already"


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be done about a shelf: raise this, or clear all that is open, or neither."""

    raised: AlertKind | None = None
    cleared: bool = False


def turn(on_hand: int, low_at: int, ok_at: int, open_kinds: Collection[str]) -> Turn:
    """Say what stock on a shelf brings about, given what is open about it already.

    A shelf that falls to nothing at once is out, and not low as well; one that was out and has little again is told
    no second time before it was well between.
    """
    if on_hand > ok_at:
        return Turn(cleared=bool(open_kinds))
    if on_hand == 0 and AlertKind.OUT not in open_kinds:
        return Turn(raised=AlertKind.OUT)
    if on_hand <= low_at and not open_kinds:
        return Turn(raised=AlertKind.LOW)
    return Turn()


def expires_soon(expires_on: date, today: date, within_days: int) -> bool:
    """Tell whether a lot expires within so many local days; what has expired already does too."""
    return expires_on <= today + timedelta(days=within_days)


def level_mistakes(leaves: Mapping[str, object]) -> list[FieldError]:
    """Say what is wrong with the two figures of a level: it must be well only above where it is low."""
    low_at, ok_at = leaves.get("/low_at"), leaves.get("/ok_at")
    if isinstance(low_at, int) and isinstance(ok_at, int) and ok_at <= low_at:
        return [FieldError("/ok_at", "not_above_low_at", f"It must be more than low_at, which is {low_at}.")]
    return []


def shelf(place: str, item: str, lot: str | None = None) -> str:
    """Give the key of what an alert of stock is about."""
    return "/".join(["stock", place, item, *([lot] if lot else [])])
