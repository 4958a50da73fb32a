"""The backbone's cast: a source's database, a consumer that notes what it sees, and a check after every test.

And the edge's: the store of a small service of notes, its door, and a client for each kind of caller.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from shared import api_keys
from shared.database import Database
from shared.ended_sessions import ended_in
from shared.security import Authenticator, KeyStore
from shared.settings import Settings
from shared.telemetry import AsgiApp
from shared.web import Edge, assemble
from tests.conftest import Databases
from tests.door import Client
from tests.shared import notes
from tests.shared.backbone import CONSUMER, SOURCE, Seen, execute, seen_by
from tests.waiting import wait_until


@pytest_asyncio.fixture
async def source(databases: Databases) -> Database:
    """The database of the service that publishes."""
    return await databases(SOURCE)


@pytest_asyncio.fixture
async def seen(databases: Databases, request: pytest.FixtureRequest) -> AsyncIterator[Seen]:
    """The database of the service that consumes; nothing may be parked in it at the end, unless the test is marked."""
    seen = await seen_by(await databases(CONSUMER))
    yield seen
    if request.node.get_closest_marker("parks") is None:
        assert await seen.parked() == []


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore(tmp_path_factory.mktemp("home"))


@pytest_asyncio.fixture(scope="session")
async def notes_database(database_templates: Databases) -> AsyncIterator[Database]:
    """One database for all tests of the edge, which are many and small; it is emptied before each."""
    database = await database_templates(notes.SERVICE.name)
    database_templates.made.remove(database)
    await execute(database, notes.NOTE_TABLE)
    yield database
    database_templates.made.append(database)
    await database_templates.drop()


@pytest_asyncio.fixture
async def store(notes_database: Database) -> Database:
    """The empty database of the service of notes."""
    await execute(notes_database, "TRUNCATE note, idempotency, outbox, api_key")
    await execute(notes_database, "UPDATE outbox_head SET last_seq = 0")
    return notes_database


@dataclass(frozen=True, slots=True)
class Door:
    """The service of notes as its callers meet it."""

    app: AsgiApp
    edge: Edge
    officer: Client
    colleague: Client
    auditor: Client

    async def has_waiting(self, requests: int) -> None:
        """Wait until so many requests wait for the next shared transaction."""
        (group,) = self.edge.groups.values()
        await wait_until(lambda: len(group._waiting) == requests, description=f"{requests} requests to wait")


@pytest_asyncio.fixture
async def door(store: Database, keys: KeyStore) -> AsyncIterator[Door]:
    edge = Edge(
        store, Authenticator(Settings.from_env({}), keys, api_keys.lookup_in(store.engine), ended_in(store.engine))
    )
    app = assemble(notes.SERVICE.name, edge, notes.SERVICE.declared, ())
    clients = [Client(app, keys, caller) for caller in (notes.OFFICER, notes.COLLEAGUE, notes.AUDITOR)]
    yield Door(app, edge, *clients)
    for client in clients:
        await client.aclose()
