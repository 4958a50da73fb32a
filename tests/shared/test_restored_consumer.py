"""A consumer whose own database was put back to a backup begins again where that backup stands, and is not told to."""

from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.engine import make_url

from shared.database import Database
from tests.conftest import Databases, Servers
from tests.shared.backbone import DatabaseFeed, Seen, commit_each, consumers_of, relay_of, running

NAMES = ["siti", "budi", "rahmat", "dewi"]


async def test_an_idle_consumer_notices_that_its_database_was_put_back_to_a_backup(
    source: Database, databases: Databases, redis: Redis, seen: Seen, servers: Servers
) -> None:
    consumers = consumers_of(seen, servers.redis_url, DatabaseFeed(source))
    async with running(relay_of(source, redis), consumers):
        await commit_each(source, NAMES, range(1, 4))
        await seen.has(12)
        await back_to_the_beginning(databases, seen.database)

        await seen.has(12)  # although nothing has happened since

    for name in NAMES:
        assert await seen.numbers(name) == [1, 2, 3]


async def back_to_the_beginning(databases: Databases, database: Database) -> None:
    """Put a database back to what it was before its first event, with everybody cut off as a restore does it."""
    async with databases.admin.connect() as admin:
        await admin.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": make_url(database.url).database},
        )
    async with database.engine.begin() as connection:
        await connection.execute(text("TRUNCATE effect"))
        await connection.execute(text("DELETE FROM checkpoint"))
