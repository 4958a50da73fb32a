"""Processes in which one promise is left out on purpose: `python -m tests.faults.nemesis.crippled HOW`.

A run with one of them must fail, or the checker sees nothing. They are composed here, of the same pieces as a service
and one that lacks something, so that nothing of it can be switched on in the product.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from services.notifications.reactions import REACTIONS
from shared.clock import Clock
from shared.consumer import Consumers
from shared.contracts import SUBSCRIPTIONS
from shared.contracts.aid_distribution import DistributionPosted
from shared.contracts.envelope import Envelope
from shared.database import Database, Work
from shared.effects import Arrived, Effects, HandlerFailed, _advance, _locked
from shared.reaction import NotYet
from shared.relay import Relay
from shared.settings import Settings
from shared.stream import Fields, connect, envelope_of, seq_of, stream_name
from shared.telemetry import configure_logging

PAUSE_SECONDS = 0.05
MIDDLE_SECONDS = 3
IN_THE_MIDDLE = "in the middle of it"
CONSUMER = "notifications"


class Middle:
    """The moment between two things that belong together: a life stays in its first one, and runs through all others.

    So there is time to kill it on the busiest machine; and what one that is left alive does not get done is lost. It
    stays only where somebody is being told, because that is what the checker must miss or find twice.
    """

    def __init__(self) -> None:
        self._reached = False

    async def __call__(self, events: Iterable[Envelope]) -> None:
        if not self._reached and any(event.type == DistributionPosted.type for event in events):
            self._reached = True
            sys.stdout.write(f"{IN_THE_MIDDLE}\n")
            sys.stdout.flush()
            await asyncio.sleep(MIDDLE_SECONDS)


in_the_middle = Middle()


class PositionApart(Effects):
    """Brings about effects in one transaction and writes the position in the next one."""

    async def take(self, source: str, partition: int, arrived: Sequence[Arrived]) -> int:
        async with self._database.work(self._caller) as work:
            position = await _locked(work.session, source, partition)
            fresh = [one.envelope for one in arrived if one.seq > position and one.envelope]
            await _react_to(self, work, fresh)
        await in_the_middle(fresh)
        async with self._database.work(self._caller) as work:
            await _advance(work.session, source, partition, arrived[-1].seq)
        return arrived[-1].seq


class Grouped(Effects):
    """Brings about the effects of whatever a consumer group hands over."""

    async def bring_about(self, envelope: Envelope) -> None:
        await in_the_middle([envelope])
        async with self._database.work(self._caller) as work:
            await _react_to(self, work, [envelope])


class Fenceless(Relay):
    """Carries events, and leaves it at that when Redis knows numbers that the database does not."""

    async def _mend(self, partition: int) -> None:
        return


async def _react_to(effects: Effects, work: Work, envelopes: Sequence[Envelope]) -> None:
    known = [one for one in envelopes if one.type in effects._reactions]
    for run in effects._reactions.runs(known):
        await effects._react(work, run)


async def position_apart(settings: Settings) -> None:
    database = _database(settings, CONSUMER)
    consumers = Consumers(CONSUMER, database, str(settings.redis_url), REACTIONS, SUBSCRIPTIONS[CONSUMER], None)
    consumers._effects = PositionApart(CONSUMER, database, REACTIONS)
    await consumers.run()


async def consumer_groups(settings: Settings) -> None:
    """Read as a tutorial does: a group, `>`, an acknowledgement after each; and a group anew where it has gone."""
    effects = Grouped(CONSUMER, _database(settings, CONSUMER), REACTIONS)
    redis = connect(str(settings.redis_url))
    lanes = {stream_name(source, lane): (source, lane) for source in SUBSCRIPTIONS[CONSUMER] for lane in range(4)}
    begin = "0"
    while True:
        try:
            for stream in lanes:
                await _make_group(redis, stream, begin)
            begin = "$"
            while True:
                read = await redis.xreadgroup(CONSUMER, "one", dict.fromkeys(lanes, ">"), count=20, block=500)
                for name, entries in cast("list[tuple[bytes, list[tuple[bytes, Fields]]]]", read):
                    for entry_id, fields in entries:
                        source, lane = lanes[name.decode()]
                        with suppress(HandlerFailed, NotYet):  # it stays pending, and nobody comes back to it
                            await effects.bring_about(envelope_of(source, lane, seq_of(entry_id), fields))
                            await redis.xack(name, CONSUMER, entry_id)
        except RedisError:
            await asyncio.sleep(PAUSE_SECONDS)


async def _make_group(redis: Redis, name: str, begin: str) -> None:
    with suppress(ResponseError):  # there already
        await redis.xgroup_create(name, CONSUMER, id=begin, mkstream=True)


async def fence_off(settings: Settings) -> None:
    source = "aid_distribution"
    await Fenceless(_database(settings, source), connect(str(settings.redis_url)), source, settings.partitions).run()


def _database(settings: Settings, service: str) -> Database:
    return Database(settings.database_urls[service], service, partitions=settings.partitions, clock=Clock())


CRIPPLED: dict[str, Callable[[Settings], Awaitable[None]]] = {
    "position-apart": position_apart,
    "consumer-groups": consumer_groups,
    "fence-off": fence_off,
}


async def _run(how: str) -> None:
    await CRIPPLED[how](Settings.from_env())


if __name__ == "__main__":
    configure_logging("info")
    asyncio.run(_run(sys.argv[1]))
