"""The part of a process that sweeps: woken by what is recorded, at most about once a second.

It also looks though nothing was recorded: on a new day lots come close to their expiry, or pass it.
"""

from prometheus_client import Gauge

from services.aid_distribution.alerts.sweep import sweep
from shared.database import Database
from shared.service import Runtime
from shared.sweeping import APART_SECONDS, LOOK_SECONDS, when_woken

SWEPT_AT = Gauge("serumpun_alerts_swept_at_seconds", "When the last sweep for alerts ended, since the epoch.")


async def sweeper(runtime: Runtime) -> None:
    """Sweep until cancelled; a sweep that fails ends it, is logged, and begun anew by whoever runs it."""
    await run(runtime.database)


async def run(database: Database, *, apart_seconds: float = APART_SECONDS, look_seconds: float = LOOK_SECONDS) -> None:
    """Sweep a store until cancelled."""
    await when_woken(
        database,
        "alerts",
        sweep,
        looked=lambda: SWEPT_AT.set(database.clock.now().timestamp()),
        apart_seconds=apart_seconds,
        look_seconds=look_seconds,
    )
