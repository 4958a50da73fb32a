"""The rules of broadcasts: their states, their words, and whom they reach how."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from string import Formatter
from types import MappingProxyType
from typing import Final

from services.notifications.messages.domain import BODY_LENGTH_MAX, TITLE_LENGTH_MAX
from services.notifications.messages.texts import Words
from services.notifications.messages.wording import day, shortened
from services.notifications.people import Language, Person
from services.notifications.plans import Urgency, channels_of, is_digested
from shared.clock import wib_day
from shared.privacy import MASK
from shared.problems import FieldError, Refusal

ALONE_MAX: Final = 500
"""So many people one person may tell alone in `ALONE_WITHIN`; more need the word of a second one (issue: bulk)."""

ALONE_WITHIN: Final = timedelta(hours=24)
"""Whoever splits one broadcast into several tells no more people alone by that."""

OPEN_MAX: Final = 20
"""So many broadcasts may be on their way at once."""

STEPS_MAX: Final = 900
"""So often a broadcast may be paused and resumed."""

LIFE_MAX: Final = timedelta(days=30)
REGIONS_MAX: Final = 50
SECTORS_MAX: Final = 20
EXAMPLES: Final = 3
PURPOSE: Final = "broadcast"
NAME_LENGTH_MAX: Final = 40

LENGTHS: Final[Mapping[str, int]] = MappingProxyType(
    {"owner": NAME_LENGTH_MAX, "business": NAME_LENGTH_MAX, "until": 11}
)
"""What a text may say of its reader, and how long each can become: their name, a business of theirs, the last day."""

WHY: Final[Mapping[Language, str]] = MappingProxyType(
    {
        Language.INDONESIAN: "Anda menerima pesan ini karena usaha Anda terdaftar di Serumpun."
        " Balas BERHENTI untuk berhenti.",
        Language.ENGLISH: "You get this because your business is registered in Serumpun. Reply STOP to end this.",
    }
)
CLASSES: Final = (Urgency.INVITATION, Urgency.INFORMATION)
"""What a broadcast may be; aid for somebody is told by the fact itself, and never by hand."""


class State(StrEnum):
    """How far a broadcast has come; the last four are ends."""

    DRAFT = "draft"
    SUBMITTED = "submitted"  # it waits for a second person
    RUNNING = "running"
    PAUSED = "paused"
    REJECTED = "rejected"
    DONE = "done"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


MOVES: Final = frozenset(
    {
        (State.DRAFT, State.SUBMITTED),
        (State.DRAFT, State.RUNNING),
        (State.DRAFT, State.CANCELLED),
        (State.SUBMITTED, State.RUNNING),
        (State.SUBMITTED, State.REJECTED),
        (State.SUBMITTED, State.CANCELLED),
        (State.SUBMITTED, State.EXPIRED),
        (State.RUNNING, State.PAUSED),
        (State.RUNNING, State.DONE),
        (State.RUNNING, State.CANCELLED),
        (State.RUNNING, State.EXPIRED),
        (State.PAUSED, State.RUNNING),
        (State.PAUSED, State.CANCELLED),
        (State.PAUSED, State.EXPIRED),
    }
)
"""Every way a broadcast may go; the database knows the same table and refuses any other."""


class Standing(StrEnum):
    """How a business stands with a training; `none` has no seat in any, and never had one."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WAITLISTED = "waitlisted"
    WITHDRAWN = "withdrawn"
    NONE = "none"


class Outcome(StrEnum):
    """How somebody is told: over a channel too, in the inbox alone, or not at all."""

    OUTSIDE = "outside"
    INBOX = "inbox"
    WITHHELD = "withheld"


class Reason(StrEnum):
    """Why somebody is told in the inbox alone, or not at all."""

    STOPPED = "stopped"
    NO_CONSENT = "no_consent"
    NO_CONTACT = "no_contact"
    PREFERENCE = "preference"
    DIGEST = "digest"  # the message of the day tells of it
    TOO_LATE = "too_late"  # it would be of no use by the morning
    RESTRICTED = "restricted"
    ERASED = "erased"


class BroadcastStateWrong(Refusal):
    """The broadcast is in a state in which this cannot be done; `state` says in which."""

    code = "broadcast_state_wrong"
    title = "This cannot be done with the broadcast now"


class SecondPersonNeeded(Refusal):
    """Whoever wrote or submitted a broadcast may not decide on it as well."""

    code = "second_person_needed"
    title = "Somebody else has to decide this"


