"""What goes out: answers, and problems (RFC 9457) for whatever went wrong."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from sqlalchemy.exc import DBAPIError

from shared import idempotency
from shared.crashpoints import reach
from shared.database import collided, sqlstate, unreachable
from shared.idempotency import Stored
from shared.incoming import JSON, Incoming
from shared.problems import Refusal, Unavailable
from shared.routes import Page, Route
from shared.telemetry import CONTEXT, Receive, RequestContext, Scope, Send, log

PROBLEM_JSON = "application/problem+json"
EVENT_STREAM = "text/event-stream"
BUSY = ("55P03", "25006")
"""SQLSTATE of a lock that was not given in time, and of a store that only reads at the moment (a failover)."""
ALWAYS_HEADERS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))

UNBUFFERED = (b"x-accel-buffering", b"no")
"""Asks a proxy to hand on each piece as it comes."""
SEND_SECONDS_MAX = 10.0

NOT_MODIFIED = 304
OUTAGE_LINES_APART_SECONDS = 10.0

HttpRequest = Request[object, object, object]  # type: ignore[type-var]  # Litestar's state parameter is of no use here


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, ready to be sent."""

    status: int
    body: bytes
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        """Hand it over to the server."""
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        if self.status != NOT_MODIFIED:
            headers.append((b"content-type", self.media_type.encode("latin-1")))
            headers.append((b"content-length", str(len(self.body)).encode("latin-1")))
        await send({"type": "http.response.start", "status": self.status, "headers": [*ALWAYS_HEADERS, *headers]})
        await send({"type": "http.response.body", "body": self.body})


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that goes on: its pieces are sent as they come, until there are no more or the client has gone.

    A client that does not take a piece in time is taken for gone.
    """

    pieces: AsyncGenerator[bytes, None]
    media_type: str
    send_seconds_max: float = SEND_SECONDS_MAX

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand it over to the server, piece by piece."""
        context: RequestContext = scope[CONTEXT]
        context.streams = True
        headers = [*ALWAYS_HEADERS, UNBUFFERED, (b"content-type", self.media_type.encode("latin-1"))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        sending = asyncio.create_task(self._send(send, only_headers=context.head))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, gone):
                task.cancel()
            await asyncio.wait({sending, gone})
            await self.pieces.aclose()
        if not sending.cancelled() and (fault := sending.exception()):
            log.error("defect", error=type(fault).__name__, request_id=context.request_id, exc_info=fault)

    async def _send(self, send: Send, *, only_headers: bool) -> None:
        if not only_headers:
            async for piece in self.pieces:
                try:
                    async with asyncio.timeout(self.send_seconds_max):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                except TimeoutError:
                    return  # it never ends well: nothing more could be written to say so
        await send({"type": "http.response.body", "body": b""})


