"""The part of a process that works imports off, and then compares what was imported with all other businesses.

One import after the other; any number of copies share them out by leases.
"""

import asyncio
from typing import Final
from uuid import UUID

from services.registration.imports import cells, handlers, store
from services.registration.imports.domain import LEASE, OVER
from services.registration.imports.running import Lost, Run
from services.registration.imports.store import ImportRow
from shared.caller import Caller, Role
from shared.database import Database, unreachable
from shared.loops import rest
from shared.service import Runtime
from shared.telemetry import log

LOOK_SECONDS: Final = 0.5
PURGE_SECONDS: Final = 600.0
LEAVE_SECONDS_MAX: Final = 3.0


async def importer(runtime: Runtime) -> None:
    """Work imports off until cancelled."""
    await Importer(runtime.database).run()


class Importer:
    """One worker; what it holds when it is told to stop it gives back, and when it dies its lease ends."""

    def __init__(self, database: Database, *, look_seconds: float = LOOK_SECONDS) -> None:
        """Prepare a worker; nothing is opened before `run`."""
        self.id = database.clock.new_id()
        self._database = database
        self._look_seconds = look_seconds
        self._caller = Caller(f"service-{database.source}", Role.SERVICE, ())
        self._holds = False

    async def run(self) -> None:
        """Work until cancelled."""
        looks, every = 0, max(int(PURGE_SECONDS / self._look_seconds), 1)
        try:
            while True:
                while await self.step() or await self.compare():  # what is to be imported never waits for this
                    pass
                if looks % every == 0:
                    while await self._database.run(self._caller, handlers.purge):
                        pass
                looks += 1
                await rest(self._look_seconds)
        finally:
            if self._holds:
                async with asyncio.timeout(LEAVE_SECONDS_MAX):
                    await self.release()

    async def step(self, import_id: UUID | None = None) -> bool:
        """Take up the oldest import that waits, or the one that is named; False where there is none."""
        job = await self._taken(import_id)
        if job is None:
            return False
        self._holds = True
        run = Run(self._database, self.id, job)
        try:
            await run.carry_out()
        except Lost:
            log.info("import_lost", import_id=str(job.id))
        except Exception as fault:
            if unreachable(fault):
                raise
            log.error("import_failed", import_id=str(job.id), error=type(fault).__name__, exc_info=fault)
            await run.fail("internal", "Something went wrong on our side; it has been logged under the import's id.")
        if run.job.state in OVER:
            cells.forget()
        self._holds = False
        return True

    async def compare(self) -> bool:
        """Hold some of what was imported against all other businesses; False where nothing waits for that."""
        return await self._database.run(self._caller, handlers.compare) > 0

    async def _taken(self, import_id: UUID | None) -> ImportRow | None:
        async with self._database.work(self._caller) as work:
            if import_id is None:
                job = await store.next_to_do(work.session, work.now)
            else:
                job = await store.free(work.session, import_id, work.now)
            if job is not None:
                job.leased_by, job.leased_until = self.id, work.now + LEASE
                job.version += 1
            return job

    async def release(self) -> None:
        """Give back what is held, for another worker to go on with at once."""
        async with self._database.work(self._caller) as work:
            await store.release(work.session, self.id)
        self._holds = False
