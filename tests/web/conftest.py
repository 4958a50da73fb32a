"""The pages as a person has them: built from their sources, served by the one process, and seen in a real browser."""

import re
import shutil
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright, expect

from services import building, pages
from tests.journey.conftest import everywhere, post_office
from tests.journey.people import World
from tests.processes import LOOPBACK, Process, bearer, free_port, new_home
from tests.web.seen import Seen, looking

COMPLAINTS_EXPECTED = re.compile(r"status of (401|409|422)|ERR_INTERNET_DISCONNECTED")
"""What a browser calls an error and is an answer; everything else is one, above all what the policy forbids."""
LOOK_MILLISECONDS_MAX = 30_000
"""Only a test that fails waits so long: it must be more than a busy machine ever takes."""
expect.set_options(timeout=LOOK_MILLISECONDS_MAX)

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def built() -> Path:
    """The folder of the pages as their sources are now."""
    try:
        building.build()
    except building.CannotBuild as fault:
        pytest.fail(f"the pages cannot be built, so they cannot be tested: {fault}", pytrace=False)
    return pages.DIST


@pytest_asyncio.fixture(scope="package")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as one:
        yield one


@pytest_asyncio.fixture(scope="package")
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("the pages are tested in Chromium, which is not here: apt-get install chromium", pytrace=False)
    # A camera that shows a moving picture of its own, where somebody lets a page use one.
    args = ["--no-sandbox", "--use-fake-device-for-media-stream"]
    one = await playwright.chromium.launch(executable_path=found, args=args)
    yield one
    await one.close()


@pytest.fixture(scope="package")
def home() -> Iterator[Path]:
    """Where the one system of these tests keeps what it has."""
    with new_home() as one:
        yield one


@pytest_asyncio.fixture(scope="package")
async def world(built: Path, home: Path) -> AsyncIterator[World]:
    async with post_office() as (mail, settings):
        port = free_port()
        system = Process(home, "up", log=home.parent / "output", PORT=str(port), **settings)
        system.start()
        try:
            url = f"http://{LOOPBACK}:{port}"
            await system.says("Another token")
            await system.answers_ready(url)
            world = World(everywhere(url), partial(bearer, home), mail, [home / "log" / "serumpun.log"])
            yield world
            await world.ends()
        finally:
            await system.stop()


@pytest_asyncio.fixture
async def seen(browser: Browser, world: World) -> AsyncIterator[Seen]:
    """A browser that was never here; at the end nothing was wrong in it, and it has asked no other host."""
    async with looking(browser, world.address("/notifications/").removesuffix("/notifications/")) as one:
        yield one
        assert [said for said in one.complaints if not COMPLAINTS_EXPECTED.search(said)] == []
        assert one.hosts == {one.url.removeprefix("http://")}
