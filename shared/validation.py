"""Reading a body or a query into its struct, with every mistake told at once.

The fast way is msgspec, which stops at the first mistake. Only when it says no does the slow way walk the
struct and collect all of them, so a good request pays nothing for it.
"""

import re
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from shared.problems import FieldError, Invalid

T = TypeVar("T", bound=msgspec.Struct)

ERRORS_MAX = 200
"""No answer lists more mistakes than this; whoever makes more has not read the first ones."""

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
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as fault:
        raise _invalid(_json_value(raw), kind, fault) from None
    except (ValueError, RecursionError) as fault:
        raise _malformed(fault) from None


def read_query(values: Mapping[str, str], kind: type[T]) -> T:
    """Give the struct that a query string holds; numbers and dates are read from their text."""
    try:
        return msgspec.convert(dict(values), kind, strict=False)
    except msgspec.ValidationError as fault:
        raise _invalid(dict(values), kind, fault, strict=False, root="/query") from None


def _json_value(raw: bytes) -> object:
    try:
        return msgspec.json.decode(raw)
    except (ValueError, RecursionError) as fault:
        raise _malformed(fault) from None


def _malformed(fault: Exception) -> Misshapen:
    detail = "nested too deeply" if isinstance(fault, RecursionError) else str(fault)
    return Misshapen([FieldError(pointer="", code="malformed_json", detail=detail)], None, "The body is not JSON.")


def _invalid(value: object, kind: type, fault: Exception, *, strict: bool = True, root: str = "") -> Misshapen:
    walk = _Walk(strict=strict)
    errors = walk.mistakes(value, kind, root)[:ERRORS_MAX]
    return Misshapen(errors or [FieldError(pointer=root, code=_code(str(fault)), detail=str(fault))], walk.leaves)


class _Walk:
    """Compares a plain value with a struct, field by field; what fits is kept in `leaves`, by its pointer."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
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
        hints = get_type_hints(kind, include_extras=True)
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        errors: list[FieldError] = []
        for name, field in fields.items():
            if name in value:
                errors += self.mistakes(value[name], hints[field.name], f"{pointer}/{_escaped(name)}")
            elif field.required:
                errors.append(FieldError(pointer=f"{pointer}/{_escaped(name)}", code="missing", detail="Required."))
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
        for index, entry in enumerate(value):
            errors += self.mistakes(entry, element, f"{pointer}/{index}")
            if len(errors) >= ERRORS_MAX:
                break
        return errors

    def _of_leaf(self, value: object, kind: Any, pointer: str) -> list[FieldError]:
        try:
            if (read := msgspec.convert(value, kind, strict=self.strict)) is not None:
                self.leaves[pointer] = read
        except msgspec.ValidationError as fault:
            detail = str(fault).partition(" - at `")[0]
            return [FieldError(pointer=pointer, code=_code(detail), detail=detail)]
        return []


def _options(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _code(detail: str) -> str:
    return next((code for pattern, code in CODES if pattern.search(detail)), "invalid_value")


def _name(value: object) -> str:
    names: dict[type, str] = {dict: "an object", list: "a list", str: "text", bool: "true or false", NoneType: "null"}
    return names.get(type(value), "a number")


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
