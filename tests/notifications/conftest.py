"""The notifications service on a real PostgreSQL, with a fresh database for each test."""

from collections.abc import AsyncIterator

import httpx
import pytest

from services.notifications.main import SERVICE
from shared import api_keys
from shared.caller import Caller
from shared.database import Database
from shared.ended_sessions import ended_in
from shared.privacy import Vault
from shared.security import Authenticator, KeyStore, issue_token
from shared.settings import Settings
from shared.web import Edge, assemble
from tests.conftest import Databases
from tests.notifications.story import Door, StoppedClock


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def database(databases: Databases, clock: StoppedClock) -> Database:
    return await databases("notifications", migrated=True, clock=clock, vault=Vault(b"m" * 32))


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore(tmp_path_factory.mktemp("home"))


@pytest.fixture
async def door(database: Database, keys: KeyStore) -> AsyncIterator[Door]:
    """Call it for the client of a caller."""
    authenticator = Authenticator(
        Settings.from_env({}), keys, api_keys.lookup_in(database.engine), ended_in(database.engine)
    )
    app = assemble("notifications", Edge(database, authenticator), SERVICE.declared, ())
    clients: list[httpx.AsyncClient] = []

    def client(caller: Caller) -> httpx.AsyncClient:
        token = issue_token(keys, caller.role, caller.regions, caller.subject, 1)
        clients.append(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app),
                base_url="http://test",
                headers={"Authorization": f"Bearer {token}"},
            )
        )
        return clients[-1]

    yield client
    for opened in clients:
        await opened.aclose()
