"""What a service says of its own condition: alive, ready, and the figures behind both.

Readiness is judged by progress. A process whose consumers are dead answers its ping and is still not ready.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, cast

import msgspec
import redis.asyncio
from litestar import MediaType, Response
from litestar.handlers import HTTPRouteHandler, get
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import text

from shared.consumer import Consumers
from shared.database import Database
from shared.parking import ParkedBecause
from shared.progress import STALLED_SECONDS
from shared.relay import Relay

CHECK_SECONDS_MAX = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long something may stand still before a service is not ready any more.

    Shape: `unsent_seconds_max` is how long an event may wait for the relay, and the relay be silent;
           `stalled_seconds_max` how long a consumer may be behind without any progress
    """

    unsent_seconds_max: float = 15.0
    stalled_seconds_max: float = STALLED_SECONDS


PATIENCE = Patience()


class LaneReport(msgspec.Struct, frozen=True, kw_only=True):
    """How far this service has come in one partition of a source."""

    source: str
    partition: int
    position: int
    last: int
    lag: int
    behind_seconds: float
    error: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The condition of a service: `ready` only when every check is `ok`."""

    service: str
    ready: bool
    checks: dict[str, str]
    lag: int
    parked: dict[str, int]
    oldest_unsent_seconds: float
    lanes: list[LaneReport]


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """The condition of everything that answers on one port."""

    ready: bool
    services: list[Report]


class Health:
    """Watches over the parts that one process runs of a service."""

    def __init__(
        self,
        service: str,
        database: Database,
        bus: redis.asyncio.Redis,
        relay: Relay | None,
        consumers: Consumers | None,
        patience: Patience = PATIENCE,
    ) -> None:
        """Take the parts that this process runs; what it does not run is not its to judge."""
        self.service = service
        self._database = database
        self._bus = bus
        self._relay = relay
        self._consumers = consumers
        self._patience = patience

    async def report(self) -> Report:
        """Say how the service is, within a few seconds whatever is broken."""
        database, bus = await asyncio.gather(_checked(self._database_answers), _checked(self._bus_answers))
        lanes = list(self.lanes())
        checks = {"database": database, "redis": bus} | self._relay_check() | self._consumer_check()
        return Report(
            service=self.service,
            ready=all(check == "ok" for check in checks.values()),
            checks=checks,
            lag=sum(max(0, lane.lag) for lane in lanes),
            parked=self.parked(),
            oldest_unsent_seconds=round(self.oldest_unsent_seconds(), 3),
            lanes=lanes,
        )

    async def _database_answers(self) -> None:
        async with self._database.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def _bus_answers(self) -> None:
        await self._bus.ping()

    def _relay_check(self) -> dict[str, str]:
        if self._relay is None:
            return {}
        state = self._relay.state
        faults = [partition.fault for partition in state.partitions if partition.fault]
        if faults:
            return {"relay": faults[0]}
        if state.error:
            return {"relay": f"interrupted: {state.error}"}
        now = self._database.clock.now()
        # A relay that has died counts nothing any more, so what it counted last is not enough.
        longest = self._patience.unsent_seconds_max
        silent = state.succeeded_at is None or (now - state.succeeded_at).total_seconds() > longest
        late = silent or state.oldest_unsent_seconds(now) > longest
        return {"relay": "behind" if late else "ok"}

    def _consumer_check(self) -> dict[str, str]:
        if self._consumers is None:
            return {}
        state = self._consumers.state
        if state.error:
            return {"consumers": f"interrupted: {state.error}"}
        return {"consumers": "ok" if state.alive(monotonic()) else "no progress"}

    def oldest_unsent_seconds(self) -> float:
        """Give how long the oldest event has waited for the relay."""
        return self._relay.state.oldest_unsent_seconds(self._database.clock.now()) if self._relay else 0.0

    def parked(self) -> dict[str, int]:
        """Count the parked events by reason."""
        counts = self._consumers.state.parked if self._consumers else dict.fromkeys(ParkedBecause, 0)
        return {reason.value: count for reason, count in counts.items()}

    def lanes(self) -> Iterator[LaneReport]:
        """Say how far each partition is."""
        for lane in self._consumers.state.lanes if self._consumers else ():
            yield LaneReport(
                source=lane.source,
                partition=lane.partition,
                position=lane.position,
                last=lane.last,
                lag=lane.lag,
                behind_seconds=round(lane.behind_seconds(monotonic()), 3),
                error=lane.error,
            )


class _Gauges(Collector):
    """The figures of several services, read at the moment of a scrape."""

    def __init__(self, watched: Sequence[Health]) -> None:
        self._watched = watched

    def collect(self) -> Iterable[Metric]:
        lag = GaugeMetricFamily("serumpun_consumer_lag_events", "Events still to come.", labels=LANE_LABELS)
        position = GaugeMetricFamily("serumpun_consumer_position", "Last number handled.", labels=LANE_LABELS)
        parked = GaugeMetricFamily("serumpun_parked_events", "Events that wait.", labels=("service", "reason"))
        unsent = GaugeMetricFamily(
            "serumpun_outbox_oldest_unsent_seconds", "Age of the oldest event not in Redis.", labels=("service",)
        )
        for health in self._watched:
            for lane in health.lanes():
                labels = (health.service, lane.source, str(lane.partition))
                lag.add_metric(labels, max(0, lane.lag))
                position.add_metric(labels, lane.position)
            for reason, count in health.parked().items():
                parked.add_metric((health.service, reason), count)
            unsent.add_metric((health.service,), health.oldest_unsent_seconds())
        return lag, position, parked, unsent


LANE_LABELS = ("service", "source", "partition")


async def _checked(check: Callable[[], Awaitable[None]]) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS_MAX):
            await check()
    except Exception as fault:  # noqa: BLE001 - whatever it is, it is the answer
        return f"away: {type(fault).__name__}"
    return "ok"


def health_handlers(watched: Sequence[Health]) -> list[HTTPRouteHandler]:
    """Serve /livez, /readyz and /metrics for the services that answer on one port."""
    gauges = _Gauges(watched)

    @get("/livez", name="livez")
    async def livez() -> Response[dict[str, str]]:
        return Response({"status": "alive"}, headers=NO_STORE)

    @get("/readyz", name="readyz")
    async def readyz() -> Response[bytes]:
        reports = await asyncio.gather(*(health.report() for health in watched))
        ready = Readiness(ready=all(report.ready for report in reports), services=list(reports))
        status = 200 if ready.ready else 503
        return Response(msgspec.json.encode(ready), status_code=status, media_type=MediaType.JSON, headers=NO_STORE)

    @get("/metrics", name="metrics")
    async def metrics() -> Response[bytes]:
        figures = generate_latest(REGISTRY) + generate_latest(gauges)
        return Response(figures, media_type=cast("Any", CONTENT_TYPE_LATEST), headers=NO_STORE)

    return [livez, readyz, metrics]


NO_STORE = {"Cache-Control": "no-store"}
