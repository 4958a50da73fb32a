"""The aid_distribution service on a real PostgreSQL: its items and places, and no stock."""

import pytest

from shared.database import Database
from tests.aid_distribution.story import OFFICE, StoppedClock, furnish
from tests.conftest import Databases
from tests.door import Recorded


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def database(databases: Databases, clock: StoppedClock) -> Database:
    database = await databases("aid_distribution", migrated=True, clock=clock)
    async with database.work(OFFICE) as work:
        await furnish(work)
    return database


@pytest.fixture
def recorded(database: Database) -> Recorded:
    return Recorded(database)
