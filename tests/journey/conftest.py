"""The whole system twice, each on a province of its own with a post office beside it.

Once as `serumpun up` runs it, all in one process; once as three services, each in its own. With SERUMPUN_TEST_URL set,
the story is told of the system that answers there instead, such as the one in containers:

SERUMPUN_TEST_COMMAND  how the `serumpun` command is run there, for tokens
SERUMPUN_TEST_POST     the socket file at which the post office is to take its mail
SERUMPUN_TEST_LOGS     the files that hold its log, with ":" between them
"""

import os
import shlex
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import pytest
import pytest_asyncio

from services.suite import SERVICES
from shared.caller import Role
from tests.faults.processes import installed
from tests.journey.people import Bearer, World
from tests.notifications.mail_server import MailServer
from tests.processes import LOOPBACK, Process, bearer, free_port, new_home

PREFIXES = {service.name: service.prefix.removeprefix("/") for service in SERVICES}


@dataclass(frozen=True)
class Whole:
    """The system in one process, and what it has printed."""

    world: World
    printed: str


@pytest_asyncio.fixture(scope="package")
async def one_process() -> AsyncIterator[Whole]:
    async with post_office() as (mail, settings):
        with new_home() as home:
            port = free_port()
            system = Process(home, "up", log=home.parent / "output", PORT=str(port), **settings)
            system.start()
            try:
                await system.says("Another token")  # the end of the page
                url = f"http://{LOOPBACK}:{port}"
                await system.answers_ready(url)
                world = World(everywhere(url), partial(bearer, home), mail, [home / "log" / "serumpun.log"])
                yield Whole(world, system.output)
                await world.ends()
            finally:
                await system.stop()


@pytest_asyncio.fixture(scope="package")
async def three_processes() -> AsyncIterator[World]:
    async with post_office() as (mail, settings), installed(**settings) as installation:
        urls = {PREFIXES[service]: url for service, url in installation.urls.items()}
        world = World(
            urls, partial(bearer, installation.home), mail, [process.log for process in installation.processes]
        )
        yield world
        await world.ends()


@pytest_asyncio.fixture(scope="package")
async def elsewhere() -> AsyncIterator[World]:
    tokens = tokens_by(os.environ["SERUMPUN_TEST_COMMAND"])
    logs = [Path(log) for log in os.environ["SERUMPUN_TEST_LOGS"].split(":")]
    async with MailServer().serving(socket=Path(os.environ["SERUMPUN_TEST_POST"])) as mail:
        world = World(everywhere(os.environ["SERUMPUN_TEST_URL"]), tokens, mail, logs)
        yield world
        await world.ends()


@pytest.fixture(params=["elsewhere"] if os.environ.get("SERUMPUN_TEST_URL") else ["one process", "three processes"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "one process":
        return request.getfixturevalue("one_process").world
    return request.getfixturevalue(request.param.replace(" ", "_"))


def everywhere(url: str) -> dict[str, str]:
    """Say that every service answers at one address."""
    return dict.fromkeys(PREFIXES.values(), url)


def tokens_by(command: str) -> Bearer:
    """Give tokens as a command prints them."""

    @cache
    def token(role: Role, subject: str, *regions: str) -> dict[str, str]:
        named = [word for code in regions for word in ("--region", code)]
        asked = [*shlex.split(command), "token", "--role", role, "--subject", subject, *named]
        printed = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60)
        return {"Authorization": f"Bearer {printed.stdout.strip()}"}

    return token


@asynccontextmanager
async def post_office() -> AsyncIterator[tuple[MailServer, dict[str, str]]]:
    """Give a real SMTP server, and the setting that leads to it."""
    async with MailServer().serving() as mail:
        yield mail, {"SMTP_URL": f"smtp://{LOOPBACK}:{mail.port}"}
