"""The consuming side of a service: one FastStream subscriber for each source and partition, without a group.

The position is a row in the service's own database; a subscriber only reads on from it, and is set back to it
after whatever goes wrong. So nothing that FastStream or Redis forgets can be lost, and any number of copies may run.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Final

from faststream.redis import RedisBroker, StreamSub
from faststream.redis.message import FAKE_CONSUMER, BatchStreamMessage, RedisBatchStreamMessage
from faststream.redis.subscriber.usecases import StreamBatchSubscriber
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError

from shared import stream
from shared.contracts.envelope import Envelope
from shared.crashpoints import reach
from shared.database import Database
from shared.effects import Arrived, Effects, Gap, store_is_away
from shared.feed import LIMIT_MAX, Feed, FeedUnavailable, agrees
from shared.loops import rest
from shared.progress import STALLED_SECONDS, ConsumerState, Lane
from shared.reaction import Heard, NotYet, Reaction, on, on_run
from shared.telemetry import log

__all__ = ["Consumers", "Heard", "NotYet", "Reaction", "on", "on_run"]

BATCH_EVENTS_MAX: Final = 100
"""With `outbox.EVENT_BYTES_MAX` the most that one partition has in memory at a time."""

STOP_SECONDS_MAX: Final = 10
LOOK_SECONDS: Final = 1.0
RECONNECT_SECONDS: Final = 0.5
PAUSE_SECONDS_MIN: Final = 0.1
PAUSE_SECONDS_MAX: Final = 5.0


class HistoryGone(Exception):
    """Events between the position and the oldest one that the source keeps are gone: a person must decide."""


class Consumers:
    """Consume all that a service reacts to until cancelled."""

    def __init__(
        self,
        service: str,
        database: Database,
        redis_url: str,
        reactions: Sequence[Reaction],
        sources: Sequence[str],
        feed: Feed | None,
        *,
        stalled_seconds: float = STALLED_SECONDS,
    ):
        """Prepare the consumers; nothing is opened before `run`."""
        partitions = range(database.partitions)
        self.state = ConsumerState(
            [Lane(source, p, stalled_seconds=stalled_seconds) for source in sources for p in partitions]
        )
        self._service = service
        self._redis_url = redis_url
        self._feed = feed
        self._effects = Effects(service, database, reactions)
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Consume until cancelled, through every outage of PostgreSQL, Redis and the feeds."""
        if not self.state.lanes:
            return
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._supervise())
            tasks.create_task(self._observe())
            tasks.create_task(self._retry_parked())

    async def _supervise(self) -> None:
        """Keep the subscribers running: start them again when they could not start, or stand still while behind."""
        pause = PAUSE_SECONDS_MIN
        while True:
            broker = self._broker()
            try:
                for lane in self.state.lanes:
                    lane.position = await self._effects.position(lane.source, lane.partition)
                    self._subscribe(broker, lane)
                await broker.start()
                log.info("consumer started", service=self._service, partitions=len(self.state.lanes))
                pause = PAUSE_SECONDS_MIN
                await self._until_stalled()
            except Exception as error:  # noqa: BLE001  the edge of a worker: whatever it was, start again
                log.warning("consumer could not start", service=self._service, error=type(error).__name__)
            finally:
                await self._stop(broker)
            await rest(pause)
            pause = min(pause * 2, PAUSE_SECONDS_MAX)

    async def _stop(self, broker: RedisBroker) -> None:
        """Let the batches under way finish, and close what was opened."""
        self._stopping.set()
        client = await broker.connect()
        ours = [subscriber for subscriber in broker.subscribers if isinstance(subscriber, StreamBatchSubscriber)]
        readers = {task for subscriber in ours for task in subscriber.tasks}
        try:
            await broker.stop()
            # FastStream cancels its readers and forgets them; one that lost the cancellation opens its connection anew.
            while readers := {task for task in readers if not task.done()}:
                for task in readers:
                    task.cancel()
                await asyncio.wait(readers, timeout=stream.BLOCK_MS / 1000)
        finally:
            self._stopping.clear()
            with suppress(RedisError, OSError):
                await client.aclose()

    async def _until_stalled(self) -> None:
        while True:
            await rest(LOOK_SECONDS)
            if stalled := [lane for lane in self.state.lanes if lane.wants_restart(monotonic())]:
                log.error("consumer stands still", service=self._service, lanes=[lane.name for lane in stalled])
                for lane in stalled:  # what counts for readiness is progress, and a restart is none
                    lane.restarted_at = monotonic()
                return
            if restored := await self._restored():
                log.warning("position went back", service=self._service, lanes=[lane.name for lane in restored])
                return

    async def _restored(self) -> list[Lane]:
        """Give the lanes whose stored position is below what was committed already: the store was put back to a backup.

        Otherwise that would be noticed only with the next event of a lane, which may never come.
        """
        before = [(lane, lane.position) for lane in self.state.lanes]  # taken first: what is committed only grows
        try:
            stored = await self._effects.positions()
        except Exception as error:
            if store_is_away(error):
                return []
            raise
        return [lane for lane, position in before if stored.get((lane.source, lane.partition), 0) < position]

    def _broker(self) -> RedisBroker:
        """Give a broker whose connections only ever read, so that trying again underneath is harmless."""
        # FastStream waits five seconds after an error and spins on an error reply; this is a pause of our own. It
        # is constant because redis-py's growing one overflows after a quarter of an hour.
        patience = Retry(ConstantBackoff(RECONNECT_SECONDS), retries=-1, supported_errors=(RedisError,))
        return RedisBroker(
            self._redis_url,
            socket_timeout=stream.SOCKET_TIMEOUT_SECONDS,
            socket_connect_timeout=stream.CONNECT_TIMEOUT_SECONDS,
            retry=patience,
            graceful_timeout=STOP_SECONDS_MAX,
            apply_types=False,
            logger=None,  # type: ignore[arg-type]  # a quarter of the speed goes to its two lines a message
        )

    def _subscribe(self, broker: RedisBroker, lane: Lane) -> None:
        # Async although it waits for nothing: FastStream sends an ordinary function to a thread, for each batch.
        async def decode(message: RedisBatchStreamMessage) -> list[Arrived]:
            return arrived(lane.source, lane.partition, message.raw_message)

        subscriber = broker.subscriber(
            stream=StreamSub(
                stream.stream_name(lane.source, lane.partition),
                last_id=f"{lane.position}-0",
                batch=True,
                max_records=BATCH_EVENTS_MAX,
                polling_interval=stream.BLOCK_MS,
            ),
            parser=parse,
            decoder=decode,
            no_reply=True,
        )

        async def handle(batch: list[Arrived]) -> None:
            await self._handle(subscriber, lane, batch)

        subscriber(handle)

    async def _handle(self, subscriber: StreamBatchSubscriber, lane: Lane, batch: Sequence[Arrived]) -> None:
        """Bring about the effects of a batch, and read on from wherever the position is then."""
        try:
            while batch and lane.position < batch[-1].seq:
                try:
                    lane.advance(await self._effects.take(lane.source, lane.partition, batch))
                except Gap as gap:
                    standing = (one.envelope for one in batch if one.seq >= gap.found and one.envelope)
                    await self._fill(lane, gap, next(standing, None))
        except Exception as error:  # noqa: BLE001  nothing may end a subscriber
            lane.fail(error)
            if lane.failures == 1:  # an outage is one line, not one for each attempt
                known = store_is_away(error) or isinstance(error, FeedUnavailable | HistoryGone)
                log.warning("consumer interrupted", service=self._service, lane=lane.name, error=lane.error,
                            exc_info=None if known else error)  # fmt: skip
            seconds = min(PAUSE_SECONDS_MIN * 2 ** min(lane.failures - 1, 10), PAUSE_SECONDS_MAX)
            await rest(seconds, self._stopping)
        finally:
            subscriber.last_id = f"{lane.position}-0"

    async def _fill(self, lane: Lane, gap: Gap, standing: Envelope | None) -> None:
        """Fetch from the source's feed what the stream does not hold any more before an event that stands in it."""
        if self._feed is None:
            raise FeedUnavailable("no feed is configured")
        log.warning("gap", service=self._service, lane=lane.name, position=gap.position, found=gap.found)
        events = await self._feed.events(lane.source, lane.partition, gap.position, LIMIT_MAX)
        if not events:
            raise FeedUnavailable("the feed does not have the missing events")
        if standing and not await agrees(self._feed, standing, events):
            raise FeedUnavailable("the source was restored, and its fence has not yet mended the numbers")
        reach("consumer.gap_fetched")
        if events[0].seq > gap.position + 1:
            if gap.position:
                raise HistoryGone(f"kept from {events[0].seq} on, and we are at {gap.position}")
            await self._effects.start_at(lane.source, lane.partition, events[0].seq - 1)
            reach("consumer.late_start", lane.source)
        for start in range(0, len(events), BATCH_EVENTS_MAX):
            # Read as the stream would have told them: what is poison there is poison here.
            found = [
                _arrived(event.source, event.partition, event.seq, stream.fields_of(event))
                for event in events[start : start + BATCH_EVENTS_MAX]
            ]
            lane.advance(await self._effects.take(lane.source, lane.partition, found))

    async def _observe(self) -> None:
        """Each second: compare every position with the end of its stream, and leave word of it for trimming."""
        redis = stream.connect(self._redis_url)
        try:
            while True:
                try:
                    await self._look(redis)
                except Exception as error:  # noqa: BLE001  the edge of a worker: whatever it was, look again
                    self.state.error = type(error).__name__
                await rest(LOOK_SECONDS)
        finally:
            await redis.aclose()

    async def _look(self, redis: Redis) -> None:
        for source in {lane.source for lane in self.state.lanes}:
            lanes = [lane for lane in self.state.lanes if lane.source == source]
            found = await stream.tails(redis, source, [lane.partition for lane in lanes])
            for lane, tail in zip(lanes, found, strict=True):
                lane.see(tail.last, monotonic())
            reach("consumer.before_word", source)
            await stream.leave_word(redis, self._service, source, {lane.partition: lane.position for lane in lanes})
            reach("consumer.after_word", source)
        self.state.parked = await self._effects.parked_counts()
        self.state.error = ""

    async def _retry_parked(self) -> None:
        """Each second: try the parked events whose turn it is."""
        while True:
            try:
                await self._effects.retry_due()
            except Exception as error:  # noqa: BLE001  the edge of a worker: whatever it was, try again
                if not store_is_away(error):
                    log.exception("parked events could not be tried", service=self._service)
            await rest(LOOK_SECONDS)


