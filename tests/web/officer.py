"""An officer in the field: signed in, with the lists on the telephone, and with a signal that comes and goes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import Browser, Page, expect

from tests.journey.people import Office, World
from tests.waiting import wait_until
from tests.web.people import signs_in_at_office
from tests.web.phone import Signal, signal_to
from tests.web.seen import Seen, looking

KEPT = """async () => {
    const open = indexedDB.open('serumpun-field');
    const store = await new Promise(found => open.onsuccess = () => found(open.result));
    const rows = name => new Promise(found => {
        const asked = store.transaction(name).objectStore(name).getAll();
        asked.onsuccess = () => found(asked.result);
    });
    const all = [];
    for (const name of store.objectStoreNames) all.push(await rows(name));
    store.close();
    return JSON.stringify([all, {...localStorage}, {...sessionStorage}]);
}"""


@dataclass
class Officer:
    """Somebody who fills forms in a browser of their own."""

    office: Office
    seen: Seen
    signal: Signal

    @property
    def page(self) -> Page:
        return self.seen.page

    async def opens(self) -> None:
        """Open the field app with a signal, so that everything is on the telephone."""
        await self.seen.opens("/lapangan")
        await signs_in_at_office(self.seen, self.office, lands_on="Lapangan")
        await self.seen.says("Daftar barang dan tempat per")
        await self.page.evaluate("navigator.serviceWorker.ready.then(() => 1)")

    async def loses_the_signal(self) -> None:
        self.signal.goes_away()
        await self.seen.context.set_offline(True)

    async def finds_a_signal(self) -> None:
        """Find a signal so bad that the answer to the first order is lost on its way."""
        self.signal.there, self.signal.cut_next = True, 1
        await self.seen.context.set_offline(False)

    async def begins(self, kind: str) -> None:
        await self.seen.presses(kind)
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(kind)

    async def scans(self, code: str) -> None:
        """Scan as a scanner does that types like a keyboard."""
        field = self.page.locator("#field-code")
        await field.fill(code)
        await field.press("Enter")

    async def keeps(self) -> str:
        """Give all that the telephone keeps, as letters."""
        kept: str = await self.page.evaluate(KEPT)
        return kept

    async def has(self, state: str, count: int) -> None:
        await expect(self.page.locator(f"[data-state={state}]")).to_have_count(count)

    async def waits_until_accepted(self, count: int) -> None:
        """Look at the page until so many forms are accepted; whoever looks again tries again."""

        async def accepted() -> bool:
            if await self.page.locator("[data-state=accepted]").count() == count:
                return True
            await self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            return False

        await wait_until(accepted, description=f"{count} accepted forms")
        assert self.signal.cut_next == 0, "no answer was lost"


@asynccontextmanager
async def officer_of(browser: Browser, world: World, region: str) -> AsyncIterator[Officer]:
    """Give an officer of a regency with a telephone that nothing is on yet."""
    async with signal_to(world.address("/aid/").removesuffix("/aid/")) as signal, looking(browser, signal.url) as seen:
        yield Officer(world.office(region), seen, signal)
