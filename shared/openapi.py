"""The OpenAPI document of a service, made from the very declarations that its routes are made from.

Schemas come from msgspec, so what the document says is what the decoder enforces; every refusal that the edge or
a handler can give is in it.
"""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler, get
from litestar.router import Router
from litestar.static_files import create_static_files_router

from shared.idempotency import KEY_LENGTH_MAX, REPLAYED_HEADER
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
    Unauthenticated,
    Unavailable,
)
from shared.routes import Page, Problem, Route
from shared.web import JSON, PROBLEM_JSON, MediaTypeRefused

REF = "#/components/schemas/{name}"
Json = dict[str, Any]

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="{docs}/assets/swagger-ui.css"></head>
<body><div id="ui"></div>
<script src="{docs}/assets/swagger-ui-bundle.js"></script>
<script src="{docs}/page.js"></script></body></html>
"""
SCRIPT = "SwaggerUIBundle({{ url: '{url}', dom_id: '#ui', validatorUrl: null, deepLinking: true }});\n"


def document(title: str, version: str, routes: Sequence[Route]) -> Json:
    """Give the OpenAPI 3.1 document of these routes."""
    structs: dict[Any, None] = {Problem: None}
    for route in routes:
        structs |= dict.fromkeys(kind for kind in (route.body, route.query, _schema_of(route)) if kind is not None)
    schemas, components = msgspec.json.schema_components(list(structs), ref_template=REF)
    known = dict(zip(structs, schemas, strict=True))
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, known, components)
    for route in routes:
        if route.query:
            components.pop(route.query.__name__, None)
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
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT or API key"}},
        },
        "security": [{"bearer": []}],
    }


def _schema_of(route: Route) -> Any:
    return None if route.answer is bytes else route.answer


def _operation(route: Route, known: Mapping[Any, Json], components: Mapping[str, Any]) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*_path(route), *_query(route, known, components), *_headers(route)],
        "responses": {str(route.status): _answer(route, known)} | _refusals(route),
    }
    if route.body:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": known[route.body]}}}
    return operation


def _path(route: Route) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": msgspec.json.schema(kind)}
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
    if route.method == "POST":
        schema: Json = {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH_MAX, "pattern": "^[!-~]+$"}
        told = "Makes a retry free: the same key gives the first answer again."
        return [{"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema, "description": told}]
    if route.conditional:
        schema = {"type": "string", "pattern": '^"[0-9]{1,18}"$'}
        told = "The ETag of what is changed."
        return [{"name": "If-Match", "in": "header", "required": True, "schema": schema, "description": told}]
    return []


def _answer(route: Route, known: Mapping[Any, Json]) -> Json:
    if route.answer is bytes:
        return {"description": "OK", "content": {"application/x-msgpack": {"schema": {"type": "string"}}}}
    answer: Json = {
        "description": route.summary,
        "content": {JSON: {"schema": known[route.answer]}},
    }
    headers: Json = {}
    if route.location:
        headers["Location"] = _header("Where the new object is.")
    if route.method == "POST":
        headers[REPLAYED_HEADER] = _header("`true` when this is the first answer to the same key, given again.")
    if getattr(route.answer, "__origin__", None) is Page:
        headers["Link"] = _header("Where the next page is.")
    return answer | ({"headers": headers} if headers else {})


def _header(told: str) -> Json:
    return {"description": told, "required": False, "schema": {"type": "string"}}


def refusals_of(route: Route) -> list[type[Refusal]]:
    """Name every refusal that a request to this route can meet."""
    met: list[type[Refusal]] = [Unauthenticated, Forbidden, Unavailable, *route.refusals]
    if route.body:
        met += [Invalid, TooLarge, MediaTypeRefused]
    elif route.query or route.writes:
        met.append(Invalid)
    if route.path_parameters:
        met.append(Absent)
    if route.method == "POST":
        met += [StillRunning, KeyReused]
    if route.conditional:
        met += [Stale, PreconditionMissing]
    return met


def _refusals(route: Route) -> Json:
    codes: dict[int, list[str]] = {}
    for refusal in refusals_of(route):
        codes.setdefault(refusal.status, []).append(refusal.code)
    return {
        str(status): {
            "description": "Refused: " + ", ".join(f"`{code}`" for code in dict.fromkeys(of_status)),
            "content": {PROBLEM_JSON: {"schema": {"$ref": REF.format(name="Problem")}}},
        }
        for status, of_status in sorted(codes.items())
    }


def document_handlers(
    title: str, prefix: str, version: str, routes: Sequence[Route]
) -> list[HTTPRouteHandler | Router]:
    """Serve the document, and a page to read it that needs no other host."""
    content = msgspec.json.encode(document(title, version, routes))
    docs = f"{prefix}/docs"

    @get(f"{prefix}/openapi.json", name=f"{prefix}:openapi")
    async def openapi() -> Response[bytes]:
        return Response(content, media_type=JSON)

    @get(docs, name=f"{prefix}:docs")
    async def page() -> Response[str]:
        return Response(PAGE.format(title=title, docs=docs), media_type="text/html")

    @get(f"{docs}/page.js", name=f"{prefix}:docs-script")
    async def script() -> Response[str]:
        return Response(SCRIPT.format(url=f"{prefix}/openapi.json"), media_type="text/javascript")

    assets = create_static_files_router(f"{docs}/assets", [_assets()], name=f"{prefix}:docs-assets")
    return [openapi, page, script, assets]


def _assets() -> Path:
    """Find the page's script and style in the package that carries them."""
    # Found, not imported: the package's own code serves other frameworks and is not needed.
    package = find_spec("swagger_ui")
    if package is None or package.origin is None:
        raise FileNotFoundError("the package swagger-ui-py is missing: install requirements.lock")
    return Path(package.origin).parent / "static"