class NobodyToTell(Refusal):
    """The audience is empty."""

    code = "nobody_to_tell"
    title = "Nobody would be told"


class BroadcastExpired(Refusal):
    """It is of no use any more."""

    code = "broadcast_expired"
    title = "The broadcast is of no use any more"


class TooManyBroadcasts(Refusal):
    """As many broadcasts as may be on their way are on their way."""

    code = "too_many_broadcasts"
    title = "Too many broadcasts are on their way"


@dataclass(frozen=True, slots=True)
class Texts:
    """The words of a broadcast in both languages; each may hold the placeholders of `LENGTHS`."""

    title_id: str
    body_id: str
    title_en: str
    body_en: str

    def of(self, language: Language) -> Words:
        """Give the words in one language, with why somebody gets them."""
        if language is Language.INDONESIAN:
            return Words(self.title_id, self.body_id, WHY[language])
        return Words(self.title_en, self.body_en, WHY[language])


LIMITS: Final = (
    ("title_id", TITLE_LENGTH_MAX), ("body_id", BODY_LENGTH_MAX),
    ("title_en", TITLE_LENGTH_MAX), ("body_en", BODY_LENGTH_MAX),
)  # fmt: skip


def text_mistakes(leaves: Mapping[str, object]) -> Iterator[FieldError]:
    """Find everything wrong with the words, by their pointers: placeholders, and the length with the longest values."""
    for name, limit in LIMITS:
        pointer, words = f"/{name}", leaves.get(f"/{name}")
        if not isinstance(words, str):
            continue
        try:
            parts = list(Formatter().parse(words))
        except ValueError:
            yield FieldError(pointer, "bad_placeholder", "A brace is not closed, or not opened.")
            continue
        named = [(found, spec, turned) for _, found, spec, turned in parts if found is not None]
        unknown = [found for found, spec, turned in named if found not in LENGTHS or spec or turned]
        if unknown:
            allowed = ", ".join(f"{{{known}}}" for known in LENGTHS)
            yield FieldError(pointer, "bad_placeholder", f"Only {allowed} may stand here.")
            continue
        length = len(words.format_map({known: "W" * most for known, most in LENGTHS.items()}))
        if length > limit:
            yield FieldError(pointer, "too_long", f"It can have {length} characters; {limit} are allowed.")


def time_mistakes(starts_at: object, expires_at: object, now: datetime) -> Iterator[FieldError]:
    """Find what is wrong with the moments before and after which a broadcast is of no use."""
    if isinstance(expires_at, datetime) and expires_at.tzinfo is not None:
        if isinstance(starts_at, datetime) and starts_at.tzinfo is not None and starts_at >= expires_at:
            yield FieldError("/starts_at", "after_its_end", "It must begin before it is of no use any more.")
        if expires_at <= now:
            yield FieldError("/expires_at", "in_the_past", "It must be of use for a while.")
        elif expires_at > now + LIFE_MAX:
            yield FieldError("/expires_at", "too_far", f"At most {LIFE_MAX.days} days from now.")


def filled(words: Words, language: Language, owner: str, business: str, expires_at: datetime) -> Words:
    """Put the words to one reader."""
    told = {
        "owner": shortened(owner, NAME_LENGTH_MAX),
        "business": shortened(business, NAME_LENGTH_MAX),
        "until": day(wib_day(expires_at), language),
    }
    return Words(words.title.format_map(told), words.body.format_map(told), words.why)


def mask_name(name: str) -> str:
    """Show the first letter of each word."""
    return " ".join(word[0] + MASK * 3 for word in name.split())


def reach_of(person: Person, urgency: Urgency, hold: str | None) -> tuple[Outcome, str]:
    """Tell how somebody would be told now, and over which channel first or why not."""
    if hold is not None:
        return Outcome.WITHHELD, Reason(hold).value
    channels = channels_of(person, urgency)
    if channels and is_digested(person, urgency):
        return Outcome.INBOX, Reason.DIGEST.value
    if channels:
        return Outcome.OUTSIDE, channels[0].value
    if person.stopped:
        return Outcome.INBOX, Reason.STOPPED.value
    if not person.consents:
        return Outcome.INBOX, Reason.NO_CONSENT.value
    return Outcome.INBOX, (Reason.PREFERENCE if person.phone or person.email else Reason.NO_CONTACT).value


def demand(state: State, *among: State) -> None:
    """Let one of some states pass; raises BroadcastStateWrong (409) naming the state."""
    if state not in among:
        raise BroadcastStateWrong(f"It is {state.value}.", state=state.value)
