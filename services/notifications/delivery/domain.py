"""The states of a delivery, and what each answer of a channel means for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from services.notifications.plans import Channel

ERRORS_MAX = 3
ATTEMPTS_MAX = 100
"""Waiting for a channel that says when to come again is no error; this often it is waited for."""

RETRY_DELAYS = (timedelta(seconds=10), timedelta(minutes=10))
"""How long to wait after the first and the second error: a hiccup is over soon, greylisting after five minutes."""

LEASE = timedelta(minutes=2)
"""How long a sender may keep a delivery to itself; far longer than the time-outs of one letter together."""

REPLY_LENGTH_MAX = 300
PROVIDER_ID_LENGTH_MAX = 200
COST_RUPIAH_MAX = 1_000_000


KEYED = frozenset({Channel.SMS.value, Channel.WEBHOOK.value})
"""The channels that know our key: what was begun and never finished may be handed over again, and is taken once."""


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
        (State.QUEUED, State.UNKNOWN),  # it is not tried any more, and an earlier attempt may have been taken
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
    NOT_SET_UP = "not_set_up"
    NOT_DELIVERED = "not_delivered"  # a person has found out
    STOPPED = "stopped"  # this and what follows: it was never handed over
    NO_CONSENT = "no_consent"
    PREFERENCE = "preference"
    HELD = "held"


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
class Later:
    """No letter yet: its reader is asleep until `due_at`, and nobody is woken."""

    due_at: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """The channel has taken the letter; `provider_id` is the name under which its receipts will speak of it."""

    reply: str = ""
    provider_id: str | None = None
    cost_rupiah: int | None = None


@dataclass(frozen=True, slots=True)
class Deferred:
    """The channel has not taken the letter, and may take it later.

    Shape: `due_at` is when the channel itself says to come again, which is then no error of the letter; `rest` is how
           long the channel as a whole is not to be used, which concerns every other letter too
    """

    reply: str
    due_at: datetime | None = None
    rest: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The channel will never take this letter, or it may not be handed over.

    Shape: where it `ends`, no other channel is tried
    """

    reply: str
    reason: Reason = Reason.REFUSED
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Doubtful:
    """The letter was handed over and the answer was lost: it may have been taken, or not."""

    reply: str


@dataclass(frozen=True, slots=True)
class Repeatable:
    """The answer was lost, and the channel knows our key: handed over again, the letter is still taken only once."""

    reply: str


Outcome: TypeAlias = Accepted | Deferred | Refused | Doubtful | Repeatable


class ChannelDown(Exception):
    """The channel cannot be used at the moment; no letter was touched."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an outcome does to a delivery."""

    state: State
    reason: Reason | None = None
    reply: str = ""
    due_at: datetime | None = None
    errors: int = 0
    doubted: bool = False
    provider_id: str | None = None
    cost_rupiah: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """How often a delivery was handed over, how often in vain, and whether an earlier time may have been taken."""

    number: int
    errors: int = 0
    doubted: bool = False


def change_after(outcome: Outcome, attempt: Attempt, now: datetime) -> Change:
    """Decide how a delivery goes on after an attempt; what may have been taken before never fails without a doubt."""
    reply = outcome.reply[:REPLY_LENGTH_MAX]
    match outcome:
        case Accepted(provider_id=provider_id, cost_rupiah=cost):
            return Change(State.ACCEPTED, reply=reply, errors=attempt.errors, provider_id=provider_id, cost_rupiah=cost)
        case Refused(reason=reason):  # a channel that knew our key from before would have said yes again
            return Change(State.FAILED, reason, reply, errors=attempt.errors)
        case Doubtful():
            return Change(State.UNKNOWN, Reason.ANSWER_LOST, reply, errors=attempt.errors)
        case Repeatable():
            return _again(attempt, reply, now + _delay(attempt.number), attempt.errors, doubted=True)
        case Deferred(due_at=due_at):
            return _later(attempt, reply, due_at, now)


def _later(attempt: Attempt, reply: str, due_at: datetime | None, now: datetime) -> Change:
    if due_at is not None:
        return _again(attempt, reply, due_at, attempt.errors, doubted=attempt.doubted)
    errors = attempt.errors + 1
    if errors < ERRORS_MAX:
        return _again(attempt, reply, now + _delay(errors), errors, doubted=attempt.doubted)
    return _end(attempt, reply, errors, doubted=attempt.doubted)


def _again(attempt: Attempt, reply: str, due_at: datetime, errors: int, *, doubted: bool) -> Change:
    if attempt.number >= ATTEMPTS_MAX:
        return _end(attempt, reply, errors, doubted=doubted)
    return Change(State.QUEUED, reply=reply, due_at=due_at, errors=errors, doubted=doubted)


def _end(attempt: Attempt, reply: str, errors: int, *, doubted: bool) -> Change:
    if doubted:
        return Change(State.UNKNOWN, Reason.ANSWER_LOST, reply, errors=errors, doubted=True)
    return Change(State.FAILED, Reason.ERRORS, reply, errors=errors, doubted=attempt.doubted)


def _delay(times: int) -> timedelta:
    return RETRY_DELAYS[min(times, len(RETRY_DELAYS)) - 1]
