"""The rules of a training: when it is held, and how far its kits have come.

Its kits are asked of another service by an event, and answered by one: asked, then reserved or refused, and released.
An answer counts only where it goes on from what is known, so one that is told again, or late, changes nothing.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum

from shared.problems import FieldError, Refusal

AHEAD_DAYS_MAX = 366
SESSIONS_MAX = 60
SEATS_MAX = 10_000
KIT_LINES_MAX = 50
KITS_MAX = 1_000_000


class State(StrEnum):
    """Whether a training is to be held."""

    ANNOUNCED = "announced"
    CANCELLED = "cancelled"


class KitsState(StrEnum):
    """How far the kits of a training have come; `none` where it needs none."""

    NONE = "none"
    ASKED = "asked"
    RESERVED = "reserved"
    REFUSED = "refused"
    RELEASED = "released"


BEFORE: Mapping[KitsState, tuple[KitsState, ...]] = {
    KitsState.RESERVED: (KitsState.ASKED,),
    KitsState.REFUSED: (KitsState.ASKED,),
    KitsState.RELEASED: (KitsState.ASKED, KitsState.RESERVED),
}
"""From where an answer leads on; anything else has been heard already."""


class TrainingCancelled(Refusal):
    """A training is called off once."""

    code = "training_cancelled"
    title = "Called off already"


class TrainingOver(Refusal):
    """What has been held is not called off."""

    code = "training_over"
    title = "This training is over"


def session_mistakes(leaves: Mapping[str, object], today: date) -> list[FieldError]:
    """Say what is wrong with the days of a training: past, far ahead, or named twice."""
    errors: list[FieldError] = []
    seen: set[date] = set()
    for pointer, day in leaves.items():
        if not pointer.startswith("/sessions/") or not isinstance(day, date):
            continue
        if day < today:
            errors.append(FieldError(pointer, "in_the_past", "This day is over."))
        elif day > today + timedelta(days=AHEAD_DAYS_MAX):
            errors.append(FieldError(pointer, "too_far_ahead", f"At most {AHEAD_DAYS_MAX} days from now."))
        elif day in seen:
            errors.append(FieldError(pointer, "duplicate", "One session a day."))
        seen.add(day)
    return errors


def kit_mistakes(leaves: Mapping[str, object]) -> list[FieldError]:
    """Say which items of the kits are named twice."""
    errors: list[FieldError] = []
    seen: set[object] = set()
    for pointer, item in leaves.items():
        if pointer.startswith("/kits/lines/") and pointer.endswith("/item"):
            if item in seen:
                errors.append(FieldError(pointer, "duplicate", f"{item}: one line for each item."))
            seen.add(item)
    return errors
