"""The wish to stop: heard at any moment, never lost, and granted in time.

A signal handler that only raises is not enough: Python drops an exception that falls into a destructor or into the
callback of a weak reference. So the wish is also noted, and asked for between the steps of a start.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import TypeVar

T = TypeVar("T")

SIGNALS = (signal.SIGTERM, signal.SIGINT)
STOP_SECONDS_MAX = 18
"""After this the process ends by force; on Linux the kernel then ends the servers that it started."""

_wished = threading.Event()


def listen() -> None:
    """Take SIGTERM and Ctrl-C as the wish to stop while no event loop runs."""
    for number in SIGNALS:
        signal.signal(number, _leave)


def listen_in_loop(stop: Callable[[], object]) -> None:
    """Take them as the wish to stop in the running event loop, which then calls `stop`."""
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, _wish_and, stop)
    leave_if_wished()


def leave_if_wished() -> None:
    """Leave with exit code 0 if the wish was noted."""
    if _wished.is_set():
        sys.exit(0)


def run(task: Coroutine[object, object, T]) -> T:
    """Run a task in an event loop of its own; the wish to stop cancels it and leaves."""

    async def cancellable() -> T:
        running = asyncio.ensure_future(task)
        listen_in_loop(running.cancel)
        return await running

    try:
        return asyncio.run(cancellable())
    except asyncio.CancelledError:
        leave_if_wished()
        raise
    finally:
        listen()


def _leave(*_: object) -> None:
    first = not _wished.is_set()
    _wish()
    if first:  # a second Ctrl-C must not interrupt the stopping itself
        sys.exit(0)


def _wish_and(stop: Callable[[], object]) -> None:
    _wish()
    stop()


def _wish() -> None:
    if not _wished.is_set():
        _wished.set()
        last_resort = threading.Timer(STOP_SECONDS_MAX, os._exit, [1])
        last_resort.daemon = True
        last_resort.start()
