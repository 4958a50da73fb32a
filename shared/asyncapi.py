"""The AsyncAPI document: every event, the stream it stands in, who sends it and who receives it.

It is made from `shared.contracts` alone, so it says what the encoder writes and the decoder takes. The extensions
that it uses are told in its own description, and in docs/contracts/README.md.
"""

import re
from collections.abc import Iterable
from inspect import getdoc
from pathlib import Path
from typing import Any

import msgspec

from shared import contracts
from shared.contracts import EVENTS, SUBSCRIPTIONS, Event, consumers_of
from shared.contracts.envelope import Envelope
from shared.outbox import EVENT_BYTES_MAX
from shared.retention import STREAM_KEPT
from shared.stream import TEXT_LENGTH_MAX

REF = "#/components/schemas/{name}"
MESSAGE_PACK = "application/msgpack"
SAMPLES = Path(contracts.__file__).parent / "samples"
Json = dict[str, Any]

TOLD = """Each service tells what has happened in streams of its own, and reads those of the others.

* An entry of a stream is flat: the fields of `headers`, and `data` with the payload in MessagePack. The fields of a
  payload go by name; a reader leaves unknown ones alone. What is marked `x-messagepack: timestamp` travels as
  MessagePack's timestamp, in JSON as text.
* The id of an entry is the event's number, `7-0` the seventh of its partition: dense, and in the order of commit. So a
  reader skips what it has had and notices what is missing, which the sender's HTTP feed (`…/events/{partition}`) gives.
* `x-partitions`: how many streams a sender has, and in which an event stands: all events of one subject are in one, in
  their order. The number is set at installation (`PARTITIONS`).
* `x-retention`: how many days an event is kept at least. Nothing is pruned that a registered receiver has not passed.
* `x-data-bytes-max`: how many bytes the payload of one event has at most.
* `x-subject`: of which field the subject of a message is made.
* A type ends in its version. Optional fields are added to it freely; whatever would break a reader is a new version.
"""
HEADERS_TOLD = {
    "id": "The event's own id (UUIDv7).",
    "source": "The service that sends it.",
    "type": "What has happened, and its version.",
    "subject": "The aggregate that it is about; within one, order is kept.",
    "time": "When it was recorded, RFC 3339 with an offset.",
    "actor": "Who caused it.",
    "region": "The region that it belongs to, in the codes of the Ministry of Home Affairs.",
    "traceparent": "The trace of the request that caused it (W3C Trace Context); empty when there was none.",
}


def document(version: str, *, partitions: int, outbox_days: int) -> Json:
    """Give the AsyncAPI 3.0 document of an installation with so many partitions, whose outbox is kept so long."""
    kinds = list(EVENTS.values())
    references, schemas = msgspec.json.schema_components(kinds, ref_template=REF)
    for info in msgspec.inspect.multi_type_info(kinds):
        _mark_timestamps({}, info, schemas)
    payloads = dict(zip(EVENTS, references, strict=True))
    frozen = samples()
    sources = list(dict.fromkeys(kind.source for kind in kinds))
    return {
        "asyncapi": "3.0.0",
        "id": "urn:serumpun:events",
        "info": {"title": "Serumpun: events", "version": version, "description": TOLD},
        "defaultContentType": MESSAGE_PACK,
        "servers": {"streams": SERVER},
        "channels": {source: _channel(source, partitions, outbox_days) for source in sources},
        "operations": _operations(sources),
        "components": {
            "messages": {kind.type: _message(kind, payloads[kind.type], frozen.get(kind.type)) for kind in kinds},
            "schemas": {"Headers": _headers(), **schemas},
            "correlationIds": {"trace": {"description": "One trace, one cause.", "location": TRACE}},
            "securitySchemes": {"login": LOGIN},
        },
    }


TRACE = "$message.header#/traceparent"
LOGIN = {"type": "userPassword", "description": "One login for each service; only a stream's owner may add to it."}
SERVER: Json = {
    "host": "{host}:{port}",
    "protocol": "redis",
    "description": "Redis 7 or Valkey 8, and later. What it loses is filled again from the outbox of the sender.",
    "variables": {"host": {"default": "127.0.0.1"}, "port": {"default": "6379"}},
    "security": [{"$ref": "#/components/securitySchemes/login"}],
    "bindings": {"redis": {}},
}


