"""A real HTTP server in this process that plays a provider: it takes messages by their key, as it is told to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec


@dataclass(slots=True)
class Answer:
    """What becomes of one request: what is answered, whether the message is taken, and how the line ends."""

    status: int = 200
    taken: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    silent: bool = False
    """The line is cut instead of an answer."""
    slow: bool = False
    """Nothing is answered at all, until who asked gives up."""


@dataclass(slots=True)
class Posted:
    """One request."""

    headers: dict[str, str]
    body: dict[str, object]
    raw: bytes


class GatewayServer:
    """Keeps each message that it took once by `Idempotency-Key`, where one is sent; `answers` come first."""

    def __init__(self) -> None:
        self.port = 0
        self.posted: list[Posted] = []
        self.answered: list[Answer] = []
        self.taken: list[str] = []
        self.repeated = 0
        self.answers: list[Answer] = []
        self.decide: Callable[[], Answer] = Answer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/messages"

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator["GatewayServer"]:
        """Listen on a loopback port until the end of the block."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")[1:-2]
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                raw = await reader.readexactly(int(headers["content-length"]))
                answer = self._take(Posted(headers, msgspec.json.decode(raw), raw))
                if answer.slow:
                    await reader.read()
                    return
                if answer.silent:
                    writer.transport.abort()
                    return
                name = headers.get("idempotency-key", str(len(self.taken)))
                body = msgspec.json.encode(
                    {"id": f"id-{name}", "cost_rupiah": 350, "messages": [{"id": f"wamid.{name}"}]}
                )
                more = "".join(f"{key}: {value}\r\n" for key, value in answer.headers.items())
                start = f"HTTP/1.1 {answer.status} Answer\r\ncontent-length: {len(body)}\r\n{more}\r\n"
                writer.write(start.encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _take(self, posted: Posted) -> Answer:
        self.posted.append(posted)
        answer = self.answers.pop(0) if self.answers else self.decide()
        self.answered.append(answer)
        key = posted.headers.get("idempotency-key")
        if key is not None and key in self.taken:
            self.repeated += 1
        elif answer.taken:
            self.taken.append(key or str(len(self.posted)))
        return answer
