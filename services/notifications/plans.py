"""How a message travels beside the inbox, which always has it: over which channels, in which lane, and when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from services.notifications.people import Person

AGE_MAX = timedelta(days=7)
"""Older than this a message is not worth sending any more (DOMAIN notifications, RapidPro)."""


class Urgency(StrEnum):
    """The class of a message, which decides when and how insistently it is sent."""

    REQUIRED = "required"  # aid for you
    INVITATION = "invitation"
    INFORMATION = "information"


class Channel(StrEnum):
    """The ways beside the inbox to reach somebody."""

    WHATSAPP = "whatsapp"
    SMS = "sms"
    EMAIL = "email"


class Lane(IntEnum):
    """What goes first when there is more to send than can be sent; the lowest number does."""

    CODE = 0  # somebody is waiting at the screen
    PERSONAL = 1  # aid, invitations: for this person, with a day or a deadline in it
    INFORMATION = 2
    BROADCAST = 3  # many at once, which may take hours


@dataclass(frozen=True, slots=True)
class Plan:
    """The way of one message to one person.

    Shape: `channels` are tried one after the other until one takes it; none of them means that the inbox has it alone
    """

    channels: tuple[Channel, ...]
    lane: Lane
    due_at: datetime
    expires_at: datetime


def plan_for(person: Person, urgency: Urgency, now: datetime) -> Plan:
    """Plan how a message reaches a person: aid for oneself always, the rest unless consent was taken back."""
    may_leave = person.consents or urgency is Urgency.REQUIRED
    channels = (Channel.EMAIL,) if may_leave and person.email else ()
    lane = Lane.INFORMATION if urgency is Urgency.INFORMATION else Lane.PERSONAL
    return Plan(channels, lane, now, now + AGE_MAX)
