"""The pause in a loop that runs until it is cancelled."""

import asyncio
from contextlib import suppress


async def rest(seconds: float, until: asyncio.Event | None = None) -> None:
    """Pause for so long, or until the event is set; ends the loop when it was cancelled at any time before.

    On Python 3.11 `asyncio.wait_for` loses a cancellation that comes as its task ends, and redis-py sends every
    command within one. Without this question a loop around Redis could outlive the service that stops it.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
    if until is None:
        await asyncio.sleep(seconds)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await until.wait()
