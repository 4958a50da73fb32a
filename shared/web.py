"""The HTTP edge: one assembly that gives every service the same behaviour.

Who is asking, may they, is the request well-formed, was it asked before: all of that is settled here, once, before
a handler sees anything. The handler's transaction commits before the answer leaves.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.router import Router
from sqlalchemy.exc import DBAPIError

from shared import idempotency
from shared.caller import Caller
from shared.database import Database, Work, collided, sqlstate, unreachable
from shared.group_commit import GroupCommit
from shared.idempotency import Key, Stored
from shared.problems import (
    Absent,
    FieldError,
    Invalid,
    PreconditionMissing,
    Refusal,
    Stale,
    TooLarge,
    Unavailable,
)
from shared.roles import demand
from shared.routes import Asked, Call, Page, Route
from shared.security import Authenticator
from shared.telemetry import CONTEXT, AsgiApp, Message, RequestContext, RequestLog, log
from shared.validation import Misshapen, read_json, read_query, read_text

BODY_BYTES_MAX = 1_000_000
JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
ETAG = re.compile(r'(?:W/)?"(\d{1,18})"', re.ASCII)
KEY = re.compile(rf"[!-~]{{1,{idempotency.KEY_LENGTH_MAX}}}", re.ASCII)
BUSY = ("55P03", "25006")
"""SQLSTATE of a lock that was not given in time, and of a store that only reads at the moment (a failover)."""
ALWAYS_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

HttpRequest = Request[object, object, object]  # type: ignore[type-var]  # Litestar's state parameter is of no use here
HttpResponse = Response[bytes]


class MediaTypeRefused(Refusal):
    """The body is not announced as JSON."""

    status = 415
    code = "unsupported_media_type"
    title = "Send application/json"


class ClientGone(Refusal):
    """The client hung up before its request was whole; nobody reads this answer, only the log."""

    status = 499
    code = "client_gone"
    title = "The client has gone"


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may stand in the address of a route that asks for nothing there."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request on its way into a shared transaction."""

    asked: Asked[object]
    key: Key | None


