"""The registration service on a real PostgreSQL, with a fresh database for each test."""

from collections.abc import AsyncIterator, Mapping, Sequence

import httpx
import msgspec
import pytest
from sqlmodel import col, select

from services.registration.businesses.handlers import load_regions
from services.registration.main import SERVICE
from shared import api_keys
from shared.caller import Caller
from shared.contracts import EVENTS, Event
from shared.database import Database
from shared.outbox import OutboxRow
from shared.privacy import Vault
from shared.province import PROVINCES, Province, read_province
from shared.security import Authenticator, KeyStore, issue_token
from shared.settings import Settings
from shared.telemetry import AsgiApp
from shared.web import Edge, assemble
from tests.conftest import Databases
from tests.registration.people import AUDITOR, BELITUNG, OFFICE, PANGKALPINANG


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


class Recorded:
    """What was recorded, read from the real outbox."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self) -> list[Event]:
        return [msgspec.msgpack.decode(row.data, type=EVENTS[row.type]) for row in await self.rows()]

    async def rows(self) -> Sequence[OutboxRow]:
        async with self._database.reading(OFFICE) as work:
            return (await work.session.exec(select(OutboxRow).order_by(col(OutboxRow.id)))).all()


@pytest.fixture
def recorded(database: Database) -> Recorded:
    return Recorded(database)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore(tmp_path_factory.mktemp("home"))


@pytest.fixture
def app(database: Database, keys: KeyStore) -> AsgiApp:
    authenticator = Authenticator(Settings.from_env({}), keys, api_keys.lookup_in(database.engine))
    return assemble("registration", Edge(database, authenticator), SERVICE.declared, ())


class Client(httpx.AsyncClient):
    """One caller at the service's door."""

    def __init__(self, app: AsgiApp, keys: KeyStore, caller: Caller) -> None:
        token = issue_token(keys, caller.role, caller.regions, caller.subject, 1)
        super().__init__(
            transport=httpx.ASGITransport(app), base_url="http://test", headers={"Authorization": f"Bearer {token}"}
        )


@pytest.fixture
async def door(app: AsgiApp, keys: KeyStore) -> AsyncIterator[Mapping[str, Client]]:
    """Give a client for each kind of caller, on an empty store."""
    callers = {
        "office": OFFICE,
        "pangkalpinang": PANGKALPINANG,
        "belitung": BELITUNG,
        "auditor": AUDITOR,
    }
    clients = {name: Client(app, keys, caller) for name, caller in callers.items()}
    yield clients
    for client in clients.values():
        await client.aclose()
