"""A wire between a service and one of its servers, which a test can cut and join again, or hold.

The server itself goes on serving everybody else, so an outage here is nobody else's.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs, quote, unquote, urlsplit

from sqlalchemy.engine import make_url

LOOPBACK = "127.0.0.1"
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Break(StrEnum):
    """Where a connection is reset: before what was said is heard at the other end, or before its answer is."""

    BEFORE = "before"
    AFTER = "after"


Listener = Callable[[bytes], Break | None]
"""Hears whatever is said to the server, and says whether the connection is to break over it."""


@dataclass(slots=True)
class Wire:
    """Carries bytes both ways while it is whole; cut, it ends what is open and takes nothing new."""

    host: str
    port: int
    number: int = 0
    server: asyncio.Server | None = None
    talks: set[asyncio.Task[None]] = field(default_factory=set)
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    listener: Listener = lambda _said: None

    async def join(self) -> None:
        """Let connections through, on the same port as before."""
        self.flowing.set()
        self.server = await asyncio.start_server(self._talk, LOOPBACK, self.number)
        self.number = self.server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """End every connection and refuse new ones."""
        if self.server is not None:
            self.server.close()
            self.server = None
        for talk in self.talks:
            talk.cancel()
        if self.talks:
            await asyncio.wait(self.talks)

    def hold(self) -> None:
        """Let nothing through any more, and let nobody know: whoever speaks waits for an answer."""
        self.flowing.clear()

    def release(self) -> None:
        """Let through what was held."""
        self.flowing.set()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self.talks.add(talk)
        with suppress(OSError, asyncio.CancelledError):
            there = await self._far_end()
            await self._both_ways((reader, writer), there)
        writer.close()
        self.talks.discard(talk)

    async def _far_end(self) -> Ends:
        if self.host.startswith("/"):
            return await asyncio.open_unix_connection(self.host)
        return await asyncio.open_connection(self.host, self.port)

    async def _both_ways(self, near: Ends, far: Ends) -> None:
        broken = asyncio.Event()
        ways = [
            asyncio.ensure_future(self._ask(near[0], far[1], broken)),
            asyncio.ensure_future(self._answer(far[0], near[1], broken)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if broken.is_set():
                _reset(near[1])
        finally:
            for way in ways:
                way.cancel()
            far[1].close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, broken: asyncio.Event) -> None:
        with suppress(OSError):
            while said := await reader.read(65_536):
                await self.flowing.wait()
                where = self.listener(said)
                if where is not None:
                    broken.set()
                if where is Break.BEFORE:
                    return
                writer.write(said)
                await writer.drain()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, broken: asyncio.Event) -> None:
        with suppress(OSError):
            while (said := await reader.read(65_536)) and not broken.is_set():
                await self.flowing.wait()
                writer.write(said)
                await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as one that breaks does, and not as one that is closed."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()


@asynccontextmanager
async def postgres_wire(url: str) -> AsyncIterator[tuple[Wire, str]]:
    """Give a wire to a PostgreSQL and the address of the database at this end of it."""
    address = make_url(url)
    host = str(address.query.get("host") or address.host)
    wire = Wire(f"{host}/.s.PGSQL.{address.port or 5432}" if host.startswith("/") else host, address.port or 5432)
    await wire.join()
    near = address.set(host=LOOPBACK, port=wire.number).difference_update_query(["host"])
    try:
        yield wire, near.render_as_string(hide_password=False)
    finally:
        await wire.cut()


@asynccontextmanager
async def redis_wire(url: str) -> AsyncIterator[tuple[Wire, str]]:
    """Give a wire to a Redis and its address at this end."""
    address = urlsplit(url)
    number = parse_qs(address.query).get("db", [address.path.strip("/") or "0"])[0]
    if address.scheme == "unix":
        wire, number = Wire(unquote(address.path), 0), parse_qs(address.query).get("db", ["0"])[0]
    else:
        wire = Wire(str(address.hostname), address.port or 6379)
    await wire.join()
    login = f"{quote(address.username or '')}:{quote(unquote(address.password or ''))}@" if address.password else ""
    try:
        yield wire, f"redis://{login}{LOOPBACK}:{wire.number}/{number}"
    finally:
        await wire.cut()
