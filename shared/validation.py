"""Reading a body or a query into its struct, with every mistake told at once.

The fast way is msgspec, which stops at the first mistake. Only when it says no does the slow way walk the
struct and collect all of them, so a good request pays nothing for it.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from shared.problems import FieldError, Invalid

T = TypeVar("T", bound=msgspec.Struct)

ERRORS_MAX = 200
"""No answer lists more mistakes than this; whoever makes more has not read the first ones."""

DETAIL_LENGTH_MAX = 200
NAME_LENGTH_MAX = 100
"""What was sent is not given back at any length."""

WHOLE = re.compile(r"0|-?[1-9][0-9]{0,39}", re.ASCII)
WHERE = re.compile(r"(.*) - at `\$(.*)`", re.DOTALL)

# Anything closer to the end of the calendar has no counterpart in another time zone.
MOMENTS = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))
DAYS = (date(1, 1, 2), date(9999, 12, 30))

CODES = (
    (re.compile(r"array.* length >="), "too_few"),
    (re.compile(r"array.* length <="), "too_many"),
    (re.compile(r"length >="), "too_short"),
    (re.compile(r"length <="), "too_long"),
    (re.compile(r"matching regex"), "bad_format"),
    (re.compile(r"(int|float)` >"), "too_small"),
    (re.compile(r"(int|float)` <|out of range"), "too_large"),
    (re.compile(r"timezone"), "offset_missing"),
    (re.compile(r"[Ii]nvalid enum"), "unknown_value"),
    (re.compile(r"Invalid (RFC3339|UUID|ISO8601)"), "bad_format"),
    (re.compile(r"got `null`"), "missing"),
    (re.compile(r"got `"), "wrong_type"),
)


class Misshapen(Invalid):
    """A request has the wrong shape; `leaves` are the values in its body that are right, by their pointers.

    With them whoever knows the rules can say at once what else is wrong. They are None when there is no body to read.
    """

    def __init__(
        self, errors: Sequence[FieldError], leaves: Mapping[str, object] | None = None, detail: str = ""
    ) -> None:
        super().__init__(errors, detail)
        self.leaves = leaves


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


def read_text(text: str, kind: Any) -> object:
    """Give the value that one part of a path holds; raises ValidationError when it is not of that kind."""
    return msgspec.convert(_from_text(text, _plain(kind)), kind)


class _Doubtful(Exception):
    """The shape is right and the values are still not to be used; the slow way finds out which."""


class _Object(dict[str, object]):
    """An object as it was sent, with the names that stand in it more than once."""

    twice: Sequence[str] = ()


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    given = _Object(pairs)
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
def _hints(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Give the declared types by the names that stand in JSON."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.encode_name: hints[field.name] for field in msgspec.structs.fields(kind)}


@cache
def _plain_types(kind: type[msgspec.Struct]) -> dict[str, object]:
    return {name: _plain(hint) for name, hint in _hints(kind).items()}


@cache
def _dated(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    plain = _plain_types(kind)
    return tuple(field.name for field in msgspec.structs.fields(kind) if plain[field.encode_name] in (datetime, date))


def _plain(kind: Any) -> object:
    """Give the type that is left without its limits and without null."""
    options = [_bare(option) for option in _options(_bare(kind))]
    named = [option for option in options if option not in (NoneType, msgspec.UnsetType)]
    return named[0] if len(named) == 1 else None


def _check_calendar(read: msgspec.Struct) -> None:
    for name in _dated(type(read)):
        if not _in_calendar(getattr(read, name)):
            raise _Doubtful("a moment lies outside the calendar")


def _in_calendar(value: object) -> bool:
    """Tell a moment or day that can be told in every time zone; anything else that is no date passes."""
    if isinstance(value, datetime):
        return MOMENTS[0] <= (value if value.tzinfo else value.replace(tzinfo=UTC)) <= MOMENTS[1]
    return not isinstance(value, date) or DAYS[0] <= value <= DAYS[1]


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
    return FieldError(pointer=pointer if "..." not in pointer else "", code=_code(detail), detail=detail)


def _malformed(fault: Exception) -> Misshapen:
    detail = "nested too deeply" if isinstance(fault, RecursionError) else str(fault)
    return Misshapen([FieldError(pointer="", code="malformed_json", detail=detail)], None, "The body is not JSON.")


def _invalid(value: object, kind: type, fault: Exception, *, root: str = "") -> Misshapen:
    walk = _Walk()
    errors = walk.mistakes(value, kind, root)[:ERRORS_MAX]
    return Misshapen(errors or [FieldError(pointer=root, code=_code(str(fault)), detail=str(fault))], walk.leaves)


class _Walk:
    """Compares a plain value with a struct, field by field; what fits is kept in `leaves`, by its pointer."""

    def __init__(self) -> None:
        self.leaves: dict[str, object] = {}

    def mistakes(self, value: object, kind: Any, pointer: str) -> list[FieldError]:
        options = [option for option in _options(kind) if option not in (NoneType, msgspec.UnsetType)]
        if value is None and NoneType in _options(kind):
            return []
        inner = _bare(options[0]) if len(options) == 1 else None
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            return self._of_struct(value, inner, pointer)
        if get_origin(inner) is list:
            return self._of_list(value, options[0], inner, pointer)
        return self._of_leaf(value, kind, pointer)

    def _of_struct(self, value: object, kind: type[msgspec.Struct], pointer: str) -> list[FieldError]:
        if not isinstance(value, Mapping):
            return [FieldError(pointer=pointer, code="wrong_type", detail=f"Expected an object, got {_name(value)}.")]
        hints = _hints(kind)
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        errors: list[FieldError] = []
        for name, field in fields.items():
            if name in value:
                errors += self.mistakes(value[name], hints[name], f"{pointer}/{_escaped(name)}")
            elif field.required:
                errors.append(FieldError(pointer=f"{pointer}/{_escaped(name)}", code="missing", detail="Required."))
        if isinstance(value, _Object):
            errors += [
                FieldError(pointer=f"{pointer}/{_escaped(name)}", code="given_twice", detail="Say it once.")
                for name in value.twice
            ]
        if kind.__struct_config__.forbid_unknown_fields:
            errors += [
                FieldError(pointer=f"{pointer}/{_escaped(str(name))}", code="unknown_field", detail="No such field.")
                for name in value
                if name not in fields
            ]
        return errors

    def _of_list(self, value: object, declared: Any, inner: Any, pointer: str) -> list[FieldError]:
        if not isinstance(value, list):
            return [FieldError(pointer=pointer, code="wrong_type", detail=f"Expected a list, got {_name(value)}.")]
        limits = [extra for extra in get_args(declared)[1:] if get_origin(declared) is Annotated]
        shape: Any = list[Any]
        for limit in limits:
            shape = Annotated[shape, limit]
        errors = self._of_leaf(value, shape, pointer)
        (element,) = get_args(inner)
        # What lies beyond the limit is not looked at: it is one mistake, not thousands.
        for index, entry in enumerate(value[: _length_max(limits)]):
            errors += self.mistakes(entry, element, f"{pointer}/{index}")
            if len(errors) >= ERRORS_MAX:
                break
        return errors

    def _of_leaf(self, value: object, kind: Any, pointer: str) -> list[FieldError]:
        try:
            read = msgspec.convert(value, kind)
            if not _in_calendar(read):
                return [FieldError(pointer=pointer, code="out_of_calendar", detail="No such moment everywhere.")]
            if read is not None:
                self.leaves[pointer] = read
        except msgspec.ValidationError as fault:
            detail = str(fault).partition(" - at `")[0][:DETAIL_LENGTH_MAX]
            return [FieldError(pointer=pointer, code=_code(detail), detail=detail)]
        return []


def _length_max(limits: Sequence[Any]) -> int | None:
    return next((limit.max_length for limit in limits if limit.max_length is not None), None)


def _options(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _code(detail: str) -> str:
    return next((code for pattern, code in CODES if pattern.search(detail)), "invalid_value")


def _name(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", NoneType: "null"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "a number")


def _escaped(name: str) -> str:
    return name[:NAME_LENGTH_MAX].replace("~", "~0").replace("/", "~1")
