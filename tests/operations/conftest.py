"""An installation for the operator's commands: three databases and Redis with a lived-in province, and nothing running.

It is made once, by the real services; each test gets copies, so that it may break whatever it likes.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio
from redis.asyncio import Redis
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from services import demo, suite
from services.cli import app
from shared.caller import Role
from shared.clock import Clock
from shared.keys import KeyStore
from shared.settings import SERVICES, Settings
from shared.stream import connect
from shared.tokens import issue_token
from tests.conftest import PARTITIONS, Databases, Servers
from tests.waiting import wait_until

T = TypeVar("T")

BUSINESS = "0174472d-8680-7001-8000-000000000002"
EVENTS_MIN = 6
WHOLE_SECONDS_MAX = 180
"""How many events each partition has at least, whatever the ids are."""
HANDED_OUT = {
    "programme": "free-masks",
    "place": "WH-19.71",
    "lines": [{"item": "MASK-CLOTH", "quantity": 100}],
    "recipients": {"public": 60, "businesses": [BUSINESS]},
}
# The staff and their addresses were known long before, as far as anybody can tell from the rows.
LONG_KNOWN = (
    "UPDATE staff_member SET changed_at = changed_at - interval '1 hour'",
    "UPDATE contact SET changed_at = changed_at - interval '1 hour'",
)


@dataclass(frozen=True, slots=True)
class Answered:
    """How a command ended and what it printed."""

    code: int
    output: str
    error: str

    def read(self, shape: type[T]) -> T:
        """Read the one JSON document that was printed."""
        return msgspec.json.decode(self.output, type=shape)

    @property
    def line(self) -> str:
        """Give the only line on standard error."""
        (line,) = self.error.splitlines()
        return line


def invoke(environment: dict[str, str], *arguments: str, says: str | None = None) -> Answered:
    """Run a command in this process."""
    result = CliRunner().invoke(app, list(arguments), env=environment, catch_exceptions=False, input=says)
    return Answered(result.exit_code, result.stdout, result.stderr)


@dataclass(slots=True)
class Installation:
    """An installation that nobody else uses, and how a test breaks it and runs commands on it."""

    environment: dict[str, str]
    urls: dict[str, str]
    redis: Redis

    @property
    def settings(self) -> Settings:
        return Settings.from_env(self.environment)

    async def command(self, *arguments: str) -> Answered:
        """Run a command as an operator would; it has an event loop of its own."""
        return await asyncio.to_thread(invoke, self.environment, *arguments)

    async def faults(self) -> list[tuple[str, str, str]]:
        """Give what `verify` finds wrong: the check, the place with what is wrong there, and the cure of each."""
        answered = await self.command("verify", "--json", "--wait", "0")
        verdict = answered.read(dict[str, object])
        assert answered.code == (0 if verdict["whole"] else 1), answered
        found = msgspec.convert(verdict["findings"], list[dict[str, str]])
        return [
            (one["check"], f"{one['where']}: {one['what']}", one["cure"]) for one in found if one["severity"] == "fault"
        ]

    async def sql(self, service: str, *statements: str) -> None:
        """Change a database by hand, past its triggers."""
        connection = await asyncpg.connect(plain(self.urls[service]))
        try:
            await connection.execute("SET session_replication_role = replica")
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def rows(self, service: str, question: str) -> Sequence[asyncpg.Record]:
        connection = await asyncpg.connect(plain(self.urls[service]))
        try:
            return list(await connection.fetch(question))
        finally:
            await connection.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[httpx.AsyncClient]:
        """Run all services in this process, as `serumpun up` does, with a client at their door."""
        whole = suite.build(self.settings)
        token = issue_token(KeyStore(self.settings.home), Role.PROVINCE_STAFF, ("19",), "staff-19", 1)
        async with (
            whole.running(),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(whole),
                base_url="http://test",
                headers={"Authorization": f"Bearer {token}"},
            ) as client,
        ):
            yield client

    async def becomes_whole(self) -> None:
        """Run all services until `verify` finds nothing wrong."""
        async with self.running():
            try:
                await wait_until(self._whole, WHOLE_SECONDS_MAX, "the installation to be whole")
            except AssertionError:
                raise AssertionError(await self.faults()) from None

    async def _whole(self) -> bool:
        # To look through every book takes its time from the services, which run in this process: so once, at rest.
        return (await self.command("verify", "--wait", "30")).code == 0


def plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def environment(urls: dict[str, str], redis_url: str, home: Path) -> dict[str, str]:
    databases = {f"{service.upper()}_DATABASE_URL": url for service, url in urls.items()}
    return {
        **databases,
        "REDIS_URL": redis_url,
        "SERUMPUN_HOME": str(home),
        "PARTITIONS": str(PARTITIONS),
        "QUIET_HOURS": "off",
    }


@dataclass(frozen=True, slots=True)
class Province:
    """The lived-in province: a database of each service to copy, and what stood in Redis."""

    home: Path
    databases: dict[str, str]
    keys: dict[bytes, bytes]


@pytest_asyncio.fixture(scope="package")
async def province(
    database_templates: Databases, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Province]:
    home = tmp_path_factory.mktemp("operations")
    made = {service: await database_templates(service, migrated=True) for service in SERVICES}
    redis = connect(servers.redis_url)
    await redis.flushdb()
    urls = {service: database.url for service, database in made.items()}
    there = Installation(environment(urls, servers.redis_url, home), urls, redis)
    await demo.load(there.settings, lambda _line: None)
    await there.sql("notifications", LONG_KNOWN[0])
    async with there.running() as client:
        await wait_until(there._whole, WHOLE_SECONDS_MAX, "everybody to know the businesses")
        await _live(there, client)
        await wait_until(there._whole, WHOLE_SECONDS_MAX, "everybody to be told")
    await there.sql("notifications", *LONG_KNOWN)
    keys = {key: await redis.dump(key) for key in await redis.keys("*")}
    names = {service: str(make_url(url).database) for service, url in urls.items()}
    for service, database in made.items():
        await database.close()
        database_templates.made.remove(database)
        database_templates.templates[f"operations {service}"] = names[service]
    yield Province(home, names, keys)
    await redis.aclose()


async def _live(there: Installation, client: httpx.AsyncClient) -> None:
    """Hand out, take back, move and receive goods, and change who is to be reached."""
    now = Clock().now().isoformat()

    async def post(path: str, **body: object) -> dict[str, object]:
        answer = await client.post(path, json=body)
        assert answer.is_success, answer.text
        return msgspec.json.decode(answer.content, type=dict[str, object])

    await post("/aid/distributions", **HANDED_OUT, occurred_at=now)
    voided = await post("/aid/distributions", **HANDED_OUT, occurred_at=now)
    await post(f"/aid/distributions/{voided['id']}/void", reason="posted twice")
    lines = [{"item": "MASK-CLOTH", "quantity": 7}]
    await post("/aid/transfers", from_place="WH-PROV", to_place="WH-19.71", occurred_at=now, lines=lines)
    while (
        min(head["last_seq"] for head in await there.rows("aid_distribution", "SELECT * FROM outbox_head")) < EVENTS_MIN
    ):
        await post("/aid/receipts", place="WH-PROV", source="donation", occurred_at=now, lines=lines)


@pytest_asyncio.fixture(scope="package")
async def copied(province: Province, database_templates: Databases) -> dict[str, str]:
    """One copy for all tests that only look."""
    made = {service: await database_templates.copy(name, service) for service, name in province.databases.items()}
    for service, database in made.items():
        database_templates.made.remove(database)
        database_templates.templates[f"looked at {service}"] = str(make_url(database.url).database)
    return {service: database.url for service, database in made.items()}


@pytest_asyncio.fixture
async def unbroken(province: Province, copied: dict[str, str], redis: Redis, servers: Servers) -> Installation:
    """The province for a test that changes nothing in the databases."""
    for key, value in province.keys.items():
        await redis.restore(key, 0, value)
    return Installation(environment(copied, servers.redis_url, province.home), copied, redis)


@pytest_asyncio.fixture
async def there(province: Province, databases: Databases, redis: Redis, servers: Servers) -> Installation:
    """A copy of the province for one test."""
    urls = {service: (await databases.copy(name, service)).url for service, name in province.databases.items()}
    for key, value in province.keys.items():
        await redis.restore(key, 0, value)
    return Installation(environment(urls, servers.redis_url, province.home), urls, redis)
