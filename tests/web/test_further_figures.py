"""The further figures of the overview: each has its table beside its chart, says its age, and leads to its rows."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path

from playwright.async_api import Locator, expect

from shared.roles import Role
from tests.journey.people import Office, World
from tests.journey.test_closed_loop import day
from tests.processes import bearer
from tests.web.people import signs_in_at_office
from tests.web.seen import Seen

GARMENT, STAPLE, REGION = "garment", "RICE-5KG", "19.71"
GARMENTS = "Konveksi dan pakaian jadi"
CEILING, ABOVE = 60_000, 11_500


def table(seen: Seen, name: str | re.Pattern[str]) -> Locator:
    return seen.page.get_by_role("group", name=name).get_by_role("row")


def percent(permille: int) -> str:
    return f"{permille / 10:.1f} %".replace(".", ",")


async def a_price(province: Office) -> None:
    """Let a staple cost more than its ceiling in the city."""
    ceiling = {"item": STAPLE, "region": REGION, "price_rupiah": CEILING, "valid_from": day(0), "source": "Rekaan"}
    await province.asks("/aid/ceilings", ceiling)
    seen_at = datetime.now(UTC).isoformat()
    price = {"place": "CC-19.71-01", "item": STAPLE, "price_rupiah": CEILING + ABOVE, "observed_at": seen_at}
    await province.asks("/aid/prices", price)


async def test_the_decline_leads_to_the_businesses_behind_it_and_to_the_story_of_one(seen: Seen, world: World) -> None:
    province = world.office("19")
    waves = (await province.sees("/registration/surveys"))["items"]
    wave = next(one for one in waves if one["answered"] > 0)
    summary = await province.sees(f"/registration/surveys/{wave['id']}/summary", by="sector")
    cell = next(one for one in summary["items"] if one["sector"] == GARMENT)
    await seen.opens("/ringkasan")
    await signs_in_at_office(seen, province, lands_on="Ringkasan")
    row = table(seen, "Penurunan menurut sektor").filter(has_text=GARMENTS)
    await expect(row).to_contain_text(percent(cell["median"]))
    chart = seen.page.get_by_role("img", name=re.compile("^Penurunan menurut sektor"))
    await expect(chart).to_have_attribute("aria-label", re.compile(f"{GARMENTS} {percent(cell['median'])}"))
    await seen.says("Dari gelombang ke gelombang")
    await seen.page.get_by_label("Menurut", exact=True).select_option("region")
    await expect(table(seen, "Penurunan menurut wilayah").filter(has_text="Pangkalpinang")).to_have_count(1)
    await seen.says("Keadaan kiriman terbaru")
    await seen.is_for_everybody("ringkasan-lengkap")

    await seen.page.get_by_label("Menurut", exact=True).select_option("sector")
    await row.get_by_role("link").click()
    await expect(seen.page.get_by_role("heading", level=1)).to_have_text("Usaha menurut kebutuhannya")
    needs = (await province.sees("/registration/needs", sector=GARMENT))["items"]
    rows = table(seen, "Usaha menurut kebutuhannya")
    await expect(rows.nth(1)).to_contain_text(needs[0]["name"])
    await expect(rows.nth(1)).to_contain_text(str(needs[0]["score"]))
    await expect(seen.page.get_by_role("rowheader").filter(has_text="Lada")).to_have_count(0)  # no other sector
    await seen.is_for_everybody("rincian-kebutuhan")
    await seen.presses(needs[0]["name"], role="link")
    await expect(seen.page.get_by_role("heading", level=2)).to_have_text(needs[0]["name"])
    await seen.says(needs[0]["survey_title"])
    await seen.says(f"{GARMENTS}, ")
    await expect(table(seen, "Survei").nth(1)).to_contain_text(re.compile("berjalan|berhenti sementara|tutup"))
    await seen.is_for_everybody("rincian-cerita")


async def test_prices_seats_the_loop_and_messages_lead_to_their_rows(seen: Seen, world: World) -> None:
    province = world.office("19")
    await a_price(province)
    training = (await province.sees("/registration/trainings", limit=1))["items"][0]
    await seen.opens("/ringkasan")
    await signs_in_at_office(seen, province, lands_on="Ringkasan")

    # Which masks were ordered, made, paid and handed out, as the books have it.
    chain = table(seen, re.compile("^Dari survei sampai dampaknya"))
    handed_out = (await province.sees("/aid/equity", item="MASK-CLOTH", programme="free-masks"))["items"]
    total = f"{sum(one['quantity'] for one in handed_out):,}".replace(",", ".")
    await seen.page.get_by_label("Barang", exact=True).select_option("MASK-CLOTH")
    await expect(chain.filter(has_text="Dibagikan kepada masyarakat").get_by_role("cell").last).to_have_text(total)

    await seen.page.get_by_label("Bahan pokok", exact=True).select_option(STAPLE)
    pressed = table(seen, re.compile("^Tekanan harga")).filter(has_text="Pangkalpinang")
    await expect(pressed).to_contain_text("Rp60.000")
    await expect(pressed).to_contain_text("Rp71.500")
    await pressed.get_by_role("link").click()
    await expect(seen.page.get_by_role("heading", level=1)).to_have_text("Harga yang dicatat")
    price = table(seen, "Harga yang dicatat").filter(has_text="Rp71.500")
    await expect(price).to_contain_text("di atas batas")
    await seen.is_for_everybody("rincian-harga")
    await seen.page.go_back()

    await seen.presses(training["title"], role="link")
    await expect(seen.page.get_by_role("heading", level=1)).to_have_text("Pendaftar pelatihan")
    first = (await province.sees(f"/registration/trainings/{training['id']}/enrolments", limit=1))["items"][0]
    await expect(table(seen, "Pendaftar pelatihan").nth(1)).to_contain_text(first["business_name"])
    await seen.is_for_everybody("rincian-pendaftar")
    await seen.page.go_back()

    await (
        table(seen, "Keadaan kiriman terbaru")
        .get_by_role("link", name="Sampai")
        .or_(table(seen, "Keadaan kiriman terbaru").get_by_role("link", name="Diterima penyalur"))
        .first.click()
    )
    await expect(seen.page.get_by_role("heading", level=1)).to_have_text("Kiriman pesan")
    await expect(table(seen, "Kiriman pesan").nth(1)).to_contain_text("surel")
    await seen.presses("English")
    await seen.says("Deliveries of messages")
    await seen.is_for_everybody("rows-deliveries")


async def test_an_address_without_rows_says_where_to_go(seen: Seen, world: World) -> None:
    await seen.opens("/rincian")
    await signs_in_at_office(seen, world.office("19.06"), lands_on="Rincian")
    await seen.says("Kembali ke ringkasan dan pilih angka yang lain.")


async def test_an_auditor_is_led_to_no_rows_that_are_refused(seen: Seen, world: World, home: Path) -> None:
    auditor = Office(world, "19", "Pemeriksa", None, bearer(home, Role.AUDITOR, "pemeriksa", "19"))
    await seen.opens("/ringkasan")
    await signs_in_at_office(seen, auditor, lands_on="Ringkasan")
    await expect(table(seen, "Penurunan menurut sektor").filter(has_text=GARMENTS)).to_have_count(1)
    await expect(table(seen, "Penurunan menurut sektor").get_by_role("link")).to_have_count(0)
    chain = table(seen, re.compile("^Dari survei sampai dampaknya"))
    await expect(chain.filter(has_text="Terdampak")).to_have_count(1)
    await expect(chain.filter(has_text="Terdampak").get_by_role("link")).to_have_count(0)
    await expect(chain.filter(has_text="Dipesankan").get_by_role("link")).to_have_count(1)


async def test_the_session_of_the_day_counts_from_midnight_in_the_province(seen: Seen, world: World) -> None:
    training = (await world.office("19").sees("/registration/trainings", limit=1))["items"][0]
    held_on = date.fromisoformat(training["sessions"][0]["held_on"])
    await seen.page.clock.set_fixed_time(datetime.combine(held_on, time(0, 30), timezone(timedelta(hours=7))))
    await seen.opens("/ringkasan")
    await signs_in_at_office(seen, world.office("19"), lands_on="Ringkasan")
    latest = table(seen, "Tempat pelatihan dan kehadiran").nth(1)
    await expect(latest).to_contain_text(training["title"])
    await expect(latest.get_by_role("cell").last).to_have_text(f"0 dari {training['seats_taken']}")
