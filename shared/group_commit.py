"""Group commit: requests that wait at the same moment share one transaction, each with an outcome of its own.

What costs is the commit, not the work, so a busy moment costs one commit for all who wait. A refused request
never takes the others along: refusals are values. Should the shared transaction itself fail, every request is
carried out again alone, and only the one at fault gets the fault.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shared.crashpoints import reach
from shared.database import unreachable
from shared.problems import Refusal, Unavailable

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

BATCH_REQUESTS_MAX = 128
WAITING_REQUESTS_MAX = 4096
LINGER_SECONDS = 0.002
"""How long a batch may wait for half as many requests as the last one had; a single caller never waits."""

BUSY_SECONDS = 0.05
"""How long after a batch its size says something about the next one."""


CarryOut = Callable[[Sequence[Asked]], Awaitable[Sequence[Answer | Refusal]]]


class GroupCommit(Generic[Asked, Answer]):
    """Collects requests and carries out all that wait in one go.

    Shape:  `carry_out` takes the requests of one batch, commits once, and gives one outcome each, in order
    Raises: Unavailable (503) when too many wait already
    """

    def __init__(
        self,
        carry_out: CarryOut[Asked, Answer],
        *,
        batch_max: int = BATCH_REQUESTS_MAX,
        waiting_max: int = WAITING_REQUESTS_MAX,
        linger_seconds: float = LINGER_SECONDS,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        """Prepare an empty queue; the worker starts with the first request and ends with the last."""
        self._carry_out = carry_out
        self._batch_max = batch_max
        self._waiting_max = waiting_max
        self._waiting: deque[tuple[Asked, asyncio.Future[Answer]]] = deque()
        self._linger_seconds = linger_seconds
        self._busy_seconds = busy_seconds
        self._worker: asyncio.Task[None] | None = None
        self._last_count = 0
        self._last_ended = 0.0
        self._awaited = 0
        self._enough = asyncio.Event()

    async def submit(self, asked: Asked) -> Answer:
        """Wait for the outcome of one request; raises its refusal."""
        if len(self._waiting) >= self._waiting_max:
            raise Unavailable("Too many requests are waiting.", headers={"Retry-After": "1"})
        outcome: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, outcome))
        if len(self._waiting) >= self._awaited:
            self._enough.set()
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await outcome

    async def drained(self) -> None:
        """Wait until everything that was submitted has its outcome; used when a process stops."""
        while self._worker is not None:
            await asyncio.wait([self._worker])

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                await self._linger(loop.time())
                self._last_count = min(len(self._waiting), self._batch_max)
                await self._together([self._waiting.popleft() for _ in range(self._last_count)])
                self._last_ended = loop.time()
        finally:
            self._worker = None

    async def _linger(self, now: float) -> None:
        """Wait a moment for the others, where there were others just now.

        Callers that got their answers together ask again together, so without it a crowd would split into one
        request, for which a whole commit is spent, and all the others behind it, again and again.
        """
        self._awaited = self._last_count // 2 if now - self._last_ended < self._busy_seconds else 0
        if len(self._waiting) >= self._awaited:
            return
        self._enough.clear()
        try:
            async with asyncio.timeout(self._linger_seconds):
                await self._enough.wait()
        except TimeoutError:
            return
        except asyncio.CancelledError:
            self._give_up([])
            raise

    async def _together(self, batch: list[tuple[Asked, "asyncio.Future[Answer]"]]) -> None:
        reach("group.batch_taken")
        try:
            outcomes = await self._carry_out([asked for asked, _ in batch])
            reach("group.after_commit")
            settled = list(zip(batch, outcomes, strict=True))
        except asyncio.CancelledError:
            self._give_up(batch)
            raise
        except Exception as fault:  # noqa: BLE001 - whoever waits gets it; the edge tells fault from refusal
            await self._one_by_one(batch, fault)
            return
        for (_, waiting), outcome in settled:
            _settle(waiting, outcome)

    async def _one_by_one(self, batch: list[tuple[Asked, "asyncio.Future[Answer]"]], fault: Exception) -> None:
        """Find out which request is at fault; an outage is nobody's, and none of them waits for it again."""
        for place, one in enumerate(batch):
            if len(batch) == 1 or unreachable(fault):
                for _, waiting in batch[place:]:
                    _settle(waiting, fault)
                return
            try:
                (outcome,) = await self._carry_out([one[0]])
            except asyncio.CancelledError:
                self._give_up(batch[place:])
                raise
            except Exception as its_own:  # noqa: BLE001 - as above
                _settle(one[1], its_own)
                if unreachable(its_own):
                    fault = its_own
            else:
                _settle(one[1], outcome)

    def _give_up(self, batch: list[tuple[Asked, "asyncio.Future[Answer]"]]) -> None:
        """Let nobody wait for ever when the process stops in the middle."""
        for _, waiting in [*batch, *self._waiting]:
            _settle(waiting, Unavailable("The service is stopping. Ask again, with the same Idempotency-Key."))
        self._waiting.clear()


class OneByOne(GroupCommit[Asked, Answer]):
    """Gives every request a transaction of its own: what group commit is measured against."""

    async def submit(self, asked: Asked) -> Answer:
        """Carry out one request alone; raises its refusal."""
        (outcome,) = await self._carry_out([asked])
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome


def _settle(waiting: "asyncio.Future[Answer]", outcome: "Answer | Exception") -> None:
    if waiting.done():  # the client has gone; what it asked for stands all the same
        return
    if isinstance(outcome, Exception):
        waiting.set_exception(outcome)
    else:
        waiting.set_result(outcome)
