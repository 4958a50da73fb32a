"""The servers: whether they answer, are of a version that fits, are migrated, durable, and tell the same time."""

from collections.abc import Mapping
from time import time
from typing import cast

import asyncpg
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import text

from services import startup
from services.operations.findings import Finding, fault, fine, warning
from services.operations.installation import first_line, located, shown, store
from services.operations.refusals import NotPossible, ServerAway
from shared import stream
from shared.settings import SERVICES, Settings

POSTGRES_MIN = 15
REDIS_MIN, VALKEY_MIN = 7, 8
SKEW_WARNING_SECONDS, SKEW_FAULT_SECONDS = 1.0, 30.0
EVICTS = ("allkeys", "volatile")

FACTS = text(
    """
    SELECT current_setting('server_version_num')::int / 10000 AS major, extract(epoch FROM clock_timestamp()) AS now,
           current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
           to_regclass('alembic_version') IS NOT NULL AS migrated
    """
)
REVISION = text("SELECT version_num FROM alembic_version")
PARTITIONS = text("SELECT count(*) FROM outbox_head")


async def databases(settings: Settings) -> list[Finding]:
    """Judge the database of every service."""
    try:
        there = located(settings)
    except ServerAway as error:
        return [fault("database_answers", "PostgreSQL", str(error).split(": ")[0], "serumpun servers, or serumpun up")]
    except NotPossible as error:
        what, _, cure = str(error).partition(": ")
        return [fault("logins", "PostgreSQL", what, cure)]
    found: list[Finding] = []
    for service in SERVICES:
        if service not in there.database_urls:
            what = "its address is not known"
            found.append(fault("database_answers", service, what, f"set {service.upper()}_DATABASE_URL"))
            continue
        found += await _database(service, there.database_urls[service], there.partitions)
    return found


async def _database(service: str, url: str, partitions: int) -> list[Finding]:
    engine = store(url, service)
    try:
        async with engine.connect() as connection:
            before = time()
            facts = (await connection.execute(FACTS)).one()
            found = [_skew(service, float(facts.now) - (before + time()) / 2), *_durable(service, facts._asdict())]
            if not facts.migrated:
                return [*found, fault("migrated", service, "it has no tables", "serumpun migrate")]
            revision = (await connection.execute(REVISION)).scalar_one_or_none()
            installed = (await connection.execute(PARTITIONS)).scalar_one()
    except (SQLAlchemyError, asyncpg.PostgresError, OSError, TimeoutError) as error:
        what = f"{shown(url)} does not answer: {first_line(error)}"
        return [fault("database_answers", service, what, "start it, mend its address, or serumpun migrate")]
    finally:
        await engine.dispose()
    found = [fine("database_answers", service, shown(url)), *found, _revision(service, revision)]
    if installed not in (0, partitions):
        what = f"it was installed with {installed} partitions, PARTITIONS says {partitions}"
        found.append(fault("partitions", service, what, f"set PARTITIONS={installed}"))
    return found


def _revision(service: str, revision: str | None) -> Finding:
    from shared.migrations import latest  # noqa: PLC0415 - Alembic is loaded for this only

    newest = latest(service)
    if revision == newest:
        return fine("migrated", service, f"it is at revision {revision}")
    return fault(
        "migrated", service, f"it is at revision {revision}, and this version needs {newest}", "serumpun migrate"
    )


def _durable(service: str, facts: Mapping[str, object]) -> list[Finding]:
    found = []
    if cast("int", facts["major"]) < POSTGRES_MIN:
        what = f"it is PostgreSQL {facts['major']}"
        found.append(fault("postgres_version", service, what, f"PostgreSQL {POSTGRES_MIN} or newer"))
    for name in ("fsync", "synchronous_commit"):
        if facts[name] == "off":
            what = f"{name} is off: a receipt that was given could be lost in a crash"
            found.append(fault("durable", service, what, f"ALTER SYSTEM SET {name} = on"))
    return found


def _skew(where: str, seconds: float) -> Finding:
    says = f"its clock differs by {abs(seconds):.3f} s from this machine's"
    if abs(seconds) > SKEW_FAULT_SECONDS:
        return fault("clock", where, says, "let both machines follow the same time servers")
    if abs(seconds) > SKEW_WARNING_SECONDS:
        return warning("clock", where, says, "let both machines follow the same time servers")
    return fine("clock", where, says)


async def redis(settings: Settings) -> list[Finding]:
    """Judge Redis or Valkey."""
    try:
        url = startup.found(settings).redis_url
    except startup.ServersAway:
        url = settings.redis_url
    if url is None:
        return [fault("redis_answers", "Redis", "nothing runs", "serumpun servers, or set REDIS_URL")]
    client = stream.connect(url)
    try:
        before = time()
        seconds, micros = await client.time()
        skew = seconds + micros / 1_000_000 - (before + time()) / 2
        facts = cast("dict[str, object]", await client.info())
    except (RedisError, OSError, TimeoutError) as error:
        what = f"{shown(url)} does not answer: {first_line(error)}"
        return [fault("redis_answers", "Redis", what, "start it, empty or not: it is filled again")]
    finally:
        await client.aclose()
    return [fine("redis_answers", "Redis", shown(url)), _skew("Redis", skew), *_redis(facts)]


def _redis(facts: Mapping[str, object]) -> list[Finding]:
    is_valkey = facts.get("server_name") == "valkey"
    name, lowest = ("Valkey", VALKEY_MIN) if is_valkey else ("Redis", REDIS_MIN)
    version = str(facts.get("valkey_version") if is_valkey else facts.get("redis_version"))
    found = [fine("redis_version", name, version)]
    if int(version.split(".", maxsplit=1)[0]) < lowest:
        found = [fault("redis_version", name, version, f"{name} {lowest} or newer")]
    if facts.get("aof_enabled"):
        found.append(fine("redis_keeps", name, "it keeps an append-only file"))
    else:
        what = "it keeps no append-only file: after its restart every stream is filled again from the outboxes"
        found.append(warning("redis_keeps", name, what, "appendonly yes"))
    policy = str(facts.get("maxmemory_policy", "noeviction"))
    if policy.startswith(EVICTS) and facts.get("maxmemory"):
        what = f"maxmemory-policy is {policy}: it throws streams away when memory is short"
        found.append(fault("redis_evicts", name, what, "maxmemory-policy noeviction"))
    elif policy.startswith(EVICTS):
        what = f"maxmemory-policy is {policy}, which matters once maxmemory is set"
        found.append(warning("redis_evicts", name, what, "maxmemory-policy noeviction"))
    else:
        found.append(fine("redis_evicts", name, f"maxmemory-policy is {policy}"))
    return found
