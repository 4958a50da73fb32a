"""What must have come of the events that stand in the outboxes: effects in order, and exactly what is parked.

It knows the promises and not the code: an event takes effect once in every service that reacts to its type, unless it
is poison, or comes after poison of its own aggregate.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.aid_distribution.reactions import REACTIONS as OF_AID
from services.notifications.reactions import REACTIONS as OF_NOTIFICATIONS
from services.registration.reactions import REACTIONS as OF_REGISTRATION
from shared.contracts import EVENTS, SUBSCRIPTIONS, Event
from shared.contracts.aid_distribution import DistributionPosted, DistributionVoided
from shared.contracts.registration import BusinessChanged, BusinessRegistered
from shared.stream import LOST, TEXT_LENGTH_MAX
from tests.faults.oracle import Recorded, Staff, Told, messages_due

Outboxes = Mapping[str, Mapping[int, Sequence[Recorded]]]
Number = tuple[str, int, int]
Aggregate = tuple[str, str]

TAKEN_BACK = "taken back"
REACTS = {
    "registration": {one.event.type for one in OF_REGISTRATION},
    "aid_distribution": {one.event.type for one in OF_AID},
    "notifications": {one.event.type for one in OF_NOTIFICATIONS},
}


@dataclass(slots=True)
class Expected:
    """What one consumer must have written, event by event for each aggregate, and what it must have parked."""

    effects: dict[Aggregate, list[list[str]]] = field(default_factory=dict)
    parked: dict[Number, tuple[str, Recorded]] = field(default_factory=dict)


@dataclass(slots=True)
class Foretelling:
    """Tells what must have come of events."""

    outboxes: Outboxes
    poison: Collection[UUID]
    staff: Staff
    registered: list[Event] = field(init=False)
    welcomes: Counter[Told] = field(init=False)

    def __post_init__(self) -> None:
        """Read once who owns which business: every message to an owner asks for it."""
        rows = [one for of_partition in self.outboxes["registration"].values() for one in of_partition]
        self.registered = [event for one in rows if one.type == BusinessRegistered.type and (event := one.event)]
        self.welcomes = Counter(messages_due(self.staff, self.registered, []))

    def of(self, consumer: str) -> Expected:
        """Say what a consumer must have written and parked."""
        expected = Expected()
        for source in SUBSCRIPTIONS[consumer]:
            for partition, rows in self.outboxes[source].items():
                self._follow(consumer, source, partition, rows, expected)
        return expected

    def _follow(self, consumer: str, source: str, partition: int, rows: Sequence[Recorded], expected: Expected) -> None:
        waiting: set[str] = set()
        for one in rows:
            if one.type == LOST or (one.type in EVENTS and one.type not in REACTS[consumer] and not _unreadable(one)):
                continue
            if one.subject in waiting:
                expected.parked[source, partition, one.seq] = ("behind", one)
            elif one.id in self.poison:
                expected.parked[source, partition, one.seq] = ("poison", one)
                if not _unreadable(one):
                    waiting.add(one.subject)
            elif (event := one.event) is not None:
                for aggregate, says in self.effects(consumer, event).items():
                    before = expected.effects.setdefault(aggregate, [])
                    before.append([one for one in says if not _done_for_good(one, before)])

    def effects(self, consumer: str, event: Event) -> dict[Aggregate, list[str]]:
        """Say what one event makes a consumer write."""
        match consumer, event:
            case "registration", DistributionPosted() | DistributionVoided():
                return _support(event)
            case "aid_distribution", BusinessRegistered() | BusinessChanged():
                return {("known_business", event.subject): [event.name]}
            case "notifications", _:
                learnt = self._messages(event)
                if isinstance(event, BusinessRegistered | BusinessChanged):
                    learnt["contact_business", event.subject] = [event.name]
                return learnt
        return {}

    def _messages(self, event: Event) -> dict[Aggregate, list[str]]:
        if isinstance(event, BusinessRegistered):
            due = messages_due(self.staff, [event], [])
        else:
            news = ([*self.registered, event], []) if event.source == "registration" else (self.registered, [event])
            # Less what they were told when they were registered, which a change of the business does not tell again.
            due = list((Counter(messages_due(self.staff, *news)) - self.welcomes).elements())
        return {("message", event.matter): [f"{purpose} {person}" for _, person, purpose in due]} if due else {}


def _done_for_good(says: str, before: Sequence[Sequence[str]]) -> bool:
    """Tell what is written once however often it is told: aid that was taken back, told again after a restore."""
    return says.startswith(TAKEN_BACK) and any(says in event for event in before)


def _unreadable(one: Recorded) -> bool:
    """Tell what cannot even be read as an event, and therefore is nobody's."""
    return len(one.subject) > TEXT_LENGTH_MAX


def _support(event: DistributionPosted | DistributionVoided) -> dict[Aggregate, list[str]]:
    given = [f"given {business}" for business in event.businesses]
    if isinstance(event, DistributionVoided):
        given += [f"{TAKEN_BACK} {business}" for business in event.businesses]
    return {("support", event.subject): given} if given else {}
