"""The officer in the field: forms without a signal, each posted once, whatever becomes of browser and network."""

import asyncio
import os
import re
import shutil
from collections import Counter
from itertools import cycle
from pathlib import Path

from playwright.async_api import BrowserContext, Page, Playwright, Route, expect

from tests.journey.people import MASKS, Office, World
from tests.waiting import wait_until
from tests.web.conftest import BROWSERS
from tests.web.people import signs_in_at_office
from tests.web.phone import Phone, fills, phone_of
from tests.web.seen import Seen

FORMS = int(os.environ.get("SERUMPUN_FIELD_FORMS", "10"))
"""How many forms are filled; 50 is what an island's office fills on a long day."""
KILLS = int(os.environ.get("SERUMPUN_FIELD_KILLS", "2"))
CUT_OF_HUNDRED = 30
DAYS_OFF = 2
SCRIPT_BYTES_MAX = 100_000
LATER_VISIT_BYTES_MAX = 20_000
REGION, WAREHOUSE = "19.06", "WH-19.06"


def distribution(quantity: int, document: str = "") -> dict[str, str]:
    return {
        "Program": "free-masks",
        "Tempat": WAREHOUSE,
        "Nama barang": MASKS,
        "Jumlah": str(quantity),
        "Untuk berapa orang": str(quantity),
        "Nomor surat": document,
    }


def receipt(quantity: int, document: str) -> dict[str, str]:
    return {
        "Asal barang": "donation",
        "Diterima di": WAREHOUSE,
        "Nama barang": MASKS,
        "Jumlah": str(quantity),
        "Nomor surat": document,
    }


async def posted(office: Office) -> Counter[str]:
    """Count the postings on the card of the warehouse by the number of their paper."""
    card = await office.sees(f"/aid/cards/{WAREHOUSE}/{MASKS}", limit=500)
    numbers = {one["posting_id"]: one["document"] for one in card["items"]}
    return Counter(numbers.values())


