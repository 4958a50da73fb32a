"""One who watches how one thing goes on: each version that is seen is told once, until it is over.

What is watched is looked at again and again, as seldom as a person notices; versions between two looks are not told,
since each tells all that the ones before it did.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

import msgspec

from shared.caller import Caller
from shared.database import unreachable
from shared.live.happened import RETRY_MILLISECONDS
from shared.live.hub import Hub
from shared.problems import Refusal
from shared.routes import Watched

LOOK_SECONDS: Final = 0.5


@dataclass(slots=True)
class Watcher:
    """What one client is told; `after` is the version that they know already, and looking is told of it."""

    hub: Hub
    look: Callable[[int | None], Awaitable[Watched]]
    may_go_on: Callable[[], Awaitable[Caller]]
    after: int | None
    wait_seconds: int | None
    look_seconds: float = LOOK_SECONDS

    async def pieces(self, seen: Watched) -> AsyncGenerator[bytes, None]:
        """Give the pieces of the stream, beginning with what was seen."""
        async with self.hub.followed():
            yield b"retry: %d\n\n" % RETRY_MILLISECONDS
            over_at = float("inf") if self.wait_seconds is None else monotonic() + self.wait_seconds
            said_at = monotonic()
            try:
                while True:
                    if seen.version != self.after:  # a lower one too: the store was put back to an earlier state
                        self.after, said_at = seen.version, monotonic()
                        yield block(seen)
                    elif monotonic() - said_at >= self.hub.heartbeat_seconds:
                        said_at = monotonic()
                        yield b": heartbeat\n\n"
                    if seen.over or self.hub.closing or monotonic() >= over_at:
                        return
                    await asyncio.sleep(min(self.look_seconds, max(over_at - monotonic(), 0)))
                    await self.may_go_on()
                    seen = await self._again(seen)
            except Refusal:
                return  # the token has expired, or the store is away: coming back tells which

    async def _again(self, seen: Watched) -> Watched:
        try:
            return await self.look(self.after)
        except Exception as fault:
            if unreachable(fault):
                return seen  # the store will be there again, and with it the next version
            raise


def block(seen: Watched) -> bytes:
    """Give a version as a block of the stream; its number is what whoever comes back names as Last-Event-ID."""
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (seen.version, seen.name.encode(), msgspec.json.encode(seen.body))
