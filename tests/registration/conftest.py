"""The registration service on a real PostgreSQL, with a fresh database for each test."""

from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from services.registration.businesses.handlers import load_regions
from services.registration.main import SERVICE
from shared.database import Database
from shared.privacy import Vault
from shared.province import PROVINCES, Province, read_province
from shared.security import KeyStore
from shared.telemetry import AsgiApp
from tests.conftest import Databases
from tests.door import Client, Recorded, open_door
from tests.registration.people import AUDITOR, BELITUNG, OFFICE, PANGKALPINANG, TURNOVER
from tests.registration.seats import MovingClock, Story


@pytest.fixture(scope="session")
def province() -> Province:
    return read_province(PROVINCES / "19-kepulauan-bangka-belitung")


@pytest.fixture
async def database(databases: Databases, province: Province) -> Database:
    """The store, with its regions and nothing else."""
    database = await databases("registration", migrated=True, vault=Vault(b"m" * 32))
    async with database.work(OFFICE) as work:
        await load_regions(work, province.regions)
    return database


@pytest.fixture
def recorded(database: Database) -> Recorded:
    return Recorded(database)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore(tmp_path_factory.mktemp("home"))


@pytest.fixture
def app(database: Database, keys: KeyStore) -> AsgiApp:
    return open_door(SERVICE, database, keys)


@pytest.fixture
async def door(app: AsgiApp, keys: KeyStore) -> AsyncIterator[Mapping[str, Client]]:
    """Give a client for each kind of caller, on an empty store."""
    callers = {
        "office": OFFICE,
        "pangkalpinang": PANGKALPINANG,
        "belitung": BELITUNG,
        "auditor": AUDITOR,
        "turnover": TURNOVER,
    }
    clients = {name: Client(app, keys, caller) for name, caller in callers.items()}
    yield clients
    for client in clients.values():
        await client.aclose()


@pytest.fixture
async def story(databases: Databases, province: Province, keys: KeyStore) -> AsyncIterator[Story]:
    """Trainings on a store of their own, whose clock goes on only when told to."""
    clock = MovingClock()
    database = await databases("registration", migrated=True, vault=Vault(b"m" * 32), clock=clock)
    async with database.work(OFFICE) as work:
        await load_regions(work, province.regions)
    app = open_door(SERVICE, database, keys)
    callers = {"office": OFFICE, "pangkalpinang": PANGKALPINANG, "belitung": BELITUNG, "auditor": AUDITOR}
    door = {name: Client(app, keys, caller) for name, caller in callers.items()}
    yield Story(door, app, keys, database, clock)
    for client in door.values():
        await client.aclose()


@pytest.fixture
async def anybody(story: Story) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever holds a paper: no token."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(story.app), base_url="http://test") as client:
        yield client
