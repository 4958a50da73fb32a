from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared import migrations
from shared.database import Database
from tests.conftest import Databases

SERVICE = "notifications"
EMPTY = "template1"
RULES = text(
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid <> 0"
)
LEFT_BEHIND = text(
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'alembic_version%'"
    " UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
)


async def ask(database: Database, question: TextClause) -> set[tuple[object, ...]]:
    engine = create_async_engine(database.url, poolclass=NullPool)
    async with engine.connect() as connection:
        found = {tuple(row) for row in await connection.execute(question)}
    await engine.dispose()
    return {row for row in found if "alembic_version" not in row}


async def test_the_revisions_go_up_down_and_up_and_say_what_the_code_says(databases: Databases) -> None:
    database = await databases.copy(EMPTY, SERVICE)
    await migrations.upgrade(SERVICE, database.url)
    assert await migrations.differences(SERVICE, database.url) == []
    assert ("delivery_keep_order",) in await ask(database, LEFT_BEHIND)
    await migrations.downgrade(SERVICE, database.url)
    assert await ask(database, LEFT_BEHIND) == set()
    await migrations.upgrade(SERVICE, database.url)
    assert await migrations.differences(SERVICE, database.url) == []


async def test_the_revisions_make_every_constraint_that_the_code_declares(databases: Databases) -> None:
    # Alembic does not compare CHECK constraints, which here keep most of the invariants.
    migrated, declared = await databases.copy(EMPTY, SERVICE), await databases.copy(EMPTY, SERVICE)
    await migrations.upgrade(SERVICE, migrated.url)
    engine = create_async_engine(declared.url, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(migrations.metadata_of(SERVICE).create_all)
    await engine.dispose()
    expected = await ask(declared, RULES)
    assert len(expected) > 60
    assert await ask(migrated, RULES) == expected
