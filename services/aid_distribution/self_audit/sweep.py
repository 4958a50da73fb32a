"""The part of a process that audits the ledger each night; of many processes one does it."""

from collections.abc import Callable
from datetime import date
from functools import partial

from prometheus_client import Gauge

from services.aid_distribution.self_audit import store
from services.aid_distribution.self_audit.domain import night_due
from services.aid_distribution.self_audit.handlers import Look, audit_night
from shared.database import Database
from shared.loops import rest
from shared.night import zone_of
from shared.service import Runtime, Worker
from shared.sweeping import sweeping
from shared.telemetry import log

LOOK_SECONDS = 60.0
STATEMENT_SECONDS_MAX = 1_800
"""A question over a ledger of years takes its time; nobody waits for it at night."""

FOUND = Gauge("serumpun_ledger_audit_found", "How many figures disagreed in the last nightly audit that ended.")
ENDED_AT = Gauge("serumpun_ledger_audit_ended_at_seconds", "When the last nightly audit ended, since the epoch.")


def auditor(look: Look) -> Worker:
    """Give the worker that audits each night at its hour until cancelled."""

    async def worker(runtime: Runtime) -> None:
        """Look each minute whether a night is due; what fails is logged, and the night left to the next attempt."""
        settings, database = runtime.settings, runtime.database
        due = partial(night_due, hour=settings.audit_hour, zone=zone_of(settings.province[:2]))
        reader = Database(
            database.url,
            database.source,
            partitions=database.partitions,
            clock=database.clock,
            connections_max=1,
            vault=database.vault,
            statement_seconds_max=STATEMENT_SECONDS_MAX,
        )
        try:
            await run(database, reader, lambda: due(database.clock.now()), look)
        finally:
            await reader.close()

    return worker


async def run(
    database: Database,
    reader: Database,
    due: Callable[[], date | None],
    look: Look,
    *,
    look_seconds: float = LOOK_SECONDS,
) -> None:
    """Audit every night that is due until cancelled; `due` gives the night, if one is."""
    while True:
        try:
            if (night := due()) is not None:
                await audit_night(database, reader, night, look)
            await _measure(database)
        except Exception as fault:  # noqa: BLE001 - the edge of a worker: whatever it was, the next attempt comes
            log.warning("ledger_audit_broken_off", service=database.source, error=type(fault).__name__)
        await rest(look_seconds)


async def _measure(database: Database) -> None:
    """Say how the last night ended, in every process: whichever did it."""
    async with database.reading(sweeping(database)) as work:
        last = await store.last(work.session)
    if last is not None and last.ended_at is not None and last.found is not None:
        FOUND.set(last.found)
        ENDED_AT.set(last.ended_at.timestamp())
