"""What messages does: put a fact into words for each person, once, and keep what they have read."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.notifications.messages import inbox_store, store
from services.notifications.messages.domain import Message, compose
from services.notifications.messages.facts import Reading
from services.notifications.messages.rules import Rule
from services.notifications.people import Person
from services.notifications.plans import Plan, Urgency, channels_of, is_digested, plan_for
from shared.caller import Caller
from shared.contracts import Event
from shared.database import Work
from shared.problems import Absent

ERASED_TEXT = "(dihapus)"


@dataclass(frozen=True, slots=True)
class News:
    """A fact that is to be told, under which rule, to whom, and who caused it; `giver` is their name if known."""

    rule: Rule
    event: Event
    people: Sequence[Person]
    caller: Caller
    giver: str | None

    @property
    def region(self) -> str:
        """Give the region where those are who are told."""
        return str(getattr(self.event, self.rule.region))


@dataclass(frozen=True, slots=True)
class Told:
    """A message that was written now, for whom, and what decides how it is sent; `until` is when it is of no use."""

    message_id: UUID
    person: Person
    urgency: Urgency
    region: str
    traceparent: str
    outside: bool
    until: datetime | None
    digests: bool = False

    def plan(self, work: Work) -> Plan:
        """Plan how it reaches them; what tells of the day's news waits for no other."""
        person = self.person
        if self.digests and person.choices is not None:
            person = replace(person, choices=replace(person.choices, digest=False))
        return plan_for(person, self.urgency, work.now, self.until, at_night=not work.quiet_hours)


async def tell(work: Work, news: Iterable[News]) -> list[Told]:
    """Write the messages that rules ask for, and give those that are new.

    A fact is known by its matter: told again, under whatever number, it adds nothing for those who have it. To whom
    nobody writes it is withheld, and that is noted.
    """
    told: list[Told] = []
    letters: list[store.Letter] = []
    withheld: list[tuple[str, str, str]] = []
    for one in news:
        theirs = [_told(work.new_id(), one, person) for person in one.people if not person.held]
        withheld += [(one.event.matter, person.key, one.rule.purpose) for person in one.people if person.held]
        told += theirs
        letters += _letters(one, theirs)
    await store.withhold(work.session, withheld, work.now)
    fresh = await store.add(work.session, letters, work.now)
    return [one for one in told if one.message_id in fresh]


def _told(message_id: UUID, news: News, person: Person) -> Told:
    rule = news.rule
    until = getattr(news.event, rule.until) if rule.until else None
    return Told(message_id, person, rule.urgency, news.region, news.caller.traceparent, rule.outside, until)


def _letters(news: News, told: Iterable[Told]) -> Iterator[store.Letter]:
    """Put news into words for each person; many of them read the same."""
    written: dict[Reading, Message] = {}
    for one in told:
        reading = Reading(one.person.language, news.giver, one.person.businesses, one.person.regions)
        if reading not in written:
            written[reading] = compose(news.rule.purpose, news.event, reading)
        message = written[reading]
        yield store.Letter(
            id=one.message_id,
            person=one.person.key,
            fact=news.event.matter,
            purpose=news.rule.purpose,
            urgency=news.rule.urgency,
            region=news.region,
            language=one.person.language,
            title=message.title,
            body=message.body,
            why=message.why,
            traceparent=news.caller.traceparent,
            awaits_digest=one.outside
            and bool(channels_of(one.person, one.urgency))
            and is_digested(one.person, one.urgency),
        )


async def forget(work: Work, person: str) -> None:
    """Take away what was written to a person; that they were told stays."""
    await store.forget(work.session, person, ERASED_TEXT)


async def told_before(work: Work, rule: Rule, events: Sequence[Event]) -> list[list[str]]:
    """Name for each matter those who were told of it under the purpose that the rule follows."""
    people = await store.told(work.session, [event.matter for event in events], rule.after) if rule.after else {}
    return [people.get(event.matter, []) for event in events]


async def mark_read(work: Work, person: str, message_id: UUID) -> store.MessageRow:
    """Note that somebody has read a message of theirs; raises Absent (404) for any other."""
    row = await store.mark_read(work.session, person, message_id, work.now)
    if row is None:
        raise Absent
    return row


async def mark_all_read(work: Work, person: str, until: datetime) -> int:
    """Note that somebody has read all that was written to them up to a moment; gives how many were unread."""
    return await inbox_store.mark_read_until(work.session, person, until, work.now)


async def written(work: Work, ids: Sequence[UUID]) -> dict[UUID, store.Written]:
    """Give what is sent of messages by id."""
    return {row.id: row for row in await store.written(work.session, ids)}
