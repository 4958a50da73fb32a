"""What a service does when something has happened: its table of event and handler.

Shape: `REACTIONS = (on(OwnerRegistered, learn_owner), on_run(DistributionPosted, tell_recipients))` in `reactions.py`

A handler takes one event, or a run of them: events of one type that arrived in one batch, each of another
aggregate, so that what they bring about can be written in one statement.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Generic, TypeVar

import msgspec

from shared.caller import Caller
from shared.contracts import Event
from shared.contracts.envelope import Envelope
from shared.database import Work

E = TypeVar("E", bound=Event)
Fact_co = TypeVar("Fact_co", covariant=True)


class NotYet(Exception):
    """An event needs a fact of another aggregate that has not arrived; it waits and is tried again soon.

    The message is kept with the waiting event and shown to operators: name what is missing, never a person.
    """


@dataclass(frozen=True, slots=True)
class Heard(Generic[Fact_co]):
    """One event of a run, and who caused it; the caller carries its trace."""

    event: Fact_co
    caller: Caller


@dataclass(frozen=True, slots=True)
class Reaction:
    """An event and what to do about it; `run` reads the wire form and does it within a transaction."""

    event: type[Event]
    name: str
    run: Callable[[Work, Sequence[Heard[bytes]]], Awaitable[None]]


def on(event: type[E], handler: Callable[[Work, E], Awaitable[None]]) -> Reaction:
    """Join an event and its handler.

    The handler works within a transaction and never commits; `work.caller` is who caused the event. It may run
    more than once, but its effects on `work.session` and what it records are kept exactly once. What cannot be
    undone by a rollback has no place in it.
    """
    decoder = msgspec.msgpack.Decoder(event)

    async def run(work: Work, heard: Sequence[Heard[bytes]]) -> None:
        for one in heard:
            work.caller = one.caller
            await handler(work, decoder.decode(one.event))

    return Reaction(event=event, name=_name(handler), run=run)


def on_run(event: type[E], handler: Callable[[Work, Sequence[Heard[E]]], Awaitable[None]]) -> Reaction:
    """Join an event and a handler that takes several of them at once, in the order of their numbers.

    As `on` in all else. No two events of a run are of the same aggregate, and a run of one is given when an event
    has to be tried alone. `work.caller` is the service: a run has many callers, so what it records names the caller
    of the one that it stands for (`work.record(…, caller=one.caller)`).
    """
    decoder = msgspec.msgpack.Decoder(event)

    async def run(work: Work, heard: Sequence[Heard[bytes]]) -> None:
        await handler(work, [Heard(decoder.decode(one.event), one.caller) for one in heard])

    return Reaction(event=event, name=_name(handler), run=run)


def _name(handler: Callable[..., object]) -> str:
    return f"{handler.__module__}.{handler.__qualname__}"


class Reactions:
    """A service's table, asked by the type of an event."""

    def __init__(self, table: Iterable[Reaction]) -> None:
        """Take the table; its order is the order in which the types of a batch are brought about."""
        self._of: dict[str, list[Reaction]] = {}
        for reaction in table:
            self._of.setdefault(reaction.event.type, []).append(reaction)
        self._rank = {kind: rank for rank, kind in enumerate(self._of)}

    def __contains__(self, kind: str) -> bool:
        return kind in self._of

    def of(self, kind: str) -> Sequence[Reaction]:
        """Give what is done about a type, in the order of the table; nothing for one that is not in it."""
        return self._of.get(kind, ())

    def runs(self, batch: Iterable[Envelope]) -> Iterator[list[Envelope]]:
        """Part the events of a batch into runs; the order within each aggregate is kept, and only that.

        First the first events of all aggregates, type by type, then the second ones, and so on.
        """
        seen: Counter[str] = Counter()
        placed: list[tuple[tuple[int, int], Envelope]] = []
        for envelope in batch:
            placed.append(((seen[envelope.subject], self._rank[envelope.type]), envelope))
            seen[envelope.subject] += 1
        placed.sort(key=lambda one: one[0])
        for _, run in groupby(placed, key=lambda one: one[0]):
            yield [envelope for _, envelope in run]
