"""Serve the documents, OpenAPI of a service and AsyncAPI of all events, each with a page that needs no other host.

The script and style of OpenAPI's page are files of the package swagger-ui-py. The policy of each page forbids
whatever is not from here.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler, get
from litestar.response import File

from shared import asyncapi, asyncapi_page
from shared.incoming import JSON
from shared.openapi import document
from shared.routes import Route
from shared.settings import Settings

POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; "  # the page sets styles on its elements
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"}
ASSET_HEADERS = HEADERS | {"Cache-Control": "public, max-age=86400"}
ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{docs}/assets/swagger-ui.css"></head>
<body><p style="max-width: 1420px; margin: 16px auto 0; padding: 0 20px; font: 14px sans-serif">
<a href="{prefix}/asyncapi">Events: what the services tell one another</a></p><div id="ui"></div>
<script src="{docs}/assets/swagger-ui-bundle.js"></script>
<script src="{docs}/page.js"></script></body></html>
"""
SCRIPT = "SwaggerUIBundle({{ url: '{url}', dom_id: '#ui', validatorUrl: null, deepLinking: true }});\n"


def document_handlers(title: str, prefix: str, version: str, routes: Sequence[Route]) -> list[HTTPRouteHandler]:
    """Serve the document at `{prefix}/openapi.json` and the page at `{prefix}/docs`."""
    docs = f"{prefix}/docs"

    @cache  # made when somebody reads it: a service that nobody asks is smaller and starts sooner
    def content() -> bytes:
        return msgspec.json.encode(document(title, version, routes))

    @get(f"{prefix}/openapi.json", name=f"{prefix}:openapi")
    async def openapi() -> Response[bytes]:
        return Response(content(), media_type=JSON, headers=HEADERS)

    @get(docs, name=f"{prefix}:docs")
    async def page() -> Response[str]:
        headers = HEADERS | {"Content-Security-Policy": POLICY}
        return Response(PAGE.format(title=title, docs=docs, prefix=prefix), media_type="text/html", headers=headers)

    @get(f"{docs}/page.js", name=f"{prefix}:docs-script")
    async def script() -> Response[str]:
        return Response(SCRIPT.format(url=f"{prefix}/openapi.json"), media_type="text/javascript", headers=HEADERS)

    package = _package()
    assets = [_asset(f"{docs}/assets/{name}", package / name, media_type) for name, media_type in ASSETS.items()]
    return [openapi, page, script, *assets]


def event_document_handlers(
    prefix: str, version: str, settings: Settings, pages: Mapping[str, str]
) -> list[HTTPRouteHandler]:
    """Serve the document of all events at `{prefix}/asyncapi.json` and its page, which leads to other pages too."""

    @cache
    def told() -> dict[str, Any]:
        return asyncapi.document(version, partitions=settings.partitions, outbox_days=settings.outbox_retention_days)

    @cache
    def written() -> str:
        return asyncapi_page.page(told(), {**pages, "AsyncAPI document": f"{prefix}/asyncapi.json"})

    @get(f"{prefix}/asyncapi.json", name=f"{prefix}:asyncapi")
    async def events() -> Response[bytes]:
        return Response(msgspec.json.encode(told()), media_type=JSON, headers=HEADERS)

    @get(f"{prefix}/asyncapi", name=f"{prefix}:asyncapi-page")
    async def page() -> Response[str]:
        headers = HEADERS | {"Content-Security-Policy": asyncapi_page.POLICY}
        return Response(written(), media_type="text/html", headers=headers)

    return [events, page]


def _asset(address: str, path: Path, media_type: str) -> HTTPRouteHandler:
    @get(address, name=address)
    async def asset() -> File:
        return File(path, media_type=media_type, content_disposition_type="inline", headers=ASSET_HEADERS)

    return asset


def _package() -> Path:
    # Found, not imported: the package's own code serves other frameworks and is not needed.
    package = find_spec("swagger_ui")
    if package is None or package.origin is None:
        raise FileNotFoundError("the package swagger-ui-py is missing: install requirements.lock")
    return Path(package.origin).parent / "static"
