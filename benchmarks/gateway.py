"""A gateway of text messages that takes everything at once, in a process: `python -m benchmarks.gateway PORT`."""

import asyncio
import sys
from typing import cast

import uvloop

ANSWER = b'{"id":"taken","cost_rupiah":350}'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER)


class Gateway(asyncio.Protocol):
    """Answers each request of a connection as soon as all of it has come."""

    def __init__(self) -> None:
        self._came = b""
        self._line: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the line."""
        self._line = cast("asyncio.Transport", transport)  # that of uvloop is none by name

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._came += data
        while (end := self._came.find(b"\r\n\r\n")) >= 0:
            head = self._came[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(self._came) < end + 4 + length:
                return
            self._came = self._came[end + 4 + length :]
            if self._line is not None:
                self._line.write(HEAD + ANSWER)


async def serve(port: int) -> None:
    """Listen until killed."""
    server = await asyncio.get_running_loop().create_server(Gateway, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
