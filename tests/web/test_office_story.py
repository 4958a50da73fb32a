"""The province at a desk: signs in by a token, sees stock and fairness live, and follows a figure to its rows."""

import re

from playwright.async_api import expect

from tests.journey.people import MASKS, World
from tests.web.people import signs_in_at_office
from tests.web.seen import Seen

WAREHOUSE, REGION = "Gudang Kabupaten Belitung (Tanjungpandan)", "19.02"


def in_indonesian(number: int) -> str:
    return f"{number:,}".replace(",", ".")


async def test_the_province_sees_a_hand_out_as_it_happens_and_follows_it_to_its_receipt(
    seen: Seen, world: World
) -> None:
    province, office = world.office("19"), world.office(REGION)
    await seen.opens("/ringkasan")
    await seen.says("Tempel token yang Anda terima")
    await seen.is_for_everybody("masuk-kantor")
    await seen.presses("Masuk")
    await seen.says("Tempel token Anda.")
    await seen.page.get_by_label("Token").fill("bukan-token")
    await seen.presses("Masuk")
    await seen.says("Token tidak berlaku untuk kantor")
    await signs_in_at_office(seen, province, lands_on="Ringkasan")
    assert province.token not in await seen.page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")

    # What lies there, as the books have it; a hand-out appears by itself, and the age of the figures is said.
    await seen.page.get_by_label("Barang").select_option(MASKS)
    row = seen.page.get_by_role("row").filter(has=seen.page.get_by_role("rowheader", name=WAREHOUSE))
    before = await office.stock()
    await expect(row.get_by_role("link").first).to_have_text(in_indonesian(before))
    await expect(seen.page.get_by_text("Langsung: angka berubah sendiri")).to_be_visible()
    handed_out = await office.hands_out(25, public=25)
    await expect(row.get_by_role("link").first).to_have_text(in_indonesian(before - 25))
    await expect(seen.page.locator(".standing")).to_have_text(re.compile("Data per .* WIB"))
    await seen.is_for_everybody("ringkasan")

    # The figure leads to its card, a balance on it to the postings that make it.
    await row.get_by_role("link").first.click()
    await expect(seen.page.get_by_role("heading", level=1)).to_have_text("Kartu stok")
    entry = seen.page.get_by_role("row").filter(has=seen.page.get_by_role("rowheader", name=handed_out.receipt))
    await expect(entry).to_contain_text("Pembagian")
    await expect(entry.locator("strong")).to_have_text(in_indonesian(before - 25))
    await entry.get_by_role("button", name="Jelaskan").click()
    why = seen.page.get_by_role("status").filter(has_text="Mengapa")
    await expect(why.get_by_role("row").nth(1)).to_contain_text(handed_out.receipt)
    await expect(why.get_by_role("row").nth(1)).to_contain_text("-25")
    await seen.is_for_everybody("kartu-stok")
    await seen.presses("Tutup penjelasan")
    await expect(entry.get_by_role("button", name="Jelaskan")).to_be_focused()

    # So does the figure of the equity board, in English too.
    await seen.page.go_back()
    await seen.presses("English")
    board = seen.page.get_by_role("group", name="Fairness per 1,000 residents").get_by_role("row")
    await board.filter(has_text="Belitung").filter(has_not_text="Timur").get_by_role("link").click()
    await seen.says(f"Distributions in {REGION}")
    await seen.says(handed_out.receipt)
    await seen.is_for_everybody("pembagian")


async def test_an_owner_is_no_office_and_an_office_without_cards_is_told_what_to_do(seen: Seen, world: World) -> None:
    await seen.opens("/masuk-kantor")
    await seen.page.get_by_label("Token").fill(world.owner("Hartini Suryadi").token)
    await seen.presses("Masuk")
    await seen.says("Token tidak berlaku untuk kantor")
    seen.complaints.clear()  # that it was refused
    await signs_in_at_office(seen, world.office("19.06"), lands_on="Lapangan")
    await seen.opens("/kartu")
    await seen.says("Pilih kartu dari ringkasan")
    await seen.is_for_everybody("kartu-kosong")
    await seen.presses("Buka ringkasan", role="link")
    rows = seen.page.get_by_role("group", name=re.compile("^Stok .* per gudang")).get_by_role("rowheader")
    await expect(rows).to_have_count(1)  # another region's does not exist for it
