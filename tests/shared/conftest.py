"""The backbone's cast: a source's database, a consumer that notes what it sees, and a check after every test."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.database import Database
from tests.conftest import Databases
from tests.shared.backbone import CONSUMER, SOURCE, Seen, seen_by


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
