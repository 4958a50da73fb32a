"""Refusals as plain values with a stable code; `shared.web` turns them into HTTP in one place.

A rule that says no raises a Refusal of its own, named for the fact (`class ShortOfStock(Refusal)`), whose class sets
`code`, `title`, and `status` where 409 is not right.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeAlias

import msgspec

Json: TypeAlias = "str | int | float | bool | Mapping[str, Json] | Sequence[Json] | None"
"""What a problem may carry beside its own members."""

RESERVED = frozenset({"type", "title", "status", "detail", "instance", "code"})
"""The members that every problem has; a refusal may not say them again with another meaning."""


class FieldError(msgspec.Struct, frozen=True):
    """One mistake in a body: where (`/lines/0/quantity`), which (a stable slug), and in plain words."""

    pointer: str
    code: str
    detail: str


class Refusal(Exception):
    """A no with a stable code: what a caller may act on, and never a defect.

    Shape:  `members` are extra members of the problem (`Refusal(detail, place="WH-PROV")`), `headers` go with it
    Raises: TypeError when an extra member bears the name of one that every problem has
    """

    status: ClassVar[int] = 409
    code: ClassVar[str] = "refused"
    title: ClassVar[str] = "This is refused by a rule"
    default_headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, detail: str = "", *, headers: Mapping[str, str] | None = None, **members: Json) -> None:
        super().__init__(detail or self.title)
        if taken := RESERVED & members.keys():
            raise TypeError(f"{', '.join(sorted(taken))} cannot be an extra member of a problem")
        self.detail = detail or self.title
        self.members: dict[str, Json] = dict(members)
        self.headers: dict[str, str] = {**self.default_headers, **(headers or {})}


class Absent(Refusal):
    """There is no such thing, or none that this caller may know of: the two answers are the same."""

    status = 404
    code = "not_found"
    title = "Not found"


class Forbidden(Refusal):
    """The caller is known, and the role does not allow this."""

    status = 403
    code = "forbidden"
    title = "Not allowed for this role"


class Unauthenticated(Refusal):
    """The caller could not be established."""

    status = 401
    code = "unauthenticated"
    title = "A valid token is needed"
    default_headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": "Bearer"}


class Stale(Refusal):
    """The object has changed since the version that the caller names."""

    status = 412
    code = "stale"
    title = "Changed in the meantime"


class PreconditionMissing(Refusal):
    """A change must say which version it changes."""

    status = 428
    code = "precondition_required"
    title = "If-Match is needed"


class Invalid(Refusal):
    """The body is wrong in one or more places, all of which are told at once."""

    status = 422
    code = "invalid"
    title = "The request is not valid"

    def __init__(self, errors: Sequence[FieldError], detail: str = "") -> None:
        super().__init__(detail, errors=[msgspec.to_builtins(error) for error in errors])
        self.errors = tuple(errors)


class StillRunning(Refusal):
    """The same request, by its idempotency key, has not finished yet."""

    code = "request_in_progress"
    title = "The same request is still running"
    default_headers: ClassVar[Mapping[str, str]] = {"Retry-After": "1"}


class KeyReused(Refusal):
    """The idempotency key was used before, with another body."""

    status = 422
    code = "idempotency_key_reused"
    title = "This idempotency key belongs to another request"


class TooLarge(Refusal):
    """The body is longer than is accepted."""

    status = 413
    code = "body_too_large"
    title = "The body is too large"


class TooMany(Refusal):
    """Somebody asked too often in a short time; the same request may succeed later."""

    status = 429
    code = "too_many_requests"
    title = "Asked too often"
    default_headers: ClassVar[Mapping[str, str]] = {"Retry-After": "60"}


class Unavailable(Refusal):
    """Something needed for the answer is away; the same request may succeed later."""

    status = 503
    code = "unavailable"
    title = "Not available at the moment"
    default_headers: ClassVar[Mapping[str, str]] = {"Retry-After": "5"}
