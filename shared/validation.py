"""Reading a body or a query into its struct, with every mistake told at once.

The fast way is msgspec, which stops at the first mistake. Only when it says no does the slow way walk the
struct and collect all of them, so a good request pays nothing for it.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from types import NoneType
from typing import Any, TypeVar

import msgspec

from shared.mistakes import ERRORS_MAX, Given, Walk, bare, code_of, hints_of, in_calendar, options
from shared.problems import FieldError, Invalid

T = TypeVar("T", bound=msgspec.Struct)

WHOLE = re.compile(r"0|-?[1-9][0-9]{0,39}", re.ASCII)
WHERE = re.compile(r"(.*) - at `\$(.*)`", re.DOTALL)


class Misshapen(Invalid):
    """A request has the wrong shape; `leaves` are the values in its body that are right, by their pointers.

    With them whoever knows the rules can say at once what else is wrong. They are None when there is no body to read.
    """

    def __init__(
        self, errors: Sequence[FieldError], leaves: Mapping[str, object] | None = None, detail: str = ""
    ) -> None:
        super().__init__(errors, detail)
        self.leaves = leaves

    def joined(self, found: Sequence[FieldError]) -> Invalid:
        """Tell other mistakes with these; what is about a place that is told already would be told twice."""
        told = [error.pointer for error in self.errors]
        other = [error for error in found if not any(_about_same(error.pointer, pointer) for pointer in told)]
        return Invalid([*self.errors, *other], self.detail)


def read_json(raw: bytes, kind: type[T]) -> T:
    """Give the struct that a JSON body holds; raises Misshapen (422) with every mistake and where it is."""
    try:
        read = msgspec.json.decode(raw, type=kind)
        ONCE.decode(raw.decode())
        _check_calendar(read)
    except (msgspec.ValidationError, _Doubtful) as fault:
        raise _invalid(_json_value(raw, fault), kind, fault) from None
    except (ValueError, RecursionError) as fault:
        raise _malformed(fault) from None
    return read


def read_query(values: Sequence[tuple[str, str]], kind: type[T]) -> T:
    """Give the struct that a query string holds; raises Misshapen (422) with every mistake.

    A whole number is read from digits and a moment from RFC 3339. (The lax conversion of msgspec would take
    "1.000" for one and any number for a moment.)
    """
    given = _object([(name, _from_text(text, _plain_types(kind).get(name))) for name, text in values])
    try:
        _once(values)
        read = msgspec.convert(given, kind)
        _check_calendar(read)
    except (msgspec.ValidationError, _Doubtful) as fault:
        raise _invalid(given, kind, fault, root="/query") from None
    return read


def read_value(value: object, kind: type[T]) -> T:
    """Give the struct that a part of a body holds which was read already; raises Misshapen (422) with every mistake."""
    try:
        read = msgspec.convert(value, kind)
        _check_calendar(read)
    except (msgspec.ValidationError, _Doubtful) as fault:
        raise _invalid(value, kind, fault) from None
    return read


def read_text(text: str, kind: Any) -> object:
    """Give the value that one part of a path holds; raises ValidationError when it is not of that kind."""
    return msgspec.convert(_from_text(text, _plain(kind)), kind)


def _about_same(pointer: str, other: str) -> bool:
    return f"{pointer}/".startswith(f"{other}/") or f"{other}/".startswith(f"{pointer}/")


class _Doubtful(Exception):
    """The shape is right and the values are still not to be used; the slow way finds out which."""


def _object(pairs: list[tuple[str, Any]]) -> Given:
    given = Given(pairs)
    if len(given) != len(pairs):
        names = (name for name, _ in pairs)
        given.twice = [name for name, times in Counter(names).items() if times > 1]
    return given


def _once(pairs: Sequence[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise _Doubtful("a name stands twice")


ONCE = json.JSONDecoder(object_pairs_hook=_once)
TWICE = json.JSONDecoder(object_pairs_hook=_object)


def _from_text(text: str, kind: object) -> object:
    """Read what has no text form of its own in msgspec; what cannot be read stays text, and is refused as such."""
    if kind is int and WHOLE.fullmatch(text):
        return int(text)
    if kind is bool:
        return {"true": True, "false": False}.get(text, text)
    return text


@cache
def _plain_types(kind: type[msgspec.Struct]) -> dict[str, object]:
    return {name: _plain(hint) for name, hint in hints_of(kind).items()}


@cache
def _dated(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    plain = _plain_types(kind)
    return tuple(field.name for field in msgspec.structs.fields(kind) if plain[field.encode_name] in (datetime, date))


def _plain(kind: Any) -> object:
    """Give the type that is left without its limits and without null."""
    plain = [bare(option) for option in options(bare(kind))]
    named = [option for option in plain if option not in (NoneType, msgspec.UnsetType)]
    return named[0] if len(named) == 1 else None


def _check_calendar(read: msgspec.Struct) -> None:
    for name in _dated(type(read)):
        if not in_calendar(getattr(read, name)):
            raise _Doubtful("a moment lies outside the calendar")


def _json_value(raw: bytes, fault: Exception) -> object:
    """Give the body as plain values, once it is certain that it is JSON."""
    try:
        msgspec.json.decode(raw)
        return TWICE.decode(raw.decode())
    except msgspec.ValidationError:
        raise Misshapen([_out_of_range(str(fault))]) from None
    except (ValueError, RecursionError) as malformed:
        raise _malformed(malformed) from None


def _out_of_range(message: str) -> FieldError:
    """Tell a number that no type can hold; the body around it is not looked at any further."""
    match = WHERE.fullmatch(message)
    detail, path = (match[1], match[2]) if match else (message, "")
    pointer = re.sub(r"[.\[]", "/", path.replace("]", ""))
    return FieldError(pointer=pointer if "..." not in pointer else "", code=code_of(detail), detail=detail)


def _malformed(fault: Exception) -> Misshapen:
    detail = "nested too deeply" if isinstance(fault, RecursionError) else str(fault)
    return Misshapen([FieldError(pointer="", code="malformed_json", detail=detail)], None, "The body is not JSON.")


def _invalid(value: object, kind: type, fault: Exception, *, root: str = "") -> Misshapen:
    walk = Walk()
    errors = walk.mistakes(value, kind, root)[:ERRORS_MAX]
    return Misshapen(errors or [FieldError(pointer=root, code=code_of(str(fault)), detail=str(fault))], walk.leaves)
