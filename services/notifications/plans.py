"""How a message travels beside the inbox, which always has it: over which channels, in which lane, and when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Final

from services.notifications.people import Choices, Person
from shared.night import awake_at, zone_of

AGE_MAX = timedelta(days=7)
"""Older than this a message is not worth sending any more (DOMAIN notifications, RapidPro)."""


class Urgency(StrEnum):
    """The class of a message, which decides when and how insistently it is sent."""

    REQUIRED = "required"  # aid for you
    INVITATION = "invitation"
    INFORMATION = "information"


class Kind(StrEnum):
    """What staff subscribe to, region by region."""

    LOW = "stock_low"
    OUT = "stock_out"
    EXPIRING = "stock_expiring"
    PRICE = "price"
    STATION = "station"
    DISCREPANCY = "discrepancy"
    EXCEPTION = "exception"
    NOT_TOLD = "not_told"


class Channel(StrEnum):
    """The ways beside the inbox to reach somebody."""

    WHATSAPP = "whatsapp"
    SMS = "sms"
    EMAIL = "email"
    WEBHOOK = "webhook"  # another system of the office
    APPRISE = "apprise"  # Telegram and everything else that Apprise speaks


OFFICE = (Channel.WEBHOOK, Channel.APPRISE)
"""The channels that an office sets up for its staff, tried before their own; nobody chooses among them."""

PERSONAL = (Channel.WHATSAPP, Channel.SMS, Channel.EMAIL)
"""The channels that end at somebody's own telephone or mailbox, among which they choose, in the order of trying."""


BY_PHONE = frozenset({Channel.WHATSAPP, Channel.SMS})
"""The channels whose address is the number of a telephone."""


class Lane(IntEnum):
    """What goes first when there is more to send than can be sent; the lowest number does."""

    CODE = 0  # somebody is waiting at the screen
    PERSONAL = 1  # aid, invitations: for this person, with a day or a deadline in it
    INFORMATION = 2
    BROADCAST = 3  # many at once, which may take hours


HELD_LANE: Final = 4
"""Where what is queued of a broadcast waits while that is paused: no sender ever looks there."""


class Silence(StrEnum):
    """Why nothing leaves the inbox of somebody."""

    HELD = "held"  # their data may only be stored, or they were erased
    STOPPED = "stopped"
    NO_CONSENT = "no_consent"
    PREFERENCE = "preference"
    NO_ADDRESS = "no_address"
    TOO_LATE = "too_late"  # it would be of no use by the morning


@dataclass(frozen=True, slots=True)
class Plan:
    """The way of one message to one person.

    Shape: `channels` are tried one after the other until one takes it; none of them means that the inbox has it alone
    """

    channels: tuple[Channel, ...]
    lane: Lane
    due_at: datetime
    expires_at: datetime


def plan_for(
    person: Person, urgency: Urgency, now: datetime, until: datetime | None = None, *, at_night: bool = False
) -> Plan:
    """Plan how a message reaches a person: over the channels they chose and have, and never by night.

    Shape: `until` is when the message is of no use any more, where that is sooner than for every message; what would
           be of no use by the morning, or is by now, stays in the inbox: nobody is woken, whatever it is,
           but where it was settled that messages go `at_night`
    """
    due_at = now if at_night else awake_at(now, zone_of(person.home))
    expires_at = now + AGE_MAX if until is None else min(until, now + AGE_MAX)
    channels = () if is_digested(person, urgency) or expires_at <= due_at else channels_of(person, urgency)
    lane = Lane.INFORMATION if urgency is Urgency.INFORMATION else Lane.PERSONAL
    return Plan(channels, lane, due_at, expires_at)


def plan_for_code(person: Person, now: datetime, until: datetime) -> Plan:
    """Plan how a code reaches who has just asked for it: at once, by night too, and whatever they chose else."""
    return Plan(tuple(_reachable(person)), Lane.CODE, now, until)


def channels_of(person: Person, urgency: Urgency) -> tuple[Channel, ...]:
    """Give the channels that may be used now for a class of message, in the order of trying.

    A sender asks this again before each letter, so that a STOP or a choice counts for what is queued already.
    """
    if person.held or person.stopped or not _may_leave(person, urgency):
        return ()
    chosen = PERSONAL if person.choices is None else _chosen(person.choices, urgency)
    # Whoever chose the inbox alone for a class of messages is left alone by the office's channels too.
    return tuple(channel for channel in _reachable(person) if channel in chosen or (chosen and channel in OFFICE))


def silence_of(person: Person, urgency: Urgency) -> Silence | None:
    """Tell why no channel may be used for a class of message, whatever the hour; None where one may."""
    if person.held:
        return Silence.HELD
    if person.stopped:
        return Silence.STOPPED
    if not _may_leave(person, urgency):
        return Silence.NO_CONSENT
    if channels_of(person, urgency):
        return None
    return Silence.PREFERENCE if any(_reachable(person)) else Silence.NO_ADDRESS


def _may_leave(person: Person, urgency: Urgency) -> bool:
    return person.consents or urgency is Urgency.REQUIRED


def is_digested(person: Person, urgency: Urgency) -> bool:
    """Tell whether a message waits for the one of the day that tells of all information."""
    return urgency is Urgency.INFORMATION and person.choices is not None and person.choices.digest


def _chosen(choices: Choices, urgency: Urgency) -> tuple[str, ...]:
    return {
        Urgency.REQUIRED: choices.required,
        Urgency.INVITATION: choices.invitation,
        Urgency.INFORMATION: choices.information,
    }[urgency]


def _reachable(person: Person) -> Iterator[Channel]:
    if person.webhook:
        yield Channel.WEBHOOK
    if person.apprise_held:
        yield Channel.APPRISE
    if person.phone:
        yield from (Channel.WHATSAPP, Channel.SMS)
    if person.email:
        yield Channel.EMAIL
