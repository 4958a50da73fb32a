"""Whoever comes by a handwashing station without water: says so with one button, without signing in."""

import httpx
from playwright.async_api import expect

from tests.journey.people import World
from tests.web.seen import Seen

REGION = "19.71"
REPORTS_PER_HOUR_MAX = 12


async def code_at(world: World, place: int) -> str:
    """Give the code that hangs at one of the stations of the city."""
    office = world.office(REGION)
    stations = sorted((await office.sees("/aid/stations"))["items"], key=lambda one: str(one["code"]))
    return str((await office.sees(f"/aid/stations/{stations[place]['id']}/code"))["code"])


async def test_a_station_without_water_is_reported_with_one_button_whatever_becomes_of_the_signal(
    seen: Seen, world: World
) -> None:
    path = f"/aid/station-reports/{await code_at(world, 0)}"
    await seen.opens(path)
    assert await seen.context.cookies() == []
    report = seen.page.get_by_role("button")
    await expect(report.filter(visible=True)).to_have_count(1)
    await seen.is_for_everybody("lapor-kering")
    await seen.page.get_by_text("Ada masalah lain?").click()
    await expect(report.filter(visible=True)).to_have_count(4)
    await seen.is_for_everybody("lapor-masalah-lain")

    await seen.context.set_offline(True)
    await report.first.click()
    await seen.says("Tidak ada sambungan.")
    await seen.says("No connection.")
    await seen.context.set_offline(False)
    # The keyboard does it too; what was taken is not sent again, however often one presses.
    sent: list[str] = []
    seen.page.on("request", lambda asked: sent.append(asked.url) if asked.method == "POST" else None)
    await report.first.focus()
    await seen.page.keyboard.press("Enter")
    await seen.says("Terima kasih. Petugas diberi tahu")
    await seen.says("Thank you. The keepers are told")
    await seen.is_for_everybody("lapor-diterima")
    await seen.page.keyboard.press("Enter")
    await report.last.click(force=True)
    await seen.opens(path)
    assert len(sent) == 1

    await report.first.click()
    await seen.says("sudah dilaporkan beberapa menit yang lalu")
    await seen.says("reported a few minutes ago")


async def test_who_reports_what_many_have_reported_is_told_so_and_when_the_next_one_counts(
    seen: Seen, world: World
) -> None:
    path = f"/aid/station-reports/{await code_at(world, 1)}"
    async with httpx.AsyncClient() as others:
        for _ in range(REPORTS_PER_HOUR_MAX):
            await others.post(world.address(path), json={"problem": "other"})
    await seen.opens(path)
    await seen.page.get_by_role("button").first.click()
    await seen.says("Sudah banyak laporan, petugas sudah tahu.")
    await seen.says("The next one is taken in 60 minutes.")
    await seen.is_for_everybody("lapor-penuh")
    assert [said for said in seen.complaints if "429" not in said] == []
    seen.complaints.clear()  # the answer that there were many


async def test_a_code_is_typed_where_no_camera_reads_it(seen: Seen, world: World) -> None:
    code = await code_at(world, 0)
    await seen.opens("/periksa")
    await seen.presses("Lapor tempat cuci tangan", role="link")
    await seen.says("Pindai kode QR di tempat cuci tangan")
    await seen.is_for_everybody("lapor")
    await seen.page.get_by_label("Kode tempat cuci tangan").fill("ABC")
    await seen.presses("Lanjut")
    await seen.says("Kode terdiri dari 26 huruf dan angka.")
    await expect(seen.page.get_by_label("Kode tempat cuci tangan")).to_have_attribute("aria-invalid", "true")
    await seen.is_for_everybody("lapor-salah")
    await seen.presses("English")
    await seen.says("The code has 26 letters and digits.")
    as_typed = "-".join(code[at : at + 4] for at in range(0, len(code), 4)).lower()
    await seen.page.get_by_label("Code of the station").fill(as_typed)
    await seen.page.keyboard.press("Enter")
    await seen.page.wait_for_url(f"**/aid/station-reports/{code}")
    await expect(seen.page.get_by_role("button").first).to_contain_text("Laporkan: airnya habis")


async def test_a_code_that_hangs_at_no_station_says_what_to_do(seen: Seen) -> None:
    await seen.opens(f"/aid/station-reports/{'A' * 26}")
    await seen.says("Kode tidak dikenal")
    await seen.is_for_everybody("lapor-tidak-dikenal")
    assert [said for said in seen.complaints if "404" not in said] == []
    seen.complaints.clear()  # the answer that there is no such station
