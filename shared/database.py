"""One transaction per request or batch, with its events written as the last thing before it commits.

A handler is given a `Work` and never commits; the edge that opened it does. What a handler records is part
of the same transaction, so an event and the change it reports exist together or not at all.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from shared import outbox
from shared.caller import DATING_BACK_DAYS, Caller, Role
from shared.clock import Clock
from shared.contracts import Event
from shared.privacy import Vault

T = TypeVar("T")

CONNECT_TIMEOUT_SECONDS = 5
STATEMENT_TIMEOUT_SECONDS = 30
LOCK_TIMEOUT_SECONDS = 10
POOL_WAIT_SECONDS = 10
CONNECTIONS_MAX = 10
ATTEMPTS_MAX = 3
CLOSED = ("55000", "3D000")
"""SQLSTATE of a database that lets nobody in, or is not there, while another is put in its place."""
LOCK_NOT_FREE = "55P03"
"""SQLSTATE of a lock that was waited for too long: the store is overloaded, and nothing is wrong with the order."""

COLLISIONS = ("40001", "40P01")
"""SQLSTATE of a serialization failure and of a deadlock: the transaction did nothing and may simply run again."""


@dataclass(slots=True)
class Work:
    """One transaction: its session, its moment, who asks, and the facts to be recorded with it."""

    session: AsyncSession
    caller: Caller
    clock: Clock
    now: datetime
    keys: Vault | None = None
    quiet_hours: bool = True
    dating_back_days: Mapping[Role, int] = field(default_factory=lambda: DATING_BACK_DAYS)
    recorded: list[outbox.Recorded] = field(default_factory=list)

    @property
    def vault(self) -> Vault:
        """Give what seals and opens personal data; a defect where the store was opened without it."""
        if self.keys is None:
            raise LookupError("this store was opened without a vault, and holds no personal data")
        return self.keys

    def new_id(self) -> UUID:
        """Give an id for something that this transaction makes."""
        return self.clock.new_id()

    def record(self, event: Event, *, region: str, caller: Caller | None = None) -> None:
        """Record a fact together with the change that it reports.

        A batch that serves several people names the caller of each; otherwise it is the one of the transaction.
        Raises EventTooLarge (413) for more than `outbox.EVENT_BYTES_MAX`.
        """
        self.recorded.append(outbox.recorded(event, caller or self.caller, region, self.new_id(), self.now))


class Database:
    """The store of one service: hands out transactions and nothing else."""

    def __init__(
        self,
        url: str,
        source: str,
        *,
        partitions: int,
        clock: Clock,
        connections_max: int = CONNECTIONS_MAX,
        vault: Vault | None = None,
        ping: bool = True,
        quiet_hours: bool = True,
        statement_seconds_max: int = STATEMENT_TIMEOUT_SECONDS,
        dating_back_days: Mapping[Role, int] = DATING_BACK_DAYS,
    ):
        """Prepare the pool; nothing is opened before the first use. A store of personal data needs the vault.

        Whoever tries again by itself does without `ping`: before each transaction it asks in three round trips
        whether the connection still lives.
        """
        self.vault = vault
        self.quiet_hours = quiet_hours
        self.dating_back_days = dating_back_days
        self.source = source
        self.partitions = partitions
        self.clock = clock
        self.url = url
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=connections_max,
            max_overflow=0,
            pool_timeout=POOL_WAIT_SECONDS,
            pool_pre_ping=ping,
            hide_parameters=True,  # the text of an error reaches the log, and parameters are people's data
            connect_args={
                "timeout": CONNECT_TIMEOUT_SECONDS,
                "command_timeout": statement_seconds_max + 5,
                "server_settings": {
                    "application_name": f"serumpun-{source}",
                    "statement_timeout": f"{statement_seconds_max}s",
                    "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
                    "idle_in_transaction_session_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
                },
            },
        )
        # The same pool; the options go along with BEGIN, so a question costs no extra round trip.
        self._reading = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @asynccontextmanager
    async def work(self, caller: Caller) -> AsyncIterator[Work]:
        """Open a transaction; leaving it writes the recorded events and commits, an error rolls all of it back."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            work = self._work(session, caller)
            yield work
            await outbox.write(session, work.recorded, self.partitions)
            await session.commit()

    @asynccontextmanager
    async def reading(self, caller: Caller) -> AsyncIterator[Work]:
        """Open a transaction in which every question sees the same moment and nothing can be written."""
        async with AsyncSession(self._reading, expire_on_commit=False) as session:
            yield self._work(session, caller)

    def _work(self, session: AsyncSession, caller: Caller) -> Work:
        return Work(
            session=session,
            caller=caller,
            clock=self.clock,
            now=self.clock.now(),
            keys=self.vault,
            quiet_hours=self.quiet_hours,
            dating_back_days=self.dating_back_days,
        )

    async def run(self, caller: Caller, task: Callable[[Work], Awaitable[T]]) -> T:
        """Run a task in a transaction of its own, again when it merely collided with another one."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                async with self.work(caller) as work:
                    return await task(work)
            except DBAPIError as error:
                if attempt == ATTEMPTS_MAX or not collided(error):
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def close(self) -> None:
        """Close every connection of the pool."""
        await self.engine.dispose()


def sqlstate(error: DBAPIError) -> str | None:
    """Give the SQLSTATE that PostgreSQL answered with, if it answered."""
    return getattr(error.orig, "sqlstate", None)


def collided(error: DBAPIError) -> bool:
    """Tell a deadlock or serialization failure, after which nothing was written."""
    return sqlstate(error) in COLLISIONS


def unreachable(error: BaseException) -> bool:
    """Tell an outage of the store from a mistake: it is worth trying again later."""
    if isinstance(error, PoolTimeout | OSError | TimeoutError):
        return True
    if isinstance(error, OperationalError | InterfaceError):
        # asyncpg reports a value that fits no column in the same way as a closed connection.
        return not isinstance(error.orig.__cause__ if error.orig else None, ValueError)
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated or (sqlstate(error) or "").startswith(("08", "53", "57", LOCK_NOT_FREE, *CLOSED))
    )
