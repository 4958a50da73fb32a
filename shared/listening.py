"""A connection on which a process hears at once that something was committed."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from shared.database import Database
from shared.outbox import WAKE_CHANNEL

CONNECT_TIMEOUT_SECONDS: Final = 5
STATEMENT_TIMEOUT_SECONDS: Final = 10
OUTAGES: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,
)
"""What says only that the store is away: it is told in a line without the way there."""


@asynccontextmanager
async def listening(database: Database, role: str, woken: Callable[[], object]) -> AsyncIterator[asyncpg.Connection]:
    """Hold a connection of its own, so that a busy pool delays nothing, on which each commit of events wakes.

    Shape: `role` is what the connection is called in the server's list beside the service's name
    """
    engine = database.engine
    _, options = engine.dialect.create_connect_args(engine.url)
    store = await asyncpg.connect(
        **options,
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=STATEMENT_TIMEOUT_SECONDS,
        server_settings={"application_name": f"serumpun-{database.source}-{role}"},
    )
    try:
        store.add_termination_listener(lambda *_: woken())  # whoever looks then learns that it is gone
        await store.add_listener(WAKE_CHANNEL, lambda *_: woken())
        yield store
    finally:
        await store.close(timeout=CONNECT_TIMEOUT_SECONDS)
