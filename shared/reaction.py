"""What a service does when something has happened: its table of event and handler.

Shape: `REACTIONS = (on(OwnerRegistered, learn_owner), on(DistributionPosted, tell_recipients))` in `reactions.py`
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from shared.contracts import Event
from shared.database import Work

E = TypeVar("E", bound=Event)


class NotYet(Exception):
    """An event needs a fact of another aggregate that has not arrived; it waits and is tried again soon.

    The message is kept with the waiting event and shown to operators: name what is missing, never a person.
    """


@dataclass(frozen=True, slots=True)
class Reaction:
    """An event and what to do about it; `run` reads the wire form and does it within a transaction."""

    event: type[Event]
    name: str
    run: Callable[[Work, bytes], Awaitable[None]]


def on(event: type[E], handler: Callable[[Work, E], Awaitable[None]]) -> Reaction:
    """Join an event and its handler.

    The handler works within a transaction and never commits; `work.caller` is who caused the event. It may run
    more than once, but its effects on `work.session` and what it records are kept exactly once. What cannot be
    undone by a rollback has no place in it.
    """
    decoder = msgspec.msgpack.Decoder(event)

    async def run(work: Work, data: bytes) -> None:
        await handler(work, decoder.decode(data))

    return Reaction(event=event, name=f"{handler.__module__}.{handler.__qualname__}", run=run)