def words(name: str) -> str:
    """Spell a name of the code out: `stock_issued` and `StockIssued` are both `Stock issued`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).capitalize()


def _types_of(source: str) -> list[str]:
    return [kind.type for kind in EVENTS.values() if kind.source == source]


def _channel(source: str, partitions: int, outbox_days: int) -> Json:
    numbers = [f"{{{number}}}" for number in range(partitions)]
    return {
        "address": f"ev:{source}:{{partition}}",
        "title": words(source),
        "summary": f"What {source} tells the others.",
        "servers": [{"$ref": "#/servers/streams"}],
        "parameters": {
            "partition": {
                "description": "The partition, in braces as in the stream's name: a cluster spreads by them.",
                "enum": numbers,
                "examples": numbers[:1],
            }
        },
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _types_of(source)},
        "bindings": {"redis": {}},
        "x-partitions": {"count": partitions, "of": "crc32(subject) % count"},
        "x-data-bytes-max": EVENT_BYTES_MAX,
        "x-retention": {"stream_days_min": STREAM_KEPT.days, "outbox_days_min": outbox_days},
    }


def _operations(sources: Iterable[str]) -> Json:
    operations = {}
    for source in sources:
        operations[f"{source}_sends"] = _operation("send", source, source, "Tell what has happened.")
        for consumer in consumers_of(source):
            told = f"React to what {source} tells."
            operations[f"{consumer}_receives_from_{source}"] = _operation("receive", consumer, source, told)
    return operations


def _operation(action: str, service: str, source: str, summary: str) -> Json:
    channel = f"#/channels/{source}"
    return {
        "action": action,
        "title": f"{words(service)} {action}s",
        "summary": summary,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in _types_of(source)],
        "tags": [{"name": service}],
        "bindings": {"redis": {}},
    }


def _message(kind: type[Event], payload: Json, sample: Json | None) -> Json:
    narrowed = {name: {"const": value} for name, value in (("source", kind.source), ("type", kind.type))}
    summary, _, more = (getdoc(kind) or "").partition("\n")
    told = {"description": more.strip()} if more.strip() else {}
    return {
        "name": kind.type,
        "title": words(kind.__name__),
        "summary": summary,
        **told,
        "contentType": MESSAGE_PACK,
        "headers": {"type": "object", "allOf": [{"$ref": REF.format(name="Headers")}, {"properties": narrowed}]},
        "payload": payload,
        "correlationId": {"$ref": "#/components/correlationIds/trace"},
        **(_shown(kind, sample) if sample else {}),
    }


def _shown(kind: type[Event], sample: Json) -> Json:
    """Show the frozen sample of a type, and of which of its fields the subject is made."""
    subject, payload = sample["subject"], sample["reads"]
    aggregate, *names = subject.split("/")
    fields = {str(value): f"{{{field}}}" for field, value in reversed(payload.items())}
    made = "/".join([aggregate, *(fields.get(name, "") for name in names)])
    headers = {
        "id": "01745120-9140-7000-8000-00000000000e",
        "source": kind.source,
        "type": kind.type,
        "subject": subject,
        "time": "2020-09-03T02:30:00+00:00",
        "actor": "officer-19.71",
        "region": "19.71",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
    return {
        **({"x-subject": made} if all(name in fields for name in names) else {}),
        "examples": [{"name": "sample", "summary": "As first published.", "headers": headers, "payload": payload}],
    }


def samples() -> dict[str, Json]:
    """Give the frozen sample of each type that has one."""
    return {path.stem: msgspec.json.decode(path.read_bytes()) for path in sorted(SAMPLES.glob("*.json"))}


def _headers() -> Json:
    """Describe the fields of an entry beside `data`; number and partition are in its id and the stream's name."""
    (_,), components = msgspec.json.schema_components([Envelope], ref_template=REF)
    shapes = components["Envelope"]["properties"]
    properties = {name: {"description": told, **shapes[name]} for name, told in HEADERS_TOLD.items()}
    for name in ("subject", "actor", "region", "traceparent"):
        properties[name]["maxLength"] = TEXT_LENGTH_MAX
    properties["time"]["format"] = "date-time"
    properties["source"]["enum"] = list(SUBSCRIPTIONS)
    return {"type": "object", "properties": properties, "required": list(HEADERS_TOLD)}


def _mark_timestamps(schema: Json, info: msgspec.inspect.Type, components: Json) -> None:
    """Say where a moment stands: to msgspec's schema a `datetime` that need not be aware is any text."""
    match info:
        case msgspec.inspect.DateTimeType():
            schema |= {"format": "date-time", "x-messagepack": "timestamp"}
        case msgspec.inspect.ListType():
            _mark_timestamps(schema["items"], info.item_type, components)
        case msgspec.inspect.UnionType():
            for option, kind in zip(schema["anyOf"], info.types, strict=True):
                _mark_timestamps(option, kind, components)
        case msgspec.inspect.StructType():
            for field in info.fields:
                part = components[info.cls.__name__]["properties"][field.encode_name]
                _mark_timestamps(part, field.type, components)
