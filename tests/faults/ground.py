"""Where an installation on trial stands: servers of its own, a nursery, and the first start that makes everything."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import httpx
from sqlalchemy.engine import make_url
from sqlmodel import SQLModel

from shared.caller import Role
from shared.embedded import EmbeddedServers
from shared.embedded.servers import derived_password
from shared.settings import SERVICES
from shared.stream import connect
from tests.faults import oracle
from tests.faults.forked import FIRST_START, LOOPBACK
from tests.faults.lives import Lives, Nursery, nursery
from tests.faults.orders.giving import SMS_HOOK_SECRET
from tests.faults.trial import CALLER, Trial, administrator, tables_of
from tests.notifications.mail_server import MailServer
from tests.processes import bearer, free_port

BROKEN = """
    CREATE SCHEMA trial;
    CREATE TABLE trial.broken (by_hand bool);
    CREATE FUNCTION trial.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM trial.broken) THEN RAISE 'broken by hand'; END IF;
        RETURN NULL;
    END $$;
    GRANT USAGE ON SCHEMA trial TO PUBLIC;
    GRANT SELECT ON trial.broken TO PUBLIC;
"""
REFUSE = """
    CREATE TRIGGER trial_refuse BEFORE INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION trial.refuse()
"""


@dataclass(slots=True)
class Ground:
    """Two servers on which an installation can be begun, and the nursery of its lives."""

    folder: Path
    servers: EmbeddedServers
    nursery: Nursery

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def own_url(self, service: str) -> str:
        """Give the address of a service's own database, with its own login."""
        name = f"serumpun_{service}"
        admin = make_url(self.servers.database_url)
        own = admin.set(username=name, password=derived_password(self.home, service), database=name)
        return own.render_as_string(hide_password=False)

    @asynccontextmanager
    async def first_start(self) -> AsyncIterator[Lives]:
        """Give the lives of the first start: keys, databases, schemas and the province."""
        environment = {
            "SERUMPUN_HOME": str(self.home),
            "DATABASE_URL": self.servers.database_url,
            "REDIS_URL": self.servers.redis_url,
        }
        async with self.nursery.lives(FIRST_START, self.folder / "first-start.log", environment) as lives:
            yield lives

    async def prepare(self) -> None:
        """Bring everything about that a first start does, wherever an earlier one has died."""
        async with self.first_start() as lives:
            await lives.begin()
            assert await lives.death() == 0

    async def clear(self) -> None:
        """Leave nothing of an installation on the servers."""
        async with administrator(self.servers.database_url) as connection:
            for service in SERVICES:
                await connection.execute(f"DROP DATABASE IF EXISTS serumpun_{service} WITH (FORCE)")
        redis = connect(self.servers.redis_url)
        await redis.flushall()
        await redis.aclose()

    @asynccontextmanager
    async def trial(self) -> AsyncIterator[Trial]:
        """Give an installation with everything running."""
        await self.prepare()
        async with AsyncExitStack() as stack:
            mail = await stack.enter_async_context(MailServer().serving())
            ports = {service: free_port() for service in SERVICES}
            urls = {service: f"http://{LOOPBACK}:{port}" for service, port in ports.items()}
            lives = {
                service: await stack.enter_async_context(
                    self.nursery.lives(
                        service,
                        self.folder / f"{service}.log",
                        {
                            "SERUMPUN_HOME": str(self.home),
                            f"{service.upper()}_DATABASE_URL": self.own_url(service),
                            "REDIS_URL": self.servers.redis_url,
                            "PORT": str(ports[service]),
                            "SMS_HOOK_SECRET": SMS_HOOK_SECRET,
                            "QUIET_HOURS": "off",  # at whatever hour of the night it is tried
                            "SMTP_URL": f"smtp://{LOOPBACK}:{mail.port}",
                            **{f"{peer.upper()}_URL": url for peer, url in urls.items()},
                        },
                    )
                )
                for service in SERVICES
            }
            http = await stack.enter_async_context(
                httpx.AsyncClient(
                    headers=bearer(self.home, Role.PROVINCE_STAFF, CALLER, "19"),
                    limits=httpx.Limits(max_keepalive_connections=0),
                    # Who ends a session says which: one left by whoever signed in before would be ended instead.
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                    timeout=30,
                )
            )
            found = await stack.enter_async_context(oracle.opened(self.servers.database_url, self.servers.redis_url))
            found.history, found.words_may_lag = {}, True
            for store in found.stores.values():
                await make_breakable(store)
            tables = {service: await tables_of(store) for service, store in found.stores.items()}
            trial = Trial(self.servers.database_url, lives, urls, http, self.home, mail, found, tables)
            for service in SERVICES:
                await trial.begin(service)
            await trial.rests()
            try:
                yield trial
            finally:
                await trial.stop()


async def make_breakable(store: asyncpg.Connection) -> None:
    """Make it possible to let every handler fail that writes anything of its own."""
    mappers = SQLModel._sa_registry.mappers
    backbone = {table.name for one in mappers if one.class_.__module__.startswith("shared.") for table in one.tables}
    await store.execute(BROKEN)
    for table in await tables_of(store):
        if table not in backbone:
            await store.execute(REFUSE.format(table=table))


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """Give new servers and a nursery, for the length of the block."""
    with (
        TemporaryDirectory(prefix="serumpun-") as folder,
        EmbeddedServers.start(Path(folder) / "servers", lambda _line: None) as servers,
    ):
        async with nursery(Path(folder)) as children:
            yield Ground(Path(folder), servers, children)
