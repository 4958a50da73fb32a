"""One database and one login per service, made on whatever PostgreSQL is given."""

import asyncpg
from sqlalchemy.engine import URL, make_url

from shared.embedded.servers import derived_password, local_key
from shared.settings import SERVICES, Settings

CONNECT_TIMEOUT_SECONDS = 10
STATEMENT_TIMEOUT_SECONDS = 60
PROVISIONING = 7_364_290_117
"""The advisory lock under which processes that start at the same moment provision one after the other."""


async def provision(admin_url: str, settings: Settings) -> dict[str, str]:
    """Make what is missing and return the address of each service's own database; running it again changes nothing.

    Each login owns its database and may not even connect to the others. Addresses that are set in the
    environment (`AID_DISTRIBUTION_DATABASE_URL`, …) win, and their databases are left alone.
    """
    admin = make_url(admin_url)
    key = local_key(settings.home)
    own = [service for service in SERVICES if service not in settings.database_urls]
    urls = {service: _service_url(admin, service, derived_password(key, service)) for service in own}
    if urls:
        connection = await asyncpg.connect(
            _plain(admin), timeout=CONNECT_TIMEOUT_SECONDS, command_timeout=STATEMENT_TIMEOUT_SECONDS
        )
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", PROVISIONING)
            for url in urls.values():
                await _make_login(connection, url)
                await _make_database(connection, url)
        finally:
            await connection.close()
    return {**{name: url.render_as_string(hide_password=False) for name, url in urls.items()}, **settings.database_urls}


def _service_url(admin: URL, service: str, password: str) -> URL:
    name = f"serumpun_{service}"
    return admin.set(drivername="postgresql+asyncpg", username=name, password=password, database=name)


def _plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


async def _make_login(connection: asyncpg.Connection, url: URL) -> None:
    # Such a statement takes no parameters; names and passwords are ours: letters, digits and underscores.
    present = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", url.username)
    action = "ALTER" if present else "CREATE"
    await connection.execute(f"{action} ROLE {url.username} LOGIN PASSWORD '{url.password}'")
    if not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        await connection.execute(f"GRANT {url.username} TO CURRENT_USER")  # to make a database that the login owns


async def _make_database(connection: asyncpg.Connection, url: URL) -> None:
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", url.database):
        await connection.execute(f"CREATE DATABASE {url.database} OWNER {url.username}")
    await connection.execute(f"REVOKE ALL ON DATABASE {url.database} FROM PUBLIC")
    await connection.execute(f"GRANT ALL ON DATABASE {url.database} TO {url.username}")
