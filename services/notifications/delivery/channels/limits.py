"""How fast a channel may be used, and when it is left alone: a token bucket and a circuit breaker."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from time import monotonic
from typing import Final

from prometheus_client import Gauge

from services.notifications.delivery.domain import (
    Accepted,
    ChannelDown,
    Deferred,
    Doubtful,
    Letter,
    Outcome,
    Refused,
    Repeatable,
)
from services.notifications.delivery.sender import Channel
from shared.database import unreachable
from shared.telemetry import log

FAILURES_MAX: Final = 5
OPEN_SECONDS: Final = 30.0
BURST_SECONDS: Final = 0.5
"""How much of its rate a channel may use at once, and so begin together: whoever comes next waits no longer for it."""

CHANNEL_STATE = Gauge(
    "serumpun_channel_state", "Whether a channel is used: 0 yes, 1 being tried, 2 left alone.", ("channel",)
)
CLOSED, HALF_OPEN, OPEN = 0, 1, 2


class Breaker:
    """Leaves a channel alone after failures in a row; then one letter tries whether it is well again.

    It is left alone as well for as long as it says itself, or while it does not take our own token.

    In a row are letters by the order in which they were handed over: of many at once those that fail by a time-out
    are the last to be answered, and say nothing against a channel that took what was handed over after them.
    """

    def __init__(self, name: str, now: Callable[[], float] = monotonic) -> None:
        self._name = name
        self._now = now
        self._begun = 0
        self._taken = 0
        self._failed: list[int] = []
        self._opened_at: float | None = None
        self._asked: Deferred | None = None
        self._rests_until = 0.0
        self._rested_at = 0
        CHANNEL_STATE.labels(name).set(CLOSED)

    @property
    def state(self) -> int:
        """Give whether the channel is used, being tried, or left alone."""
        if self._asked is not None:
            return HALF_OPEN if self.rest is None else OPEN
        if self._opened_at is None:
            return CLOSED
        return HALF_OPEN if self._now() - self._opened_at >= OPEN_SECONDS else OPEN

    @property
    def rest(self) -> Deferred | None:
        """Give with which answer the channel asked for its rest, as long as that lasts."""
        return self._asked if self._now() < self._rests_until else None

    def begin(self) -> int:
        """Give the place of a letter that is handed over now."""
        self._begun += 1
        return self._begun

    def note(self, outcome: Outcome, place: int) -> None:
        """Learn from an answer: a refusal is one of a letter, and the channel is well."""
        match outcome:
            case Accepted() | Refused():
                self._taken = max(self._taken, place)
                if place > self._rested_at:
                    self._asked = None
                self._failed = [failed for failed in self._failed if failed > self._taken]
                if len(self._failed) < FAILURES_MAX:
                    self._opened_at = None
            case Deferred(rest=timedelta() as rest):
                self._asked, self._rested_at = outcome, self._begun
                self._rests_until = max(self._rests_until, self._now() + rest.total_seconds())
            case Deferred(due_at=None) | Doubtful() | Repeatable():
                self.failed(place)
            case Deferred():
                pass  # it says itself when to come again with this one
        CHANNEL_STATE.labels(self._name).set(self.state)

    def failed(self, place: int) -> None:
        """Count a failure; the last one that is borne, and each at a trial, leaves the channel alone for a while."""
        if place < self._taken:
            return
        self._failed = [*self._failed, place][-FAILURES_MAX:]
        if len(self._failed) >= FAILURES_MAX:
            self._opened_at = self._now()
            CHANNEL_STATE.labels(self._name).set(OPEN)


def burst_of(per_second: int) -> int:
    """Give how many may pass at once where so many may in a second."""
    return max(1, int(per_second * BURST_SECONDS))


class Bucket:
    """Lets pass so many a second, and no more at once than come together in half a second."""

    def __init__(self, per_second: int, now: Callable[[], float] = monotonic) -> None:
        self.burst = burst_of(per_second)
        self._per_second = per_second
        self._now = now
        self._free_at = now()

    async def take(self) -> None:
        """Wait for one's turn."""
        now = self._now()
        self._free_at = max(self._free_at, now - self.burst / self._per_second) + 1 / self._per_second
        if (wait := self._free_at - now) > 0:
            await asyncio.sleep(wait)


Draw = Callable[[int], Awaitable[float]]
"""Takes so many turns among all who share a rate, and gives in how many seconds the last of them is."""


class SharedBucket(Bucket):
    """A bucket from which all processes draw, as many turns at a time as are waited for.

    Shape: `draw` takes turns where all of them can; while that is not there, one's own share of time is kept to
    """

    def __init__(self, per_second: int, draw: Draw, now: Callable[[], float] = monotonic) -> None:
        super().__init__(per_second, now)
        self._draw = draw
        self._drawing = asyncio.Lock()
        self._turns: deque[float] = deque()
        self._waiting = 0

    async def take(self) -> None:
        """Wait for one's turn among all."""
        self._waiting += 1
        try:
            async with self._drawing:
                if not self._turns:
                    await self._fill(min(self._waiting, self.burst))
                turn = self._turns.popleft()
        finally:
            self._waiting -= 1
        if (wait := turn - self._now()) > 0:
            await asyncio.sleep(wait)

    async def _fill(self, count: int) -> None:
        began = self._now()
        try:
            self._free_at = self._now() + await self._draw(count)
        except Exception as error:
            if not unreachable(error):
                raise
            self._free_at = max(self._free_at, began) + count / self._per_second
        self._turns.extend(self._free_at - left / self._per_second for left in reversed(range(count)))


class Guarded:
    """A channel used no faster than its rate, and left alone while it fails."""

    def __init__(self, channel: Channel, bucket: Bucket, breaker: Breaker) -> None:
        self._channel = channel
        self._bucket = bucket
        self._breaker = breaker
        self.concurrency = channel.concurrency

    @property
    def name(self) -> str:
        """Give the channel's name in the ledger."""
        return self._channel.name

    @property
    def batch(self) -> int:
        """Give how many are begun together: no more than pass in half a second, and one while it is being tried."""
        return 1 if self._breaker.state != CLOSED else min(self._channel.batch, self._bucket.burst)

    async def open(self) -> None:
        """Make ready to deliver; raises ChannelDown while the channel is left alone."""
        if (rest := self._breaker.rest) is not None:
            raise ChannelDown(f"{self.name} is left alone until {rest.due_at}: {rest.reply}")
        if self._breaker.state == OPEN:
            raise ChannelDown(f"{self.name} has failed {FAILURES_MAX} times in a row and is left alone")
        try:
            await self._channel.open()
        except ChannelDown:
            self._breaker.failed(self._breaker.begin())
            raise

    async def deliver(self, letter: Letter) -> Outcome:
        """Hand over one letter when it is its turn; none of those that were begun together once the channel rests."""
        await self._bucket.take()
        if (rest := self._breaker.rest) is not None:
            return rest
        place = self._breaker.begin()
        outcome = await self._channel.deliver(letter)
        rested = self._breaker.rest is not None
        self._breaker.note(outcome, place)
        if not rested and (rest := self._breaker.rest) is not None:  # many at once are told the same
            log.error("channel at rest", channel=self.name, until=str(rest.due_at), reply=rest.reply)
        return outcome

    async def close(self) -> None:
        """Let go of what is open."""
        await self._channel.close()
