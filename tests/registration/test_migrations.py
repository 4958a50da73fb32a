from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared import migrations
from shared.database import Database
from tests.conftest import Databases

SERVICE = "registration"
EMPTY = "template1"
RULES = text(
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid <> 0"
)
TABLES = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")


async def ask(database: Database, question: object) -> set[tuple[object, ...]]:
    engine = create_async_engine(database.url, poolclass=NullPool)
    async with engine.connect() as connection:
        found = {tuple(row) for row in await connection.execute(question)}  # type: ignore[call-overload]
    await engine.dispose()
    return {row for row in found if "alembic_version" not in row}


async def test_the_revisions_go_up_down_and_up_and_say_what_the_code_says(databases: Databases) -> None:
    database = await databases.copy(EMPTY, SERVICE)
    await migrations.upgrade(SERVICE, database.url)
    assert await migrations.differences(SERVICE, database.url) == []
    await migrations.downgrade(SERVICE, database.url)
    assert await ask(database, TABLES) == set()
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
    assert len(expected) > 40
    assert await ask(migrated, RULES) == expected
