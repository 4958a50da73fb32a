"""The OpenAPI document of a service, made from the very declarations that its routes are made from.

Schemas come from msgspec, so what the document says is what the decoder enforces; every refusal that the edge or
a handler can give is in it, by status and code. (One thing JSON Schema cannot say: a whole number is written in
digits, so `3` is one and `3.0` is not.)
"""

from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

import msgspec

from shared import sessions
from shared.answers import EVENT_STREAM, PROBLEM_JSON, Content
from shared.caller import Role
from shared.examples import example_of
from shared.idempotency import KEY_LENGTH_MAX, REPLAYED_HEADER
from shared.incoming import JSON, MediaTypeRefused
from shared.live.position import LAST_EVENT_ID, PositionText
from shared.ndjson import LineTooLong
from shared.problems import (
    Absent,
    Forbidden,
    Invalid,
    KeyReused,
    PreconditionMissing,
    Refusal,
    Stale,
    StillRunning,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from shared.roles import allowed
from shared.routes import LINES, EventStream, Page, Problem, Route

REF = "#/components/schemas/{name}"
HTML = "text/html"
SAVED = frozenset({"application/pdf", "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"})
"""What people keep as a file, so that the answer names it."""

Json = dict[str, Any]


def document(title: str, version: str, routes: Sequence[Route]) -> Json:
    """Give the OpenAPI 3.1 document of these routes."""
    structs: dict[Any, None] = {Problem: None}
    for route in routes:
        structs |= dict.fromkeys(kind for kind in (route.body, route.query, *_answers(route)) if kind is not None)
    schemas, components = msgspec.json.schema_components(list(structs), ref_template=REF)
    components = {name: _without_end_marks(component) for name, component in components.items()}
    components["Problem"]["additionalProperties"] = True
    known = dict(zip(structs, schemas, strict=True))
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, known, components)
    for route in routes:
        if route.query:
            components.pop(route.query.__name__, None)
        if route.by_line:  # its fields stand in the description of a line
            components.pop(route.answer.__name__, None)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "description": "Times carry an offset; money is whole rupiah; quantities are whole base units.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "headers": HEADERS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT or API key"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": sessions.NAME,
                    "description": "For pages of this site alone: an order by it needs the header `Serumpun-Page: 1`.",
                },
            },
        },
        "security": [{"bearer": []}, {"session": []}],
    }


def _answers(route: Route) -> list[Any]:
    """Give what the answer of a route may be that has a schema."""
    if not route.media and Content in (route.answer, *get_args(route.answer)):
        raise TypeError(f"{route.name} gives Content and does not say of which media types")
    if route.answer is EventStream:
        return []
    return [kind for kind in route.media.values() if kind] if route.media else [route.answer]


def _operation(route: Route, known: Mapping[Any, Json], components: Mapping[str, Any]) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*_path(route), *_query(route, known, components), *_headers(route)],
        "responses": {str(route.status): _answer(route, known, components)} | _unchanged(route) | _refusals(route),
    }
    if allowed(route.action, Role.PUBLIC):
        operation["security"] = [{}, {"bearer": []}]
    if route.takes:
        told = f"The file as it stands, of at most {route.takes.bytes_max} bytes."
        content = {media: {"schema": TEXT} if media.startswith("text/") else {} for media in route.takes.media}
        operation["requestBody"] = {"required": True, "description": told, "content": content}
    if route.body:
        schema = known[route.body]
        content = {"schema": schema, "example": example_of(schema, components)}
        if route.by_line:
            told = "Lines of JSON, one after the other; what is described here is one of them."
            operation["requestBody"] = {"required": True, "description": told, "content": {LINES: content}}
        else:
            operation["requestBody"] = {"required": True, "content": {JSON: content}}
    return operation


def _without_end_marks(schema: Any) -> Any:
    """Leave out what a pattern needs for Python alone: in JSON Schema `$` is the very end already."""
    if isinstance(schema, list):
        return [_without_end_marks(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: part.replace(r"$(?!\n)", "$") if name == "pattern" and isinstance(part, str) else _without_end_marks(part)
        for name, part in schema.items()
    }


def _path(route: Route) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _without_end_marks(msgspec.json.schema(kind))}
        for name, kind in route.path_parameters.items()
    ]


