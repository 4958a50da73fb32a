"""The stage on which everything is measured: servers of its own, the demo province, services as processes."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory

import httpx
from sqlalchemy import pool, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from benchmarks.figures import Measure, Say, shown
from services import startup
from shared import effects, migrations, outbox, parking
from shared.caller import Role
from shared.clock import Clock
from shared.database import Database
from shared.keys import KeyStore
from shared.settings import Settings
from shared.tokens import issue_token

START_SECONDS_MAX = 30
PARTITIONS = 4
SOURCE = "bench"
BACKBONE = (outbox.OutboxHeadRow, outbox.OutboxRow, effects.CheckpointRow, parking.ParkedRow)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a benchmark runs, how long it may take, and where it says how far it is.

    Shape: `quick` is the smoke form, which shows that everything still runs and whose figures mean nothing
    """

    settings: Settings
    say: Say
    quick: bool = False

    @property
    def repetitions(self) -> int:
        """Give how often each measure is taken."""
        return 1 if self.quick else 5

    def scaled(self, size: int) -> int:
        """Give how much to do of something: a fiftieth in the quick form."""
        return max(1, size // 50) if self.quick else size

    async def in_turns(self, measures: Mapping[str, Measure], *, warm: bool = True) -> dict[str, list[float]]:
        """Take every measure so many times in turns, A B A B, so that a noisy minute is noisy for all.

        A first round that is not counted warms connections, prepared statements and caches, where that is not done.
        """
        found: dict[str, list[float]] = {name: [] for name in measures}
        for repetition in range(0 if warm and not self.quick else 1, self.repetitions + 1):
            for name, measure in measures.items():
                value = await measure()
                if repetition:
                    found[name].append(value)
                    self.say(f"  {name} {repetition}/{self.repetitions}: {shown(value)}")
        return found

    @property
    def redis_url(self) -> str:
        """Give the address of the Redis of this stage."""
        if self.settings.redis_url is None:
            raise LookupError("the stage has no Redis")
        return self.settings.redis_url


@contextmanager
def staged() -> Iterator[Settings]:
    """Give settings of an installation that is thrown away afterwards."""
    with TemporaryDirectory(prefix="serumpun-bench-") as folder:
        Path(folder).chmod(0o755)
        settings = replace(Settings.from_env({}), home=Path(folder) / "home", log_level="warning")
        with startup.servers(settings, _quiet) as prepared:
            yield asyncio.run(startup.prepare(prepared.settings, _quiet))


def _quiet(_line: str) -> None:
    """A benchmark shows its figures, not how its stage was built."""


@asynccontextmanager
async def database(
    stage: Stage, name: str, *, migrated: str | None = None, ping: bool = True
) -> AsyncIterator[Database]:
    """Give a fresh store that is dropped afterwards: with the backbone's tables, or with all those of a service."""
    admin = create_async_engine(str(stage.settings.database_url), poolclass=pool.NullPool, isolation_level="AUTOCOMMIT")
    name = f"serumpun_bench_{os.getpid()}_{name}"
    url = make_url(str(stage.settings.database_url)).set(database=name).render_as_string(hide_password=False)
    async with admin.connect() as connection:
        await connection.execute(text(f'CREATE DATABASE "{name}"'))
    store = Database(url, migrated or SOURCE, partitions=PARTITIONS, clock=Clock(), ping=ping)
    try:
        if migrated:
            await migrations.upgrade(migrated, url)
        else:
            tables = [SQLModel.metadata.tables[str(row.__tablename__)] for row in BACKBONE]
            async with store.engine.begin() as connection:
                await connection.run_sync(SQLModel.metadata.create_all, tables=tables)
        async with AsyncSession(store.engine) as session:
            await outbox.install_heads(session, PARTITIONS)
            await session.commit()
        yield store
    finally:
        await store.close()
        async with admin.connect() as connection:
            await connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        await admin.dispose()


def token(settings: Settings, role: Role = Role.PROVINCE_STAFF) -> str:
    """Give a token of the demo's province."""
    return issue_token(KeyStore(settings.home), role, ["19"], "staff-19", 5)


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@asynccontextmanager
async def serving(settings: Settings, mode: str) -> AsyncIterator[int]:
    """Run `benchmarks.server` as a process of its own; gives its port."""
    port = free_port()
    environment = os.environ | {
        "SERUMPUN_HOME": str(settings.home),
        "DATABASE_URL": settings.database_url or "",
        "REDIS_URL": settings.redis_url or "",
        "PORT": str(port),
    }
    process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own module; started once, before anything is measured
        [sys.executable, "-m", "benchmarks.server", mode], env=environment
    )
    try:
        await ready(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


async def ready(port: int) -> None:
    """Wait until everything that answers on a port is ready."""
    async with asyncio.timeout(START_SECONDS_MAX), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
