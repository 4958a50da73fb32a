"""One message to many: written, seen beforehand, approved by a second person, halted, and its results taken home."""

import re
from datetime import UTC, datetime, timedelta

from playwright.async_api import Route, expect

from tests.journey.people import Office, World
from tests.waiting import wait_until
from tests.web.many import registers_many
from tests.web.people import signs_in_at_office
from tests.web.seen import Seen

REGION = "19.03"
MANY = 501
MINUTE = "%Y-%m-%dT%H:%M"


def in_wib(**ahead: int) -> str:
    """Give a minute some time from now, as the field takes it."""
    return (datetime.now(UTC) + timedelta(hours=7, **ahead)).strftime(MINUTE)


async def writes(seen: Seen, title: str, *, sectors: str, starts: str = "") -> None:
    """Fill a broadcast in and keep it."""
    page = seen.page
    await page.get_by_label("Judul (bahasa Indonesia)").fill(title)
    await page.get_by_label("Isi (bahasa Indonesia)").fill("{owner}, gudang bahan dibuka sampai {until}.")
    await page.get_by_label("Judul (bahasa Inggris)").fill("Materials")
    await page.get_by_label("Isi (bahasa Inggris)").fill("{owner}, materials can be had until {until}.")
    await page.get_by_label("Hanya sektor").fill(sectors)
    await page.get_by_label("Mulai dikirim (boleh kosong)").fill(starts)
    await page.get_by_label("Tidak berguna lagi sesudah").fill(in_wib(days=3))
    await seen.presses("Simpan dan lihat dulu")


async def test_a_message_to_many_goes_by_two_people_and_can_be_halted(seen: Seen, world: World) -> None:
    writer, province = world.office(REGION), world.office("19")
    await registers_many(world, writer, MANY, "mebel")
    await seen.opens("/ringkasan")
    await signs_in_at_office(seen, writer, lands_on="Ringkasan")
    await seen.presses("Siaran", role="link")
    await seen.says("Belum ada siaran di sini")
    await seen.is_for_everybody("siaran-kosong")
    await seen.presses("Tulis siaran baru", role="link")

    # What is wrong is said at its field, all at once; nothing was kept.
    await seen.page.get_by_label("Isi (bahasa Indonesia)").fill("{siapa}, gudang dibuka.")
    await seen.presses("Simpan dan lihat dulu")
    await seen.says("Ada isian yang belum benar")
    await expect(seen.page.locator("#title_id-wrong")).to_have_text("wajib diisi")
    await expect(seen.page.get_by_label("Judul (bahasa Indonesia)")).to_have_attribute("aria-invalid", "true")
    await seen.is_for_everybody("siaran-tulis")
    assert (await writer.sees("/notifications/broadcasts"))["items"] == []

    # Seen beforehand: how many, how they are reached, and how it reads to three of them, masked.
    await writes(seen, "Bahan mebel tersedia", sectors="mebel", starts=in_wib(days=1))
    await all_known(seen, writer, MANY)
    await seen.says("orang kedua harus menyetujuinya")
    examples = seen.page.get_by_role("article").filter(has_text="gudang bahan dibuka sampai")
    await expect(examples).to_have_count(4)  # the text itself, and three readers
    assert not re.search(r"0834\d{8}|\+62834\d{8}", await seen.page.locator("main").inner_text())
    await seen.is_for_everybody("siaran-lihat-dulu")
    await seen.presses("Ajukan")
    await seen.presses("Ya, ajukan")
    await seen.says("orang lain yang harus menyetujui")
    await expect(seen.page.get_by_role("button", name="Setujui dan kirim")).to_have_count(0)
    path = seen.page.url.removeprefix(seen.url)

    # The province is the second person; it lets it go, halts it, lets it go on, and ends it.
    await seen.presses("Keluar")
    await seen.says("Anda sudah keluar")
    await seen.opens(path)
    await signs_in_at_office(seen, province, lands_on="Bahan mebel tersedia")
    await seen.says(f"{MANY} penerima")
    await decides(seen)
    steps = seen.page.get_by_role("group", name="Langkah demi langkah").get_by_role("row")
    await expect(steps.filter(has_text="Dibatalkan")).to_contain_text("Bahan habis.")
    await seen.is_for_everybody("siaran-dibatalkan")
    broadcast = path.partition("siaran=")[2]
    kept = (await province.sees(f"/notifications/broadcasts/{broadcast}"))["broadcast"]
    assert (kept["state"], kept["told"], kept["recipients"]) == ("cancelled", 0, MANY)
    assert kept["approved_by"] != kept["submitted_by"]


