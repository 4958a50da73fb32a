"""What goes out: answers, and problems (RFC 9457) for whatever went wrong."""

from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException
from sqlalchemy.exc import DBAPIError

from shared import idempotency
from shared.database import collided, sqlstate, unreachable
from shared.idempotency import Stored
from shared.incoming import JSON, HttpRequest
from shared.problems import Refusal, Unavailable
from shared.routes import Page, Route
from shared.telemetry import CONTEXT, RequestContext, log

PROBLEM_JSON = "application/problem+json"
BUSY = ("55P03", "25006")
"""SQLSTATE of a lock that was not given in time, and of a store that only reads at the moment (a failover)."""
ALWAYS_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

HttpResponse = Response[bytes]


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


def response(answer: Stored) -> HttpResponse:
    """Send a stored answer, the first time or again."""
    headers = ALWAYS_HEADERS | answer.headers
    if answer.replayed:
        headers[idempotency.REPLAYED_HEADER] = "true"
    return Response(answer.body, status_code=answer.status, media_type=JSON, headers=headers)


def read_response(request: HttpRequest, found: object) -> HttpResponse:
    """Answer a question; whoever has this very version already is told so and no more."""
    if isinstance(found, Response):
        return found
    headers = dict(ALWAYS_HEADERS)
    if etag := _etag(found):
        headers["ETag"] = etag
        if _known(request.headers.get("if-none-match"), etag):
            return Response(b"", status_code=304, headers=headers)
    if isinstance(found, Page) and found.next:
        headers["Link"] = f'<{quote(request.scope["path"])}?{_with_cursor(request, found.next)}>; rel="next"'
    return Response(msgspec.json.encode(found), status_code=200, media_type=JSON, headers=headers)


def _known(if_none_match: str | None, etag: str) -> bool:
    """Tell whether the client has this very version already (RFC 9110, 13.1.2: weak comparison, a list, or `*`)."""
    named = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return etag in named or "*" in named


def _with_cursor(request: HttpRequest, cursor: str) -> str:
    return urlencode({**dict(parse_qsl(request.scope["query_string"].decode("latin-1"))), "cursor": cursor})


def problem(refusal: Refusal, instance: str, request_id: str) -> HttpResponse:
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
    return Response(
        msgspec.json.encode(content),
        status_code=refusal.status,
        media_type=PROBLEM_JSON,
        headers=ALWAYS_HEADERS | refusal.headers,
    )


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


def as_refusal(fault: Exception, request_id: str = "") -> Refusal:
    """Turn anything that reaches the edge into a refusal; a defect is logged, never told."""
    if isinstance(fault, Refusal):
        return fault
    if isinstance(fault, HTTPException) and fault.status_code < Defect.status:
        return FrameworkRefusal(fault)
    if unreachable(fault):
        log.warning("store_unreachable", error=type(fault).__name__, request_id=request_id)
        return Unavailable("The store cannot be reached. Ask again, with the same Idempotency-Key.")
    code = sqlstate(fault) if isinstance(fault, DBAPIError) else None
    if isinstance(fault, DBAPIError) and (code in BUSY or collided(fault)):
        log.warning("store_busy", error=type(fault).__name__, sqlstate=code, request_id=request_id)
        return Unavailable("Others are changing the same; nothing was written. Ask again.")
    log.error("defect", error=type(fault).__name__, sqlstate=code, request_id=request_id, exc_info=fault)
    return Defect("It has been logged under this request's id.")


def problem_on_error(request: HttpRequest, fault: Exception) -> HttpResponse:
    """Answer whatever went wrong outside a route of ours as a problem."""
    context: RequestContext = request.scope[CONTEXT]  # type: ignore[literal-required]  # ours, not ASGI's
    refusal = as_refusal(fault, context.request_id)
    context.code = refusal.code
    return problem(refusal, request.scope["path"], context.request_id)
