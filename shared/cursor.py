"""Cursors of list pages: where the next page begins, in letters that mean nothing to a client.

A cursor holds only the sort key of the last row shown. What the caller may see is decided anew on every page,
so a cursor that somebody made up, or took from another caller, shows nothing that was not theirs anyway.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import MAXYEAR, MINYEAR, datetime
from typing import TypeVar

import msgspec

from shared.problems import FieldError, Invalid
from shared.routes import Page

Key = TypeVar("Key")
Row = TypeVar("Row")
Item = TypeVar("Item")

INTEGER_MAX = 2**63 - 1


def encode(*key: object) -> str:
    """Give the cursor of a row by the values that it is sorted by."""
    return urlsafe_b64encode(msgspec.msgpack.encode(key)).decode().rstrip("=")


def decode(cursor: str, shape: type[Key]) -> Key:
    """Give the sort key that a cursor holds.

    Shape:  `shape` is the tuple that was encoded, such as `tuple[datetime, UUID]`
    Raises: Invalid (422) at /query/cursor, code `bad_cursor`, for anything that `encode` did not make
    """
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        key = msgspec.msgpack.decode(raw, type=shape)
    except (binascii.Error, ValueError, OverflowError, RecursionError):
        raise _refused() from None
    if not all(_storable(value) for value in key):  # type: ignore[attr-defined]  # every shape is a tuple
        raise _refused()
    return key


def page(
    rows: Sequence[Row], limit: int, item: Callable[[Row], Item], key: Callable[[Row], Sequence[object]]
) -> Page[Item]:
    """Make a page of rows that were asked for with one more than the limit, which tells whether more follow."""
    shown = rows[:limit]
    following = encode(*key(shown[-1])) if len(rows) > limit else None
    return Page([item(row) for row in shown], following)


def _storable(value: object) -> bool:
    """Tell what PostgreSQL would refuse to compare with, which must not become a defect here."""
    if isinstance(value, str):
        return "\0" not in value
    if isinstance(value, datetime):
        # At the ends of the calendar a moment has no counterpart in UTC.
        return value.tzinfo is not None and MINYEAR < value.year < MAXYEAR
    return not isinstance(value, int) or abs(value) <= INTEGER_MAX


def _refused() -> Invalid:
    detail = "Take the cursor as it stood in `next`, or leave it out to begin anew."
    return Invalid([FieldError(pointer="/query/cursor", code="bad_cursor", detail=detail)])
