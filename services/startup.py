"""Everything between an empty folder and services that can be served: servers, databases, schemas, demo province."""

import importlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from shared.embedded import EmbeddedServers, StartFailed, find_running, provision
from shared.settings import SERVICES, SettingInvalid, Settings

Report = Callable[[str], None]


class ServersAway(StartFailed):
    """No server runs where one is needed; the message says how to get one."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Settings in which every service has its database and everyone the same Redis; `mend` keeps the servers alive."""

    settings: Settings
    mend: Callable[[], list[str]]


@contextmanager
def servers(settings: Settings, report: Report) -> Iterator[Prepared]:
    """Give running servers: those that the environment names, and embedded ones for what it does not."""
    if settings.redis_url and _has_databases(settings, SERVICES):
        report("using the servers that the environment names")
        yield Prepared(settings, list)
        return
    if half := half_configured(settings):
        raise SettingInvalid(half)
    with EmbeddedServers.start(settings.home, report) as embedded:
        ready = replace(
            settings,
            database_url=settings.database_url or embedded.database_url,
            redis_url=settings.redis_url or embedded.redis_url,
        )
        report(f"PostgreSQL and Valkey are running, their data is in {settings.home}")
        yield Prepared(ready, embedded.mend)


@contextmanager
def servers_anywhere(settings: Settings, report: Report, services: Collection[str] = SERVICES) -> Iterator[Settings]:
    """Give the databases that are named, or that another process holds on the same home, or start them for a while."""
    if _has_databases(settings, services):
        yield settings
        return
    if find_running(settings.home):
        yield found(settings)
        return
    with servers(settings, report) as prepared:
        yield prepared.settings


async def prepare(settings: Settings, report: Report) -> Settings:
    """Make the databases, bring them to today's schema and load the demo province once."""
    from shared import migrations  # noqa: PLC0415 - Alembic is 9 MB that a process which only serves never needs

    settings = await provisioned(settings)
    for service in SERVICES:
        await migrations.upgrade(service, settings.database_urls[service])
    report("the three databases are migrated")
    await importlib.import_module("services.demo").load(settings, report)
    return settings


async def provisioned(settings: Settings, services: Collection[str] = SERVICES) -> Settings:
    """Fill in the address of each service's own database, making what is missing."""
    if settings.database_urls.keys() >= set(services):
        return settings
    if settings.database_url is None:
        raise ServersAway("there is no PostgreSQL: run `serumpun servers`, or set DATABASE_URL")
    try:
        urls = await provision(settings.database_url, settings)
    except (OSError, TimeoutError, SQLAlchemyError) as error:
        where = make_url(settings.database_url).render_as_string(hide_password=True)
        raise ServersAway(f"PostgreSQL at {where} cannot be used: {_first_line(error)}") from error
    return replace(settings, database_urls=urls)


def found(settings: Settings, services: Collection[str] = SERVICES) -> Settings:
    """Fill in the servers that `serumpun up` or `serumpun servers` holds on the same home folder."""
    if settings.redis_url and _has_databases(settings, services):
        return settings
    running = find_running(settings.home)
    if running is None:
        raise ServersAway(
            f"no servers run on {settings.home}: run `serumpun servers` first, or set DATABASE_URL and REDIS_URL"
        )
    return replace(
        settings,
        database_url=settings.database_url or running.database_url,
        redis_url=settings.redis_url or running.redis_url,
    )


def half_configured(settings: Settings) -> str:
    """Say which address is missing where only some are given; empty when all or none are.

    Nobody means to have half of the data in servers of the own machine, so none are started then.
    """
    given = {"REDIS_URL": settings.redis_url is not None}
    given |= {f"{service.upper()}_DATABASE_URL": service in settings.database_urls for service in SERVICES}
    if settings.database_url is not None or not any(given[name] for name in given if name != "REDIS_URL"):
        given = {"DATABASE_URL": settings.database_url is not None, "REDIS_URL": given["REDIS_URL"]}
    there = [name for name, is_given in given.items() if is_given]
    missing = [name for name, is_given in given.items() if not is_given]
    if not there or not missing:
        return ""
    return (
        f"{' and '.join(there)} {'is' if len(there) == 1 else 'are'} set, {' and '.join(missing)}"
        f" {'is' if len(missing) == 1 else 'are'} not: set all, or none to run servers of our own"
    )


def _has_databases(settings: Settings, services: Collection[str]) -> bool:
    return settings.database_url is not None or settings.database_urls.keys() >= set(services)


def _first_line(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]
