"""The sender: works off the delivery ledger over one channel, in any number of copies, and never sends twice."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from services.notifications.delivery import handlers
from services.notifications.delivery.bell import Bell
from services.notifications.delivery.domain import ChannelDown, Later, Letter, Outcome, Reason, Refused, State
from services.notifications.delivery.handlers import LEASED_MAX, Answered, GiveUp
from services.notifications.delivery.store import WAKE_CHANNEL, Delivery
from services.notifications.plans import Lane
from shared.caller import Caller, Role
from shared.clock import Clock
from shared.crashpoints import reach
from shared.database import Database, Work, unreachable
from shared.telemetry import log, trace_id

LOOK_SECONDS: Final = 1.0
"""How long a sender sleeps when nobody wakes it."""

PAUSE_SECONDS_MIN: Final = 0.5
PAUSE_SECONDS_MAX: Final = 30.0
SWEEPS_APART: Final = timedelta(seconds=1)
LAST_LETTER_SECONDS_MAX: Final = 3.0
LEAVE_SECONDS_MAX: Final = 2.0
"""When told to stop: how long the letter on its way may take, and then the farewell; together less than a stop may."""
WRITE_ATTEMPTS_MAX: Final = 5


class Channel(Protocol):
    """A way to reach people.

    Shape: `name` stands in the ledger; `concurrency` letters are handed over at the same time; `batch` are begun
           together, no more than may be in doubt at a crash, or any number where the channel knows our key
    """

    @property
    def name(self) -> str:
        """Give the channel's name in the ledger."""

    @property
    def concurrency(self) -> int:
        """Give how many letters are handed over at the same time."""

    @property
    def batch(self) -> int:
        """Give how many letters are begun together."""

    async def open(self) -> None:
        """Make ready to deliver; raises ChannelDown when that is not possible now."""

    async def deliver(self, letter: Letter) -> Outcome:
        """Hand over one letter and say for certain what became of it, or that this is not certain."""

    async def close(self) -> None:
        """Let go of what is open."""


Letters = Callable[[Work, Sequence[Delivery]], Awaitable[Mapping[UUID, Letter | Later | Refused]]]
"""How the letters of deliveries are found, by delivery id, or why there is none; unnamed is who has no address."""


