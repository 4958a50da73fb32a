"""What comes in with a request, read with no more trust than it deserves, and every mistake in it told at once."""

import re
from collections.abc import Mapping
from typing import cast
from urllib.parse import parse_qsl

import msgspec
from litestar import Request

from shared import idempotency
from shared.caller import Caller
from shared.idempotency import Key
from shared.problems import Absent, FieldError, PreconditionMissing, Refusal, Stale, TooLarge
from shared.routes import Route
from shared.telemetry import Message
from shared.validation import Misshapen, read_json, read_query, read_text

BODY_BYTES_MAX = 1_000_000
JSON = "application/json"
ETAG = re.compile(r'(?:W/)?"(\d{1,18})"', re.ASCII)
KEY = re.compile(rf"[!-~]{{1,{idempotency.KEY_LENGTH_MAX}}}", re.ASCII)

HttpRequest = Request[object, object, object]  # type: ignore[type-var]  # Litestar's state parameter is of no use here


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


def path_values(route: Route, request: HttpRequest) -> dict[str, object]:
    """Read the path; a name that nothing can bear is the same as a name that nothing bears."""
    try:
        return {name: read_text(request.path_params[name], kind) for name, kind in route.path_parameters.items()}
    except msgspec.ValidationError:
        raise Absent from None


async def body_of(request: HttpRequest) -> bytes:
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


def arguments_of(route: Route, request: HttpRequest, body: bytes) -> dict[str, object]:
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


def key_of(request: HttpRequest, caller: Caller, body: bytes) -> Key | None:
    """Give whose retry of what this would be; None where no retry is announced."""
    value = request.headers.get("idempotency-key")
    if value is None or request.method != "POST":
        return None
    scope = request.scope
    return Key(
        caller.subject, value, idempotency.request_hash(scope["method"], scope["path"], scope["query_string"], body)
    )


def expected_version(request: HttpRequest) -> int:
    """Give the version that If-Match names; raises PreconditionMissing (428) or Stale (412)."""
    value = request.headers.get("if-match")
    if value is None:
        raise PreconditionMissing("Send the ETag of what you have read as If-Match.")
    match = ETAG.fullmatch(value.strip())
    if match is None:
        raise Stale("If-Match names no version that this object could have.")
    return int(match[1])