@dataclass(slots=True)
class Edge:
    """Carries requests from the wire to the handlers of one service, and their answers back."""

    database: Database
    authenticator: Authenticator
    grouping: type[GroupCommit[Waiting, Stored]] = GroupCommit
    groups: dict[str, GroupCommit[Waiting, Stored]] = field(default_factory=dict)

    def endpoint(self, route: Route) -> HTTPRouteHandler:
        """Make the Litestar handler of a route."""
        if route.together:
            self.groups[route.name] = self.grouping(lambda batch: self._carry_out(route, batch))

        async def endpoint(request: HttpRequest) -> HttpResponse:
            context: RequestContext = request.scope[CONTEXT]  # type: ignore[literal-required]  # ours, not ASGI's
            context.route = route.path
            try:
                return await self._answer(route, request, context)
            except Refusal as refusal:
                context.code = refusal.code
                return problem(refusal, request.scope["path"], context.request_id)

        name = f"{route.tag}:{route.name}"
        return HTTPRouteHandler(_litestar_path(route), http_method=route.method, name=name)(endpoint)

    async def _answer(self, route: Route, request: HttpRequest, context: RequestContext) -> HttpResponse:
        caller = await self._caller(route, request, context)
        arguments = _path(route, request)
        body = await _body(request) if route.body else b""
        try:
            arguments |= _arguments(route, request, body)
        except Misshapen as fault:
            raise Invalid([*fault.errors, *await self._against_rules(route, caller, fault)], fault.detail) from None
        if not route.writes:
            async with self.database.reading(caller) as work:
                found = await route.handler(call=Call(work, caller), **arguments)
            return _read_response(request, found)
        key = _key(request, caller, body)
        if route.together:
            waiting = Waiting(Asked(arguments["body"], caller), key)
            return _response(await self.groups[route.name].submit(waiting))
        version = _expected_version(request) if route.conditional else 0
        return _response(await self._alone(route, caller, key, version, arguments))

    async def _caller(self, route: Route, request: HttpRequest, context: RequestContext) -> Caller:
        known = await self.authenticator.authenticate(request.headers.get("authorization"))
        caller = Caller(known.subject, known.role, known.regions, context.request_id, context.traceparent)
        context.caller = caller
        demand(caller, route.action)
        return caller

    async def _against_rules(self, route: Route, caller: Caller, fault: Misshapen) -> list[FieldError]:
        """Find what is wrong beside the shape; what is about a place that is told already would be told twice."""
        if route.rules is None or fault.leaves is None:
            return []
        async with self.database.reading(caller) as work:
            found = await route.rules(work, fault.leaves)
        told = [error.pointer for error in fault.errors]
        return [error for error in found if not any(_about_same(error.pointer, pointer) for pointer in told)]

    async def _alone(
        self, route: Route, caller: Caller, key: Key | None, version: int, arguments: dict[str, object]
    ) -> Stored:
        """Carry out one request in a transaction of its own."""

        async def task(work: Work) -> Stored:
            (before,) = await idempotency.begin(work.session, [key])
            if isinstance(before, Refusal):
                raise before
            if before is not None:
                return before
            outcome = await route.handler(call=Call(work, caller, version), **arguments)
            answer = stored(route, outcome)
            if key:
                await idempotency.store(work.session, [(key, answer)])
            return answer

        return await self.database.run(caller, task)

    async def _carry_out(self, route: Route, batch: Sequence[Waiting]) -> Sequence[Stored | Refusal]:
        """Carry out several requests in one transaction, each with its own outcome."""

        async def task(work: Work) -> Sequence[Stored | Refusal]:
            answers = await idempotency.begin(work.session, [waiting.key for waiting in batch])
            fresh = [index for index, answer in enumerate(answers) if answer is None]
            outcomes = await _together(route, work, [batch[index].asked for index in fresh])
            for index, outcome in zip(fresh, outcomes, strict=True):
                answers[index] = outcome if isinstance(outcome, Refusal) else stored(route, outcome)
            await idempotency.store(
                work.session,
                [
                    (key, answer)
                    for index in fresh
                    if (key := batch[index].key) and isinstance(answer := answers[index], Stored)
                ],
            )
            return [answer for answer in answers if answer is not None]

        return await self.database.run(batch[0].asked.caller, task)

    async def drained(self) -> None:
        """Wait until every request that was taken in has its outcome."""
        for group in self.groups.values():
            await group.drained()


async def _together(route: Route, work: Work, asked: Sequence[Asked[object]]) -> Sequence[object]:
    outcomes = await route.handler(work=work, asked=asked) if asked else ()
    return cast("Sequence[object]", outcomes)


def _about_same(pointer: str, other: str) -> bool:
    return f"{pointer}/".startswith(f"{other}/") or f"{other}/".startswith(f"{pointer}/")


def _path(route: Route, request: HttpRequest) -> dict[str, object]:
    """Read the path; a name that nothing can bear is the same as a name that nothing bears."""
    try:
        return {name: read_text(request.path_params[name], kind) for name, kind in route.path_parameters.items()}
    except msgspec.ValidationError:
        raise Absent from None


async def _body(request: HttpRequest) -> bytes:
    """Take in the body, no more of it than is accepted."""
    announced = request.headers.get("content-length", "")
    _check_length(int(announced) if announced.isdecimal() else 0)
    chunks: list[bytes] = []
    length = 0
    while True:
        message = cast("Message", await request.receive())
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunks.append(message.get("body", b""))
        length += len(chunks[-1])
        _check_length(length)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _check_length(length: int) -> None:
    if length > BODY_BYTES_MAX:
        raise TooLarge(f"At most {BODY_BYTES_MAX} bytes.", limit_bytes=BODY_BYTES_MAX)


