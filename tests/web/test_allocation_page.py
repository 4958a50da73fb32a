"""Scarce goods shared among regions at a desk: explained, changed with a reason, and confirmed once."""

from playwright.async_api import Locator, expect

from tests.journey.people import MASKS, World
from tests.web.people import signs_in_at_office
from tests.web.seen import Seen

BELITUNG, ISLAND_EAST = "19.02", "19.06"


async def test_a_plan_is_made_explained_changed_by_hand_and_confirmed(seen: Seen, world: World) -> None:
    province = world.office("19")
    await seen.opens("/ringkasan")
    await signs_in_at_office(seen, province, lands_on="Ringkasan")
    await seen.presses("Rencana alokasi", role="link")
    await seen.says("Belum ada rencana di sini")
    await seen.is_for_everybody("alokasi-kosong")
    await seen.presses("Buat rencana", role="link")
    form = seen.page.locator("form")
    await form.get_by_label("Barang").select_option(MASKS)

    # Two regions need ten thousand each and 300 are shared: without a need it cannot be worked out, and it says where.
    await form.get_by_label("Jumlah yang dibagi").fill("3o0")
    await expect(form.get_by_label("Jumlah yang dibagi")).to_have_value("30")  # a letter is no figure
    await form.get_by_label("Jumlah yang dibagi").fill("300")
    for region in await form.get_by_role("checkbox").all():
        await region.set_checked(False)
    await seen.presses("Hitung pembagian")
    await seen.says("Pilih sedikitnya satu wilayah.")
    await form.get_by_role("checkbox", name="Belitung:").check()
    await form.get_by_role("checkbox", name="Belitung Timur:").check()
    await seen.presses("Hitung pembagian")
    await expect(seen.page.locator(f"[id='need-{BELITUNG}-wrong']")).to_have_text("wajib diisi")
    await seen.is_for_everybody("alokasi-buat")
    for region in (BELITUNG, ISLAND_EAST):
        await seen.page.locator(f"[id='need-{region}']").fill("10000")
    await seen.presses("Hitung pembagian")

    await expect(seen.page.get_by_role("heading", level=1)).to_have_text("MASK-CLOTH dari WH-PROV")
    plan = (await province.sees("/aid/allocation-plans"))["items"][0]["id"]
    lines = {one["region"]: one for one in (await province.sees(f"/aid/allocation-plans/{plan}"))["lines"]}
    assert sum(one["quantity"] for one in lines.values()) == 300
    shares = seen.page.get_by_role("group", name="Pembagian per wilayah").get_by_role("row")
    row = shares.filter(has=seen.page.get_by_role("rowheader", name="Belitung", exact=True))
    await expect(row.locator("strong")).to_have_text(str(lines[BELITUNG]["quantity"]))
    await expect(row).to_contain_text(lines[BELITUNG]["explanation"]["id"])
    await seen.is_for_everybody("alokasi-rencana")

    await changes_a_line(seen, row)

    # Confirmed in English; what lies in the warehouse falls by what the plan gives, once.
    before = await province.stock()
    await seen.presses("English")
    await seen.presses("Confirm and send")
    await seen.presses("Yes, confirm and send")
    await seen.says("Confirmed; the transfers are made.")
    assert before - await province.stock() == 20 + lines[ISLAND_EAST]["quantity"]
    await expect(seen.page.get_by_role("button", name="Confirm and send")).to_have_count(0)
    await seen.says("transfer made")
    await seen.is_for_everybody("allocation-confirmed")


async def changes_a_line(seen: Seen, row: Locator) -> None:
    """Give Belitung less by hand: more than there is is refused, and the reason stands beside the figure."""
    await seen.presses("Ubah Belitung")
    await seen.page.get_by_label("Jumlah baru").fill("290")
    await seen.page.get_by_label("Alasan (dicatat)").fill("Pelabuhan ditutup.")
    await seen.presses("Ya, ubah Belitung")
    await seen.says("lebih banyak dari yang tersedia")
    await seen.page.get_by_label("Jumlah baru").fill("")
    await seen.presses("Ya, ubah Belitung")
    await seen.says("wajib diisi")
    await seen.page.get_by_label("Jumlah baru").fill("20")
    await seen.presses("Ya, ubah Belitung")
    await seen.says("Jumlah diubah.")
    await expect(row.locator("strong").first).to_have_text("20")
    await expect(row).to_contain_text("Pelabuhan ditutup.")


async def test_an_office_of_a_regency_reads_plans_and_makes_none(seen: Seen, world: World) -> None:
    await seen.opens("/alokasi")
    await signs_in_at_office(seen, world.office(ISLAND_EAST), lands_on="Rencana alokasi")
    await expect(seen.page.get_by_role("link", name="Buat rencana")).to_have_count(0)
    await expect(seen.page.get_by_role("link", name="Buka ringkasan")).to_be_visible()
