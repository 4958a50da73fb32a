"""The whole system as `serumpun up` runs it, on a province of its own, with a post office beside it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.journey.people import World
from tests.notifications.mail_server import MailServer
from tests.processes import LOOPBACK, Process, free_port, new_home


@pytest_asyncio.fixture(scope="package")
async def world() -> AsyncIterator[World]:
    async with MailServer().serving() as mail:
        with new_home() as home:
            port = free_port()
            url = f"http://{LOOPBACK}:{port}"
            settings = {"PORT": str(port), "SMTP_URL": f"smtp://{LOOPBACK}:{mail.port}"}
            system = Process(home, "up", log=home.parent / "output", **settings)
            system.start()
            try:
                await system.says("Another token")  # the end of the page
                await system.answers_ready(url)
                world = World(url, home, mail, system.output)
                yield world
                await world.ends()
            finally:
                system.stop()