async def _gone(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


@dataclass(frozen=True, slots=True)
class Content:
    """What a route answers that is not a JSON struct: its bytes, and what a browser is to know of them."""

    body: bytes
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


def saved_as(name: str, *, shown_at_once: bool = False) -> dict[str, str]:
    """Give the header by which a browser keeps an answer under a name, of letters, digits, dots and dashes."""
    return {"Content-Disposition": f'{"inline" if shown_at_once else "attachment"}; filename="{name}"'}


def committed() -> None:
    """Say that an order stands, and that nobody has been told of it yet."""
    reach("api.after_commit_before_response")


def stored(route: Route, outcome: object) -> Stored:
    """Turn what a handler gave into the answer that goes over the wire."""
    headers = {}
    if route.location:
        headers["Location"] = route.location.format(id=getattr(outcome, "id", ""))
    if etag := _etag(outcome):
        headers["ETag"] = etag
    return Stored(route.status, headers, msgspec.json.encode(outcome))


def _etag(outcome: object) -> str | None:
    version = getattr(outcome, "version", None)
    return f'"{version}"' if isinstance(version, int) else None


def response(answer: Stored) -> Answer:
    """Give a stored answer, the first time or again."""
    headers = answer.headers | {idempotency.REPLAYED_HEADER: "true"} if answer.replayed else answer.headers
    return Answer(answer.status, answer.body, headers=headers)


def read_response(request: Incoming, found: object) -> Answer:
    """Answer a question; whoever has this very version already is told so and no more."""
    if isinstance(found, Content):
        return Answer(found.status, found.body, found.media_type, found.headers)
    headers: dict[str, str] = {}
    if etag := _etag(found):
        headers["ETag"] = etag
        if _known(request.header(b"if-none-match", None), etag):
            return Answer(NOT_MODIFIED, b"", headers=headers)
    if isinstance(found, Page) and found.next:
        headers["Link"] = f'<{quote(request.path)}?{_with_cursor(request, found.next)}>; rel="next"'
    return Answer(200, msgspec.json.encode(found), headers=headers)


def _known(if_none_match: str | None, etag: str) -> bool:
    """Tell whether the client has this very version already (RFC 9110, 13.1.2: weak comparison, a list, or `*`)."""
    named = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return etag in named or "*" in named


def _with_cursor(request: Incoming, cursor: str) -> str:
    return urlencode({**dict(parse_qsl(request.query)), "cursor": cursor})


def problem(refusal: Refusal, instance: str, request_id: str) -> Answer:
    """Render a refusal as an RFC 9457 problem."""
    content = {
        "type": f"urn:serumpun:problem:{refusal.code}",
        "title": refusal.title,
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.detail,
        "instance": instance,
        "request_id": request_id,
        **refusal.members,
    }
    return Answer(refusal.status, msgspec.json.encode(content), PROBLEM_JSON, refusal.headers)


class FrameworkRefusal(Refusal):
    """A refusal by the framework itself: no such path, no such method, a body that is too long."""

    def __init__(self, fault: HTTPException) -> None:
        super().__init__(str(fault.detail), headers=dict(fault.headers or {}))
        self.status = fault.status_code  # type: ignore[misc]  # one class for all that the framework raises
        self.code = {404: "not_found", 405: "method_not_allowed"}.get(fault.status_code, "bad_request")  # type: ignore[misc]
        self.title = {404: "Not found", 405: "Not possible with this method"}.get(fault.status_code, "Bad request")  # type: ignore[misc]


class Defect(Refusal):
    """Something went wrong here; it is logged with the request's id."""

    status = 500
    code = "internal"
    title = "Something went wrong on our side"


@dataclass(slots=True)
class Outage:
    """Leaves a line when a store cannot be reached, and not one for each request that meets it."""

    told_at: float = float("-inf")
    refused: int = 0

    def met(self, fault: Exception, request_id: str) -> None:
        """Note a request that met it; `requests` of a line are those since the last one."""
        self.refused += 1
        if monotonic() - self.told_at < OUTAGE_LINES_APART_SECONDS:
            return
        log.warning("store_unreachable", error=type(fault).__name__, request_id=request_id, requests=self.refused)
        self.told_at, self.refused = monotonic(), 0


def as_refusal(fault: Exception, request_id: str = "", outage: Outage | None = None) -> Refusal:
    """Turn anything that reaches the edge into a refusal; a defect is logged, never told."""
    if isinstance(fault, Refusal):
        return fault
    if isinstance(fault, HTTPException) and fault.status_code < Defect.status:
        return FrameworkRefusal(fault)
    if unreachable(fault):
        (outage or Outage()).met(fault, request_id)
        return Unavailable("The store cannot be reached. Ask again, with the same Idempotency-Key.")
    code = sqlstate(fault) if isinstance(fault, DBAPIError) else None
    if isinstance(fault, DBAPIError) and (code in BUSY or collided(fault)):
        log.warning("store_busy", error=type(fault).__name__, sqlstate=code, request_id=request_id)
        return Unavailable("Others are changing the same; nothing was written. Ask again.")
    log.error("defect", error=type(fault).__name__, sqlstate=code, request_id=request_id, exc_info=fault)
    return Defect("It has been logged under this request's id.")


def problem_about(fault: Exception, context: RequestContext, instance: str, outage: Outage | None = None) -> Answer:
    """Answer whatever went wrong as a problem, and note its code for the log."""
    refusal = as_refusal(fault, context.request_id, outage)
    context.code = refusal.code
    return problem(refusal, instance, context.request_id)


def problem_on_error(request: HttpRequest, fault: Exception) -> Response[bytes]:
    """Answer whatever went wrong outside a route of ours as a problem."""
    answer = problem_about(fault, request.scope[CONTEXT], request.scope["path"])  # type: ignore[literal-required]  # ours, not ASGI's
    always = {name.decode(): value.decode() for name, value in ALWAYS_HEADERS}
    return Response(
        answer.body, status_code=answer.status, media_type=answer.media_type, headers=always | {**answer.headers}
    )
