"""One way to wait in a test: ask again until it is true, and say what was awaited when it never is."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar, overload

PAUSE_SECONDS = 0.02
SECONDS_MAX = 60.0
"""Only a test that fails waits so long: it must be more than a busy machine ever takes."""

T = TypeVar("T")


@overload
async def wait_until(
    predicate: Callable[[], Awaitable[T | None]], seconds: float = ..., description: str = ...
) -> T: ...


@overload
async def wait_until(predicate: Callable[[], T | None], seconds: float = ..., description: str = ...) -> T: ...


async def wait_until(
    predicate: Callable[[], object], seconds: float = SECONDS_MAX, description: str = "the condition"
) -> object:
    """Return the predicate's first true answer; fail the test when there is none in time."""
    deadline = monotonic() + seconds
    while True:
        answer = predicate()
        value = await answer if inspect.isawaitable(answer) else answer
        if value:
            return value
        if monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {description}; the last answer was {value!r}")
        await asyncio.sleep(PAUSE_SECONDS)
