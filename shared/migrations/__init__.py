"""The schema of a service's own database, brought up and down by Alembic from `services/<name>/migrations`.

A service's tables are those whose classes stand in its own package or in `shared`; the revisions of one
service are files in its `migrations/versions`. The environment and the template beside this file serve all.
"""

import io
from collections.abc import Callable
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, Table, pool, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from shared.crashpoints import reach

T = TypeVar("T")

CONNECT_TIMEOUT_SECONDS = 10
MIGRATING = 7_364_290_118
"""The advisory lock under which copies of a service that start at the same moment migrate one after the other."""


class MigrationFailed(Exception):
    """The database and the revisions do not fit together; the message is one line."""


async def upgrade(service: str, url: str, target: str = "head") -> None:
    """Bring the database of a service up to `target`; nothing happens when it is there already."""

    def carry_out(connection: Connection) -> None:
        command.upgrade(_config(service, connection), target)
        reach("migrations.before_commit", service)

    await _connected(url, carry_out)
    reach("migrations.after_commit", service)


async def downgrade(service: str, url: str, target: str = "base") -> None:
    """Take the database of a service down to `target`; `base` leaves none of its tables."""
    await _connected(url, lambda connection: command.downgrade(_config(service, connection), target))


def latest(service: str) -> str | None:
    """Give the newest revision of a service, to which `upgrade` brings its database."""
    config = Config()
    config.set_main_option("script_location", str(files(__name__)).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", _versions(service).replace("%", "%%"))
    return ScriptDirectory.from_config(config).get_current_head()


async def differences(service: str, url: str) -> list[str]:
    """Say how the tables in the code differ from those in the database; empty when the revisions are complete."""
    tables = metadata_of(service)

    def compare(connection: Connection) -> list[str]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return [repr(difference) for difference in compare_metadata(context, tables)]

    return await _connected(url, compare)


async def draft(service: str, url: str, message: str) -> Path:
    """Write a new revision with what the code has and the database lacks, to be read and finished by a person."""
    tables = metadata_of(service)
    written = await _connected(
        url,
        lambda connection: command.revision(
            _config(service, connection, tables), message=message, autogenerate=True, version_path=_versions(service)
        ),
    )
    if written is None or isinstance(written, list):
        raise MigrationFailed(f"no revision was written for {service}")
    return Path(written.path)


def metadata_of(service: str) -> MetaData:
    """Collect the tables of one service, which share a process with those of the others in `serumpun up`."""
    import_module(f"services.{service}.main")
    homes = (f"services.{service}.", "shared.")
    metadata = MetaData()
    for mapper in SQLModel._sa_registry.mappers:  # noqa: SLF001  SQLModel keeps its registry there and nowhere else
        if mapper.class_.__module__.startswith(homes):
            for table in mapper.tables:
                if isinstance(table, Table):
                    table.to_metadata(metadata)
    return metadata


def _versions(service: str) -> str:
    return str(files(f"services.{service}") / "migrations" / "versions")


def _config(service: str, connection: Connection, tables: MetaData | None = None) -> Config:
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(files(__name__)).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", _versions(service).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    config.attributes["tables"] = tables
    return config


async def _connected(url: str, task: Callable[[Connection], T]) -> T:
    engine = create_async_engine(url, poolclass=pool.NullPool, connect_args={"timeout": CONNECT_TIMEOUT_SECONDS})
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATING})
            return await connection.run_sync(task)
    except CommandError as error:
        raise MigrationFailed(f"{engine.url.database}: {error}") from error
    finally:
        await engine.dispose()
