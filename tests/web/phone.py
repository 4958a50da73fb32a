"""A telephone of an officer: a browser of its own that keeps what it keeps, can be killed, and has a bad network."""

import asyncio
import random
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from playwright.async_api import Browser, BrowserContext, Page, Playwright

from tests.waiting import wait_until

DAY_MILLISECONDS = 86_400_000
PIECE_BYTES = 65_536
NOT_THERE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 6\r\nConnection: close\r\n\r\nnobody"
WRONG_CLOCK = """offset => {
    const Real = Date;
    globalThis.Date = class extends Real {
        constructor(...told) { if (told.length) super(...told); else super(Real.now() + offset); }
        static now() { return Real.now() + offset; }
    };
}"""


@dataclass
class Signal:
    """What lies between a telephone and the server: away, there, or so bad that some answers are cut on the way back.

    The service worker is behind it too, which a browser that only plays at being offline lets through. So many answers
    to orders as `cut_next` says are cut for certain. Orders to the path `away` get the answer that a front door gives
    for a service that is not there.
    """

    host: str
    port: int
    url: str = ""
    there: bool = True
    cut_of_hundred: int = 0
    cut_next: int = 0
    cuts: int = 0
    away: str = ""
    turned_away: int = 0
    dice: random.Random = field(default_factory=lambda: random.Random(20_200_921))
    carrying: set[asyncio.StreamWriter] = field(default_factory=set)

    def goes_away(self) -> None:
        """Take the signal away, also from whoever is connected."""
        self.there = False
        for writer in self.carrying:
            writer.close()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it, or until an answer is cut."""
        if not self.there:
            writer.close()
            return
        from_server, to_server = await asyncio.open_connection(self.host, self.port)
        self.carrying.add(writer)
        posted = False

        async def up() -> None:
            nonlocal posted
            while self.there and (piece := await reader.read(PIECE_BYTES)):
                if self.away and piece.startswith(f"POST {self.away}".encode()):
                    self.turned_away += 1
                    writer.write(NOT_THERE)
                    await writer.drain()
                    return
                posted = posted or piece.startswith((b"POST /aid/", b"POST /registration/"))
                to_server.write(piece)

        async def down() -> None:
            nonlocal posted
            while (piece := await from_server.read(PIECE_BYTES)) and self.there:
                if posted and (self.cut_next > 0 or self.dice.randrange(100) < self.cut_of_hundred):
                    self.cut_next = max(self.cut_next - 1, 0)
                    self.cuts += 1  # all is done there, and nobody here is told
                    return
                posted = False
                writer.write(piece)

        both = [asyncio.ensure_future(up()), asyncio.ensure_future(down())]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in both:
                one.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            self.carrying.discard(writer)
            writer.close()
            to_server.close()


@dataclass
class Phone:
    """A browser process with a folder of its own, behind a signal."""

    playwright: Playwright
    program: str
    folder: Path
    signal: Signal
    url: str
    days_off: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _browser: Browser | None = None

    async def starts(self, *, offline: bool = False) -> BrowserContext:
        """Start the browser, perhaps where there is no signal."""
        self.signal.there = not offline
        port_file = self.folder / "DevToolsActivePort"
        port_file.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [
                *(self.program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"),
                *("--remote-debugging-port=0", f"--user-data-dir={self.folder}", "about:blank"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def port() -> str | None:
            told = port_file.read_text().split() if port_file.exists() else []
            return told[0] if len(told) > 1 else None

        address = f"http://127.0.0.1:{await wait_until(port, description='the browser')}"
        self._browser = await self.playwright.chromium.connect_over_cdp(address)
        (context,) = self._browser.contexts
        await context.set_offline(offline)
        await context.add_init_script(f"({WRONG_CLOCK})({self.days_off * DAY_MILLISECONDS})")
        return context

    async def closes(self) -> None:
        """Close the browser as one does in the evening; only then is it sure that it has written the cookie down."""
        assert self._process is not None
        assert self._browser is not None
        wire = await self._browser.new_browser_cdp_session()
        await wire.send("Browser.close")
        await asyncio.to_thread(self._process.wait)

    async def dies(self) -> None:
        """End the browser as an empty battery does."""
        assert self._process is not None
        self._process.kill()
        await asyncio.to_thread(self._process.wait)
        if self._browser is not None:
            await self._browser.close()


@asynccontextmanager
async def signal_to(url: str) -> AsyncIterator[Signal]:
    """Put a signal before the server at an address; it has an address of its own."""
    there = httpx.URL(url)
    signal = Signal(there.host, there.port or 80)
    server = await asyncio.start_server(signal.carry, there.host, 0)
    signal.url = f"http://{there.host}:{server.sockets[0].getsockname()[1]}"
    try:
        yield signal
    finally:
        server.close()


@asynccontextmanager
async def phone_of(
    playwright: Playwright, program: str, folder: Path, url: str, days_off: int = 0
) -> AsyncIterator[Phone]:
    """Give a telephone that is thrown away afterwards, and a signal between it and the server at an address."""
    async with signal_to(url) as signal:
        phone = Phone(playwright, program, folder, signal, signal.url, days_off)
        try:
            yield phone
        finally:
            await phone.dies()
            shutil.rmtree(folder, ignore_errors=True)


async def fills(page: Page, *, kind: str, fields: dict[str, str], times: int = 1) -> None:
    """Fill a form of the field app, and press its button so many times at once."""
    await page.get_by_role("button", name=kind, exact=True).click()
    await fills_in(page, fields)
    await finishes(page, times)


async def fills_in(page: Page, fields: dict[str, str]) -> None:
    """Fill fields by their labels, one after the other: what is chosen in one may bring the next."""
    for label, value in fields.items():
        one = page.get_by_label(label)
        if await one.evaluate("one => one.tagName") == "SELECT":
            await one.select_option(value)
        else:
            await one.fill(value)


async def taps_twice(page: Page, name: str) -> None:
    """Press a button twice at once: both clicks are in the page before it has carried out either."""
    await page.get_by_role("button", name=name, exact=True).evaluate("one => { one.click(); one.click(); }")


async def finishes(page: Page, times: int = 1) -> None:
    """Press the button of a form so many times at once."""
    # Both clicks are in the page before it has carried out either.
    press = "(one, times) => { for (let at = 0; at < times; at++) one.click(); }"
    await page.get_by_role("button", name="Simpan dan kirim").evaluate(press, times)
    await page.get_by_role("heading", name="Lapangan", level=1).wait_for()
