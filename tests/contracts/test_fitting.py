"""What the comparer of schemas lets pass, held against a public validator: nothing that was written is then refused."""

from itertools import product
from typing import Any

import jsonschema_rs

from tests.contracts.fitting import Direction, Json, Part, misfits

UPGRADE = Direction(where="it", writer="yesterday", reader="today", reader_is_newer=True)
NULL: Json = {"type": "null"}
TEXT: Json = {"type": "string"}
WHOLE: Json = {"type": "integer"}
SHORT: Json = {"type": "string", "maxLength": 2}
FEW: Json = {"type": "integer", "minimum": 1, "maximum": 3}
LEAVES: list[Json] = [
    *({}, NULL, TEXT, WHOLE, SHORT, FEW, {"type": "number"}, {"type": "boolean"}),
    *({"type": "string", "minLength": 1}, {"type": "string", "maxLength": 1}),
    *({"type": "string", "pattern": "^x*$"}, {"type": "string", "pattern": "^y*$"}),
    *({"type": "integer", "minimum": 0}, {"type": "integer", "maximum": 2}, {"type": "number", "minimum": 1}),
    *({"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "multipleOf": 2}),
    *({"const": "x"}, {"enum": ["x", "xx"]}, {"enum": ["x", 1, None]}, {"type": "string", "enum": ["x", "y"]}),
    *({"const": 1}, {"const": True}, {"enum": [0, 1]}, {"enum": [False, True]}, {"enum": ["x"], "not": {"const": "x"}}),
    *({"enum": ["x", "xx"], "not": {"const": "x"}}, {"type": "string", "not": {"const": "x"}}),
]


def with_a(schema: Json, **more: object) -> Json:
    return {"type": "object", "properties": {"a": schema}, **more}


WITHIN = (TEXT, SHORT, WHOLE, {"const": "x"})
COMPOSED: list[Json] = [
    *({"type": "array", "items": schema} for schema in WITHIN),
    *({"type": "array", "items": TEXT, bound: 1} for bound in ("minItems", "maxItems")),
    *(with_a(schema) for schema in WITHIN),
    *(with_a(schema, required=["a"]) for schema in WITHIN),
    *(with_a(schema, additionalProperties=False) for schema in WITHIN),
    {"type": "object", "properties": {"a": TEXT, "b": WHOLE}, "required": ["b"]},
    {"type": "object", "properties": {"b": WHOLE}, "required": ["a", "b"]},
    {"type": "object", "additionalProperties": TEXT},
    {"type": "object", "additionalProperties": SHORT},
    {"type": "object"},
    {"allOf": [with_a(TEXT, required=["a"]), {"properties": {"a": {"const": "x"}}}]},
    {"allOf": [with_a(TEXT), {"properties": {"b": WHOLE}, "required": ["b"]}]},
    *({"anyOf": [one, other]} for one, other in product((TEXT, FEW, with_a(TEXT)), (NULL, SHORT, with_a(WHOLE)))),
    with_a({"anyOf": [TEXT, NULL]}, required=["a"]),
    {"$ref": "#/components/named"},
    {"$ref": "#/components/named", "maxLength": 1},
    {"$ref": "#/components/tree"},
]
COMPONENTS: Json = {"named": {"type": "string", "maxLength": 3}, "tree": with_a({"$ref": "#/components/tree"})}
SCALARS: list[Any] = [None, True, False, 0, 1, 2, 3, 4, -1, 0.5, 1.5, "", "x", "y", "xx", "yy", "xxx", "xyxy"]
OBJECTS: list[Any] = [{}, *({"a": value} for value in SCALARS), {"a": {}}, {"a": {"a": {}}}, {"a": {"a": "x"}}]
VALUES: list[Any] = [
    *SCALARS,
    *OBJECTS,
    *({**value, "b": 1} for value in OBJECTS),
    *([], *([value] for value in SCALARS), ["x", "x"], ["x", "xxxx"]),
]
SCHEMAS = [*LEAVES, *COMPOSED]


def whole(schema: Json) -> Part:
    return Part(schema, {"components": COMPONENTS}, "#").resolved()


def names(schema: object) -> set[str]:
    """Give the fields that a schema names: a writer writes no others."""
    if isinstance(schema, list):
        return {name for part in schema for name in names(part)}
    if not isinstance(schema, dict):
        return set()
    if isinstance(schema.get("additionalProperties"), dict):
        return {"a", "b"}
    return {*schema.get("properties", ()), *(name for part in schema.values() for name in names(part))}


def written(schema: Json) -> list[int]:
    """Give the numbers of the values that a writer with this schema may write."""
    validator = jsonschema_rs.Draft202012Validator({**schema, "components": COMPONENTS})
    named = names(schema) | ({"a"} if "$ref" in schema else set())
    return [
        number
        for number, value in enumerate(VALUES)
        if validator.is_valid(value) and (schema == {} or not isinstance(value, dict) or value.keys() <= named)
    ]


def test_no_value_that_was_written_is_refused_by_a_reader_whom_the_comparer_lets_pass() -> None:
    readers = [jsonschema_rs.Draft202012Validator({**schema, "components": COMPONENTS}) for schema in SCHEMAS]
    read = [{number for number, value in enumerate(VALUES) if reader.is_valid(value)} for reader in readers]
    passed, wrong = 0, []
    for before in SCHEMAS:
        possible = written(before)
        for after, taken in zip(SCHEMAS, read, strict=True):
            if not list(misfits(whole(before), whole(after), UPGRADE)):
                passed += 1
                wrong += [(before, after, VALUES[number]) for number in possible if number not in taken]
    assert wrong == []
    assert passed > 2 * len(SCHEMAS)


def test_every_schema_reads_what_it_writes_itself() -> None:
    assert [schema for schema in SCHEMAS if list(misfits(whole(schema), whole(schema), UPGRADE))] == []
