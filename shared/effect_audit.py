"""How the effects of events can be seen: what each reaction declares, so that `serumpun verify` can look for them.

An audit is asked about the events of one page, in their order, and says of each whether its effect is there and there
once. An event may be overtaken by a later one of its subject: the last answer about a subject and an aspect counts.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts import Event

K = TypeVar("K")
SETTLED = timedelta(seconds=10)
"""What was changed less than this before an event may or may not have been known when the event was handled."""


class Told(NamedTuple):
    """An event that a service has handled, by its number and in its typed form."""

    source: str
    partition: int
    seq: int
    time: datetime
    event: Event


class Seen(NamedTuple):
    """What there is to be seen of one event; `wrong` is empty when it is as it should be, and never names a person.

    Shape: `cure` is for what handing the event again does not cure
    """

    told: Told
    aspect: str
    wrong: str
    cure: str = ""


Look = Callable[[AsyncSession, Sequence[Told]], Awaitable[Iterable[Seen]]]


@dataclass(frozen=True, slots=True)
class EffectAudit:
    """The events of which an effect is kept, and how to look for it in the database of the service that keeps it."""

    events: frozenset[type[Event]]
    look: Look


class Effect(NamedTuple):
    """What only an event can have brought about: its key, the subject of that event, and its possible types."""

    key: str
    subject: str
    types: frozenset[str]


@dataclass(frozen=True, slots=True)
class EffectPages:
    """All effects of one kind by pages: `page` gives those whose key follows `after`, sorted by key."""

    kind: str
    page: Callable[[AsyncSession, str, int], Awaitable[Sequence[Effect]]]


@dataclass(frozen=True, slots=True)
class Audits:
    """What a service declares: how each effect is seen, all effects by pages, and how its own records are seen.

    Shape: `heard` are about the events of others, `recorded` about the service's own
    """

    heard: tuple[EffectAudit, ...] = ()
    effects: tuple[EffectPages, ...] = ()
    recorded: tuple[EffectAudit, ...] = ()


def seen_in(look: Look, *events: type[Event]) -> EffectAudit:
    """Declare how the effects of events are seen."""
    return EffectAudit(frozenset(events), look)


def compared(expected: Mapping[str, object], found: Mapping[str, object] | None) -> str:
    """Say in which fields a row is not what an event says, without saying what stands there."""
    if found is None:
        return "there is no such row"
    differing = [name for name, value in expected.items() if found.get(name) != value]
    return f"the row differs in {', '.join(differing)}" if differing else ""
