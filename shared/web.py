"""The HTTP edge: one assembly that gives every service the same behaviour.

Who is asking, may they, is the request well-formed, was it asked before: all of that is settled here, once, before
a handler sees anything. The handler's transaction commits before the answer leaves.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, cast

from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from litestar.router import Router
from msgspec import structs

from shared import idempotency, ndjson, sessions
from shared.answers import (
    EVENT_STREAM,
    Answer,
    HttpRequest,
    Outage,
    Stream,
    committed,
    problem_about,
    problem_on_error,
    read_response,
    response,
    stored,
)
from shared.caller import ANYBODY, Caller, Role
from shared.crashpoints import reach
from shared.database import Database, Work
from shared.ended_sessions import ShownSession
from shared.group_commit import GroupCommit
from shared.idempotency import Key, Stored
from shared.incoming import (
    BODY_BYTES_MAX,
    Incoming,
    address_of,
    arguments_of,
    body_of,
    expected_version,
    key_of,
    path_values,
)
from shared.live.hub import Hub
from shared.live.opening import follower
from shared.live.position import LAST_EVENT_ID
from shared.live.watcher import Watcher
from shared.openapi import HTML
from shared.per_address import AskedByAddress
from shared.problems import FieldError, Invalid, Refusal, TooMany, Unavailable
from shared.public_page import asks_for_page, busy_page
from shared.roles import allowed, demand
from shared.routes import LINES, Asked, Call, LiveQuery, Route, Shows, Watched, WatchQuery
from shared.security import Authenticator
from shared.settings import Settings
from shared.telemetry import AsgiApp, Receive, RequestLog, Scope, Send
from shared.validation import Misshapen

LAST_EVENT_DIGITS_MAX = 15
FILES_AT_ONCE_MAX = 4
"""How many files a process takes in at once: each is held in memory until it is stored."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request on its way into a shared transaction."""

    asked: Asked[object]
    key: Key | None


class Told(NamedTuple):
    """What a request says beside its body that some orders are about."""

    address: str
    signature: str
    authorization: str | None
    session: ShownSession | None