def _arguments(route: Route, request: HttpRequest, body: bytes) -> dict[str, object]:
    """Read query and body; the mistakes of both, and of the key, are told together."""
    arguments: dict[str, object] = {}
    errors: list[FieldError] = _key_mistakes(request)
    leaves: Mapping[str, object] | None = None
    if route.body:
        media_type = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
        if media_type != JSON:
            raise MediaTypeRefused
    try:
        if query := _query(request, route.query or NoQuery):
            arguments["query"] = query
    except Misshapen as fault:
        errors += fault.errors
    try:
        if route.body:
            arguments["body"] = read_json(body, route.body)
    except Misshapen as fault:
        errors += fault.errors
        leaves = fault.leaves
    if errors:
        raise Misshapen(errors, leaves)
    return arguments


def _query(request: HttpRequest, kind: type[msgspec.Struct]) -> msgspec.Struct | None:
    text = request.scope["query_string"]
    if not text and kind is NoQuery:
        return None
    query = read_query(parse_qsl(text.decode("latin-1"), keep_blank_values=True), kind)
    return None if kind is NoQuery else query


def _key_mistakes(request: HttpRequest) -> list[FieldError]:
    value = request.headers.get("idempotency-key") if request.method == "POST" else None
    if value is None or KEY.fullmatch(value):
        return []
    detail = f"1 to {idempotency.KEY_LENGTH_MAX} visible characters of ASCII, without spaces."
    return [FieldError(pointer="/header/Idempotency-Key", code="bad_format", detail=detail)]


def _key(request: HttpRequest, caller: Caller, body: bytes) -> Key | None:
    value = request.headers.get("idempotency-key")
    if value is None or request.method != "POST":
        return None
    scope = request.scope
    return Key(
        caller.subject, value, idempotency.request_hash(scope["method"], scope["path"], scope["query_string"], body)
    )


def _expected_version(request: HttpRequest) -> int:
    value = request.headers.get("if-match")
    if value is None:
        raise PreconditionMissing("Send the ETag of what you have read as If-Match.")
    match = ETAG.fullmatch(value.strip())
    if match is None:
        raise Stale("If-Match names no version that this object could have.")
    return int(match[1])


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


def _response(answer: Stored) -> HttpResponse:
    headers = ALWAYS_HEADERS | answer.headers
    if answer.replayed:
        headers[idempotency.REPLAYED_HEADER] = "true"
    return Response(answer.body, status_code=answer.status, media_type=JSON, headers=headers)


def _read_response(request: HttpRequest, found: object) -> HttpResponse:
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


def _litestar_path(route: Route) -> str:
    return re.sub(r"{(\w+)}", r"{\1:str}", route.path)


def _options(routes: Sequence[Route]) -> list[HTTPRouteHandler]:
    """Answer OPTIONS with every method of a path; what Litestar makes by itself knows only the first."""
    methods: dict[str, list[str]] = {}
    for route in routes:
        methods.setdefault(_litestar_path(route), ["OPTIONS"]).append(route.method)
    return [_options_of(path, ", ".join(allowed)) for path, allowed in methods.items()]


def _options_of(path: str, allowed: str) -> HTTPRouteHandler:
    async def options() -> HttpResponse:
        return Response(b"", status_code=204, headers={"Allow": allowed})

    return HTTPRouteHandler(path, http_method="OPTIONS", name=f"options:{path}")(options)


def assemble(service: str, edge: Edge, routes: Sequence[Route], extra: Sequence[HTTPRouteHandler | Router]) -> AsgiApp:
    """Give the ASGI application of a service: its routes, its documents, and the log around them."""
    app = Litestar(
        # The first handler of a path must be that of OPTIONS: Litestar adds its own to a path that begins without.
        route_handlers=[*_options(routes), *(edge.endpoint(route) for route in routes), *extra],
        exception_handlers={Exception: problem_on_error},
        request_max_body_size=None,  # the edge counts by itself
        openapi_config=None,
        logging_config=None,
    )
    return RequestLog(cast("AsgiApp", app), service)
