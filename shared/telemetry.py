"""What a request or an event leaves behind: one JSON line, one measurement, and a trace id that goes on.

Lines hold only the fields named here: no body, no query string, hence no NIK and no phone.
"""

import os
import re
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import structlog
from prometheus_client import Counter, Histogram

from shared.caller import Caller

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}", re.ASCII)
CONTEXT = "serumpun.context"
DATA_QUOTED = re.compile(r"(DETAIL:|\[parameters:|query argument \$\d+:).*")

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


def without_data(_logger: object, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take out of a traceback what PostgreSQL and its driver quote of a row: names, telephone numbers."""
    if "exception" in line:
        line["exception"] = DATA_QUOTED.sub(r"\1 (withheld)", line["exception"])
    return line


def traceparent(incoming: str | None) -> str:
    """Give the traceparent of this step: the incoming trace goes on, otherwise a new one begins."""
    match = TRACEPARENT.fullmatch(incoming or "")
    return f"00-{match[1] if match else secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def trace_id(parent: str) -> str:
    """Give the trace id inside a traceparent, empty when there is none."""
    match = TRACEPARENT.fullmatch(parent)
    return match[1] if match else ""


@dataclass(slots=True)
class RequestContext:
    """What is known of a request while it runs; the edge fills in who it is and which route it took."""

    request_id: str
    traceparent: str
    caller: Caller | None = None
    route: str = ""
    code: str = ""


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
        headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in WANTED}
        request_id = headers.get(b"x-request-id", "")
        context = RequestContext(
            request_id=request_id if REQUEST_ID.fullmatch(request_id) else secrets.token_hex(16),
            traceparent=traceparent(headers.get(b"traceparent")),
        )
        scope[CONTEXT] = context
        status, began = 500, time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", context.request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            self._leave(scope, context, status, time.perf_counter() - began)

    def _leave(self, scope: Scope, context: RequestContext, status: int, seconds: float) -> None:
        route = context.route or "unmatched"
        REQUEST_SECONDS.labels(self._service, scope["method"], route, status).observe(seconds)
        caller = context.caller
        log.info(
            "request",
            service=self._service,
            method=scope["method"],
            route=route,
            status=status,
            code=context.code or None,
            duration_ms=round(seconds * 1000, 2),
            request_id=context.request_id,
            trace_id=trace_id(context.traceparent),
            actor=caller.subject if caller else None,
            region=",".join(caller.regions) if caller else None,
        )


WANTED = frozenset({b"x-request-id", b"traceparent"})


def log_file() -> Path | None:
    """Give the file that LOG_FILE names, or None for standard error."""
    return Path(name) if (name := os.environ.get("LOG_FILE")) else None
