"""Two JSON Schemas compared: what may one side write that the other does not read?

It knows the words that our own documents use, and refuses to judge a schema with any other: what is not compared
would be let pass.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

LOW = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
HIGH = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
SAME = ("pattern", "format", "multipleOf", "contentEncoding", "uniqueItems", "not", "x-messagepack")
STRUCTURE = ("type", "enum", "const", "items", "properties", "required", "additionalProperties", "default")
SAY_NOTHING = ("title", "description", "examples", "example")
KNOWN = frozenset((*LOW, *HIGH, *SAME, *STRUCTURE, *SAY_NOTHING))
PLAIN = KNOWN - {"items", "properties", "additionalProperties"}
# A discriminator only tells which alternative to look at: each has the word that tells it apart among its own fields.
BESIDE_ALTERNATIVES = frozenset(("anyOf", "default", "discriminator", *SAY_NOTHING))
TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


class Incomparable(ValueError):
    """A schema has a word that nothing here compares; the message names it and where it stands."""


@dataclass(frozen=True, slots=True)
class Break:
    """Something that worked yesterday and would not today.

    Shape:  `where`: the route or event concerned; `pointer`: the place in the document, as a JSON Pointer
    """

    where: str
    pointer: str
    says: str

    def __str__(self) -> str:
        """Give it in one line."""
        return f"{self.where}: {self.pointer} {self.says}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """Who writes and who reads, and how strict the reader is.

    Shape:  `reader_is_newer`: yesterday's writing meets today's reader, otherwise today's writing meets yesterday's;
            `tolerant`: the reader leaves fields alone that it does not know;
            `open_values`: the reader expects values that it does not know
    """

    where: str
    writer: str
    reader: str
    reader_is_newer: bool
    tolerant: bool = False
    open_values: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a document, and where it stands."""

    value: Json
    document: Json
    pointer: str

    def __getitem__(self, name: str) -> "Part":
        """Go one step down, and on to where a reference leads; what is not there is empty."""
        return Part(self.value.get(name, {}), self.document, f"{self.pointer}/{escaped(name)}").resolved()

    def __contains__(self, name: str) -> bool:
        """Tell whether the part has something under a name."""
        return name in self.value

    def resolved(self) -> "Part":
        """Follow a reference to what it means; what stands beside it holds too."""
        if not isinstance(self.value, dict) or "$ref" not in self.value:
            return self
        found: Any = self.document
        for step in self.value["$ref"].removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        meant = Part(found, self.document, self.value["$ref"]).resolved()
        beside = {name: value for name, value in self.value.items() if name != "$ref" and name not in SAY_NOTHING}
        return Part(_joined(meant.value, beside), self.document, self.pointer) if beside else meant

    def alternatives(self) -> list["Part"]:
        """Give the shapes of which a value has one; raises Incomparable for one that cannot be judged."""
        if "anyOf" in self:
            _check(self, BESIDE_ALTERNATIVES)
            options = enumerate(self.value["anyOf"])
            parts = [Part(option, self.document, f"{self.pointer}/anyOf/{number}") for number, option in options]
            return [shape for part in parts for shape in part.resolved().alternatives()]
        shape = self._conjoined()._without_what_is_not()
        _check(shape, KNOWN)
        return [shape]

    def _conjoined(self) -> "Part":
        """Say in one what the parts of a conjunction say together."""
        whole = {name: value for name, value in self.value.items() if name != "allOf"}
        for conjunct in self.value.get("allOf", ()):
            whole = _joined(Part(conjunct, self.document, self.pointer).resolved().value, whole)
        return Part(whole, self.document, self.pointer)

    def _without_what_is_not(self) -> "Part":
        """Take out of a list of values those that are excluded; another exclusion stays as it is."""
        excluded, values = _values(self.value.get("not", {})), _values(self.value)
        if excluded is None or values is None:
            return self
        kept = {name: value for name, value in self.value.items() if name not in ("not", "enum", "const")}
        left = [value for value in values if not _among(value, excluded)]
        return Part({**kept, "enum": left}, self.document, self.pointer)


def _check(shape: Part, known: frozenset[str]) -> None:
    unknown = set(shape.value) - known
    if unknown:
        raise Incomparable(f"{shape.pointer}: `{min(unknown)}` is not compared: teach tests/contracts/fitting.py")


