"""Many postings as the lines of one request, from its first byte to the last answer."""

import asyncio
from collections.abc import Callable
from time import perf_counter
from uuid import uuid4

from benchmarks import posts, stage
from shared.settings import Settings

LINES = 20_000


async def measure(settings: Settings, scaled: Callable[[int], int]) -> float:
    """Post lines to a fresh process of the service; gives the lines in a second."""
    token, lines = stage.token(settings), scaled(LINES)
    async with stage.serving(settings, "together") as port:
        await _post(port, token, _file(scaled(1_000)))  # warm: connections, statements, caches
        body = _file(lines)
        began = perf_counter()
        answer = await _post(port, token, body)
        seconds = perf_counter() - began
    if (done := answer.count(b'"status":201')) != lines:
        raise RuntimeError(f"of {lines} lines {done} were accepted")
    return lines / seconds


def _file(lines: int) -> bytes:
    order = posts.receipts(1)
    return b"".join(b'{"key":"%b","receipt":%b}\n' % (str(uuid4()).encode(), order()) for _ in range(lines))


async def _post(port: int, token: str, body: bytes) -> bytes:
    """Send everything and take the answers as they come, as raw bytes: the client must not be what is measured."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST /aid/bulk HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
        f"Content-Type: application/x-ndjson\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer
