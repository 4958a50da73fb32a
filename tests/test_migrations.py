"""The revisions of every service, on databases of their own."""

import pytest
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared import migrations
from shared.database import Database
from shared.settings import SERVICES
from tests.conftest import Databases

EMPTY = "template1"
RULES = text(
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid <> 0"
)
LEFT_BEHIND = text(
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'alembic_version%'"
    " UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
)
# Something beside the shared tables, so that the question for what is left behind is known to see.
ITS_OWN = {"registration": "business", "aid_distribution": "refuse_change", "notifications": "delivery_keep_order"}


async def ask(database: Database, question: TextClause) -> set[tuple[object, ...]]:
    engine = create_async_engine(database.url, poolclass=NullPool)
    async with engine.connect() as connection:
        found = {tuple(row) for row in await connection.execute(question)}
    await engine.dispose()
    return {row for row in found if "alembic_version" not in row}


@pytest.mark.parametrize("service", SERVICES)
async def test_the_revisions_go_up_down_and_up_and_say_what_the_code_says(databases: Databases, service: str) -> None:
    database = await databases.copy(EMPTY, service)
    await migrations.upgrade(service, database.url)
    assert await migrations.differences(service, database.url) == []
    assert (ITS_OWN[service],) in await ask(database, LEFT_BEHIND)
    await migrations.downgrade(service, database.url)
    assert await ask(database, LEFT_BEHIND) == set()
    await migrations.upgrade(service, database.url)
    assert await migrations.differences(service, database.url) == []


@pytest.mark.parametrize("service", SERVICES)
async def test_the_revisions_make_every_constraint_that_the_code_declares(databases: Databases, service: str) -> None:
    # Alembic does not compare CHECK constraints, which here keep most of the invariants.
    migrated, declared = await databases.copy(EMPTY, service), await databases.copy(EMPTY, service)
    await migrations.upgrade(service, migrated.url)
    engine = create_async_engine(declared.url, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(migrations.metadata_of(service).create_all)
    await engine.dispose()
    expected = await ask(declared, RULES)
    assert len(expected) > 40
    assert await ask(migrated, RULES) == expected
