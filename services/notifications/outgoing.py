"""Sending what no rule of the table tells: an answer to a reply, a code, a broadcast. The inbox always has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.notifications.delivery import handlers as delivery
from services.notifications.delivery.store import Wanted
from services.notifications.messages import store as messages
from services.notifications.people import Person
from services.notifications.plans import Channel, Urgency, plan_for
from shared.database import Work

INBOX_ALONE: Final = frozenset[Channel]()
EVERY_CHANNEL: Final = frozenset(Channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message that is written and ready to go.

    Shape: once by (`fact`, the person's key, `purpose`); it may leave the house over `over` and no other channel
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
        )
        for message_id, one in free
    ]
    fresh = await messages.add(work.session, letters, work.now)
    wanted = [
        Wanted(message_id, one.person.key, one.region, trace)
        for message_id, one in free
        if message_id in fresh and one.over.intersection(plan_for(one.person, one.urgency, work.now).channels)
    ]
    await delivery.queue(work, wanted, channel=Channel.EMAIL)
    return len(fresh)
