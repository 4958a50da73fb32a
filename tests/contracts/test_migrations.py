"""The schema of every service: up, down and up again, and nothing in the code that the revisions do not make."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import services
from shared import migrations
from shared.settings import SERVICES
from tests.conftest import Databases

EMPTY = "template1"
Ask = Callable[[str, str], Awaitable[set[tuple[object, ...]]]]
LEFT = """
    SELECT 'relation', relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'function', proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'type', typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace
"""
# Alembic compares neither CHECKs nor triggers; PostgreSQL tells both as they hold.
RULES = """
    SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid <> 0
"""
SHAPE = """
    SELECT table_name::text, column_name::text, data_type || is_nullable || coalesce(column_default, '')
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT tgrelid::regclass::text, tgname::text, pg_get_triggerdef(oid) FROM pg_trigger
              WHERE NOT tgisinternal
    UNION ALL SELECT tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
"""


async def ask(url: str, question: str) -> set[tuple[object, ...]]:
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        found = {tuple(row) for row in await connection.execute(text(question))}
    await engine.dispose()
    return {row for row in found if not any("alembic_version" in str(value) for value in row)}


@pytest.mark.parametrize("service", SERVICES)
async def test_up_down_and_up_leave_the_same_schema_and_nothing_between(databases: Databases, service: str) -> None:
    url = (await databases.copy(EMPTY, service)).url
    await migrations.upgrade(service, url)
    shape = await ask(url, SHAPE) | await ask(url, RULES)
    assert len(shape) > 40
    await migrations.downgrade(service, url)
    assert await ask(url, LEFT) == set()
    await migrations.upgrade(service, url)
    assert await ask(url, SHAPE) | await ask(url, RULES) == shape


@pytest.mark.parametrize("service", SERVICES)
async def test_autogenerate_finds_nothing_to_do(databases: Databases, service: str) -> None:
    url = (await databases(service, migrated=True)).url
    assert await migrations.differences(service, url) == []
    assert await migrations.upgrade(service, url) is None


@pytest.mark.parametrize("service", SERVICES)
async def test_autogenerate_would_find_a_table_that_is_missing(databases: Databases, service: str) -> None:
    database = await databases(service, migrated=True)
    async with database.engine.begin() as connection:
        await connection.execute(text("DROP TABLE idempotency"))
        await connection.execute(text("ALTER TABLE parked DROP COLUMN region"))
    found = await migrations.differences(service, database.url)
    assert any("idempotency" in difference for difference in found)
    assert any("region" in difference for difference in found)


@pytest.mark.parametrize("service", SERVICES)
async def test_the_revisions_make_every_rule_that_the_code_declares(databases: Databases, service: str) -> None:
    declared, migrated = await databases.copy(EMPTY, service), await databases(service, migrated=True)
    engine = create_async_engine(declared.url, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(migrations.metadata_of(service).create_all)
    await engine.dispose()
    expected = await ask(declared.url, RULES)
    assert len(expected) > 20
    assert expected <= await ask(migrated.url, RULES)


@pytest.mark.parametrize("service", SERVICES)
def test_the_backbone_is_made_by_one_function_in_the_first_revision_of_every_service(service: str) -> None:
    folder = Path(services.__file__).parent / service / "migrations" / "versions"
    first, *others = sorted(folder.glob("*.py"))
    assert "backbone.create_tables()" in first.read_text()
    assert "backbone.drop_tables()" in first.read_text()
    numbers = [re.match(r"\d{4}", path.name) for path in (first, *others)]
    assert [int(number[0]) for number in numbers if number] == list(range(1, len(others) + 2))