@dataclass(slots=True)
class Edge:
    """Carries requests from the wire to the handlers of one service, and their answers back."""

    database: Database
    authenticator: Authenticator
    grouping: type[GroupCommit[Waiting, Stored]] = GroupCommit
    public_url: str = "http://127.0.0.1:8000"
    groups: dict[str, GroupCommit[Waiting, Stored]] = field(default_factory=dict)
    outage: Outage = field(default_factory=Outage)
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(ndjson.BATCHES_AT_ONCE_MAX))
    live: Hub = field(init=False)
    taking_in: int = 0
    asked: dict[str, AskedByAddress] = field(default_factory=dict)
    settings: Settings | None = None

    def __post_init__(self) -> None:
        self.live = Hub(self.database)

    def endpoint(self, route: Route) -> HTTPRouteHandler:
        """Make the Litestar handler of a route."""

        async def endpoint(request: HttpRequest) -> Answer:
            # Litestar takes one class that is an ASGI application, and not either of two; both are called alike.
            answer = await self.answer(route, Incoming(request.scope, request.receive))  # type: ignore[arg-type]  # ASGI's
            return cast("Answer", answer)

        name = f"{route.tag}:{route.name}"
        return HTTPRouteHandler(_litestar_path(route), http_method=route.method, name=name)(endpoint)

    async def answer(self, route: Route, request: Incoming) -> Answer | Stream:
        """Give the answer to a request for a route, whatever comes of it."""
        request.context.route = route.path
        try:
            return await self._answer(route, request)
        except Exception as fault:  # noqa: BLE001 - this is the edge: what is no refusal is logged as a defect
            return problem_about(fault, request.context, request.path, self.outage)

    async def _answer(self, route: Route, request: Incoming) -> Answer | Stream:
        caller = await self._caller(route, request)
        if caller.role is Role.PUBLIC and (wait := self._wait_seconds(route, request)):
            return _asked_too_often(route, request, wait)
        if not route.takes or route.takes.bytes_max <= BODY_BYTES_MAX:  # what is no longer than any order
            return await self._answer_to(caller, route, request)
        if self.taking_in >= FILES_AT_ONCE_MAX:
            raise Unavailable("Other files are being taken in; send it again in a moment.")
        self.taking_in += 1
        try:
            return await self._answer_to(caller, route, request)
        finally:
            self.taking_in -= 1

    def _wait_seconds(self, route: Route, request: Incoming) -> int:
        """Count a question of somebody unknown; gives how long their address has to wait, 0 where it need not."""
        if route.per_minute is None:
            return 0
        asked = self.asked.setdefault(route.name, AskedByAddress(route.per_minute))
        return asked.wait_seconds(address_of(request), self.database.clock.now())

    async def _answer_to(self, caller: Caller, route: Route, request: Incoming) -> Answer | Stream:
        if route.by_line:
            return self._by_line(route, request, caller)
        arguments = path_values(route, request)
        body = await self._body(route, request)
        try:
            arguments |= arguments_of(route, request, body)
        except Misshapen as fault:
            raise await self._against_rules(route, caller, fault) from None
        if route.shows:
            return await self._follow(route.shows, route, request, caller, cast("LiveQuery", arguments["query"]))
        if route.watches:
            return await self._watch(route, request, caller, arguments)
        if not route.writes:
            async with self.database.reading(caller) as work:
                accept = request.header(b"accept", "")
                call = Call(work, caller, accept=accept, public_url=self.public_url, settings=self.settings)
                found = await route.handler(call=call, **arguments)
            return read_response(request, found)
        key = key_of(request, caller, body, self.database.vault, getattr(route.body, "anew", ()))
        if route.together:
            waiting = Waiting(Asked(arguments["body"], caller), key)
            answer = await self._group(route).submit(waiting)
        else:
            version = expected_version(request) if route.conditional else 0
            signature = request.header(b"x-hub-signature-256", "") if route.takes else ""
            told = Told(
                address_of(request), signature, request.header(b"authorization", None), self._ended_by(route, request)
            )
            answer = await self._alone(route, caller, key, version, arguments, told)
            if told.session:
                self.authenticator.forget(told.session)
        committed()
        return sessions.answered(route, response(answer), self.public_url)

    async def _follow(self, shows: Shows, route: Route, request: Incoming, caller: Caller, query: LiveQuery) -> Stream:
        """Let somebody follow the live feed, for no longer than their token counts."""
        last_event_id = request.header(b"last-event-id", None)
        may_go_on = partial(self._caller, route, request)
        one = await follower(
            self.live, self.database.source, shows, route.narrows, caller, may_go_on, query, last_event_id
        )
        return Stream(one.pieces(), EVENT_STREAM)

    async def _body(self, route: Route, request: Incoming) -> bytes:
        if route.takes:
            return await body_of(request, route.takes.bytes_max)
        return await body_of(request) if route.body else b""

    async def _watch(self, route: Route, request: Incoming, caller: Caller, arguments: dict[str, object]) -> Stream:
        """Let somebody watch one thing until it is over, for no longer than their token counts."""
        query = cast("WatchQuery", arguments.pop("query", WatchQuery()))
        told = request.header(b"last-event-id", None)
        if told is not None and not (told.isascii() and told.isdecimal() and len(told) <= LAST_EVENT_DIGITS_MAX):
            detail = "Take the last `id` as it came, or leave it out."
            raise Invalid([FieldError(f"/header/{LAST_EVENT_ID}", "bad_position", detail)])
        after = query.after if told is None else int(told)
        self.live.check_room()

        async def look(after: int | None) -> Watched:
            async with self.database.reading(caller) as work:
                call = Call(work, caller, after=after)
                return cast("Watched", await route.handler(call=call, **arguments))

        first = await look(after)  # what is not there is refused before the stream begins
        one = Watcher(self.live, look, partial(self._caller, route, request), after, query.wait_seconds)
        return Stream(one.pieces(first), EVENT_STREAM)

    def _by_line(self, route: Route, request: Incoming, caller: Caller) -> Answer:
        ndjson.check(request)
        lines = ndjson.LineByLine(
            route=route, request=request, caller=caller, database=self.database, turns=self.turns, outage=self.outage
        )
        return ndjson.LinesAnswer(route.status, b"", LINES, pieces=lines.answers())

    def _group(self, route: Route) -> GroupCommit[Waiting, Stored]:
        if route.name not in self.groups:
            self.groups[route.name] = self.grouping(lambda batch: self._carry_out(route, batch))
        return self.groups[route.name]

    def _ended_by(self, route: Route, request: Incoming) -> ShownSession | None:
        """Give the session that an order is to end, if it carries one that still counts."""
        if route.session not in ("ends", "ends_here"):
            return None
        return self.authenticator.shown_session(sessions.token_of(request, self.public_url))

    async def _caller(self, route: Route, request: Incoming) -> Caller:
        authorization, context = request.header(b"authorization", None), request.context
        open_to_all = authorization is None and allowed(route.action, Role.PUBLIC)
        if route.session:
            sessions.demand_own_page(request)
        elif authorization is None and not open_to_all:
            authorization = sessions.carried(request, self.public_url, writes=route.writes)
        known = ANYBODY if open_to_all else await self.authenticator.authenticate(authorization)
        caller = Caller(known.subject, known.role, known.regions, context.request_id, context.traceparent)
        context.caller = caller
        demand(caller, route.action)
        return caller

    async def _against_rules(self, route: Route, caller: Caller, fault: Misshapen) -> Invalid:
        """Find what is wrong beside the shape, and tell it with what is wrong with the shape."""
        if route.rules is None or fault.leaves is None:
            return fault
        async with self.database.reading(caller) as work:
            return fault.joined(await route.rules(work, fault.leaves))

    async def _alone(
        self,
        route: Route,
        caller: Caller,
        key: Key | None,
        version: int,
        arguments: dict[str, object],
        told: Told,
    ) -> Stored:
        """Carry out one request in a transaction of its own."""

        async def task(work: Work) -> Stored | Refusal:
            (before,) = await idempotency.begin(work.session, [key])
            if isinstance(before, Refusal):
                raise before
            if before is not None:
                return _opened(route, work, key, before)
            call = Call(
                work,
                caller,
                version,
                public_url=self.public_url,
                signature=told.signature,
                settings=self.settings,
                address=told.address,
                token_of=partial(self.authenticator.owner_token, of_page=route.session == "begins"),
                page_token=partial(self.authenticator.page_token, caller, told.authorization),
                session=told.session,
            )
            outcome = await route.handler(call=call, **arguments)
            if isinstance(outcome, Refusal):
                return outcome
            answer = stored(route, outcome)
            if key:
                await idempotency.store(work.session, [(key, _closed(route, work, key, answer))])
            return answer

        answer = await self.database.run(caller, task)
        if isinstance(answer, Refusal):  # given and not raised: what the attempt has written stays
            raise answer
        return answer

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
            reach("group.before_commit")
            return [answer for answer in answers if answer is not None]

        return await self.database.run(batch[0].asked.caller, task)

    async def drained(self) -> None:
        """Let go whoever follows, and wait until every request that was taken in has its outcome."""
        await self.live.close()
        for group in self.groups.values():
            await group.drained()


