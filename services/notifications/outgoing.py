"""Sending what no rule of the table tells: an answer to a reply, a code, a broadcast. The inbox always has it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.notifications.delivery import handlers as delivery
from services.notifications.delivery.store import Wanted
from services.notifications.messages import store as messages
from services.notifications.people import Person
from services.notifications.plans import Channel, Plan, Urgency, plan_for, plan_for_code
from shared.database import Work

INBOX_ALONE: Final = frozenset[Channel]()
EVERY_CHANNEL: Final = frozenset(Channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message that is written and ready to go.

    Shape: once by (`fact`, the person's key, `purpose`); it may leave the house over `over` and no other channel; what
           was `asked_for_until` a moment is a code for whoever waits for it now, by night too
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

    def plan(self, work: Work) -> Plan:
        """Plan its way, over the channels that it may take."""
        if self.asked_for_until is not None:
            plan = plan_for_code(self.person, work.now, self.asked_for_until)
        else:
            plan = plan_for(self.person, self.urgency, work.now, at_night=not work.quiet_hours)
        return replace(plan, channels=tuple(channel for channel in plan.channels if channel in self.over))

    def __repr__(self) -> str:
        return f"Outgoing({self.fact!r}, {self.purpose!r})"  # a value that ends in a log shows no words


async def send(work: Work, outgoing: Sequence[Outgoing]) -> int:
    """Write messages and queue those that are to leave; gives how many are new. Nobody writes to whoever is held."""
    free = [(work.new_id(), one) for one in outgoing if not one.person.held]
    trace = work.caller.traceparent
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
            traceparent=trace,
            awaits_digest=False,
        )
        for message_id, one in free
    ]
    fresh = await messages.add(work.session, letters, work.now)
    plans = [(message_id, one, one.plan(work)) for message_id, one in free if message_id in fresh]
    wanted = [
        Wanted(message_id, one.person.key, one.region, trace, plan) for message_id, one, plan in plans if plan.channels
    ]
    await delivery.queue(work, wanted)
    return len(fresh)
