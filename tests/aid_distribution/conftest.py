"""The aid_distribution service on a real PostgreSQL: its items and places, and no stock."""

from collections.abc import AsyncIterator, Mapping

import pytest

from services.aid_distribution.main import SERVICE
from shared.database import Database
from shared.privacy import Vault
from shared.security import KeyStore
from tests.aid_distribution.story import AUDITOR, BELITUNG, OFFICE, OPERATOR, PANGKALPINANG, StoppedClock, furnish
from tests.conftest import Databases
from tests.door import Client, Recorded, open_door

CALLERS = {
    "office": OFFICE,
    "pangkalpinang": PANGKALPINANG,
    "belitung": BELITUNG,
    "auditor": AUDITOR,
    "operator": OPERATOR,
}


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def database(databases: Databases, clock: StoppedClock) -> Database:
    database = await databases("aid_distribution", migrated=True, clock=clock, vault=Vault(b"m" * 32))
    async with database.work(OFFICE) as work:
        await furnish(work)
    return database


@pytest.fixture
def recorded(database: Database) -> Recorded:
    return Recorded(database)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore(tmp_path_factory.mktemp("home"))


@pytest.fixture
async def door(database: Database, keys: KeyStore) -> AsyncIterator[Mapping[str, Client]]:
    """Give a client for each kind of caller; nothing is in stock."""
    app = open_door(SERVICE, database, keys)
    clients = {name: Client(app, keys, caller) for name, caller in CALLERS.items()}
    yield clients
    for client in clients.values():
        await client.aclose()
