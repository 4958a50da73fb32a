"""The notifications service on a real PostgreSQL, with a fresh database for each test."""

import pytest

from shared.database import Database
from tests.conftest import Databases
from tests.notifications.story import StoppedClock


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def database(databases: Databases, clock: StoppedClock) -> Database:
    return await databases("notifications", migrated=True, clock=clock)