def arrived(source: str, partition: int, message: BatchStreamMessage) -> list[Arrived]:
    """Turn raw entries into numbered events; never raises, so that poison can be parked with its bytes."""
    batch: list[Arrived] = []
    for entry_id, fields in zip(message["message_ids"], message["data"], strict=True):
        try:
            seq = stream.seq_of(entry_id)
        except stream.Unreadable:
            log.error("foreign entry passed over", stream=stream.stream_name(source, partition), entry=str(entry_id))
            continue
        batch.append(_arrived(source, partition, seq, fields))
    return batch


def _arrived(source: str, partition: int, seq: int, fields: stream.Fields) -> Arrived:
    try:
        envelope: Envelope = stream.envelope_of(source, partition, seq, fields)
    except stream.Unreadable as fault:
        return Arrived(seq, None, stream.bytes_of(fields), str(fault))
    return Arrived(seq, envelope)


async def parse(message: BatchStreamMessage) -> RedisBatchStreamMessage:
    """Wrap the raw entries; the headers carry the traces, for the links of a batch."""
    headers = [{"traceparent": fields.get(b"traceparent", b"").decode(errors="replace")} for fields in message["data"]]
    return RedisBatchStreamMessage(
        raw_message=message, body=b"", batch_headers=headers, consumer=FAKE_CONSUMER, group=None
    )
