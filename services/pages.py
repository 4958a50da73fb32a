"""Serve the pages: files that a build has named by their content, each kept compressed in memory and sent as it is.

An address of a page answers the one document, whatever is behind it; a file that is not there, and every address that
is no page, goes to whoever answers otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from shared.answers import problem
from shared.problems import Unavailable
from shared.telemetry import CONTEXT, AsgiApp, Receive, RequestContext, RequestLog, Scope, Send

ROOT: Final = Path(__file__).parents[1]
DIST: Final = ROOT / "web" / "dist"
INDEX: Final = "/index.html"
ADDRESSES: Final = "/pages.json"
"""The file of the build that lists the addresses of pages."""
MISSING: Final = "the pages were not built: `make pages` builds them, or says why it cannot"
ENCODINGS: Final = {"br": ".br", "gzip": ".gz"}
"""What a file may be compressed with, the smallest first, and how the compressed one is called."""

MEDIA_TYPES: Final = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".svg": "image/svg+xml",
        ".json": "application/json",
        ".webmanifest": "application/manifest+json",
    }
)
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
FOREVER: Final = "public, max-age=31536000, immutable"
"""For a file whose name changes with its content."""
ASK_FIRST: Final = "no-cache"


@dataclass(frozen=True, slots=True)
class File:
    """A file of the build, as it is and compressed, with the headers that it always has."""

    bodies: Mapping[str, bytes]
    headers: Mapping[str, str]
    mark: str

    def etag(self, encoding: str) -> str:
        """Give the mark of this very form of the file."""
        return f'"{self.mark}-{encoding or "identity"}"'


class Pages:
    """An application before another one: answers what is a page or a file of one, and leaves the rest to the other."""

    def __init__(self, otherwise: AsgiApp, folder: Path = DIST) -> None:
        """Read the build, once; without one the addresses of pages say so."""
        self._otherwise = otherwise
        self._files = _read(folder)
        listed = self._files.get(ADDRESSES)
        self._addresses = frozenset(msgspec.json.decode(listed.bodies[""], type=list[str]) if listed else ["/"])
        self._logged = RequestLog(self._send, "pages")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or follow the start and the stop with the other application."""
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and self._is_ours(scope["path"]):
            await self._logged(scope, receive, send)
        else:
            await self._otherwise(scope, receive, send)

    async def leave(self) -> None:
        """End every stream that somebody follows behind these pages."""
        if end := getattr(self._otherwise, "leave", None):
            await end()

    def _is_ours(self, path: str) -> bool:
        return path in self._addresses or (path in self._files and path not in (INDEX, ADDRESSES))

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        context: RequestContext = scope[CONTEXT]
        path = scope["path"]
        context.route = path  # one of a few that are known
        file = self._files.get(INDEX if path in self._addresses else path)
        if file is None:
            await problem(Unavailable(MISSING), path, context.request_id)(scope, receive, send)
            return
        asked = {name: value.decode("latin-1") for name, value in scope["headers"]}
        encoding = chosen(asked.get(b"accept-encoding", ""), file)
        headers = {**file.headers, "etag": file.etag(encoding), "vary": "accept-encoding"}
        body, status = file.bodies[encoding], HTTPStatus.OK
        if file.etag(encoding) in [
            one.strip().removeprefix("W/") for one in asked.get(b"if-none-match", "").split(",")
        ]:
            body, status = b"", HTTPStatus.NOT_MODIFIED
        else:
            headers["content-length"] = str(len(body))
            headers |= {"content-encoding": encoding} if encoding else {}
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": int(status), "headers": sent})
        await send({"type": "http.response.body", "body": body})


def are_there(folder: Path = DIST) -> bool:
    """Tell whether the pages were built."""
    return (folder / INDEX.removeprefix("/")).is_file()


def chosen(accepted: str, file: File) -> str:
    """Give the smallest form of a file that a reader takes; empty for the file as it is."""
    refused = {"0", "0.0", "0.00", "0.000"}
    named = [part.strip().partition(";q=") for part in accepted.lower().split(",")]
    taken = {name.strip() for name, _, weight in named if weight.strip() not in refused}
    return next((encoding for encoding in ENCODINGS if encoding in taken and encoding in file.bodies), "")


def _read(folder: Path) -> dict[str, File]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in MEDIA_TYPES]
    return {f"/{path.relative_to(folder).as_posix()}": _file(path, folder) for path in paths}


def _file(path: Path, folder: Path) -> File:
    plain = path.read_bytes()
    compressed = {encoding: path.with_name(path.name + end) for encoding, end in ENCODINGS.items()}
    bodies = {"": plain} | {encoding: small.read_bytes() for encoding, small in compressed.items() if small.is_file()}
    named_by_content = path.relative_to(folder).parts[0] == "assets"
    headers = {
        **SECURITY,
        "content-type": MEDIA_TYPES[path.suffix],
        "cache-control": FOREVER if named_by_content else ASK_FIRST,
    }
    return File(bodies, headers, sha256(plain).hexdigest()[:32])
