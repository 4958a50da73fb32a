"""Examples of bodies for the documents, put together from those that the declarations of fields carry."""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

BY_FORMAT = {
    "date-time": "2020-09-14T09:00:00+07:00",
    "date": "2020-09-14",
    "uuid": "01748b3f-6d00-7000-8000-000000000000",
}
BY_TYPE = {"boolean": True}


def example_of(schema: Json, components: Mapping[str, Any]) -> Any:
    """Give a value that fits a schema; a field that may be left out is in it when its declaration has an example."""
    schema = _resolved(schema, components)
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {
                name: example_of(part, components)
                for name, part in schema["properties"].items()
                if name in schema.get("required", ()) or _has_example(part, components)
            }
        case "array":
            return [example_of(schema["items"], components)]
        case "integer":
            return schema.get("minimum", 0)
    return BY_FORMAT.get(schema.get("format", ""), BY_TYPE.get(schema.get("type", ""), ""))


def _resolved(schema: Json, components: Mapping[str, Any]) -> Json:
    """Follow a reference, and take the first alternative that is not null."""
    if "$ref" in schema:
        return _resolved(components[schema["$ref"].rpartition("/")[2]], components)
    if "anyOf" in schema and "examples" not in schema:
        return _resolved(next(option for option in schema["anyOf"] if option != {"type": "null"}), components)
    return schema


def _has_example(schema: Json, components: Mapping[str, Any]) -> bool:
    schema = _resolved(schema, components)
    return "examples" in schema or any(_has_example(part, components) for part in schema.get("properties", {}).values())
