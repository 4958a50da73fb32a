"""The databases as an administrator handles them: copied while nobody is connected, exchanged, looked at."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from shared.settings import SERVICES
from tests.faults.oracle import address
from tests.waiting import wait_until

TIMEOUT_SECONDS = 10
PATIENCE_SECONDS = 30
BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class Databases:
    """All databases of one PostgreSQL, by the name of the service whose they are."""

    admin_url: str

    @asynccontextmanager
    async def opened(self, database: str) -> AsyncIterator[asyncpg.Connection]:
        """Open a connection of an administrator; waits while the server is away."""
        found: list[asyncpg.Connection] = []

        async def connected() -> bool:
            try:
                url = address(self.admin_url, database)
                found.append(await asyncpg.connect(url, timeout=TIMEOUT_SECONDS, command_timeout=TIMEOUT_SECONDS))
            except (OSError, asyncpg.PostgresError, TimeoutError):
                return False
            return True

        await wait_until(connected, PATIENCE_SECONDS, f"PostgreSQL to let us into {database}")
        try:
            yield found[0]
        finally:
            found[0].terminate()

    async def keep_baseline(self) -> None:
        """Keep a copy of every database as it is now, from which any number of runs begin."""
        for service in SERVICES:
            await self.back_up(service, f"{BASELINE}_{service}")

    async def begin_anew(self) -> None:
        """Put every database back to the baseline."""
        async with self.opened("postgres") as admin:
            for service in SERVICES:
                await admin.execute(f"DROP DATABASE IF EXISTS {name_of(service)} WITH (FORCE)")
                await _copy(admin, f"{BASELINE}_{service}", name_of(service))

    async def back_up(self, service: str, copy: str) -> None:
        """Copy a database at one exact moment: nobody is connected, so a transaction is in it or it is not."""
        async with self.opened("postgres") as admin, _nobody_connected(admin, name_of(service)):
            await _copy(admin, name_of(service), copy)

    async def restore(self, service: str, copy: str, aside: str, meanwhile: Callable[[], Awaitable[None]]) -> None:
        """Put a copy in the place of a database, which is kept aside; `meanwhile` is for when nobody is connected."""
        async with self.opened("postgres") as admin:
            async with _nobody_connected(admin, name_of(service)):
                await meanwhile()
                await admin.execute(f"ALTER DATABASE {name_of(service)} RENAME TO {aside}")
                await _copy(admin, copy, name_of(service))
            await admin.execute(f"ALTER DATABASE {aside} ALLOW_CONNECTIONS true")

    async def drop(self, database: str) -> None:
        async with self.opened("postgres") as admin:
            await admin.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


def name_of(service: str) -> str:
    """Name the database of a service."""
    return f"serumpun_{service}"


@asynccontextmanager
async def _nobody_connected(admin: asyncpg.Connection, database: str) -> AsyncIterator[None]:
    await admin.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
    try:
        gone = "SELECT count(pg_terminate_backend(pid)) = 0 FROM pg_stat_activity WHERE datname = $1"
        await wait_until(lambda: admin.fetchval(gone, database), TIMEOUT_SECONDS, f"everybody to leave {database}")
        yield
    finally:
        await admin.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")


async def _copy(admin: asyncpg.Connection, original: str, copy: str) -> None:
    owner = await admin.fetchval("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $1", original)
    await admin.execute(f"CREATE DATABASE {copy} TEMPLATE {original} OWNER {owner}")