def _asked_too_often(route: Route, request: Incoming, wait_seconds: int) -> Answer:
    """Answer who asked too often, by a page where a page is what they asked for; raises TooMany (429)."""
    headers = {"Retry-After": str(wait_seconds)}
    if HTML in route.media and asks_for_page(request.header(b"accept", "")):
        page = busy_page()
        return Answer(page.status, page.body, page.media_type, {**page.headers, **headers})
    raise TooMany(f"At most {route.per_minute} a minute from one address.", headers=headers)


async def _together(route: Route, work: Work, asked: Sequence[Asked[object]]) -> Sequence[object]:
    outcomes = await route.handler(work=work, asked=asked) if asked else ()
    return cast("Sequence[object]", outcomes)


def _litestar_path(route: Route) -> str:
    return re.sub(r"{(\w+)}", r"{\1:str}", route.path)


def _options(routes: Sequence[Route]) -> list[HTTPRouteHandler]:
    """Answer OPTIONS with every method of a path; what Litestar makes by itself knows only the first."""
    methods: dict[str, list[str]] = {}
    for route in routes:
        methods.setdefault(_litestar_path(route), ["OPTIONS"]).append(route.method)
    return [_options_of(path, ", ".join(allowed)) for path, allowed in methods.items()]


def _closed(route: Route, work: Work, key: Key, answer: Stored) -> Stored:
    """Give an answer as it is kept: sealed, where it tells what is stored sealed."""
    return (
        structs.replace(answer, body=work.vault.keep_answer(key.caller, key.key, answer.body))
        if route.private
        else answer
    )


def _opened(route: Route, work: Work, key: Key | None, kept: Stored) -> Stored:
    """Give an answer as it was told first."""
    if not (route.private and key):
        return kept
    return structs.replace(kept, body=work.vault.kept_answer(key.caller, key.key, kept.body))


def _options_of(path: str, allowed: str) -> HTTPRouteHandler:
    async def options() -> Response[bytes]:
        return Response(b"", status_code=204, headers={"Allow": allowed})

    return HTTPRouteHandler(path, http_method="OPTIONS", name=f"options:{path}")(options)


class ShortCut:
    """Leads orders to addresses that are known by heart past the framework, and everything else through it.

    What Litestar does with a request besides (its own request, arguments and response) takes a sixth of the time of an
    order that shares its transaction with others, and the edge uses none of it.
    """

    def __init__(self, edge: Edge, routes: Sequence[Route], framework: AsgiApp) -> None:
        """Learn the addresses that hold no parameters."""
        self._edge = edge
        self._routes = {(route.method, route.path): route for route in routes if not route.path_parameters}
        self._framework = framework

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if route := self._routes.get((scope.get("method", ""), scope["path"])):
            answer = await self._edge.answer(route, Incoming(scope, receive))
            await answer(scope, receive, send)
        else:
            await self._framework(scope, receive, send)


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
    return RequestLog(ShortCut(edge, routes, cast("AsgiApp", app)), service)
