"""A witness in each consumer's database: one row for each write that a handler makes, in the very transaction of it.

Unique keys hide an effect that came twice, and a log loses what a killed process had not written yet. A trigger of
the tests' own does neither: it fires also for a row that is there already, and what was rolled back leaves no trace.
Within an aggregate the rows stand in the order of the commits, since the checkpoint is locked meanwhile.
"""

from dataclasses import dataclass

import asyncpg

from tests.faults.nemesis.databases import Databases, name_of


@dataclass(frozen=True, slots=True)
class Watched:
    """A kind of write and what is noted of it: whose aggregate it belongs to, and what it says."""

    table: str
    write: str
    aggregate: str
    says: str


WATCHED = {
    "registration": (
        Watched("support", "INSERT", "'distribution/' || NEW.distribution_id", "'given ' || NEW.business_id"),
        Watched("support", "UPDATE", "'distribution/' || NEW.distribution_id", "'taken back ' || NEW.business_id"),
    ),
    "aid_distribution": (Watched("known_business", "INSERT", "'business/' || NEW.id", "NEW.name"),),
    "notifications": (
        Watched("contact_business", "INSERT", "'business/' || NEW.business_id", "NEW.name"),
        Watched("message", "INSERT", "NEW.fact", "NEW.purpose || ' ' || NEW.person"),
    ),
}
# An upsert fires the trigger of INSERT once, whether the row was there or not.

SCHEMA = """
    CREATE SCHEMA witness;
    CREATE TABLE witness.seen (place bigserial PRIMARY KEY, what text, aggregate text, says text);
"""
TRIGGER = """
    CREATE FUNCTION witness.sees_{table}_{write}() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO witness.seen (what, aggregate, says) VALUES ('{table}', {aggregate}, {says});
        RETURN NEW;
    END $$;
    CREATE TRIGGER seen_{write} BEFORE {write} ON {table}
    FOR EACH ROW EXECUTE FUNCTION witness.sees_{table}_{write}();
"""

Seen = dict[tuple[str, str], list[str]]
"""What was written of each aggregate (table, aggregate), in the order of the commits."""


async def place_witnesses(databases: Databases) -> None:
    """Let every consumer's database note from now on what is written in it."""
    for service, watched in WATCHED.items():
        async with databases.opened(name_of(service)) as store:
            await store.execute(SCHEMA)
            for one in watched:
                await store.execute(
                    TRIGGER.format(table=one.table, write=one.write, aggregate=one.aggregate, says=one.says)
                )


async def seen_in(store: asyncpg.Connection) -> Seen:
    """Give everything that was noted in a database."""
    seen: Seen = {}
    for what, aggregate, says in await store.fetch("SELECT what, aggregate, says FROM witness.seen ORDER BY place"):
        seen.setdefault((what, aggregate), []).append(says)
    return seen
