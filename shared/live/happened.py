"""An event as it is told live, and the words of server-sent events around it.

Source: the HTML standard, 9.2 Server-sent events: a block without data only sets the last event id
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.clock import shown

RETRY_MILLISECONDS = 2_000
"""How long a browser waits before it comes back."""
WEIGHT_BYTES = 1_000
"""What an event takes in memory beside its data, at the most."""


@dataclass(slots=True)
class Happened:
    """One event of the outbox; its words are made once, however many are told."""

    partition: int
    seq: int
    id: UUID
    type: str
    subject: str
    time: datetime
    region: str
    data: bytes
    _fact: Mapping[str, Any] | None = None
    _words: bytes = b""

    @property
    def weight_bytes(self) -> int:
        """Give how much it counts while it waits for a client."""
        return len(self.data) + WEIGHT_BYTES

    @property
    def fact(self) -> Mapping[str, Any]:
        """Give what the event says, by the names of its fields."""
        if self._fact is None:
            self._fact = msgspec.msgpack.decode(self.data)
        return self._fact

    def block(self, position: str, fact: Mapping[str, Any] | None = None) -> bytes:
        """Give the event as a block of the stream; `position` is where its reader then stands.

        Shape: `fact` is what this reader may know of it, where that is less than all
        """
        if fact is not None:
            words = self._written(fact)
        else:
            words = self._words = self._words or self._written(self.fact)
        return b"id: %b\n%b" % (position.encode(), words)

    def _written(self, fact: Mapping[str, Any]) -> bytes:
        told = {
            "id": self.id,
            "type": self.type,
            "subject": self.subject,
            "time": shown(self.time),
            "region": self.region,
            "data": fact,
        }
        return b"event: %b\ndata: %b\n\n" % (self.type.encode(), msgspec.json.encode(told))


def greeting(position: str) -> bytes:
    """Give the first block: where the reader stands, and how soon to come back when the stream ends."""
    return b"retry: %d\nid: %b\n\n" % (RETRY_MILLISECONDS, position.encode())


def heartbeat(position: str) -> bytes:
    """Give a comment that keeps the connection open, and takes the reader past what was not for them."""
    return b": heartbeat\nid: %b\n\n" % position.encode()


def reset(position: str, reason: str) -> bytes:
    """Give the block that says that something was missed, so that whoever keeps a state asks for it anew."""
    return b'event: reset\nid: %b\ndata: {"reason":"%b"}\n\n' % (position.encode(), reason.encode())
