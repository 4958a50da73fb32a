"""What comes in with a request, read with no more trust than it deserves, and every mistake in it told at once."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec

from shared import idempotency
from shared.caller import Caller
from shared.idempotency import Key
from shared.privacy import Vault
from shared.problems import Absent, FieldError, PreconditionMissing, Refusal, Stale, TooLarge
from shared.routes import Route, Upload
from shared.telemetry import CONTEXT, Receive, RequestContext, Scope
from shared.validation import Misshapen, read_json, read_query, read_text

BODY_BYTES_MAX = 1_000_000
JSON = "application/json"
ETAG = re.compile(r'(?:W/)?"(\d{1,18})"', re.ASCII)
KEY = re.compile(rf"[!-~]{{1,{idempotency.KEY_LENGTH_MAX}}}", re.ASCII)

Absence = TypeVar("Absence")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as the server hands it over."""

    scope: Scope
    receive: Receive

    @property
    def method(self) -> str:
        """Give the method."""
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        """Give the path, decoded."""
        return str(self.scope["path"])

    @property
    def query(self) -> str:
        """Give what stands behind the question mark, not decoded."""
        return bytes(self.scope["query_string"]).decode("latin-1")

    @property
    def context(self) -> RequestContext:
        """Give what is known of the request besides; the edge adds to it for the log."""
        context: RequestContext = self.scope[CONTEXT]
        return context

    def header(self, name: bytes, absent: Absence) -> str | Absence:
        """Give the first header of a name, which is written small."""
        for known, value in self.scope["headers"]:
            if known == name:
                return str(value.decode("latin-1"))
        return absent

    def headers(self, name: bytes) -> list[str]:
        """Give every header of a name, which is written small, in the order in which they came."""
        return [str(value.decode("latin-1")) for known, value in self.scope["headers"] if known == name]


def address_of(request: Incoming) -> str:
    """Give the address that a request comes from: the peer's, or what a front door of ours says of it.

    A forwarded address counts only where the peer itself is on a private network, as a front door is; of several it is
    the last public one, for what stands before it can be made up by whoever asks.
    """
    peer = str((request.scope.get("client") or ("",))[0])
    if not _private(peer):
        return peer
    # A front door may add a header of its own beside the one that was sent: all of them are one list.
    listed = ",".join(request.headers(b"x-forwarded-for")).split(",")
    told = [one.strip() for one in listed if one.strip()]
    return next((one for one in reversed(told) if _address(one) and not _private(one)), peer)


def _private(address: str) -> bool:
    known = _address(address)
    return known is not None and known.is_private


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


class MediaTypeRefused(Refusal):
    """The body is not announced as JSON."""

    status = 415
    code = "unsupported_media_type"
    title = "Send application/json"


class FileTypeRefused(MediaTypeRefused):
    """The body is not announced as a file that is taken here."""

    title = "This is no file that is taken here"


class ClientGone(Refusal):
    """The client hung up before its request was whole; nobody reads this answer, only the log."""

    status = 499
    code = "client_gone"
    title = "The client has gone"


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may stand in the address of a route that asks for nothing there."""


def path_values(route: Route, request: Incoming) -> dict[str, object]:
    """Read the path; a name that nothing can bear is the same as a name that nothing bears."""
    try:
        given = request.scope["path_params"] if route.path_parameters else {}
        return {name: read_text(given[name], kind) for name, kind in route.path_parameters.items()}
    except msgspec.ValidationError:
        raise Absent from None


async def body_of(request: Incoming, bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """Take in the body, no more of it than is accepted."""
    announced = request.header(b"content-length", "")
    _check_length(int(announced) if announced.isdecimal() else 0, bytes_max)
    chunks: list[bytes] = []
    length = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunks.append(message.get("body", b""))
        length += len(chunks[-1])
        _check_length(length, bytes_max)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _check_length(length: int, bytes_max: int) -> None:
    if length > bytes_max:
        raise TooLarge(f"At most {bytes_max} bytes.", limit_bytes=bytes_max)


def file_of(route: Route, request: Incoming, body: bytes) -> Upload:
    """Give a file that was sent; raises FileTypeRefused for what is announced as anything else than the route takes."""
    taken = route.takes.media if route.takes else ()
    media_type = request.header(b"content-type", "").partition(";")[0].strip().lower()
    if media_type not in taken:
        raise FileTypeRefused(f"Send {' or '.join(taken)}.")
    return Upload(body, media_type)


def arguments_of(route: Route, request: Incoming, body: bytes) -> dict[str, object]:
    """Read query and body; the mistakes of both, and of the key, are told together."""
    arguments: dict[str, object] = {}
    errors: list[FieldError] = _key_mistakes(request)
    leaves: Mapping[str, object] | None = None
    if route.body:
        media_type = request.header(b"content-type", JSON).partition(";")[0].strip().lower()
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
        if route.takes:
            arguments["upload"] = file_of(route, request, body)
    except Misshapen as fault:
        errors += fault.errors
        leaves = fault.leaves
    if errors:
        raise Misshapen(errors, leaves)
    return arguments


def _query(request: Incoming, kind: type[msgspec.Struct]) -> msgspec.Struct | None:
    if not request.query and kind is NoQuery:
        return None
    query = read_query(parse_qsl(request.query, keep_blank_values=True), kind)
    return None if kind is NoQuery else query


def _key_mistakes(request: Incoming) -> list[FieldError]:
    value = request.header(b"idempotency-key", None) if request.method == "POST" else None
    if value is None or KEY.fullmatch(value):
        return []
    detail = f"1 to {idempotency.KEY_LENGTH_MAX} visible characters of ASCII, without spaces."
    return [FieldError(pointer="/header/Idempotency-Key", code="bad_format", detail=detail)]


def key_of(
    request: Incoming, caller: Caller, body: bytes, vault: Vault | None = None, anew: Collection[str] = ()
) -> Key | None:
    """Give whose retry of what this would be; None where no retry is announced.

    With a vault the digest of the request is keyed: a NIK is short enough to be tried out on a plain one. What a retry
    says `anew`, as the moment at which it is sent, makes no other request of it.
    """
    value = request.header(b"idempotency-key", None)
    if value is None or request.method != "POST":
        return None
    digest = idempotency.request_hash(request.method, request.path, request.scope["query_string"], _without(body, anew))
    return Key(caller.subject, value, vault.digest(digest) if vault else digest)


def _without(body: bytes, anew: Collection[str]) -> bytes:
    """Give a body without some of its members, and else as it stands."""
    if not anew:
        return body
    try:
        told = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return body  # it is refused for its shape, and nothing is kept of it
    return msgspec.json.encode({name: value for name, value in told.items() if name not in anew})


def expected_version(request: Incoming) -> int:
    """Give the version that If-Match names; raises PreconditionMissing (428) or Stale (412)."""
    value = request.header(b"if-match", None)
    if value is None:
        raise PreconditionMissing("Send the ETag of what you have read as If-Match.")
    match = ETAG.fullmatch(value.strip())
    if match is None:
        raise Stale("If-Match names no version that this object could have.")
    return int(match[1])
