"""One who follows a live feed: from where they stand to the present, and then with it, each event once.

First what has passed is read by pages; then what is new is waited for, and what happened between is read once more.
Every event has a number, so whatever comes twice on the way shows by its number and is told once.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

from shared.caller import Caller
from shared.live import happened
from shared.live.happened import Happened
from shared.live.hub import Hub, Waiting
from shared.live.position import Position, written
from shared.problems import Refusal, Unavailable


@dataclass(slots=True)
class Follower:
    """What one client is told.

    Shape: `narrows` gives what this caller may know of an event, or None where that is all of it; `may_go_on` gives
           the caller anew, or raises a Refusal when their token counts no more; `types` may be empty for all; `missed`
           says why `position` is not where they stood
    """

    hub: Hub
    caller: Caller
    may_go_on: Callable[[], Awaitable[Caller]]
    shows: Callable[[Caller, Happened], bool]
    narrows: Callable[[Caller, Happened], Mapping[str, Any] | None]
    types: Collection[str]
    wait_seconds: float
    position: Position
    missed: str = ""

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Give the pieces of the stream until it is over; what is not theirs any more is not told."""
        async with self.hub.followed():
            try:
                async for piece in self._pieces():
                    self.caller = await self._still()
                    yield piece
            except Refusal:
                return  # the token has expired, or the store is away: coming back tells which

    async def _still(self) -> Caller:
        try:
            return await self.may_go_on()
        except Unavailable:
            return self.caller  # whoever vouches for them is away for a moment

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        over_at = monotonic() + self.wait_seconds
        yield happened.greeting(written(self.position))
        if self.missed:
            yield happened.reset(written(self.position), self.missed)
        async for piece in self._passed():
            yield piece
        with self.hub.offered() as waiting:
            async for piece in self._passed():
                yield piece
            said_at = monotonic()
            while not (waiting.ended or self.hub.closing or monotonic() >= over_at):
                beat_at = said_at + self.hub.heartbeat_seconds
                await _waited(waiting, min(over_at, beat_at) - monotonic())
                piece = self._told(waiting.take())
                if piece or monotonic() >= beat_at:
                    said_at = monotonic()
                    yield piece or happened.heartbeat(written(self.position))

    async def _passed(self) -> AsyncGenerator[bytes, None]:
        """Give what has happened up to the present, page by page."""
        while page := await self.hub.page(self.position):
            if piece := self._told(page):
                yield piece

    def _told(self, batch: Sequence[Happened]) -> bytes:
        """Go past a batch, and give what of it is for them."""
        numbers = list(self.position)
        blocks: list[bytes] = []
        for event in batch:
            if event.seq <= numbers[event.partition]:
                continue
            pruned = event.seq > numbers[event.partition] + 1
            if pruned:
                numbers[event.partition] = event.seq - 1
                blocks.append(happened.reset(written(tuple(numbers)), "pruned"))
            numbers[event.partition] = event.seq
            if (not self.types or event.type in self.types) and self.shows(self.caller, event):
                blocks.append(event.block(written(tuple(numbers)), self.narrows(self.caller, event)))
        self.position = tuple(numbers)
        return b"".join(blocks)


async def _waited(waiting: Waiting, seconds: float) -> None:
    """Wait for something new, and no longer than so."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0)):
            await waiting.woken.wait()