async def test_every_form_is_posted_once_in_spite_of_double_taps_kills_cuts_and_a_wrong_clock(
    playwright: Playwright, world: World, tmp_path: Path
) -> None:
    program = next(path for name in BROWSERS if (path := shutil.which(name)))
    office, server = world.office(REGION), world.address("/aid/").removesuffix("/aid/")
    before = await office.stock()
    async with phone_of(playwright, program, tmp_path / "phone", server, DAYS_OFF) as phone:
        url = phone.url
        context = await phone.starts()
        page = await context.new_page()
        await page.goto(f"{url}/lapangan")
        await signs_in_at_office(Seen(page, context, url), office, lands_on="Lapangan")
        await page.get_by_text("Daftar barang dan tempat per").wait_for()
        await page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        await phone.closes()

        # Without a signal, in two tabs, each button pressed twice; in between the battery is empty.
        documents = [f"FORM-{number:03}" for number in range(FORMS)]
        deaths = {(at + 1) * FORMS // (KILLS + 1) for at in range(KILLS)}
        context = await phone.starts(offline=True)
        tabs = await two_tabs(context, url)
        for number, document in enumerate(documents):
            if number in deaths:
                await phone.dies()
                context = await phone.starts(offline=True)
                tabs = await two_tabs(context, url)
            fields = receipt(10, document) if number % 2 else distribution(3, document)
            await fills(next(tabs), kind="Penerimaan barang" if number % 2 else "Pembagian", fields=fields, times=2)
        page = next(tabs)
        await expect(page.locator("[data-state=accepted]")).to_have_count(0)
        await expect(page.locator("[data-state=sent], [data-state=stored]")).to_have_count(FORMS)

        # There is a bad signal; nobody does anything but look.
        phone.signal.there, phone.signal.cut_of_hundred = True, CUT_OF_HUNDRED
        await context.set_offline(False)
        await until_accepted(phone, page)
        assert phone.signal.cuts > 0
        shown = await page.get_by_text("Nomor tanda terima").all_inner_texts()

    numbers = {text.removeprefix("Nomor tanda terima ") for text in shown}
    assert len(numbers) == FORMS
    counted = await posted(office)
    assert {document: counted[document] for document in documents} == dict.fromkeys(documents, 1)
    given = await office.sees("/aid/distributions", region=REGION, limit=200)
    receipts = {one["number"] for one in given["items"] if one["document"] in documents}
    assert len(receipts) == (FORMS + 1) // 2
    assert receipts <= numbers
    assert await office.stock() == before + 10 * (FORMS // 2) - 3 * ((FORMS + 1) // 2)


async def two_tabs(context: BrowserContext, url: str) -> "cycle[Page]":
    """Give two tabs of the field app by turns, both without a signal."""
    tabs = [await context.new_page() for _ in range(2)]
    for tab in tabs:
        await tab.goto(f"{url}/lapangan")  # the shell is on the telephone
        await tab.get_by_text("Tanpa sinyal: semua").wait_for()
        await tab.get_by_text("Daftar barang dan tempat per").wait_for()
    return cycle(tabs)


async def until_accepted(phone: Phone, page: Page) -> None:
    """Wait until every form is accepted; where an answer was cut, a page that is looked at again tries again."""

    async def all_accepted() -> bool:
        if await page.locator("[data-state=accepted]").count() == FORMS:
            return True
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        return False

    await wait_until(all_accepted, seconds=120, description=f"{FORMS} forms, after {phone.signal.cuts} cuts")


async def test_all_mistakes_are_told_beside_their_fields_and_what_the_office_refuses_is_corrected(
    seen: Seen, world: World
) -> None:
    office = world.office(REGION)
    await office.hands_out(5, public=5)  # what is usual is known
    await seen.opens("/lapangan")
    await signs_in_at_office(seen, office, lands_on="Lapangan")
    await seen.says("Belum ada formulir")
    await seen.is_for_everybody("lapangan-kosong")
    await seen.presses("Pembagian")
    await seen.presses("Simpan dan kirim")
    await seen.says("Ada 5 yang perlu diperbaiki")
    for label in ("Program", "Tempat", "Nama barang", "Jumlah", "Untuk berapa orang"):
        field = seen.page.get_by_label(label)
        await expect(field).to_have_attribute("aria-invalid", "true")
        await expect(seen.page.locator(f"#{await field.get_attribute('aria-describedby')}")).to_be_visible()
    await seen.is_for_everybody("formulir-salah")

    # A number is said in words; far more than usual is asked about, and far more than there is is refused.
    much = await office.stock() + 1_000
    for label, value in distribution(much, "SALAH-1").items():
        one = seen.page.get_by_label(label)
        await (one.select_option(value) if label in ("Program", "Tempat", "Nama barang") else one.fill(value))
    await seen.presses("Simpan dan kirim")
    await seen.says("Jumlahnya tidak seperti biasa")
    await seen.is_for_everybody("formulir-tanya")
    await seen.presses("Ya, jumlahnya benar")
    await seen.says("Ditolak, perlu diperbaiki")
    await seen.says("Stok di tempat ini tidak cukup")
    await seen.presses("Perbaiki")
    for label in ("Jumlah", "Untuk berapa orang"):
        await seen.page.get_by_label(label).fill("2")
    await seen.says("2 buah (dua)")
    await seen.presses("Simpan dan kirim")
    await seen.says("Nomor tanda terima")
    await seen.is_for_everybody("lapangan")
    assert (await posted(office))["SALAH-1"] == 1


async def test_a_draft_is_kept_from_the_first_letter_and_open_in_one_tab_alone(seen: Seen, world: World) -> None:
    await seen.opens("/lapangan")
    await signs_in_at_office(seen, world.office(REGION), lands_on="Lapangan")
    await seen.presses("Hitung stok")
    await seen.page.get_by_label("Hasil hitung").fill("12")
    other = await seen.context.new_page()
    await other.goto(f"{seen.url}/lapangan")
    await other.get_by_role("button", name="Lanjutkan").click()
    await expect(other.get_by_text("sedang terbuka di tab lain")).to_be_visible()
    await seen.presses("Kembali ke daftar")
    await other.reload()
    await other.get_by_role("button", name="Lanjutkan").click()
    await expect(other.get_by_label("Hasil hitung")).to_have_value("12")


OLDER = """async form => {
    const open = indexedDB.open('serumpun-field', 1);
    open.onupgradeneeded = () => {
        open.result.createObjectStore('forms', {keyPath: 'id'});
        open.result.createObjectStore('lists', {keyPath: 'by'});
        open.result.createObjectStore('session', {keyPath: 'id'});
    };
    await new Promise(found => open.onsuccess = found);
    const kept = open.result.transaction('forms', 'readwrite');
    kept.objectStore('forms').add(form);
    await new Promise(found => kept.oncomplete = found);
    open.result.close();
}"""
"""How the first app kept a form."""


async def test_a_draft_of_an_older_app_goes_on_in_the_newer_one(seen: Seen, world: World) -> None:
    form = {
        "id": "019a0000-0000-7000-8000-000000000001",
        "by": f"officer-{REGION}",
        "kind": "count",
        "state": "draft",
        **dict.fromkeys(("programme", "source", "document", "people", "number"), ""),
        "place": WAREHOUSE,
        "occurred": "2026-01-01T10:00",
        "lines": [{"item": MASKS, "quantity": "77"}],
        "mistakes": [],
        "changedAt": 1,
        "tries": 0,
    }
    await seen.opens("/lapangan")
    await seen.page.evaluate(OLDER, form)
    await signs_in_at_office(seen, world.office(REGION), lands_on="Lapangan")
    await seen.presses("Lanjutkan")
    await expect(seen.page.get_by_label("Hasil hitung")).to_have_value("77")


async def test_a_draft_whose_time_was_taken_out_stays_in_the_list_and_going_back_leads_to_it(
    seen: Seen, world: World
) -> None:
    await seen.opens("/lapangan")
    await signs_in_at_office(seen, world.office(REGION), lands_on="Lapangan")
    await seen.presses("Hitung stok")
    await seen.page.get_by_label("Waktu kejadian").fill("")
    await seen.page.go_back()
    heading = seen.page.get_by_role("heading", level=1)
    await expect(heading).to_have_text("Lapangan")
    await seen.page.reload()
    await seen.presses("Lanjutkan")
    await expect(heading).to_have_text("Hitung stok")
    await seen.presses("Simpan dan kirim")
    await expect(seen.page.get_by_label("Waktu kejadian")).to_have_attribute("aria-invalid", "true")

    # Thrown away by the keyboard: the focus goes into the question, back to what has asked it, and on to the heading.
    await seen.presses("Kembali ke daftar")
    throw = seen.page.get_by_role("button", name="Buang", exact=True)
    await throw.press("Enter")
    await expect(seen.page.get_by_role("button", name="Ya, buang")).to_be_focused()
    await seen.page.get_by_role("button", name="Kembali ke daftar").press("Enter")
    await expect(throw).to_be_focused()
    await throw.press("Enter")
    await seen.page.keyboard.press("Enter")
    await seen.says("Belum ada formulir")
    await expect(heading).to_be_focused()


MANY = """async ({form, count}) => {
    const open = indexedDB.open('serumpun-field');
    await new Promise(found => open.onsuccess = found);
    const kept = open.result.transaction('forms', 'readwrite');
    for (let at = 0; at < count; at++) {
        const number = String(at).padStart(12, '0');
        kept.objectStore('forms').add({...form, id: `${form.id}${number}`, changedAt: Date.now() - at * 1000});
    }
    await new Promise(found => kept.oncomplete = found);
    open.result.close();
}"""
"""What a telephone has after a month of much work; the last one is the oldest."""
FORMS_MAX = 500


def kept_form(state: str, family: int) -> dict[str, object]:
    """Give a form as the telephone keeps it, but for the last twelve digits of its id."""
    return {
        "id": f"019a0000-0000-7000-800{family}-",
        "by": f"officer-{REGION}",
        "kind": "count",
        "state": state,
        **dict.fromkeys(("about", "programme", "source", "document", "people", "number", "photo"), ""),
        "place": WAREHOUSE,
        "occurred": "2026-01-01T10:00",
        **{name: [] for name in ("lines", "mistakes", "scans", "outcomes")},
        "told": {},
        "position": None,
        "tries": 1,
    }


async def test_what_was_accepted_makes_room_for_new_forms_and_what_waits_does_not(seen: Seen, world: World) -> None:
    await seen.opens("/lapangan")
    await signs_in_at_office(seen, world.office(REGION), lands_on="Lapangan")
    await seen.says("Daftar barang dan tempat per")
    await seen.page.evaluate(MANY, {"form": kept_form("accepted", 0), "count": FORMS_MAX})
    await seen.presses("Hitung stok")
    await expect(seen.page.get_by_role("heading", level=1)).to_have_text("Hitung stok")
    await seen.presses("Kembali ke daftar")
    await expect(seen.page.locator("[data-state=draft]")).to_have_count(1)
    await expect(seen.page.locator("[data-state=accepted]")).to_have_count(FORMS_MAX - 1)
    await expect(seen.page.locator(f"[id$='{FORMS_MAX - 1:012}']")).to_have_count(0)

    await seen.page.evaluate(MANY, {"form": kept_form("refused", 1), "count": FORMS_MAX - 1})
    await seen.presses("Hitung stok")
    await seen.says("Terlalu banyak formulir menunggu")


KEPT_LISTS = """async () => {
    const open = indexedDB.open('serumpun-field');
    await new Promise(found => open.onsuccess = found);
    const names = [...open.result.objectStoreNames];
    open.result.close();
    return names;
}"""


async def test_signing_out_in_one_tab_is_heard_in_the_others_and_brings_nothing_back(seen: Seen, world: World) -> None:
    await seen.opens("/lapangan")
    await signs_in_at_office(seen, world.office(REGION), lands_on="Lapangan")
    await seen.says("Daftar barang dan tempat per")
    other = await seen.context.new_page()
    asked, goes_on = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        asked.set()
        await goes_on.wait()
        await route.fulfill(response=answer)

    await other.route("**/aid/coupon-key", late)
    await other.goto(f"{seen.url}/lapangan")
    await asked.wait()
    await seen.presses("Keluar")
    await seen.says("Anda sudah keluar")
    await expect(other.get_by_label("Token")).to_be_visible()
    async with other.expect_response("**/aid/coupon-key"):
        goes_on.set()
    assert await other.evaluate(KEPT_LISTS) == []


async def test_signing_out_asks_about_what_is_not_sent_and_wipes_the_telephone_without_a_signal(
    seen: Seen, world: World
) -> None:
    await seen.opens("/lapangan")
    await signs_in_at_office(seen, world.office(REGION), lands_on="Lapangan")
    await seen.presses("Pembagian")
    await seen.page.get_by_label("Jumlah").fill("7")
    await seen.context.set_offline(True)
    await seen.presses("Keluar")
    await seen.says("1 formulir belum diterima kantor")
    await seen.presses("Tetap masuk")
    await seen.presses("Keluar")
    await seen.presses("Ya, keluar dan hapus")
    await seen.says("Begitu ada sinyal")
    assert await seen.page.evaluate("indexedDB.databases().then(all => all.map(one => one.name))") == []
    assert await seen.page.evaluate("Object.keys(localStorage)") == ["serumpun.to-be-ended"]
    assert await seen.page.evaluate("Object.keys(sessionStorage)") == []
    await seen.context.set_offline(False)


async def test_the_field_app_is_small_is_kept_and_can_be_installed(seen: Seen, world: World, built: Path) -> None:
    scripts = [path for path in built.rglob("*.js.br") if not re.search("overview|stock-card|distributions", path.name)]
    assert 0 < sum(path.stat().st_size for path in scripts) <= SCRIPT_BYTES_MAX
    await seen.opens("/lapangan")
    await signs_in_at_office(seen, world.office(REGION), lands_on="Lapangan")
    await seen.page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    seen.bytes = 0
    await seen.opens("/lapangan")
    await seen.says("Daftar barang dan tempat per")
    await seen.page.wait_for_load_state("networkidle")
    assert seen.bytes <= LATER_VISIT_BYTES_MAX
    wire = await seen.context.new_cdp_session(seen.page)
    told = await wire.send("Page.getInstallabilityErrors")
    assert [one["errorId"] for one in told["installabilityErrors"] if one["errorId"] != "in-incognito"] == []
