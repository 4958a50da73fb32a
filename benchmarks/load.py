"""A lean HTTP client: many connections, each with one request under way, prepared bytes out and raw bytes in.

It costs a fraction of what the server does, so that on two cores the server is what is measured.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle


@dataclass(slots=True)
class Outcome:
    """What a load came to: how many answers of each status, how long each took, and how many never came."""

    statuses: dict[int, int] = field(default_factory=dict)
    latencies_ms: list[float] = field(default_factory=list)
    seconds: float = 0.0
    unanswered: int = 0

    @property
    def per_second(self) -> float:
        """Give the answers in a second."""
        return len(self.latencies_ms) / self.seconds


Answered = Callable[[int, int, bytes], None]
"""Is told the number of a request, and status and body of its answer."""


class _Connection(asyncio.Protocol):
    """One connection that sends the next request as soon as it has the answer to the last."""

    def __init__(
        self, requests: Iterator[tuple[int, bytes]], outcome: Outcome, done: asyncio.Event, answered: Answered | None
    ) -> None:
        self._requests = requests
        self._outcome = outcome
        self._done = done
        self._answered = answered
        self._buffer = bytearray()
        self._sent_at = 0.0
        self._number: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._buffer.lower().index(b"content-length:", 0, head) + 15
        length = int(self._buffer[at : self._buffer.index(b"\r", at)])
        if len(self._buffer) < head + 4 + length:
            return
        status = int(self._buffer[9:12])
        self._outcome.latencies_ms.append((time.perf_counter() - self._sent_at) * 1000)
        self._outcome.statuses[status] = self._outcome.statuses.get(status, 0) + 1
        if self._answered and self._number is not None:
            self._answered(self._number, status, bytes(self._buffer[head + 4 :]))
        self._number = None
        self._buffer.clear()
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol has it
        self._outcome.unanswered += self._number is not None
        self._done.set()

    def _next(self) -> None:
        following = next(self._requests, None)
        if following is None:
            self._transport.close()
            return
        self._number, request = following
        self._sent_at = time.perf_counter()
        self._transport.write(request)  # type: ignore[attr-defined]  # a TCP transport writes


def post_bytes(path: str, token: str, body: bytes, key: str | None = None) -> bytes:
    """Give a POST request as it goes over the wire."""
    keyed = f"Idempotency-Key: {key}\r\n" if key else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\n{keyed}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def run(
    ports: int | Sequence[int],
    connections: int,
    requests: int,
    make: Callable[[int], bytes],
    answered: Answered | None = None,
) -> Outcome:
    """Send so many requests over so many connections, to all ports in turns; each is made just before it is sent."""
    outcome = Outcome()
    source = ((number, make(number)) for number in range(requests))
    targets = cycle([ports] if isinstance(ports, int) else ports)
    done = [asyncio.Event() for _ in range(connections)]
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    for event in done:
        connect = partial(_Connection, source, outcome, event, answered)
        await loop.create_connection(connect, "127.0.0.1", next(targets))
    for event in done:
        await event.wait()
    outcome.seconds = time.perf_counter() - began
    return outcome
