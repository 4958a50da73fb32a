"""How a capability declares its HTTP face: a typed function, who may call it, and what it answers.

From the one declaration come the route, the checks at the edge, and the OpenAPI document; so they agree.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args, get_type_hints
from uuid import UUID

import msgspec

from shared.caller import Caller
from shared.database import Work
from shared.ended_sessions import ShownSession
from shared.live.happened import Happened
from shared.live.position import PositionText
from shared.problems import FieldError, Refusal, TooMany
from shared.roles import Action
from shared.security import PageToken
from shared.settings import Settings

B = TypeVar("B")
T = TypeVar("T")
Handler = Callable[..., Awaitable[object]]
Rules = Callable[[Work, Mapping[str, object]], Awaitable[Sequence[FieldError]]]
"""Finds what is wrong with the values of a body, by their pointers, where their shape is right."""

Shows = Callable[[Caller, Happened], bool]
"""Tells whether somebody who follows a live feed is told of an event; its docstring is what the documents say."""
Narrows = Callable[[Caller, Happened], Mapping[str, Any] | None]
"""Gives what somebody may know of an event that they are told of, or None where that is all of it."""


def all_of_it(_caller: Caller, _event: Happened) -> None:
    """Narrow nothing: whoever is told of an event may know all that it says."""


Media = Mapping[str, Any]
"""What an answer may be other than a JSON struct alone, by media type; the struct where that is JSON again."""

Method = Literal["GET", "POST", "PATCH"]

SessionStep = Literal["begins", "ends", "ends_here"]
"""What an order does to the session of the page that asks: see shared.sessions.

Where it `ends_here` this service refuses it from then on, and the cookie stays for the others to be told.
"""

LINES = "application/x-ndjson"
"""The media type of a body that holds an order in each line, and of the answer to it."""

PUBLIC_PAGES_PER_MINUTE = 60
"""Who holds papers looks at one after the other; half an island behind one mobile gateway looks at some together."""

PAGE_ITEMS_DEFAULT = 50
PAGE_ITEMS_MAX = 500

CONTROL = r"\x00-\x1f\x7f-\x9f"
"""Characters that no line of text holds, for a class in a pattern; PostgreSQL could not even store the first."""

BLANK = r"\x20\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""Characters that show nothing, spelt out: `\\s` is one set in Python and another in JSON Schema (ECMA-262)."""

# `$(?!\n)` is the very end also in Python, where `$` alone forgives a line break.
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=rf"^[^{BLANK}{CONTROL}][^{CONTROL}]*$(?!\n)")]
"""A line of text: no control characters, and it begins with something to see."""

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"^[A-Z0-9][A-Z0-9.\-]*$(?!\n)")]
"""A code that people read out to each other: an item or a place."""

RegionCode = Annotated[
    str,
    msgspec.Meta(max_length=13, pattern=r"^[0-9]{2}(\.[0-9]{2}){0,2}(\.[0-9]{4})?$(?!\n)", examples=["19.71"]),
]
"""A region in the codes of the Ministry of Home Affairs."""

Cursor = Annotated[str, msgspec.Meta(min_length=1, max_length=400, pattern=r"^[A-Za-z0-9_\-]+$(?!\n)")]
Limit = Annotated[int, msgspec.Meta(ge=1, le=PAGE_ITEMS_MAX)]
EventTypes = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000, pattern=r"^[a-z0-9_.]+(,[a-z0-9_.]+)*$(?!\n)")]


def no_tokens(_owner_id: UUID, _hours: float) -> str:
    """Sign nothing: a question gives no tokens away."""
    raise LookupError("only an order may sign a token")


def no_page_token(_life_max: timedelta) -> PageToken:
    """Sign nothing: a question gives no tokens away."""
    raise LookupError("only an order may sign a token")


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a handler sees it.

    Shape: `expected_version` is the version that If-Match names, on routes that change something; `accept` is what
           the reader of a question takes, and `public_url` is where everybody finds this service; `signature` is
           what X-Hub-Signature-256 says of a body, and `settings` are those of the process, where it has any; `after`
           is the version that whoever watches has seen last, if any; `address` is where an order comes from, as far as
           it can be known; `token_of` signs a token for an owner, for so many hours, and `page_token` one for the page
           of whoever has shown a token, for so long at most; `session` is what an order ends that carries one
    """

    work: Work
    caller: Caller
    expected_version: int = 0
    accept: str = ""
    public_url: str = ""
    signature: str = ""
    settings: Settings | None = None
    after: int | None = None
    address: str = ""
    token_of: Callable[[UUID, float], str] = no_tokens
    page_token: Callable[[timedelta], PageToken] = no_page_token
    session: ShownSession | None = None


class Asked(msgspec.Struct, Generic[B], frozen=True):
    """One request among several that share a transaction."""

    body: B
    caller: Caller


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A stretch of a list; `next` is the cursor of the following one, or null at the end."""

    items: list[T]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent: its bytes, and what they were announced as."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Takes:
    """Which files a route takes: their media types, and how long one may be at most."""

    media: tuple[str, ...]
    bytes_max: int


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched, as it stands now: `version` rises with each change, and none follows once it is over."""

    name: str
    version: int
    body: msgspec.Struct
    over: bool


class WatchQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which version on to watch, and for how long; without `wait_seconds` until it is over.

    Shape: `after` is for whoever cannot send Last-Event-ID, which counts where both are given
    """

    after: Annotated[int, msgspec.Meta(ge=0, le=2**53)] | None = None
    wait_seconds: Annotated[int, msgspec.Meta(ge=0, le=3_600)] | None = None


class EventStream:
    """What a live feed answers: server-sent events, for as long as both sides like."""


class LiveQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From where on to follow, what of it, and for how long; without `wait_seconds` until the stream is closed.

    Shape: `after` is for whoever cannot send Last-Event-ID, which counts where both are given; `types` are separated
           by commas; with `wait_seconds=0` the stream ends after what is there
    """

    after: PositionText | None = None
    types: EventTypes | None = None
    wait_seconds: Annotated[int, msgspec.Meta(ge=0, le=3_600)] | None = None


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What every refusal looks like (RFC 9457); some carry further members."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    request_id: str
    errors: list["ProblemError"] | msgspec.UnsetType = msgspec.UNSET


class ProblemError(msgspec.Struct, frozen=True):
    """One mistake in a request."""

    pointer: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Everything that is known about one route."""

    method: Method
    path: str
    tag: str
    action: Action
    handler: Callable[..., Any]
    body: type[msgspec.Struct] | None
    query: type[msgspec.Struct] | None
    path_parameters: dict[str, Any]
    answer: Any
    status: int
    refusals: tuple[type[Refusal], ...]
    together: bool
    writes: bool
    location: str | None = None
    rules: Rules | None = None
    shows: Shows | None = None
    narrows: Narrows = all_of_it
    by_line: bool = False
    private: bool = False
    media: Media = field(default_factory=dict)
    takes: Takes | None = None
    watches: bool = False
    session: SessionStep | None = None
    per_minute: int | None = None

    @property
    def conditional(self) -> bool:
        """Tell whether the route changes something that has a version, so that If-Match is needed."""
        return self.method == "PATCH"

    @property
    def summary(self) -> str:
        """Give the first sentence of the handler's docstring."""
        return (inspect.getdoc(self.handler) or self.handler.__name__).split("\n", 1)[0].rstrip(".")

    @property
    def name(self) -> str:
        """Give the operation id."""
        return self.handler.__name__


