"""What a request or an event leaves behind: one JSON line, one measurement, and a trace id that goes on.

Lines hold only the fields named here: no body, no query string, hence no NIK and no phone.
"""

import logging
import os
import random
import re
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import Counter, Histogram

from shared.caller import Caller
from shared.logs import structlog

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}", re.ASCII)
CONTEXT = "serumpun.context"
PROBES = ("/livez", "/readyz", "/metrics")
"""What machines ask all day; a line of the log tells only of an answer that is no good."""
DATA_QUOTED = re.compile(r"(DETAIL:|\[parameters:|query argument \$\d+:).*")
LONG_NUMBER = re.compile(r"\d{9,}", re.ASCII)
"""A NIK, a KK, a telephone number: nothing else in a traceback is as long."""

REQUEST_SECONDS = Histogram(
    "http_server_request_duration_seconds",
    "How long requests took, until the last byte of the answer.",
    ("service", "method", "route", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
EVENTS_HANDLED = Counter("serumpun_events_handled_total", "Events whose effects are committed.", ("service", "source"))


def configure_logging(level: str, file: Path | None = None) -> None:
    """Send one JSON object a line to standard error, or to a file that is only ever appended to."""
    sink = file.open("ab", buffering=0) if file else sys.stderr.buffer
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            without_data,
            structlog.processors.JSONRenderer(serializer=lambda value, **_: msgspec.json.encode(value, enc_hook=str)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(sink),
        cache_logger_on_first_use=True,
    )
    logging.getLogger().addHandler(LIBRARY_LOG)  # once is enough: the same handler is not added again


def without_data(_logger: object, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take out of a traceback what PostgreSQL and its driver quote of a row, and long numbers wherever they stand."""
    for name in ("exception", "message"):
        if name in line:
            line[name] = LONG_NUMBER.sub("(number)", DATA_QUOTED.sub(r"\1 (withheld)", line[name]))
    return line


class _LibraryLog(logging.Handler):
    """Gives what libraries say to the standard logging the same form as our own lines."""

    def emit(self, record: logging.LogRecord) -> None:
        log.log(
            record.levelno, "library", logger=record.name, message=record.getMessage(), exc_info=record.exc_info or None
        )


LIBRARY_LOG = _LibraryLog(logging.WARNING)


def traceparent(incoming: str | None) -> str:
    """Give the traceparent of this step: the incoming trace goes on, otherwise a new one begins."""
    match = TRACEPARENT.fullmatch(incoming or "")
    return f"00-{match[1] if match else _hex(128)}-{_hex(64)}-01"


def _hex(bits: int) -> str:
    """Give an id that nobody else has; it need not be one that nobody can guess."""
    return f"{random.getrandbits(bits):0{bits // 4}x}"


def trace_id(parent: str) -> str:
    """Give the trace id inside a traceparent, empty when there is none."""
    match = TRACEPARENT.fullmatch(parent)
    return match[1] if match else ""


@dataclass(slots=True)
class RequestContext:
    """What is known of a request while it runs; the edge fills in who it is and which route it took.

    Shape: `streams` says that the answer goes on for as long as somebody follows, which is no measure of the service
    """

    request_id: str
    traceparent: str
    caller: Caller | None = None
    route: str = ""
    code: str = ""
    head: bool = False
    streams: bool = False


class RequestLog:
    """ASGI middleware: gives each request its ids and leaves one line and one measurement behind."""

    def __init__(self, app: AsgiApp, service: str) -> None:
        """Wrap an application."""
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"]
        if method == "HEAD":  # it is asked and logged as what it is, and carried out as the question it stands for
            scope["method"] = "GET"
        headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in WANTED}
        request_id = headers.get(b"x-request-id", "")
        context = RequestContext(
            request_id=request_id if REQUEST_ID.fullmatch(request_id) else _hex(128),
            traceparent=traceparent(headers.get(b"traceparent")),
            head=method == "HEAD",
        )
        scope[CONTEXT] = context
        status, began = 500, time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*_allowing_head(message), (b"x-request-id", context.request_id.encode())]
            elif method == "HEAD":
                message["body"] = b""
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            context.route = context.route or scope.get("path_template", "") or "unmatched"
            self._leave(method if method in METHODS else "other", context, status, time.perf_counter() - began)

    def _leave(self, method: str, context: RequestContext, status: int, seconds: float) -> None:
        if not context.streams:
            REQUEST_SECONDS.labels(self._service, method, context.route, status).observe(seconds)
        caller = context.caller
        say = log.debug if context.route in PROBES and status < HTTPStatus.BAD_REQUEST else log.info
        say(
            "request",
            service=self._service,
            method=method,
            route=context.route,
            status=status,
            code=context.code or None,
            duration_ms=round(seconds * 1000, 2),
            request_id=context.request_id,
            trace_id=trace_id(context.traceparent),
            actor=caller.subject if caller else None,
            region=",".join(caller.regions) if caller else None,
        )


WANTED = frozenset({b"x-request-id", b"traceparent"})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""The methods that have a name in the figures: whatever a stranger makes up is counted as one."""


def _allowing_head(start: Message) -> list[tuple[bytes, bytes]]:
    """Give the headers of an answer; where GET is allowed, HEAD is."""
    return [
        (name, value + b", HEAD" if name.lower() == b"allow" and b"GET" in value else value)
        for name, value in start["headers"]
    ]


def log_file() -> Path | None:
    """Give the file that LOG_FILE names, or None for standard error."""
    return Path(name) if (name := os.environ.get("LOG_FILE")) else None
