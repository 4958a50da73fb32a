"""Hearing at once that something was committed, and not minding when nothing can be heard."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import asyncpg

from shared.database import Database

CONNECT_TIMEOUT_SECONDS: Final = 5


class Bell:
    """Listens on a NOTIFY channel with a connection of its own; a context manager that closes it."""

    def __init__(self, database: Database, channel: str) -> None:
        """Prepare to listen; nothing is opened before the first wait."""
        self._database = database
        self._channel = channel
        self._rung = asyncio.Event()
        self._line: asyncpg.Connection | None = None

    async def wait(self, seconds: float) -> None:
        """Return when it has rung since the last wait, or after a while in any case."""
        await self._listen()
        with suppress(TimeoutError):
            # Not wait_for, which before Python 3.12 loses a cancellation that meets the ring (CPython issue 81839).
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        self._rung.clear()

    async def _listen(self) -> None:
        if self._line is not None and not self._line.is_closed():
            return
        engine = self._database.engine
        _, options = engine.dialect.create_connect_args(engine.url)
        try:
            self._line = await asyncpg.connect(**options, timeout=CONNECT_TIMEOUT_SECONDS)
            await self._line.add_listener(self._channel, lambda *_: self._rung.set())
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            return  # then it is seen a little later: the caller looks after every wait
        self._rung.set()  # it may have rung before there was a line

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._line is not None:
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                await self._line.close(timeout=CONNECT_TIMEOUT_SECONDS)
