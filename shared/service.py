"""What a service is made of, and how its parts are brought to life and to rest in one process.

The parts are `api`, `relay`, `consumer` and `worker`; a process may run any of them, and any number of processes
may run the same ones: they need no coordination.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import msgspec
import redis.asyncio
from sqlalchemy.orm import configure_mappers

from shared.answers import Content
from shared.api_keys import lookup_in
from shared.caller import Caller, Role
from shared.clock import Clock
from shared.consumer import Consumers, Reaction
from shared.contracts import SUBSCRIPTIONS
from shared.database import CONNECTIONS_MAX, Database
from shared.docs import document_handlers, event_document_handlers
from shared.ended_sessions import ended_in
from shared.feed import LIMIT_MAX, MEDIA_TYPE, FeedClient, events_after
from shared.group_commit import GroupCommit
from shared.health import PATIENCE, Health, Patience, health_handlers
from shared.idempotency import Stored
from shared.keys import KeyStore
from shared.outbox import install_heads
from shared.parked_routes import parked_routes
from shared.privacy import Vault
from shared.relay import Relay
from shared.retention import Retention
from shared.roles import Action
from shared.routes import Call, Route, Routes
from shared.security import Authenticator
from shared.settings import SettingInvalid, Settings
from shared.stream import connect
from shared.telemetry import AsgiApp, Receive, Scope, Send, log
from shared.tokens import issue_token
from shared.web import Edge, Waiting, assemble

PARTS = frozenset({"api", "relay", "consumer", "worker"})
STOP_SECONDS_MAX = 6
PAUSE_SECONDS_MIN = 0.2
PAUSE_SECONDS_MAX = 10.0
VERSION = "0.1.0"
ALL_REGIONS = ("00",)
PREFIXES = {"registration": "/registration", "aid_distribution": "/aid", "notifications": "/notifications"}
"""Under which path each service answers; behind one front door or on its own port, it is the same."""

Partition = Annotated[int, msgspec.Meta(ge=0, le=255)]


class FeedQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events of a partition to give."""

    after: Annotated[int, msgspec.Meta(ge=0, le=2**62)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=LIMIT_MAX)] = LIMIT_MAX


@dataclass(slots=True, kw_only=True)
class Runtime:
    """What a running service holds on to: its store, its bus, its settings and keys."""

    name: str
    settings: Settings
    clock: Clock
    keys: KeyStore
    database: Database
    redis: redis.asyncio.Redis
    redis_url: str


Worker = Callable[[Runtime], Awaitable[None]]
"""Something that a service does by itself until it is cancelled, such as sending mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service as its composition root declares it."""

    name: str
    title: str
    prefix: str
    routes: tuple[Routes, ...]
    reactions: tuple[Reaction, ...] = ()
    workers: tuple[Worker, ...] = ()

    @property
    def declared(self) -> list[Route]:
        """Give every route of every capability."""
        return [route for routes in self.routes for route in routes.declared]

    @property
    def pages(self) -> dict[str, str]:
        """Give the page to try the routes on, by what it is called."""
        return {f"{self.title} (OpenAPI)": f"{self.prefix}/docs"}


class Application:
    """The ASGI application of a service together with what runs behind it."""

    def __init__(
        self,
        app: AsgiApp,
        lifespan: Callable[[], AbstractAsyncContextManager[None]],
        health: Health,
        leave: Callable[[], Awaitable[None]],
    ) -> None:
        """Join an application, what opens and closes its parts, what watches over them, and what ends its streams."""
        self.health = health
        self.leave = leave
        self._app = app
        self.lifespan = lifespan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or follow the server's start and stop."""
        if scope["type"] == "lifespan":
            await follow_lifespan(self.lifespan(), receive, send)
        else:
            await self._app(scope, receive, send)


async def follow_lifespan(parts: AbstractAsyncContextManager[None], receive: Receive, send: Send) -> None:
    """Open the parts when the server starts and close them when it stops, as the ASGI lifespan protocol has it."""
    async with AsyncExitStack() as stack:
        await receive()
        try:
            await stack.enter_async_context(parts)
        except Exception as fault:
            await send({"type": "lifespan.startup.failed", "message": str(fault) or type(fault).__name__})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})


