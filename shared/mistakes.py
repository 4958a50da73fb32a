"""The slow way through a request of the wrong shape: every mistake in it, each with its place and a stable code."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from shared.problems import FieldError

ERRORS_MAX = 200
"""No answer lists more mistakes than this; whoever makes more has not read the first ones."""

DETAIL_LENGTH_MAX = 200
NAME_LENGTH_MAX = 100
"""What was sent is not given back at any length."""

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


class Given(dict[str, object]):
    """An object as it was sent, with the names that stand in it more than once."""

    twice: Sequence[str] = ()


@cache
def hints_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Give the declared types by the names that stand in JSON."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.encode_name: hints[field.name] for field in msgspec.structs.fields(kind)}


def in_calendar(value: object) -> bool:
    """Tell a moment or day that can be told in every time zone; anything else that is no date passes."""
    if isinstance(value, datetime):
        return MOMENTS[0] <= (value if value.tzinfo else value.replace(tzinfo=UTC)) <= MOMENTS[1]
    return not isinstance(value, date) or DAYS[0] <= value <= DAYS[1]


class Walk:
    """Compares a plain value with a struct, field by field; what fits is kept in `leaves`, by its pointer."""

    def __init__(self) -> None:
        self.leaves: dict[str, object] = {}

    def mistakes(self, value: object, kind: Any, pointer: str) -> list[FieldError]:
        """Give what is wrong with a value, and with everything in it; not much more than `ERRORS_MAX`."""
        # What a whole choice is annotated with, such as an example, hides no struct within it.
        choices = options(bare(kind)) if len(options(bare(kind))) > 1 else options(kind)
        given = [option for option in choices if option not in (NoneType, msgspec.UnsetType)]
        if value is None and NoneType in choices:
            return []
        inner = bare(given[0]) if len(given) == 1 else None
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            return self._of_struct(value, inner, pointer)
        if get_origin(inner) is list:
            return self._of_list(value, given[0], inner, pointer)
        return self._of_leaf(value, kind, pointer)

    def _of_struct(self, value: object, kind: type[msgspec.Struct], pointer: str) -> list[FieldError]:
        if not isinstance(value, Mapping):
            return [FieldError(pointer=pointer, code="wrong_type", detail=f"Expected an object, got {_name(value)}.")]
        hints = hints_of(kind)
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        errors: list[FieldError] = []
        for name, field in fields.items():
            if name in value:
                errors += self.mistakes(value[name], hints[name], f"{pointer}/{_escaped(name)}")
            elif field.required:
                errors.append(FieldError(pointer=f"{pointer}/{_escaped(name)}", code="missing", detail="Required."))
        if isinstance(value, Given):
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
            if not in_calendar(read):
                return [FieldError(pointer=pointer, code="out_of_calendar", detail="No such moment everywhere.")]
            if read is not None:
                self.leaves[pointer] = read
        except msgspec.ValidationError as fault:
            detail = str(fault).partition(" - at `")[0][:DETAIL_LENGTH_MAX]
            return [FieldError(pointer=pointer, code=code_of(detail), detail=detail)]
        return []


def _length_max(limits: Sequence[Any]) -> int | None:
    return next((limit.max_length for limit in limits if limit.max_length is not None), None)


def options(kind: Any) -> tuple[Any, ...]:
    """Give the types between which a declaration leaves the choice."""
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def bare(kind: Any) -> Any:
    """Give a type without its limits."""
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def code_of(detail: str) -> str:
    """Give the stable code of a mistake that msgspec describes in words."""
    return next((code for pattern, code in CODES if pattern.search(detail)), "invalid_value")


def _name(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", NoneType: "null"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "a number")


def _escaped(name: str) -> str:
    return name[:NAME_LENGTH_MAX].replace("~", "~0").replace("/", "~1")
