"""The whole system twice, each on a province of its own with a post office beside it.

Once as `serumpun up` runs it, all in one process; once as three services, each in its own.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio

from services.suite import SERVICES
from tests.faults.processes import installed
from tests.journey.people import World
from tests.notifications.mail_server import MailServer
from tests.processes import LOOPBACK, Process, free_port, new_home

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
                world = World(dict.fromkeys(PREFIXES.values(), url), home, mail, [home / "log" / "serumpun.log"])
                yield Whole(world, system.output)
                await world.ends()
            finally:
                await system.stop()


@pytest_asyncio.fixture(scope="package")
async def three_processes() -> AsyncIterator[World]:
    async with post_office() as (mail, settings), installed(**settings) as installation:
        urls = {PREFIXES[service]: url for service, url in installation.urls.items()}
        world = World(urls, installation.home, mail, [process.log for process in installation.processes])
        yield world
        await world.ends()


@pytest.fixture(params=["one process", "three processes"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "one process":
        return request.getfixturevalue("one_process").world
    return request.getfixturevalue("three_processes")


@asynccontextmanager
async def post_office() -> AsyncIterator[tuple[MailServer, dict[str, str]]]:
    """Give a real SMTP server, and the setting that leads to it."""
    async with MailServer().serving() as mail:
        yield mail, {"SMTP_URL": f"smtp://{LOOPBACK}:{mail.port}"}
