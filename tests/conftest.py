"""Real servers for every test: one PostgreSQL and one Valkey for the session, a fresh database and an empty Redis each.

With DATABASE_URL and REDIS_URL set those servers are used, by an account that may make databases; Redis is flushed.
With SERUMPUN_TEST_SERVERS=containers both run in containers.
"""

import os
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest
import pytest_asyncio
import structlog
from redis.asyncio import Redis
from sqlalchemy import pool, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from shared import api_keys, effects, ended_sessions, idempotency, migrations, operator_acts, outbox, parking, retention
from shared.clock import Clock
from shared.database import Database
from shared.embedded import EmbeddedServers
from shared.privacy import Vault
from shared.stream import connect
from tests.containers import servers_in_containers

PARTITIONS = 4
SLOW = (hypothesis.HealthCheck.too_slow,)
SHARED_ROWS = (
    api_keys.ApiKeyRow,
    outbox.OutboxHeadRow,
    outbox.OutboxRow,
    effects.CheckpointRow,
    parking.ParkedRow,
    idempotency.IdempotencyRow,
    ended_sessions.EndedSessionRow,
    operator_acts.OperatorActRow,
    retention.RetiredConsumerRow,
)

# The same examples on every run, and none too slow: what fails fails for everybody, and on a busy machine as on a quiet
# one. Look for new examples with `make test ARGS=--hypothesis-profile=search`.
hypothesis.settings.register_profile("search", deadline=None, print_blob=True, suppress_health_check=SLOW)
hypothesis.settings.register_profile("same", hypothesis.settings.get_profile("search"), derandomize=True)
hypothesis.settings.load_profile("same")


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marks mean; let `session.execute` be, the only way for hand-written SQL; keep log lines out."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    config.addinivalue_line("markers", "parks: this test leaves parked events behind on purpose")
    config.addinivalue_line(
        "filterwarnings", r"ignore:(?s)\s+. You probably want to use .session\.exec:DeprecationWarning"
    )


class Sharing(LoadScopeScheduling):
    """Give all tests of a file, which share what is costly to make, to one process.

    A file that takes long is divided: the ids of its tests end their first part with `@` and where they belong.
    """

    def _split_scope(self, nodeid: str) -> str:
        path, _, test = nodeid.partition("::")
        return path + "".join(re.findall(r"@[a-z]+\d+", test)[:1])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Divide the tests among processes by what they share; `--dist loadgroup` does not work with pytest 9."""
    return Sharing(config, log)


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers of this session are; the address of PostgreSQL is an administrator's."""

    database_url: str
    redis_url: str


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    given = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if all(given):
        yield Servers(str(given[0]), str(given[1]))
        return
    if os.environ.get("SERUMPUN_TEST_SERVERS") == "containers":
        with servers_in_containers() as addresses:
            yield Servers(*addresses)
        return
    # Not in pytest's own folder: each start of pytest closes that to other accounts, and so, where the tests run as
    # root, to the PostgreSQL of a run that is still going on, which then aborts.
    with (
        TemporaryDirectory(prefix="serumpun-test-") as home,
        EmbeddedServers.start(Path(home), report=lambda _line: None) as embedded,
    ):
        yield Servers(given[0] or embedded.database_url, given[1] or embedded.redis_url)


@dataclass(slots=True)
class Databases:
    """Makes a database in some hundredths of a second, as a copy of one that has the tables already."""

    admin: AsyncEngine
    prefix: str
    templates: dict[str, str] = field(default_factory=dict)
    made: list[Database] = field(default_factory=list)
    numbers: int = 0

    async def __call__(
        self,
        source: str = "registration",
        *,
        migrated: bool = False,
        vault: Vault | None = None,
        clock: Clock | None = None,
    ) -> Database:
        """Give a store of a service: with the shared tables only, or migrated to all that the service has."""
        schema = source if migrated else "shared"
        if schema not in self.templates:
            self.templates[schema] = await self._template(schema)
        return await self.copy(self.templates[schema], source, vault=vault, clock=clock)

    async def copy(
        self, original: str, source: str, *, vault: Vault | None = None, clock: Clock | None = None
    ) -> Database:
        """Give a store on a copy of a database, to which nobody may be connected: also how a backup is made."""
        self.numbers += 1
        name = f"{self.prefix}_{self.numbers}"
        async with self.admin.connect() as connection:
            await connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{original}"'))
        # Whatever the hour at which the tests run, what they send is sent; the night has tests of its own.
        database = Database(
            self.url(name), source, partitions=PARTITIONS, clock=clock or Clock(), vault=vault, quiet_hours=False
        )
        self.made.append(database)
        return database

    def url(self, name: str) -> str:
        return self.admin.url.set(database=name).render_as_string(hide_password=False)

    async def _template(self, schema: str) -> str:
        name = f"{self.prefix}_template_{schema}"
        async with self.admin.connect() as connection:
            await connection.execute(text(f'CREATE DATABASE "{name}"'))
        if schema != "shared":
            await migrations.upgrade(schema, self.url(name))
        engine = create_async_engine(self.url(name), poolclass=pool.NullPool)
        async with engine.begin() as connection:
            if schema == "shared":
                tables = [SQLModel.metadata.tables[str(row.__tablename__)] for row in SHARED_ROWS]
                await connection.run_sync(SQLModel.metadata.create_all, tables=tables)
        async with AsyncSession(engine) as session:
            await outbox.install_heads(session, PARTITIONS)
            await session.commit()
        await engine.dispose()
        return name

    async def drop(self) -> None:
        async with self.admin.connect() as connection:
            for database in self.made:
                await database.close()
                await connection.execute(text(f'DROP DATABASE "{make_url(database.url).database}" WITH (FORCE)'))
        self.made.clear()

    async def drop_templates(self) -> None:
        async with self.admin.connect() as connection:
            for name in self.templates.values():
                await connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest_asyncio.fixture(scope="session")
async def database_templates(servers: Servers) -> AsyncIterator[Databases]:
    engine = create_async_engine(servers.database_url, poolclass=pool.NullPool, isolation_level="AUTOCOMMIT")
    databases = Databases(engine, prefix=f"serumpun_test_{os.getpid()}")
    yield databases
    await databases.drop_templates()
    await engine.dispose()


@pytest_asyncio.fixture
async def databases(database_templates: Databases) -> AsyncIterator[Databases]:
    """Call it for a fresh database: `database = await databases("registration", migrated=True)`."""
    yield database_templates
    await database_templates.drop()


@pytest_asyncio.fixture
async def redis(servers: Servers) -> AsyncIterator[Redis]:
    """An empty Redis."""
    client = connect(servers.redis_url)
    await client.flushdb()
    yield client
    await client.aclose()
