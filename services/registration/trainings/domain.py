"""The rules of a training: when it is held, and how far its kits have come.

Its kits are asked of another service by an event, and answered by one: asked, then reserved or refused, and released.
An answer counts only where it goes on from what is known, so one that is told again, or late, changes nothing.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum

from shared.problems import FieldError, Refusal

AHEAD_DAYS_MAX = 366
ATTENDANCE_PERCENT_DEFAULT = 80
APPLICATIONS_MAX = 5_000
"""So many businesses may apply for one training: its change is told to all of them in one event."""
SESSIONS_MAX = 60
SEATS_MAX = 10_000
KIT_LINES_MAX = 50
KITS_MAX = 1_000_000


class State(StrEnum):
    """Whether a training is to be held."""

    ANNOUNCED = "announced"
    CANCELLED = "cancelled"
    FINISHED = "finished"


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
    """A training that was called off is called off once, and nobody takes part in it."""

    code = "training_cancelled"
    title = "Called off already"


class TrainingOver(Refusal):
    """What has been held is not called off, nor changed, and nobody comes to it any more."""

    code = "training_over"
    title = "This training is over"


class TrainingNotOver(Refusal):
    """A training is finished on the day of its last session, and not before."""

    code = "training_not_over"
    title = "This training is not over"


class TrainingBegun(Refusal):
    """Seats are offered before a training begins; afterwards whoever stands at the door may be let in."""

    code = "training_begun"
    title = "This training has begun"


class TrainingNotBegun(Refusal):
    """Before the first day seats go by their order, and nobody comes past it."""

    code = "training_not_begun"
    title = "This training has not begun"


class SeatsTaken(Refusal):
    """There are never fewer seats than are given and offered."""

    code = "seats_taken"
    title = "More seats are taken"


class SessionCancelled(Refusal):
    """A session that is not held is neither moved nor called off."""

    code = "session_cancelled"
    title = "This session is not held"


class SessionHeld(Refusal):
    """A session at which somebody was seen has been held."""

    code = "session_held"
    title = "Somebody was at this session already"


class DayTaken(Refusal):
    """A training has one session a day."""

    code = "day_taken"
    title = "Another session is on this day"


class LastSession(Refusal):
    """A training without a session is called off as a whole."""

    code = "last_session"
    title = "This is the only session left"


def moved_day_mistakes(held_on: object, today: date) -> list[FieldError]:
    """Say why a session cannot be moved to a day: past, or far ahead."""
    return [
        FieldError("/held_on", error.code, error.detail) for error in session_mistakes({"/sessions/0": held_on}, today)
    ]


def sessions_needed(percent: int, held: int) -> int:
    """Give how many of the sessions held somebody must have attended: the share rounded up, and one at the least.

    Eighty per cent of four sessions is 3.2, so all four; of five sessions it is four.
    """
    return max(1, -(-percent * held // 100))


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