class Sender:
    """Send what is queued until cancelled; without a channel, only what is too old is put away.

    Shape: a delivery is marked as being sent, and that is committed, before the channel hears of it; so a crash
           leaves at most one in doubt, and everything else that was taken is as it was
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        channel: Channel | None,
        letters: Letters,
        *,
        give_up: GiveUp,
        lanes: Sequence[Lane] = tuple(Lane),
        lacking: Sequence[str] = (),
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """Prepare a sender; nothing is opened before `run`."""
        self.id = clock.new_id()
        self._database = database
        self._channel = channel
        self._letters = letters
        self._give_up = give_up
        self._lanes = lanes
        self._lacking = lacking
        self._swept_at: datetime | None = None
        self._look_seconds = look_seconds
        self._caller = Caller(database.source, Role.SERVICE, ())
        self._held: list[UUID] = []

    async def run(self) -> None:
        """Send until cancelled, through every outage of the store and of the channel."""
        pause = PAUSE_SECONDS_MIN
        async with Bell(self._database, WAKE_CHANNEL) as bell:
            try:
                while True:
                    try:
                        while await self.round():
                            _heed_stop()
                        await self._rest()
                        pause = PAUSE_SECONDS_MIN
                        await bell.wait(self._look_seconds)
                        _heed_stop()
                    except Exception as error:
                        if not isinstance(error, ChannelDown) and not unreachable(error):
                            raise  # a defect, for the one who started us
                        if pause == PAUSE_SECONDS_MIN:  # an outage is one line, not one for each attempt
                            log.warning("sender interrupted", error=f"{type(error).__name__}: {error}")
                        await asyncio.sleep(pause)
                        pause = min(pause * 2, PAUSE_SECONDS_MAX)
            finally:
                await self._stop()

    async def round(self) -> int:
        """Send what is due now, as much as is taken at once; gives how many were handled.

        Raises: ChannelDown, after which everything that was taken is given back
        """
        if self._held:  # the last round was interrupted
            await self._release()
        await self._sweep()
        if self._channel is None:
            return await self._reroute()
        rows = max(LEASED_MAX, self._channel.batch)
        async with self._database.work(self._caller) as work:
            leased = await handlers.lease(work, self.id, self._channel.name, lanes=self._lanes, rows=rows)
        self._held = [delivery.id for delivery in leased]
        reach("sender.after_lease")
        try:
            size = self._channel.batch
            for start in range(0, len(leased), size):
                _heed_stop()
                await self._channel.open()
                await _to_its_end(self._send(self._channel, leased[start : start + size]))
        except ChannelDown:
            await self._release()
            raise
        self._held = []
        return len(leased) or await self._reroute()

    async def _send(self, channel: Channel, batch: Sequence[Delivery]) -> None:
        # A lease lasts for minutes: what somebody chose, or STOP, counts until the letter itself is begun.
        async with self._database.work(self._caller) as work:
            made = await self._letters(work, batch)
            asleep = {one: letter.due_at for one, letter in made.items() if isinstance(letter, Later)}
            await handlers.put_off(work, self.id, asleep)
            attempts = await handlers.begin(work, self.id, [one for one in batch if one.id not in asleep])
        reach("sender.after_begin")
        turns = asyncio.Semaphore(channel.concurrency)

        async def hand_over(delivery: Delivery) -> Answered:
            letter = made.get(delivery.id)
            if isinstance(letter, Letter):
                async with turns:
                    return Answered(delivery, attempts[delivery.id], await channel.deliver(letter))
            why = letter if isinstance(letter, Refused) else Refused("", Reason.NO_ADDRESS)
            return Answered(delivery, attempts[delivery.id], why)

        begun = [delivery for delivery in batch if delivery.id in attempts]
        if not begun:
            return
        answered = await asyncio.gather(*(hand_over(delivery) for delivery in begun))
        reach("sender.after_delivery")
        settled = await self._settle(answered)
        reach("sender.after_settle")
        for one, state in settled:
            log.info(
                "delivery",
                delivery_id=str(one.delivery.id),
                message_id=str(one.delivery.message_id),
                channel=one.delivery.channel,
                state=state,
                attempt=one.attempt.number,
                trace_id=trace_id(one.delivery.traceparent),
                region=one.delivery.region,
            )

    async def _settle(self, answered: Sequence[Answered]) -> list[tuple[Answered, State]]:
        """Write the outcomes, again when the store is away: what is not written falls into doubt for nothing."""
        for trial in range(WRITE_ATTEMPTS_MAX):
            try:
                async with self._database.work(self._caller) as work:
                    return await handlers.settle(work, self.id, answered, self._give_up)
            except Exception as error:
                if trial + 1 == WRITE_ATTEMPTS_MAX or not unreachable(error):
                    raise
                await asyncio.sleep(PAUSE_SECONDS_MIN)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _rest(self) -> None:
        """Take leave of the channel when there is nothing to do: servers do not like silent guests."""
        if self._channel is not None:
            await self._channel.close()

    async def _sweep(self) -> None:
        """Look for what was left behind, once in a while: not before each of many small rounds."""
        now = self._database.clock.now()
        if self._swept_at is not None and now - self._swept_at < SWEEPS_APART:
            return
        self._swept_at = now
        async with self._database.work(self._caller) as work:
            doubtful, aged = await handlers.sweep(work, self._give_up)
        reach("sender.after_sweep")
        if doubtful or aged:
            log.warning("deliveries swept", unknown=len(doubtful), too_old=len(aged))

    async def _reroute(self) -> int:
        """Give what waits for a channel that is not set up to the next one, at once; gives how many were handled."""
        if not self._lacking:
            return 0
        async with self._database.work(self._caller) as work:
            moved, stranded = await handlers.reroute(work, self._lacking, self._give_up)
        if stranded:
            log.warning("deliveries without a channel", not_set_up=len(stranded), moved=len(moved))
        return len(moved) + len(stranded)

    async def _release(self) -> None:
        if self._held:
            async with self._database.work(self._caller) as work:
                await handlers.release(work, self.id, self._held)
        self._held = []

    async def _stop(self) -> None:
        try:
            async with asyncio.timeout(LEAVE_SECONDS_MAX):
                await self._rest()
                await self._release()
        except Exception as error:
            if not unreachable(error):
                raise


def _heed_stop() -> None:
    """Stop where we were told to, even if a library below has swallowed it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _to_its_end(sending: Awaitable[None]) -> None:
    """Wait for a letter; when we are told to stop, the one on its way is finished first, so that none is doubtful."""
    task = asyncio.ensure_future(sending)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=LAST_LETTER_SECONDS_MAX)
        if task.done() and not task.cancelled():
            task.exception()  # asked for, so that nobody complains of an error that the stop has outrun
        task.cancel()
        raise
