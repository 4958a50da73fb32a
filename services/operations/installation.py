"""The whole installation as an operator's command sees it: the databases of all services, and Redis.

Nothing is made or migrated here, so that a command that only looks changes nothing.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services import startup
from services.operations.refusals import NotPossible, ServerAway
from shared import stream
from shared.clock import Clock
from shared.database import sqlstate, unreachable
from shared.embedded import StartFailed
from shared.embedded.provisioning import addresses
from shared.operator_acts import Operator
from shared.settings import SERVICES, SettingInvalid, Settings

CONNECT_TIMEOUT_SECONDS = 5
STATEMENT_TIMEOUT_SECONDS = 600
"""A check of everything reads whole tables; it holds no lock meanwhile."""
CONNECTIONS_MAX = 3
REFUSED_LOGIN = ("28", "3D", "42501")
"""SQLSTATEs of a login or a database that does not exist, or that is not ours."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Open doors to the stores of the services that were asked for, and to Redis."""

    settings: Settings
    stores: Mapping[str, AsyncEngine]
    redis: Redis
    clock: Clock

    @asynccontextmanager
    async def reading(self, service: str) -> AsyncIterator[AsyncSession]:
        """Open a transaction in which every question sees the same moment and nothing can be written."""
        engine = self.stores[service].execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        async with AsyncSession(engine) as session:
            yield session

    @asynccontextmanager
    async def writing(self, service: str) -> AsyncIterator[AsyncSession]:
        """Open a transaction that is committed when it is left without an error."""
        async with AsyncSession(self.stores[service], expire_on_commit=False) as session:
            yield session
            await session.commit()

    def operator(self, name: str, reason: str) -> Operator:
        """Say who acts now, and why, for the record."""
        return Operator(name, reason, self.clock.now(), self.clock.new_id)


def located(settings: Settings) -> Settings:
    """Fill in where every server is, from the environment or from who runs on the same home folder.

    Raises: ServerAway when nothing runs; NotPossible without the keys from which the logins are derived
    """
    try:
        there = startup.found(settings)
    except StartFailed as error:
        raise ServerAway(str(error)) from error
    if there.database_urls.keys() >= set(SERVICES) or there.database_url is None:
        return there
    if not (settings.home / "keys" / "master.key").exists():
        raise NotPossible(
            f"{settings.home} holds no keys, so the logins of the databases are not known: set SERUMPUN_HOME,"
            " or the address of each service's database"
        )
    try:
        return replace(there, database_urls=addresses(there.database_url, there))
    except SettingInvalid as error:  # the key that they are derived from cannot be used
        raise NotPossible(str(error)) from error


@asynccontextmanager
async def opened(settings: Settings, services: Collection[str] = SERVICES) -> AsyncIterator[Installation]:
    """Connect to the stores of some services and to Redis; what is away then or later ends in ServerAway."""
    there = located(settings)
    if there.redis_url is None:
        raise ServerAway("there is no Redis: run `serumpun servers`, or set REDIS_URL")
    async with AsyncExitStack() as stack:
        stores = {service: store(there.database_urls[service], service) for service in services}
        for engine in stores.values():
            stack.push_async_callback(engine.dispose)
        redis = stream.connect(there.redis_url)
        stack.push_async_callback(redis.aclose)
        for service, engine in stores.items():
            await _answers(service, engine)
        with_them = Installation(there, stores, redis, Clock())
        try:
            await redis.ping()
            yield with_them
        except RedisError as error:
            raise ServerAway(f"Redis at {shown(there.redis_url)} is away: {first_line(error)}") from error
        except (DBAPIError, SQLAlchemyError, OSError, TimeoutError) as error:
            if not unreachable(error):
                raise
            raise ServerAway(f"PostgreSQL is away: {first_line(error)}") from error


def store(url: str, service: str) -> AsyncEngine:
    """Give the store of one service, with time-outs for long questions."""
    return create_async_engine(
        url,
        pool_size=CONNECTIONS_MAX,
        max_overflow=0,
        hide_parameters=True,
        connect_args={
            "timeout": CONNECT_TIMEOUT_SECONDS,
            "command_timeout": STATEMENT_TIMEOUT_SECONDS,
            "server_settings": {
                "application_name": f"serumpun-{service}-operator",
                "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
                "lock_timeout": "10s",
            },
        },
    )


async def _answers(service: str, engine: AsyncEngine) -> None:
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1 FROM operator_act LIMIT 1"))
    except (SQLAlchemyError, asyncpg.PostgresError, OSError, TimeoutError) as error:
        where = f"the database of {service} ({engine.url.render_as_string(hide_password=True)})"
        state = sqlstate(error) if isinstance(error, DBAPIError) else getattr(error, "sqlstate", None)
        if state == "42P01":
            raise NotPossible(f"{where} is not at today's schema: run `serumpun migrate`") from error
        if (state or "").startswith(REFUSED_LOGIN):
            raise NotPossible(f"{where} refuses us ({first_line(error)}): run `serumpun migrate`") from error
        raise ServerAway(f"{where} is away: {first_line(error)}; start it, or see `serumpun doctor`") from error


def shown(url: str) -> str:
    """Give an address without its password."""
    return make_url(url).render_as_string(hide_password=True)


def first_line(error: BaseException) -> str:
    """Give what an error says in one line."""
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]
