"""One installation of real processes for all fault tests; each test leaves it whole, with everything running."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.faults.phones import Phones
from tests.faults.processes import Installation, installed


@pytest_asyncio.fixture(scope="package")
async def installation() -> AsyncIterator[Installation]:
    async with installed() as whole:
        yield whole


@pytest_asyncio.fixture
async def phones(installation: Installation) -> AsyncIterator[Phones]:
    phones = Phones(installation)
    yield phones
    await phones.hang_up()
