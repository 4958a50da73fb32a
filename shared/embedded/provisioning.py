"""One database and one login per service, made on whatever PostgreSQL is given."""

from sqlalchemy import pool, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from shared.crashpoints import reach
from shared.embedded.servers import derived_password
from shared.settings import SERVICES, Settings

TIMEOUTS_SECONDS = {"timeout": 10, "command_timeout": 60}
PROVISIONING = 7_364_290_117
"""The advisory lock under which processes that start at the same moment provision one after the other."""


async def provision(admin_url: str, settings: Settings) -> dict[str, str]:
    """Make what is missing and return the address of each service's own database; running it again changes nothing.

    Each login owns its database and may not even connect to the others. Addresses that are set in the
    environment (`AID_DISTRIBUTION_DATABASE_URL`, …) win, and their databases are left alone.
    """
    urls = _own(admin_url, settings)
    engine = create_async_engine(
        admin_url, poolclass=pool.NullPool, isolation_level="AUTOCOMMIT", connect_args=TIMEOUTS_SECONDS
    )
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": PROVISIONING})
            for url in urls.values():
                await _make_login(connection, url)
                reach("provision.after_login", str(url.database))
                await _make_database(connection, url)
    finally:
        await engine.dispose()
    return addresses(admin_url, settings)


def addresses(admin_url: str, settings: Settings) -> dict[str, str]:
    """Give the address of each service's own database as `provision` makes it; nothing is made or asked."""
    own = {name: url.render_as_string(hide_password=False) for name, url in _own(admin_url, settings).items()}
    return {**own, **settings.database_urls}


def _own(admin_url: str, settings: Settings) -> dict[str, URL]:
    own = [service for service in SERVICES if service not in settings.database_urls]
    return {service: _service_url(make_url(admin_url), settings, service) for service in own}


def _service_url(admin: URL, settings: Settings, service: str) -> URL:
    name = f"serumpun_{service}"
    return admin.set(username=name, password=derived_password(settings.home, service), database=name)


async def _make_login(connection: AsyncConnection, url: URL) -> None:
    # Such a statement takes no parameters; names and passwords are ours: letters, digits and underscores.
    action = "ALTER" if await _exists(connection, "pg_roles WHERE rolname", url.username) else "CREATE"
    await connection.execute(text(f"{action} ROLE {url.username} LOGIN PASSWORD '{url.password}'"))
    if not await _exists(connection, "pg_roles WHERE rolsuper AND rolname", (admin := connection.engine.url.username)):
        await connection.execute(text(f'GRANT {url.username} TO "{admin}"'))  # to make a database that the login owns


async def _make_database(connection: AsyncConnection, url: URL) -> None:
    if not await _exists(connection, "pg_database WHERE datname", url.database):
        as_text = "TEMPLATE template0 ENCODING 'UTF8'"  # whatever the server was made with
        await connection.execute(text(f"CREATE DATABASE {url.database} OWNER {url.username} {as_text}"))
    reach("provision.after_database", str(url.database))
    await connection.execute(text(f"REVOKE ALL ON DATABASE {url.database} FROM PUBLIC"))
    await connection.execute(text(f"GRANT ALL ON DATABASE {url.database} TO {url.username}"))


async def _exists(connection: AsyncConnection, where: str, name: str | None) -> bool:
    found = await connection.execute(text(f"SELECT 1 FROM {where} = :name"), {"name": name})  # noqa: S608  ours, fixed
    return found.first() is not None
