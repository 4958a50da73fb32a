"""A database that an operator has closed, or puts another in the place of, is away; nothing else is wrong."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from shared.database import Database, unreachable
from shared.effects import store_is_away
from tests.conftest import Databases
from tests.shared.backbone import OFFICER

AWAY = {
    "closed": ("ALTER DATABASE {name} ALLOW_CONNECTIONS false", "ALTER DATABASE {name} ALLOW_CONNECTIONS true"),
    "moved away": ("ALTER DATABASE {name} RENAME TO {name}_aside", "ALTER DATABASE {name}_aside RENAME TO {name}"),
}


@pytest.mark.parametrize("how", AWAY)
async def test_a_database_that_is_exchanged_is_away_and_no_request_or_event_is_at_fault(
    databases: Databases, how: str
) -> None:
    database = await databases()

    async with while_it_is(how, databases, database):
        with pytest.raises(DBAPIError) as fault:
            await asked(database)
        assert (unreachable(fault.value), store_is_away(fault.value)) == (True, True)

    assert await asked(database) == 1


async def asked(database: Database) -> object:
    async with database.reading(OFFICER) as work:
        return (await work.session.execute(text("SELECT 1"))).scalar_one()


@asynccontextmanager
async def while_it_is(how: str, databases: Databases, database: Database) -> AsyncIterator[None]:
    name = make_url(database.url).database
    before, after = (statement.format(name=name) for statement in AWAY[how])
    await database.close()
    async with databases.admin.connect() as admin:
        await admin.execute(text(before))
        yield
        await admin.execute(text(after))
