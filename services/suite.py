"""All three services on one port, in one process: what `serumpun up` serves."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

from litestar import Litestar

from services.aid_distribution import main as aid_distribution
from services.notifications import main as notifications
from services.pages import Pages
from services.registration import main as registration
from shared.answers import problem_on_error
from shared.docs import event_document_handlers
from shared.health import health_handlers
from shared.service import VERSION, follow_lifespan
from shared.service import build as compose
from shared.settings import Settings
from shared.telemetry import AsgiApp, Receive, RequestLog, Scope, Send

SERVICES = (registration.SERVICE, aid_distribution.SERVICE, notifications.SERVICE)


class Suite:
    """Leads each request to the service whose path it bears; everything else is the front's own."""

    def __init__(self, settings: Settings) -> None:
        """Compose the three services."""
        self._services = {service.prefix.removeprefix("/"): compose(service, settings) for service in SERVICES}
        pages = {name: address for service in SERVICES for name, address in service.pages.items()}
        events = event_document_handlers("", VERSION, settings, pages)
        front = Litestar(
            route_handlers=[*events, *health_handlers([app.health for app in self._services.values()])],
            exception_handlers={Exception: problem_on_error},
            openapi_config=None,
            logging_config=None,
        )
        self._front = Pages(RequestLog(cast("AsgiApp", front), "front"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or follow the server's start and stop."""
        if scope["type"] == "lifespan":
            await follow_lifespan(self.running(), receive, send)
            return
        app = self._services.get(scope["path"].split("/", 2)[1] if "/" in scope["path"] else "")
        await (app or self._front)(scope, receive, send)

    async def leave(self) -> None:
        """End every stream that somebody follows: the process is about to stop."""
        for app in self._services.values():
            await app.leave()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run every service for as long as this is held."""
        async with AsyncExitStack() as stack:
            for app in self._services.values():
                await stack.enter_async_context(app.lifespan())
            yield


def build(settings: Settings) -> Suite:
    """Give all services as one ASGI application."""
    return Suite(settings)
