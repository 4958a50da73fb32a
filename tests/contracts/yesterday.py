"""The documents as they are frozen, and how a test changes them."""

import copy
from typing import Any

import msgspec

from tests.contracts.freeze import DOCUMENTS

Json = dict[str, Any]
FROZEN = {path.name: path.read_bytes() for path in sorted(DOCUMENTS.glob("*.json"))}
EVENTS = "asyncapi.json"
ROUTES = "openapi-aid_distribution.json"
SCHEMAS = "/components/schemas"
GOODS = f"{SCHEMAS}/Goods"
ITEMS = "/paths/~1aid~1items"
ASKED = f"{SCHEMAS}/AddItem"
OPTIONAL = {"type": "string", "default": ""}
REMOVED = ...


def read(document: bytes) -> Json:
    """Give a document to look into."""
    return dict[str, Any](msgspec.json.decode(document))


def put(document: Json, pointer: str, value: object) -> None:
    """Write a value at a place, which may be new, or take it away."""
    *steps, last = (step.replace("~1", "/") for step in pointer.split("/")[1:])
    at: Any = document
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if isinstance(at, list):
        at[int(last) : int(last) + 1] = [] if value is REMOVED else [value]
    elif value is REMOVED:
        at.pop(last)
    else:
        at[last] = value


def changed(name: str, changes: dict[str, object]) -> tuple[Json, Json]:
    """Give a frozen document as it is and with changes, each a place and what stands there then."""
    before, after = read(FROZEN[name]), read(FROZEN[name])
    for pointer, value in changes.items():
        put(after, pointer, copy.deepcopy(value))
    return before, after
