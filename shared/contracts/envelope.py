"""The envelope in which an event travels: flat stream fields with CloudEvents names, the fact itself in MessagePack."""

from datetime import datetime
from uuid import UUID

import msgspec


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One event with its number, as it stands in a stream, in a feed, or parked.

    Shape:  (source, partition, seq) is the number; `data` is the MessagePack of the event's struct
    """

    source: str
    partition: int
    seq: int
    id: UUID
    type: str
    subject: str
    time: datetime
    actor: str
    region: str
    traceparent: str
    data: bytes
