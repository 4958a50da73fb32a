"""What messages does: put a fact into words for each person, once, and keep what they have read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.notifications.messages import store
from services.notifications.messages.domain import compose
from services.notifications.messages.facts import Reading
from services.notifications.messages.rules import Rule
from services.notifications.people import Person
from shared.contracts import Event
from shared.database import Work
from shared.problems import Absent


@dataclass(frozen=True, slots=True)
class Told:
    """A message that was written now, and for whom."""

    message_id: UUID
    person: Person


async def tell(
    work: Work, rule: Rule, event: Event, people: Iterable[Person], *, region: str, giver: str | None
) -> list[Told]:
    """Write the messages that a rule asks for, and give those that are new.

    A fact is known by its subject: told again, under whatever number, it adds nothing for those who have it.
    """
    told = [Told(work.new_id(), person) for person in people]
    fresh = await store.add(work.session, [_row(work, rule, event, one, region, giver) for one in told])
    return [one for one in told if one.message_id in fresh]


def _row(work: Work, rule: Rule, event: Event, told: Told, region: str, giver: str | None) -> store.MessageRow:
    person = told.person
    message = compose(rule.purpose, event, Reading(person.language, giver, person.businesses))
    return store.MessageRow(
        id=told.message_id,
        person=person.key,
        fact=event.subject,
        purpose=rule.purpose,
        urgency=rule.urgency,
        region=region,
        language=person.language,
        title=message.title,
        body=message.body,
        why=message.why,
        traceparent=work.caller.traceparent,
        created_at=work.now,
    )


async def told_before(work: Work, rule: Rule, event: Event) -> list[str]:
    """Name those who were told of this matter under the purpose that the rule follows."""
    return await store.told(work.session, event.subject, rule.after) if rule.after else []


async def mark_read(work: Work, person: str, message_id: UUID) -> store.MessageRow:
    """Note that somebody has read a message of theirs; raises Absent (404) for any other."""
    row = await store.mark_read(work.session, person, message_id, work.now)
    if row is None:
        raise Absent
    return row


async def written(work: Work, ids: Sequence[UUID]) -> dict[UUID, store.MessageRow]:
    """Give messages by id."""
    return {row.id: row for row in await store.find(work.session, ids)}
