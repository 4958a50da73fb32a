"""The part of a process that sweeps: woken by what is recorded, at most about once a second.

It also looks though nothing was recorded: on a new day lots come close to their expiry, or pass it.
"""

from prometheus_client import Gauge

from services.aid_distribution.alerts.sweep import NOTHING_ELSE, Watches, sweep
from shared.database import Database
from shared.service import Runtime, Worker
from shared.sweeping import APART_SECONDS, LOOK_SECONDS, when_woken

SWEPT_AT = Gauge("serumpun_alerts_swept_at_seconds", "When the last sweep for alerts ended, since the epoch.")


def sweeper(watches: Watches) -> Worker:
    """Give the worker that sweeps until cancelled, through the shelves and what else is watched."""

    async def worker(runtime: Runtime) -> None:
        """Sweep; what fails ends it, is logged, and begun anew by whoever runs it."""
        await run(runtime.database, watches)

    return worker


async def run(
    database: Database,
    watches: Watches = NOTHING_ELSE,
    *,
    apart_seconds: float = APART_SECONDS,
    look_seconds: float = LOOK_SECONDS,
) -> None:
    """Sweep a store until cancelled."""
    await when_woken(
        database,
        "alerts",
        lambda work: sweep(work, watches),
        looked=lambda: SWEPT_AT.set(database.clock.now().timestamp()),
        apart_seconds=apart_seconds,
        look_seconds=look_seconds,
    )