def escaped(name: str) -> str:
    """Write a name as a step of a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _joined(one: Json, other: Json) -> Json:
    """Say in one what two say together; where they meet, the other narrows."""
    joined = dict(one)
    for name, value in other.items():
        both = isinstance(value, dict) and isinstance(joined.get(name), dict)
        joined[name] = _joined(joined[name], value) if both else value
    return joined


def misfits(
    sent: Part, read: Part, way: Direction, within: frozenset[tuple[str, str]] = frozenset()
) -> Iterator[Break]:
    """Name whatever one may send that the other does not read."""
    if (sent.pointer, read.pointer) in within:  # a schema that holds itself
        return
    if sent.value.keys() <= PLAIN and repr(sent.value) == repr(read.value):  # most are equal, with nothing below
        return
    within |= {(sent.pointer, read.pointer)}
    yield from _of_default(sent, read, way)
    readable = read.alternatives()
    for shape in sent.alternatives():
        fitting = [option for option in readable if _types(shape) <= _types(option) | _wider(option)]
        if fitting:
            yield from min((list(_in_one(shape, option, way, within)) for option in fitting), key=len)
        else:
            known = " or ".join(_told(option) for option in readable)
            yield _break(sent, read, way, f"{way.writer} may write {_told(shape)}, {way.reader} reads {known}")


def _values(schema: Json) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _among(value: Any, values: list[Any]) -> bool:
    """Tell whether a value is in a list; to Python True is 1."""
    return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in values)


def _types(shape: Part) -> set[str]:
    if "type" in shape:
        return {shape.value["type"]}
    return {"null" if value is None else TYPES[type(value)] for value in _values(shape.value) or ()} or {"anything"}


def _wider(shape: Part) -> set[str]:
    """Name what a reader takes beside its own type."""
    return {"number": {"integer"}, "anything": {*TYPES.values(), "null"}}.get(min(_types(shape)), set())


def _told(shape: Part) -> str:
    values = _values(shape.value)
    return " or ".join(repr(value) for value in values) if values else " or ".join(sorted(_types(shape)))


def _break(sent: Part, read: Part, way: Direction, says: str) -> Break:
    newer = read if way.reader_is_newer else sent
    return Break(way.where, newer.pointer, says)


def _in_one(sent: Part, read: Part, way: Direction, within: frozenset[tuple[str, str]]) -> Iterator[Break]:
    """Compare two shapes of one type."""
    for says in (*_of_values(sent, read, way), *_of_bounds(sent, read, way)):
        yield _break(sent, read, way, says)
    if "items" in read:
        yield from misfits(sent["items"], read["items"], way, within)
    if _types(read) == {"object"}:
        yield from _of_fields(sent, read, way, within)


def _of_values(sent: Part, read: Part, way: Direction) -> Iterator[str]:
    known, possible = _values(read.value), _values(sent.value)
    if known is None or way.open_values:
        return
    foreign = [value for value in possible or () if not _among(value, known)]
    if foreign or possible is None:
        what = " or ".join(repr(value) for value in foreign) or f"any {_told(sent)}"
        yield f"{way.writer} may write {what}, {way.reader} knows only {_told(read)}"


def _of_bounds(sent: Part, read: Part, way: Direction) -> Iterator[str]:
    if (
        _values(sent.value) is not None
        and _values(read.value) is None
        and any(name in read for name in (*LOW, *HIGH, *SAME))
    ):
        yield f"{way.reader} now looks at more than the value"
        return
    for name in (*LOW, *HIGH, *SAME):
        if name not in read:
            continue
        limit, reach = read.value[name], sent.value.get(name)
        beyond = reach != limit if name in SAME else reach is None or (reach < limit if name in LOW else reach > limit)
        if beyond:
            written = f"`{name}` {reach!r}" if reach is not None else f"without `{name}`"
            yield f"{way.writer} writes {written}, {way.reader} reads `{name}` {limit!r}"


def _of_default(sent: Part, read: Part, way: Direction) -> Iterator[Break]:
    if way.reader_is_newer and "default" in sent and "default" in read:
        before, after = sent.value["default"], read.value["default"]
        if not _among(before, [after]):
            yield Break(way.where, read.pointer, f"means {after!r} when left out, and meant {before!r}")


def _of_fields(sent: Part, read: Part, way: Direction, within: frozenset[tuple[str, str]]) -> Iterator[Break]:
    yield from _of_names(sent, read, way)
    own = sent.value.get("properties", {})
    for name in read.value.get("properties", {}):
        if name in own:
            yield from misfits(sent["properties"][name], read["properties"][name], way, within)
        elif isinstance(sent.value.get("additionalProperties"), dict):
            yield from misfits(sent["additionalProperties"], read["properties"][name], way, within)
    others, taken = sent.value.get("additionalProperties"), read.value.get("additionalProperties")
    if way.reader_is_newer and not way.tolerant and taken is False and others is not False:
        yield Break(way.where, read.pointer, "refuses fields that it does not know from now on")
    if isinstance(taken, dict):
        written = sent["additionalProperties"] if isinstance(others, dict) else Part({}, sent.document, sent.pointer)
        yield from misfits(written, read["additionalProperties"], way, within)


def _of_names(sent: Part, read: Part, way: Direction) -> Iterator[Break]:
    """Compare which fields there are and which must be."""
    older, newer = (sent, read) if way.reader_is_newer else (read, sent)
    before, after = (shape.value.get("properties", {}) for shape in (older, newer))
    told = {name: f"{older.pointer}/properties/{escaped(name)}" for name in before}
    told |= {name: f"{newer.pointer}/properties/{escaped(name)}" for name in after}
    for name in before:
        if name not in after:
            yield Break(way.where, told[name], "is gone")
    for name in read.value.get("required", ()):
        if name not in sent.value.get("required", ()) and (name in after or name not in before):
            says = f"may be left out by {way.writer}, {way.reader} needs it"
            yield Break(way.where, told.get(name, newer.pointer), says)
    if not way.reader_is_newer and not way.tolerant and read.value.get("additionalProperties") is False:
        for name in after:
            if name not in before:
                yield Break(way.where, told[name], f"is refused by {way.reader}")