def build(
    service: Service,
    settings: Settings,
    parts: Collection[str] = PARTS,
    clock: Clock | None = None,
    grouping: type[GroupCommit[Waiting, Stored]] = GroupCommit,
    patience: Patience = PATIENCE,
) -> Application:
    """Compose a service: the parts that this process is to run, and the edge before them."""
    configure_mappers()  # SQLAlchemy does it at the first statement else, while somebody waits for an answer
    runtime = _runtime(service, settings, clock or Clock())
    authenticator = Authenticator(
        settings,
        runtime.keys,
        lookup_in(runtime.database.engine),
        ended_in(runtime.database.engine),
        clock=runtime.clock,
    )
    edge = Edge(runtime.database, authenticator, grouping, settings.public_url, settings=settings)
    relay = Relay(runtime.database, runtime.redis, service.name, settings.partitions)
    feed = FeedClient(_feeds(settings), lambda: _service_token(runtime))
    # Consumers have connections of their own: a backlog never keeps a request waiting for one.
    lanes = len(SUBSCRIPTIONS[service.name]) * settings.partitions
    consuming = _database(service, settings, runtime.keys, runtime.clock, connections_max=lanes + 1, ping=False)
    consumers = Consumers(
        service.name,
        consuming,
        runtime.redis_url,
        service.reactions,
        SUBSCRIPTIONS[service.name],
        feed,
        stalled_seconds=patience.stalled_seconds_max,
    )
    retention = Retention(
        runtime.database,
        runtime.redis,
        service.name,
        outbox_kept=timedelta(days=settings.outbox_retention_days),
        idempotency_kept=timedelta(days=settings.idempotency_retention_days),
    )
    running: list[Callable[[], Awaitable[None]]] = []
    if "relay" in parts:
        running += [relay.run, retention.run]
    if "consumer" in parts:
        running.append(consumers.run)
    if "worker" in parts:
        running += [lambda worker=worker: worker(runtime) for worker in service.workers]  # type: ignore[misc]  # bound now
    health = Health(
        service.name,
        runtime.database,
        runtime.redis,
        relay=relay if "relay" in parts else None,
        consumers=consumers if "consumer" in parts else None,
        patience=patience,
    )
    declared = [*service.declared, *backbone_routes(service)] if "api" in parts else []
    documents = document_handlers(service.title, service.prefix, VERSION, declared) if "api" in parts else []
    if "api" in parts:
        documents += event_document_handlers(service.prefix, VERSION, settings, service.pages)
    app = assemble(service.name, edge, declared, [*documents, *health_handlers([health])])

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(runtime.database.close)
            stack.push_async_callback(consuming.close)
            stack.push_async_callback(runtime.redis.aclose)
            stack.push_async_callback(feed.close)
            stack.push_async_callback(authenticator.close)
            await _check_installed(runtime)
            tasks = [asyncio.create_task(_supervised(run, service.name)) for run in running]
            stack.push_async_callback(_stopped, tasks)
            stack.push_async_callback(edge.drained)
            yield

    return Application(app, lifespan, health, edge.live.close)


def _runtime(service: Service, settings: Settings, clock: Clock) -> Runtime:
    if settings.redis_url is None:
        raise SettingInvalid(f"{service.name} needs Redis: run `serumpun servers`, or set REDIS_URL")
    keys = KeyStore(settings.home)
    return Runtime(
        name=service.name,
        settings=settings,
        clock=clock,
        keys=keys,
        database=_database(service, settings, keys, clock, connections_max=CONNECTIONS_MAX),
        redis=connect(settings.redis_url),
        redis_url=settings.redis_url,
    )


def _database(
    service: Service, settings: Settings, keys: KeyStore, clock: Clock, *, connections_max: int, ping: bool = True
) -> Database:
    url = settings.database_urls.get(service.name)
    if url is None:
        raise SettingInvalid(f"{service.name} needs a database: run `serumpun servers`, or set DATABASE_URL")
    return Database(
        url,
        service.name,
        partitions=settings.partitions,
        clock=clock,
        connections_max=connections_max,
        vault=Vault(keys.master, keys.personal),
        ping=ping,
        quiet_hours=settings.quiet_hours,
        dating_back_days=settings.dating_back_days,
    )


def _feeds(settings: Settings) -> dict[str, str]:
    return {name: f"{settings.peer_urls[name]}{prefix}/events" for name, prefix in PREFIXES.items()}


def _service_token(runtime: Runtime) -> str:
    return issue_token(runtime.keys, Role.SERVICE, ALL_REGIONS, f"service-{runtime.name}", 0.25, clock=runtime.clock)


async def _check_installed(runtime: Runtime) -> None:
    """Make the partitions of a new installation; refuses to start with another number than it was made with."""
    caller = Caller(f"service-{runtime.name}", Role.SERVICE, ALL_REGIONS)
    await runtime.database.run(caller, lambda work: install_heads(work.session, runtime.settings.partitions))


async def _supervised(run: Callable[[], Awaitable[None]], service: str) -> None:
    """Keep a part running: whatever ends it is logged, and it begins anew with growing pauses."""
    pause = PAUSE_SECONDS_MIN
    while True:
        try:
            await run()
        except Exception as fault:  # noqa: BLE001 - nothing may end a part but its cancellation
            log.error("part_failed", service=service, error=type(fault).__name__, exc_info=fault)
        await asyncio.sleep(pause)
        pause = min(pause * 2, PAUSE_SECONDS_MAX)


async def _stopped(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=STOP_SECONDS_MAX)


def backbone_routes(service: Service) -> list[Route]:
    """Declare what every service has for its events: the feed that fills what a stream has lost, and what is parked."""
    return [*_feed_routes(service).declared, *parked_routes(service.prefix).declared]


def _feed_routes(service: Service) -> Routes:
    routes = Routes(f"{service.prefix}/events", tag="Events")

    @routes.get("/{partition}", Action.READ_EVENTS, media={MEDIA_TYPE: None})
    async def read_events(call: Call, partition: Partition, query: FeedQuery) -> Content:
        """Give the events of a partition that follow a number, as a MessagePack list."""
        events = await events_after(call.work.session, service.name, partition, query.after, query.limit)
        return Content(msgspec.msgpack.encode(events), MEDIA_TYPE)

    return routes
