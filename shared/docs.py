"""Serve the OpenAPI document of a service, and a page to read and try it that needs no other host.

The page's script and style are files of the package swagger-ui-py. Its policy forbids whatever is not from here.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler, get
from litestar.response import File

from shared.incoming import JSON
from shared.openapi import document
from shared.routes import Route

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
<body><div id="ui"></div>
<script src="{docs}/assets/swagger-ui-bundle.js"></script>
<script src="{docs}/page.js"></script></body></html>
"""
SCRIPT = "SwaggerUIBundle({{ url: '{url}', dom_id: '#ui', validatorUrl: null, deepLinking: true }});\n"


def document_handlers(title: str, prefix: str, version: str, routes: Sequence[Route]) -> list[HTTPRouteHandler]:
    """Serve the document at `{prefix}/openapi.json` and the page at `{prefix}/docs`."""
    content = msgspec.json.encode(document(title, version, routes))
    docs = f"{prefix}/docs"

    @get(f"{prefix}/openapi.json", name=f"{prefix}:openapi")
    async def openapi() -> Response[bytes]:
        return Response(content, media_type=JSON, headers=HEADERS)

    @get(docs, name=f"{prefix}:docs")
    async def page() -> Response[str]:
        headers = HEADERS | {"Content-Security-Policy": POLICY}
        return Response(PAGE.format(title=title, docs=docs), media_type="text/html", headers=headers)

    @get(f"{docs}/page.js", name=f"{prefix}:docs-script")
    async def script() -> Response[str]:
        return Response(SCRIPT.format(url=f"{prefix}/openapi.json"), media_type="text/javascript", headers=HEADERS)

    package = _package()
    assets = [_asset(f"{docs}/assets/{name}", package / name, media_type) for name, media_type in ASSETS.items()]
    return [openapi, page, script, *assets]


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
