"""A page as a person looks at it: what it weighs, what the browser complains of, and whether everybody can use it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, BrowserContext, Page

from services.building import ROOT, WEB

AXE = WEB / "node_modules/axe-core/axe.min.js"
SCREENSHOTS = ROOT / "screenshots"
PHONE, DESK = (360, 640), (1280, 800)
Scheme = Literal["light", "dark"]
TARGET_PIXELS_MIN = 44
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SMALL_TARGETS = """least => [...document.querySelectorAll('a, button, select, summary, input, label.tick')]
    .filter(one => one.offsetParent !== null && !['checkbox', 'radio'].includes(one.type) && !one.matches('.skip'))
    .map(one => [one.textContent || one.id, one.getBoundingClientRect()])
    .filter(([, box]) => box.width < least || box.height < least)
    .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""
SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@dataclass
class Seen:
    """A browser with one page, and all that was complained of in it."""

    page: Page
    context: BrowserContext
    url: str
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    bytes: int = 0

    async def opens(self, path: str) -> None:
        await self.page.goto(self.url + path)

    async def says(self, words: str) -> None:
        """Wait until some words are to be seen."""
        await self.page.get_by_text(words).first.wait_for()

    async def presses(self, name: str, *, role: Literal["button", "link"] = "button") -> None:
        await self.page.get_by_role(role, name=name, exact=True).first.click()

    async def is_for_everybody(self, name: str) -> None:
        """Hold the page against the rules, in light and in dark, on a phone and on a desk, and keep its picture."""
        await self.page.evaluate(AXE.read_text())
        for width, height in (PHONE, DESK):
            await self.page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                await self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # two words
                told: dict[str, Any] = await self.page.evaluate(
                    "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations', 'incomplete']})", RULES
                )
                wrong = [
                    f"{one['id']}: {one['help']} {[node['html'] for node in one['nodes']]}"
                    for one in told["violations"]
                ]
                assert not wrong, f"{name} at {width}x{height}, {scheme}: {wrong}"
                assert told["passes"] is not None
                small = await self.page.evaluate(SMALL_TARGETS, TARGET_PIXELS_MIN)
                assert not small, f"{name} at {width}x{height}: too small to hit: {small}"
                assert not await self.page.evaluate(SIDEWAYS), f"{name} at {width}x{height} scrolls sideways"
                SCREENSHOTS.mkdir(exist_ok=True)
                path: Path = SCREENSHOTS / f"{name}-{width}x{height}-{scheme}.png"
                await self.page.screenshot(path=path, full_page=True)
        await self.page.emulate_media(color_scheme="light")
        await self.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})


@asynccontextmanager
async def looking(browser: Browser, url: str) -> AsyncIterator[Seen]:
    """Give a browser that has never been here, with the screen of a phone; ends with what it complained of."""
    context = await browser.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]}, locale="id-ID", timezone_id="America/New_York"
    )
    page = await context.new_page()
    seen = Seen(page, context, url)
    page.on("console", lambda said: seen.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda fault: seen.complaints.append(str(fault)))
    page.on("request", lambda asked: seen.hosts.add(asked.url.split("/")[2]))
    wire = await context.new_cdp_session(page)
    await wire.send("Network.enable")

    def weigh(event: dict[str, Any]) -> None:
        seen.bytes += int(event["encodedDataLength"])

    wire.on("Network.loadingFinished", weigh)
    try:
        yield seen
    finally:
        await context.close()
