"""The states of a delivery, and what each answer of a channel means for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

ERRORS_MAX = 3
RETRY_DELAYS = (timedelta(seconds=10), timedelta(minutes=10))
"""How long to wait after the first and the second error: a hiccup is over soon, greylisting after five minutes."""

LEASE = timedelta(minutes=2)
"""How long a sender may keep a delivery to itself; far longer than the time-outs of one letter together."""

AGE_MAX = timedelta(days=7)
"""Older than this a message is not worth sending any more (DOMAIN notifications, RapidPro)."""

REPLY_LENGTH_MAX = 300


class State(StrEnum):
    """How far a delivery has come; the last four are ends, of which only `delivered` and `failed` are final."""

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"


MOVES: frozenset[tuple[State, State]] = frozenset(
    {
        (State.QUEUED, State.SENDING),
        (State.QUEUED, State.FAILED),
        (State.SENDING, State.QUEUED),  # only when the channel certainly did not take it
        (State.SENDING, State.ACCEPTED),
        (State.SENDING, State.DELIVERED),  # the receipt came before our own write
        (State.SENDING, State.FAILED),
        (State.SENDING, State.UNKNOWN),
        (State.UNKNOWN, State.ACCEPTED),
        (State.UNKNOWN, State.DELIVERED),
        (State.UNKNOWN, State.FAILED),
        (State.ACCEPTED, State.DELIVERED),
        (State.ACCEPTED, State.FAILED),  # it bounced
    }
)
"""Every way a delivery may go; the database knows the same table and refuses any other."""


class Reason(StrEnum):
    """Why a delivery failed, or is in doubt."""

    REFUSED = "refused"
    ERRORS = "errors"
    NO_ADDRESS = "no_address"
    BAD_ADDRESS = "bad_address"
    TOO_OLD = "too_old"
    ANSWER_LOST = "answer_lost"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready for a channel; `key` is the same at every attempt, for providers that know what they have."""

    key: UUID
    to: str
    title: str
    body: str
    language: str
    written_at: datetime

    def __repr__(self) -> str:
        return f"Letter({self.key})"  # a value that ends in a log shows no address


@dataclass(frozen=True, slots=True)
class Accepted:
    """The channel has taken the letter."""

    reply: str = ""


@dataclass(frozen=True, slots=True)
class Deferred:
    """The channel has not taken the letter, and may take it later."""

    reply: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The channel will never take this letter."""

    reply: str
    reason: Reason = Reason.REFUSED


@dataclass(frozen=True, slots=True)
class Doubtful:
    """The letter was handed over and the answer was lost: it may have been taken, or not."""

    reply: str


Outcome: TypeAlias = Accepted | Deferred | Refused | Doubtful


class ChannelDown(Exception):
    """The channel cannot be used at the moment; no letter was touched."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an outcome does to a delivery."""

    state: State
    reason: Reason | None = None
    reply: str = ""
    due_at: datetime | None = None


def change_after(outcome: Outcome, attempts: int, now: datetime) -> Change:
    """Decide how a delivery goes on after its n-th attempt."""
    reply = outcome.reply[:REPLY_LENGTH_MAX]
    match outcome:
        case Accepted():
            return Change(State.ACCEPTED, reply=reply)
        case Refused(reason=reason):
            return Change(State.FAILED, reason, reply)
        case Doubtful():
            return Change(State.UNKNOWN, Reason.ANSWER_LOST, reply)
        case Deferred() if attempts >= ERRORS_MAX:
            return Change(State.FAILED, Reason.ERRORS, reply)
        case Deferred():
            return Change(State.QUEUED, reply=reply, due_at=now + RETRY_DELAYS[attempts - 1])