def _query(route: Route, known: Mapping[Any, Json], components: Mapping[str, Any]) -> list[Json]:
    if route.query is None:
        return []
    shape = components[known[route.query]["$ref"].rpartition("/")[2]]
    return [
        {"name": name, "in": "query", "required": name in shape.get("required", ()), "schema": _without_null(schema)}
        for name, schema in shape["properties"].items()
    ]


def _without_null(schema: Json) -> Json:
    """A query has no null: what may be absent is simply not sent."""
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    return options[0] if len(options) == 1 else {key: value for key, value in schema.items() if value is not None}


def _headers(route: Route) -> list[Json]:
    if route.method == "POST" and not route.by_line:
        schema: Json = {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH_MAX, "pattern": "^[!-~]+$"}
        told = "Makes a retry free: the same key gives the first answer again."
        key = {"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema, "description": told}
        return [*_of_a_page(route), key]
    if route.conditional:
        schema = {"type": "string", "pattern": '^"[0-9]{1,18}"$'}
        told = "The ETag of what is changed."
        return [{"name": "If-Match", "in": "header", "required": True, "schema": schema, "description": told}]
    if route.watches:
        schema = {"type": "string", "pattern": "^[0-9]{1,15}$"}
        told = "The `id` of the last version that was heard."
        return [{"name": LAST_EVENT_ID, "in": "header", "required": False, "schema": schema, "description": told}]
    if route.shows:
        schema = _without_end_marks(msgspec.json.schema(PositionText))
        told = "The `id` of the last event that was heard: the feed goes on with the next."
        return [{"name": LAST_EVENT_ID, "in": "header", "required": False, "schema": schema, "description": told}]
    if _versioned(route):
        told = "The ETag of what is known already."
        return [
            {"name": "If-None-Match", "in": "header", "required": False, "schema": TEXT, "description": told},
        ]
    return []


def _of_a_page(route: Route) -> list[Json]:
    if not route.session:
        return []
    told = "Says that a page of this site asks; no other one can send it."
    return [
        {"name": "Serumpun-Page", "in": "header", "required": True, "schema": {"const": "1"}, "description": told},
    ]


def _versioned(route: Route) -> bool:
    """Tell whether the answer has a version, so that it bears an ETag."""
    kind = _kind_of(route)
    return issubclass(kind, msgspec.Struct) and "version" in kind.__struct_fields__


def _kind_of(route: Route) -> type:
    kind: type = get_origin(route.answer) or route.answer
    return kind


def _answer(route: Route, known: Mapping[Any, Json], components: Mapping[str, Any]) -> Json:
    if route.by_line:
        return _answer_by_line(route, known, components)
    content = _content_of(route, known)
    headers = ["X-Request-Id"]
    if route.location:
        headers.append("Location")
    if route.method == "POST":
        headers.append(REPLAYED_HEADER)
    if _versioned(route):
        headers.append("ETag")
    if issubclass(_kind_of(route), Page):
        headers.append("Link")
    if any(media in SAVED for media in route.media):
        headers.append("Content-Disposition")
    return {"description": route.summary, "content": content, "headers": _named(headers)}


def _content_of(route: Route, known: Mapping[Any, Json]) -> Json:
    if route.watches:
        return PROGRESS
    if route.answer is EventStream:
        return EVENTS
    return {media: _content(media, kind, known) for media, kind in (route.media or {JSON: route.answer}).items()}


def _answer_by_line(route: Route, known: Mapping[Any, Json], components: Mapping[str, Any]) -> Json:
    codes = sorted({refusal.code for refusal in (*route.refusals, *OF_LINES)})
    line: Json = {"line": {"type": "integer"}, "key": {"anyOf": [TEXT, {"type": "null"}]}}
    done: Json = components[known[route.answer]["$ref"].rpartition("/")[2]]["properties"]
    properties = line | REFUSED | {"code": {"enum": codes}} | done
    schema = {"type": "object", "properties": properties, "required": ["line", "key", "status"]}
    told = f"{route.summary}. Each line is as described here: one for each that was asked, in their order."
    return {"description": told, "content": {LINES: {"schema": schema}}, "headers": _named(["X-Request-Id"])}


def _content(media: str, kind: Any, known: Mapping[Any, Json]) -> Json:
    if kind is not None:
        return {"schema": known[kind]}
    return {"schema": TEXT} if media.startswith("text/") else {}  # raw bytes have no schema in OpenAPI 3.1


def _unchanged(route: Route) -> Json:
    if route.method != "GET" or not _versioned(route):
        return {}
    return {"304": {"description": "Known already.", "headers": _named(["X-Request-Id", "ETag"])}}


def _named(headers: Sequence[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in headers}


TEXT: Json = {"type": "string"}
EVENTS: Json = {
    EVENT_STREAM: {
        "schema": TEXT,
        "example": (
            'id: lAECAwQ\nevent: serumpun.stock.received.v1\ndata: {"id":"…","type":"serumpun.stock.received.v1",'
            '"subject":"posting/…","time":"…","region":"19.71","data":{…}}\n\n'
        ),
    }
}
"""What a feed answers; an event `reset` says that something was missed."""
PROGRESS: Json = {
    EVENT_STREAM: {
        "schema": {
            "type": "object",
            "properties": {"id": TEXT, "event": TEXT, "data": TEXT},
            "required": ["id", "event", "data"],
        },
        "example": {"id": "7", "event": "progress", "data": '{"state":"importing","position":3000}'},
    }
}
"""What is told of one thing that goes on: each event of the stream, whose data are JSON."""
HEADERS: Json = {
    "X-Request-Id": {"description": "Names the request in the log.", "required": True, "schema": TEXT},
    "ETag": {"description": "The version of what is shown.", "required": True, "schema": TEXT},
    "Location": {"description": "Where the new object is.", "required": True, "schema": TEXT},
    "Content-Disposition": {"description": "Under which name to keep it.", "required": True, "schema": TEXT},
    "Link": {"description": "Where the next page is, unless this is the last.", "required": False, "schema": TEXT},
    "WWW-Authenticate": {"description": "How to say who is asking.", "required": True, "schema": TEXT},
    "Retry-After": {
        "description": "Seconds to wait before asking again.",
        "required": False,
        "schema": {"type": "integer", "minimum": 0},
    },
    REPLAYED_HEADER: {
        "description": "`true` when this is the first answer to the same key, given again.",
        "required": False,
        "schema": {"const": "true"},
    },
}
OF_LINES: tuple[type[Refusal], ...] = (Forbidden, Invalid, KeyReused, LineTooLong, StillRunning, TooLarge, Unavailable)
"""What may be said to one line, beside the refusals of its order."""

REFUSED: Json = {
    "status": {"type": "integer", "minimum": 201, "maximum": 599},
    "title": TEXT,
    "detail": TEXT,
    "errors": {"type": "array", "items": {"$ref": REF.format(name="ProblemError")}},
}
HEADERS_OF_REFUSALS = {401: ["WWW-Authenticate"], 409: ["Retry-After"], 429: ["Retry-After"], 503: ["Retry-After"]}


def refusals_of(route: Route) -> list[type[Refusal]]:
    """Name every refusal that a request to this route can meet."""
    met: list[type[Refusal]] = [Unauthenticated, Forbidden, Unavailable, *(() if route.by_line else route.refusals)]
    if route.body or route.takes:
        met += [Invalid, TooLarge, MediaTypeRefused]
    elif route.query or route.writes:
        met.append(Invalid)
    if route.path_parameters:
        met.append(Absent)
    if route.method == "POST" and not route.by_line:
        met += [StillRunning, KeyReused]
    if route.conditional:
        met += [Stale, PreconditionMissing]
    return met


def _refusals(route: Route) -> Json:
    codes: dict[int, list[str]] = {}
    for refusal in refusals_of(route):
        codes.setdefault(refusal.status, []).append(refusal.code)
    told = {
        str(status): _refusal(status, list(dict.fromkeys(of_status))) for status, of_status in sorted(codes.items())
    }
    if HTML in route.media and route.path_parameters:
        for status in (Absent.status, *((TooMany.status,) if route.per_minute else ())):
            told[str(status)]["content"][HTML] = {"schema": TEXT}
    return told


def _refusal(status: int, codes: list[str]) -> Json:
    narrowed = {"properties": {"status": {"const": status}, "code": {"enum": codes}}}
    return {
        "description": "Refused: " + ", ".join(f"`{code}`" for code in codes),
        "content": {PROBLEM_JSON: {"schema": {"allOf": [{"$ref": REF.format(name="Problem")}, narrowed]}}},
        "headers": _named(["X-Request-Id", *HEADERS_OF_REFUSALS.get(status, ())]),
    }
