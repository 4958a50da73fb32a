"""Where a reader stands in an outbox: the last number of every partition, in letters that mean nothing to a client.

An event's `id` is such a position, so that whoever comes back with the last one is told exactly what follows.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated

import msgspec

LAST_EVENT_ID = "Last-Event-ID"
"""The header with which a browser says where it stood."""

Position = tuple[int, ...]
PositionText = Annotated[str, msgspec.Meta(min_length=1, max_length=4_000, pattern=r"^[A-Za-z0-9_\-]+$(?!\n)")]
_SHAPE = tuple[Annotated[int, msgspec.Meta(ge=0, le=2**62)], ...]


def written(position: Position) -> str:
    """Give a position as a client keeps it."""
    return urlsafe_b64encode(msgspec.msgpack.encode(position)).decode().rstrip("=")


def read(text: str) -> Position | None:
    """Give the position that a client has kept, or None for what `written` did not make."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        position: Position = msgspec.msgpack.decode(raw, type=_SHAPE)
    except (binascii.Error, ValueError, OverflowError, RecursionError):
        return None
    return position or None