async def decides(seen: Seen) -> None:
    """Approve as the second person, then pause, resume and cancel."""
    await seen.presses("Setujui dan kirim")
    await seen.presses("Ya, setujui dan kirim")
    await seen.says("Disetujui; pengiriman dimulai.")
    await seen.presses("Jeda")
    await seen.presses("Ya, jeda")
    await seen.says("Siaran dijeda.")
    await seen.presses("Lanjutkan")
    await seen.presses("Ya, lanjutkan")
    await seen.says("Siaran dilanjutkan.")
    await seen.presses("Batalkan siaran")
    await seen.page.get_by_label("Alasan (dicatat)").fill("Bahan habis.")
    await seen.presses("Ya, batalkan siaran")
    await seen.says("Siaran dibatalkan.")


async def all_known(seen: Seen, office: Office, count: int) -> None:
    """Wait until as many are counted beforehand: those who were registered a moment ago get about by events."""
    await seen.says("Bila dikirim sekarang")
    path = f"/notifications/broadcasts/{seen.page.url.partition('siaran=')[2]}/preview"

    async def counted() -> bool:
        return bool((await office.sees(path))["recipients"] == count)

    await wait_until(counted, description=f"{count} recipients to be known")
    await seen.presses("Muat ulang")
    await seen.says(f"{count} penerima")


async def test_a_second_pause_is_carried_out_though_the_answer_to_the_first_was_lost(seen: Seen, world: World) -> None:
    office, page = world.office("19.05"), seen.page
    await seen.opens("/siaran?siaran=baru")
    await signs_in_at_office(seen, office, lands_on="Tulis siaran baru")
    await writes(seen, "Bahan pewarna tersedia", sectors="weaving", starts=in_wib(days=1))
    await seen.presses("Ajukan")
    await seen.presses("Ya, ajukan")
    await seen.says("Sudah diajukan.")
    path = f"/notifications/broadcasts/{page.url.partition('siaran=')[2]}"

    # The focus goes into the question, back to what opened it, and to the heading where that is gone.
    await page.get_by_role("button", name="Jeda", exact=True).click()
    await page.get_by_role("button", name="Tidak jadi").press("Enter")
    await expect(page.get_by_role("button", name="Jeda", exact=True)).to_be_focused()
    await page.route("**/pause", carried_out_and_lost)
    await page.get_by_role("button", name="Jeda", exact=True).press("Enter")
    await expect(page.get_by_role("button", name="Ya, jeda")).to_be_focused()
    await page.keyboard.press("Enter")
    await seen.says("Tidak ada sambungan")
    await seen.presses("Lanjutkan")  # the page follows the broadcast by itself, and has seen that it is paused
    await page.get_by_role("button", name="Ya, lanjutkan").press("Enter")
    await seen.says("Siaran dilanjutkan.")
    await expect(page.get_by_role("button", name="Lanjutkan", exact=True)).to_have_count(0)
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await page.unroute("**/pause")
    await seen.presses("Jeda")
    await seen.presses("Ya, jeda")
    await seen.says("Siaran dijeda.")
    assert (await office.sees(path))["broadcast"]["state"] == "paused"
    await seen.presses("English")
    await seen.says("The broadcast is paused.")  # what was said before follows the language


async def carried_out_and_lost(route: Route) -> None:
    """Let an order reach the service, and its answer nobody."""
    await route.fetch()
    await route.abort("internetdisconnected")


async def test_a_message_to_few_goes_at_once_and_its_results_can_be_taken_home(seen: Seen, world: World) -> None:
    office = world.office("19.05")
    await seen.opens("/siaran?siaran=baru")
    await signs_in_at_office(seen, office, lands_on="Tulis siaran baru")
    await writes(seen, "Bahan tenun tersedia", sectors="weaving")
    await seen.says("Boleh langsung dikirim tanpa orang kedua.")
    await seen.presses("Ajukan")
    await seen.presses("Ya, ajukan")
    await seen.says("Sudah diajukan.")
    done = seen.page.get_by_role("article").filter(has_text="Selesai")
    await expect(done).to_have_count(1)  # the page follows it by itself
    async with seen.page.expect_download() as told:
        await seen.presses("Unduh hasil per orang (XLSX)", role="link")
    assert (await (await told.value).path()).read_bytes().startswith(b"PK")
    await seen.presses("English")
    await seen.says("How far it has come")
    await seen.is_for_everybody("broadcast-done")
