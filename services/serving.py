"""Serve an ASGI application in this very process, from its first to its last request.

The server runs in our own event loop, so there is one process per service and none is left when it is killed.
"""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from services import stopping
from shared.telemetry import AsgiApp, Message, Scope

BACKLOG = 1_024
REQUESTS_AT_ONCE_MAX = 1_024
START_SECONDS_MAX = 60
BEAT_SECONDS = 0.5
DRAIN_SECONDS_MAX = 4
"""How long running requests may go on after a stop was asked for, before the parts behind them are ended too."""
LAST_ANSWER_SECONDS_MAX = 1
LIFESPAN_STOP_SECONDS_MAX = 8
COLLECT_AFTER = (20_000, 20, 50)
"""How many new objects there must be before circles among them are looked for, and how much rarer among older ones."""


Started = Callable[[], Awaitable[None]]


class CannotServe(Exception):
    """The application cannot be served; the message is one line."""


def check_port(host: str, port: int) -> None:
    """Raise CannotServe when another program listens on the port already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
            trial.listen()
        except OSError as error:
            raise CannotServe(
                f"port {port} on {host} is not free ({error.strerror}): stop what uses it, or choose another: PORT=8001"
            ) from error


def run(app: AsgiApp, host: str, port: int, started: Started, beat: Callable[[], None] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish what runs and return.

    `started` runs beside it once requests are answered; `beat` is called twice a second in the caller's thread.
    """
    settle()
    try:
        uvloop.run(_serve(app, host, port, started, beat))
    finally:
        stopping.listen()


def settle() -> None:
    """Leave what is loaded by now out of every search for circles: with it a batch of orders cost a fifth more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


async def _serve(app: AsgiApp, host: str, port: int, started: Started, beat: Callable[[], None] | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    stopping.listen_in_loop(stop.set)
    async with _lifespan(app):
        server = Server(
            app,
            address=host,
            port=port,
            interface=Interfaces.ASGINL,  # the lifespan is ours: a failed start must end the process with its reason
            http=HTTPModes.http1,
            websockets=False,
            backlog=BACKLOG,
            backpressure=REQUESTS_AT_ONCE_MAX,
            log_enabled=False,
        )
        serving = loop.create_task(server.serve())
        try:
            await _until(stop, serving, started, beat)
        finally:
            leave = getattr(app, "leave", None)
            if leave:  # whoever follows for as long as we are there would keep us waiting
                await leave()
            server.stop()  # type: ignore[no-untyped-call]  # granian leaves it untyped
            await asyncio.wait({serving}, timeout=DRAIN_SECONDS_MAX)
    # Whoever still waits is answered while the parts end: cut off before, a client learns nothing of its outcome.
    await asyncio.wait({serving}, timeout=LAST_ANSWER_SECONDS_MAX)


async def _until(
    stop: asyncio.Event, serving: asyncio.Task[None], started: Started, beat: Callable[[], None] | None
) -> None:
    await asyncio.sleep(0)  # the server takes its socket in its first step
    greeting = asyncio.ensure_future(started())
    try:
        while not stop.is_set():
            if serving.done():
                raise CannotServe(f"the server ended by itself: {serving.exception() or 'it gave no reason'}")
            if greeting.done():
                greeting.result()
            if beat:
                beat()
            await _pause(stop, BEAT_SECONDS)
    finally:
        greeting.cancel()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


@asynccontextmanager
async def _lifespan(app: AsgiApp) -> AsyncIterator[None]:
    """Lead an application through its start and its stop, as the ASGI lifespan protocol has it."""
    orders: asyncio.Queue[Message] = asyncio.Queue()
    answers: asyncio.Queue[Message] = asyncio.Queue()
    scope: Scope = {"type": "lifespan", "asgi": {"version": "3.0"}}
    living = asyncio.ensure_future(app(scope, orders.get, answers.put))
    living.add_done_callback(lambda done: done.cancelled() or done.exception())  # told through the answers
    await _ordered(living, orders, answers, "startup", START_SECONDS_MAX)
    try:
        yield
    finally:
        await _ordered(living, orders, answers, "shutdown", LIFESPAN_STOP_SECONDS_MAX)


async def _ordered(
    living: asyncio.Future[None],
    orders: asyncio.Queue[Message],
    answers: asyncio.Queue[Message],
    order: str,
    seconds: float,
) -> None:
    await orders.put({"type": f"lifespan.{order}"})
    answer = asyncio.ensure_future(answers.get())
    either: set[asyncio.Future[None] | asyncio.Future[Message]] = {living, answer}
    await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    if not answer.done():
        answer.cancel()
        if living.done() and (error := living.exception()):
            raise error
        raise CannotServe(f"the {order} did not end within {seconds:g} s")
    message = answer.result()
    if message["type"].endswith(".failed"):
        raise CannotServe(str(message.get("message") or f"the {order} failed"))
