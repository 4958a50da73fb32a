"""Freeze what is published: `python -m tests.contracts.freeze`.

A sample is what the first release of a type wrote. It is never written again: code that cannot read it any more, or
writes less than stands in it, breaks what lies in outboxes, streams and parking places of running installations.
The documents in docs/contracts are written again when nothing in them breaks; to break on purpose, delete the file
first, so that the change shows it.
"""

import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from services.suite import SERVICES
from shared import asyncapi, openapi
from shared.asyncapi import SAMPLES
from shared.contracts import EVENTS, Event
from shared.service import VERSION, Service, backbone_routes
from shared.settings import Settings
from tests.contracts.compatibility import what_breaks

LINE_LENGTH = 110
DOCUMENTS = Path(__file__).parents[2] / "docs" / "contracts"
VALUES: dict[object, object] = {
    UUID: UUID("01748b3f-6d00-7000-8000-0000000000a1"),
    datetime: datetime(2020, 9, 14, 2, 0, tzinfo=UTC),
    date: date(2020, 9, 21),
    int: 7,
    bool: True,
}
WORDS = {"region": "19.71", "language": "id", "place": "WH-19.71", "item": "MASK-CLOTH", "programme": "free-masks"}


def main() -> int:
    """Write the samples that are missing and the documents that have changed, and name them; 1 when one would break."""
    for kind in EVENTS.values():
        path = SAMPLES / f"{kind.type}.json"
        if not path.exists():
            path.write_text(json.dumps(frozen(kind), indent=2) + "\n")
            print(path.name)  # noqa: T201 - a command prints its answer
    renewed, broken = renew(DOCUMENTS, published())
    print(*renewed, sep="\n", end="\n" if renewed else "")  # noqa: T201
    print(*broken, sep="\n", end="\n" if broken else "", file=sys.stderr)  # noqa: T201
    return 1 if broken else 0


def renew(folder: Path, today: dict[str, bytes]) -> tuple[list[str], list[str]]:
    """Write today's documents where they only add; gives the names of those written, and what others would break."""
    renewed, broken = [], []
    for name, document in today.items():
        path = folder / name
        before = path.read_bytes() if path.exists() else b""
        breaks = what_breaks(msgspec.json.decode(before), msgspec.json.decode(document)) if before else []
        if breaks:
            broken += [f"{name} would break what is published:", *breaks]
        elif before != document:
            path.write_bytes(document)
            renewed.append(name)
    return renewed, broken


def published() -> dict[str, bytes]:
    """Give today's documents by the names of their files, as an installation with the usual settings serves them."""
    usual = Settings.from_env({})
    events = asyncapi.document(VERSION, partitions=usual.partitions, outbox_days=usual.outbox_retention_days)
    routes = {f"openapi-{service.name}.json": _routes(service) for service in SERVICES}
    documents = {"asyncapi.json": events, **routes}
    return {name: laid_out(told).encode() + b"\n" for name, told in documents.items()}


def _routes(service: Service) -> dict[str, Any]:
    return openapi.document(service.title, VERSION, [*service.declared, *backbone_routes(service)])


def laid_out(value: object, indent: str = "") -> str:
    """Write JSON for people who compare: what fits into a line stands in one."""
    line = msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
    if len(indent) + len(line) <= LINE_LENGTH or not isinstance(value, dict | list):
        return line
    inner = indent + " "
    if isinstance(value, dict):
        parts = [f"{json.dumps(name)}: {laid_out(part, inner)}" for name, part in value.items()]
        return "{\n" + ",\n".join(inner + part for part in parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + laid_out(part, inner) for part in value) + f"\n{indent}]"


def frozen(kind: type[Event]) -> dict[str, object]:
    """Give the sample of a type: its bytes in hexadecimal, what they say, and the aggregate that they are about."""
    event = value_of("", kind)
    return {
        "subject": event.subject,
        "data": msgspec.msgpack.encode(event).hex(),
        "reads": msgspec.to_builtins(event),
    }


def value_of(name: str, kind: Any) -> Any:
    """Make up a value of a type; what may be absent is there."""
    if get_origin(kind) in (Union, UnionType):
        return value_of(name, next(option for option in get_args(kind) if option is not NoneType))
    if get_origin(kind) is list:
        return [value_of(name, get_args(kind)[0])]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = get_type_hints(kind)
        fields = msgspec.structs.fields(kind)
        return kind(**{field.name: value_of(field.name, hints[field.name]) for field in fields})
    return WORDS.get(name, name) if kind is str else VALUES[kind]


if __name__ == "__main__":
    sys.exit(main())
