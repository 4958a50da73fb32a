"""Sending what no rule of the table tells: an answer to a reply, a code, a broadcast. The inbox always has it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from services.notifications.delivery import handlers as delivery
from services.notifications.delivery.store import Wanted
from services.notifications.messages import store as messages
from services.notifications.people import Person
from services.notifications.plans import Channel, Lane, Plan, Urgency, channels_of, is_digested, plan_for, plan_for_code
from shared.database import Work

INBOX_ALONE: Final = frozenset[Channel]()
EVERY_CHANNEL: Final = frozenset(Channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message that is written and ready to go.

    Shape: once by (`fact`, the person's key, `purpose`); it may leave the house over `over` and no other channel; what
           was `asked_for_until` a moment is a code for whoever waits for it now, by night too; it is of no use after
           `until`; `lane` and `traceparent` are those of the plan and of the transaction where none are named
    """

    person: Person
    fact: str
    purpose: str
    urgency: Urgency
    region: str
    title: str
    body: str
    why: str
    over: frozenset[Channel] = EVERY_CHANNEL
    asked_for_until: datetime | None = None
    until: datetime | None = None
    lane: Lane | None = None
    traceparent: str | None = None

    @property
    def awaits_digest(self) -> bool:
        """Tell whether the message of the day tells of it, where its reader chose that."""
        return (
            self.asked_for_until is None
            and is_digested(self.person, self.urgency)
            and bool(channels_of(self.person, self.urgency))
        )

    def plan(self, work: Work) -> Plan:
        """Plan its way, over the channels that it may take."""
        if self.asked_for_until is not None:
            plan = plan_for_code(self.person, work.now, self.asked_for_until)
        else:
            plan = plan_for(self.person, self.urgency, work.now, self.until, at_night=not work.quiet_hours)
        channels = tuple(channel for channel in plan.channels if channel in self.over)
        return replace(plan, channels=channels, lane=plan.lane if self.lane is None else self.lane)

    def __repr__(self) -> str:
        return f"Outgoing({self.fact!r}, {self.purpose!r})"  # a value that ends in a log shows no words


@dataclass(frozen=True, slots=True)
class Written:
    """A message that is written now, and how it goes."""

    message_id: UUID
    outgoing: Outgoing
    plan: Plan


async def send(work: Work, outgoing: Sequence[Outgoing]) -> list[Written]:
    """Write messages and queue those that are to leave; gives those that are new. Nobody writes to whoever is held."""
    free = [(work.new_id(), one) for one in outgoing if not one.person.held]
    letters = [
        messages.Letter(
            id=message_id,
            person=one.person.key,
            fact=one.fact,
            purpose=one.purpose,
            urgency=one.urgency,
            region=one.region,
            language=one.person.language,
            title=one.title,
            body=one.body,
            why=one.why,
            traceparent=_trace(work, one),
            awaits_digest=one.awaits_digest,
        )
        for message_id, one in free
    ]
    fresh = await messages.add(work.session, letters, work.now)
    written = [Written(message_id, one, one.plan(work)) for message_id, one in free if message_id in fresh]
    wanted = [
        Wanted(one.message_id, one.outgoing.person.key, one.outgoing.region, _trace(work, one.outgoing), one.plan)
        for one in written
        if one.plan.channels
    ]
    await delivery.queue(work, wanted)
    return written


def _trace(work: Work, one: Outgoing) -> str:
    return work.caller.traceparent if one.traceparent is None else one.traceparent