@dataclass(slots=True)
class Routes:
    """The routes of one capability."""

    prefix: str
    tag: str
    declared: list[Route] = field(default_factory=list)

    def get(
        self,
        path: str,
        allow: Action,
        *,
        refusals: Sequence[type[Refusal]] = (),
        media: Media | None = None,
        per_minute: int | None = None,
    ) -> Callable[[Handler], Handler]:
        """Declare a question: it runs in a read-only transaction; what gives `Content` says in `media` what it may be.

        Where a page for people (`text/html`) may be the answer, it may also be the answer that there is no such thing.
        What is open to everybody may be asked from one address `per_minute` times by who has no token; then it is 429.
        """
        met = [*refusals, TooMany] if per_minute else refusals
        return self._declare("GET", path, allow, 200, met, writes=False, media=media, per_minute=per_minute)

    def post(
        self,
        path: str,
        allow: Action,
        *,
        status: int = 201,
        refusals: Sequence[type[Refusal]] = (),
        location: str | None = None,
        together: bool = False,
        rules: Rules | None = None,
        private: bool = False,
        session: SessionStep | None = None,
    ) -> Callable[[Handler], Handler]:
        """Declare an order: it honours Idempotency-Key; with `together` waiting ones share a transaction.

        A refusal that the handler raises leaves nothing behind; one that it gives keeps what it has written.
        The handler keeps its rules itself; the edge asks `rules` only about a body of the wrong shape, so that
        all mistakes of both kinds are told in one answer. The answer of a `private` one is kept sealed for retries;
        so is that of one with which a `session` begins, whose token goes out as a cookie and in no body.
        """
        return self._declare(
            "POST", path, allow, status, refusals,
            location=location, together=together, rules=rules, private=private or session == "begins", session=session,
        )  # fmt: skip

    def post_file(
        self,
        path: str,
        allow: Action,
        takes: Takes,
        *,
        status: int = 202,
        refusals: Sequence[type[Refusal]] = (),
        location: str | None = None,
    ) -> Callable[[Handler], Handler]:
        """Declare the sending of a file, which is the body as it stands; the handler is given it as `upload`."""
        return self._declare("POST", path, allow, status, refusals, location=location, takes=takes)

    def watch(
        self, path: str, allow: Action, *, refusals: Sequence[type[Refusal]] = ()
    ) -> Callable[[Handler], Handler]:
        """Declare a feed of how one thing goes on; what is decorated gives it as it stands now, as `Watched`."""
        return self._declare("GET", path, allow, 200, refusals, writes=False, watches=True)

    def post_lines(
        self, path: str, allow: Action, *, refusals: Sequence[type[Refusal]] = (), rules: Rules | None = None
    ) -> Callable[[Handler], Handler]:
        """Declare orders by the line: each has a `key` and an outcome of its own; `rules` as for an order.

        The handler takes and gives what one of orders that share a transaction does.
        """
        return self._declare("POST", path, allow, 200, refusals, together=True, rules=rules, by_line=True)

    def patch(
        self, path: str, allow: Action, *, refusals: Sequence[type[Refusal]] = (), rules: Rules | None = None
    ) -> Callable[[Handler], Handler]:
        """Declare a change of something that has a version: it needs If-Match; `rules` as for an order."""
        return self._declare("PATCH", path, allow, 200, refusals, rules=rules)

    def live(self, path: str, allow: Action, *, narrows: Narrows = all_of_it) -> Callable[[Shows], Shows]:
        """Declare a live feed of the service's own events; what is decorated says who is told of which.

        Shape: `narrows` says how much of one they may know
        """

        def declare(shows: Shows) -> Shows:
            self.declared.append(
                Route(
                    method="GET",
                    path=self.prefix + path,
                    tag=self.tag,
                    action=allow,
                    handler=shows,
                    body=None,
                    query=LiveQuery,
                    path_parameters={},
                    answer=EventStream,
                    status=200,
                    refusals=(),
                    together=False,
                    writes=False,
                    shows=shows,
                    narrows=narrows,
                )
            )
            return shows

        return declare

    def _declare(
        self,
        method: Method,
        path: str,
        allow: Action,
        status: int,
        refusals: Sequence[type[Refusal]],
        *,
        writes: bool = True,
        location: str | None = None,
        together: bool = False,
        rules: Rules | None = None,
        by_line: bool = False,
        private: bool = False,
        media: Media | None = None,
        takes: Takes | None = None,
        watches: bool = False,
        session: SessionStep | None = None,
        per_minute: int | None = None,
    ) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            hints = get_type_hints(handler, include_extras=True)
            body = _asked_body(hints["asked"]) if together else hints.get("body")
            (answer,) = get_args(hints["return"]) if together else (hints["return"],)
            names = re.findall(r"{(\w+)}", path)
            self.declared.append(
                Route(
                    method=method,
                    path=self.prefix + path,
                    tag=self.tag,
                    action=allow,
                    handler=handler,
                    body=body,
                    query=WatchQuery if watches else hints.get("query"),
                    path_parameters={name: hints[name] for name in names},
                    answer=EventStream if watches else _without_refusal(answer),
                    status=status,
                    refusals=tuple(refusals),
                    together=together and not by_line,
                    writes=writes,
                    location=location,
                    rules=rules,
                    by_line=by_line,
                    private=private,
                    media=media or {},
                    takes=takes,
                    watches=watches,
                    session=session,
                    per_minute=per_minute,
                )
            )
            return handler

        return declare


def _asked_body(annotation: Any) -> type[msgspec.Struct]:
    """Take the body's struct out of Sequence[Asked[Body]]."""
    (asked,) = get_args(annotation)
    (body,) = get_args(asked)
    return body  # type: ignore[no-any-return]  # typing gives no better


def _without_refusal(annotation: Any) -> Any:
    """Take the answer's struct out of Answer | Refusal."""
    options = get_args(annotation)
    return next(option for option in options if option is not Refusal) if Refusal in options else annotation
