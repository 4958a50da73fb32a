"""The rules of signing in by a code: how long it counts, how often it may be tried, and how often one may ask."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.problems import Refusal

CODE_DIGITS: Final = 6
CODE_LIFE: Final = timedelta(minutes=10)
TRIES_MAX: Final = 5
TOKEN_HOURS: Final = 12.0
SESSION_LIFE: Final = timedelta(hours=TOKEN_HOURS)
KEPT: Final = timedelta(days=1)
"""So long it is remembered who asked, which the limits need; then nothing is left of it."""


@dataclass(frozen=True, slots=True)
class AskLimit:
    """So many codes in a time."""

    asks_max: int
    within: timedelta


PHONE_LIMITS: Final = (AskLimit(3, timedelta(minutes=15)), AskLimit(10, timedelta(days=1)))
"""With five tries each, somebody who guesses all day long is right once in 55 years (50 of a million a day)."""

ADDRESS_LIMITS: Final = (AskLimit(300, timedelta(hours=1)),)
"""An office, and half an island behind one mobile gateway, have one address."""


class CodeRefused(Refusal):
    """The code is wrong, too old, used, or was tried too often; which of these is not said."""

    code = "code_refused"
    title = "This code does not count"


class OwnerNotChosen(Refusal):
    """Several owners share the telephone; ask again with the same code and the id of one of them."""

    code = "owner_not_chosen"
    title = "Several owners share this telephone"


def counts(sent_at: datetime, used_at: datetime | None, tries: int, now: datetime) -> bool:
    """Tell whether a code may be tried at all."""
    return used_at is None and tries < TRIES_MAX and now < sent_at + CODE_LIFE


def wait_seconds(asked: list[datetime], limit: AskLimit, now: datetime) -> int:
    """Give after how many seconds one may ask again: 0 where that is now. `asked` are earlier asks, the last first."""
    recent = [at for at in asked if at > now - limit.within]
    if len(recent) < limit.asks_max:
        return 0
    free_at = recent[limit.asks_max - 1] + limit.within
    return max(1, -((now - free_at) // timedelta(seconds=1)))
