"""Orders to small industry at a desk: who is proposed and why, an offer, and how each stands."""

import re

from playwright.async_api import expect

from tests.journey.people import MASKS, World
from tests.journey.test_closed_loop import day
from tests.web.people import signs_in_at_office
from tests.web.seen import Seen

REGION, SIGN = "19.02", "\N{MULTIPLICATION SIGN}"


async def test_who_may_be_asked_is_explained_offered_an_order_and_followed(seen: Seen, world: World) -> None:
    province = world.office("19")
    await seen.opens("/ringkasan")
    await signs_in_at_office(seen, province, lands_on="Ringkasan")
    await seen.presses("Pesanan produksi", role="link")
    await seen.says("Kebutuhan yang dipesankan")
    await seen.is_for_everybody("produksi")
    await notes_a_need(seen)
    called = seen.page.url.partition("kebutuhan=")[2]

    # Each score stands beside the figures that it is the product of.
    ranked = (await province.sees(f"/aid/production-calls/{called}/candidates"))["items"]
    first, second = [one for one in ranked if one["proposed"] > 0][:2]
    rows = seen.page.get_by_role("group", name="Usaha yang dapat diminta, berurutan").get_by_role("row")
    decline = f"{first['decline_permille'] / 10:.1f}".replace(".", ",")
    explained = f"{decline} % {SIGN} {first['capacity_per_week']} {SIGN}"
    await expect(rows.filter(has_text=first["name"])).to_contain_text(explained)
    await expect(rows.filter(has_text=first["name"]).locator("strong")).to_have_text(str(first["proposed"]))
    await seen.is_for_everybody("produksi-calon")

    await seen.presses(f"Tawarkan kepada {first['name']}")
    await seen.presses(f"Ya, tawarkan kepada {first['name']}")
    await seen.says("Pesanan ditawarkan; pemiliknya diberi tahu.")
    orders = seen.page.get_by_role("group", name="Pesanan", exact=True).get_by_role("row")
    await expect(orders.filter(has_text=first["name"])).to_contain_text("Ditawarkan")

    # Another quantity than the proposed one needs a reason, and more than the cap is refused.
    await seen.presses(f"Tawarkan kepada {second['name']}")
    await seen.page.get_by_role("group", name="Tawarkan kepada").get_by_label("Jumlah").first.fill("101")
    await seen.presses(f"Ya, tawarkan kepada {second['name']}")
    await seen.says("Tulis alasannya")
    await seen.page.get_by_label("Alasan jumlah lain (dicatat)").fill("Mesinnya banyak.")
    await seen.presses(f"Ya, tawarkan kepada {second['name']}")
    await seen.says("Lebih banyak dari batas per usaha.")
    assert len((await province.sees("/aid/production-orders", call=called))["items"]) == 1

    # The order: why this business, and what came of it.
    order = (await province.sees("/aid/production-orders", call=called))["items"][0]
    path = f"/aid/production-orders/{order['id']}"
    await province.asks(f"{path}/acceptance", {})
    await seen.presses(first["name"], role="link")
    await expect(seen.page.get_by_role("heading", level=1)).to_have_text(first["name"])
    await seen.says("Dikerjakan")
    await records_a_delivery_and_a_payment(seen)
    kept = await province.sees(path)
    assert (kept["delivered"], kept["accepted"], kept["rejected"]) == (10, 9, 1)
    assert [(one["amount_rupiah"], one["reference"]) for one in kept["payments"]] == [(40_000, "SP2D-9")]
    delivery = seen.page.get_by_role("group", name="Antaran dan pemeriksaannya").get_by_role("row").nth(1)
    await expect(delivery).to_contain_text("jahitan: 1")
    await expect(delivery.get_by_role("link")).to_have_attribute("href", re.compile("^/aid/postings/.*/paper$"))
    await seen.says("Urutan pada saat ditawarkan")
    await seen.presses("English")
    await seen.says("The ranking when it was offered")
    await seen.is_for_everybody("production-order")


async def notes_a_need(seen: Seen) -> None:
    """Say on the page what is to be made; what is missing is told first."""
    page = seen.page
    await seen.presses("Catat kebutuhan", role="link")
    await seen.presses("Simpan dan lihat usulan")
    await seen.says("Pilih sedikitnya satu wilayah.")
    await expect(page.get_by_label("Jumlah")).to_have_accessible_description("wajib diisi")
    await page.get_by_label("Barang").select_option(MASKS)
    await page.get_by_label("Jumlah").fill("240")
    await page.get_by_label("Harga per buah (Rp)").fill("5000")
    await page.get_by_label("Paling lambat").fill(day(9))
    await page.get_by_label("Diantar ke").select_option("WH-PROV")
    await page.get_by_label("Sektor").fill("garment")
    await page.get_by_label("Paling banyak per usaha").fill("100")
    await page.get_by_label("Belitung", exact=True).check()
    await seen.is_for_everybody("produksi-kebutuhan")
    await seen.presses("Simpan dan lihat usulan")
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"240 {SIGN} {MASKS}")


async def records_a_delivery_and_a_payment(seen: Seen) -> None:
    """Record what was delivered and found, and a part of what is due for it."""
    page = seen.page
    await seen.presses("Catat antaran")
    await expect(page.get_by_label("Diantar pada")).to_be_focused()
    await page.get_by_label("Diterima baik").fill("9")
    await page.get_by_label("jahitan").fill("1")
    await seen.says("Diantar seluruhnya 10, ditolak 1.")
    await seen.is_for_everybody("produksi-antaran")
    await seen.presses("Ya, catat antaran")
    await seen.says("Lapisannya kurang dari yang diminta SNI.")
    await page.get_by_label("Lapisan kain yang ditemukan").fill("2")
    await seen.presses("Ya, catat antaran")
    await seen.says("Antaran dicatat.")
    await seen.says("Tagihan Rp45.000, dibayar Rp0, belum dibayar Rp45.000")
    await seen.presses("Catat pembayaran")
    await page.get_by_label("Jumlah (Rp)").fill("45001")
    await page.get_by_label("Bukti").fill("SP2D-9")
    await seen.presses("Ya, catat pembayaran")
    await seen.says("Lebih banyak dari yang belum dibayar.")
    await page.get_by_label("Jumlah (Rp)").fill("40000")
    await seen.presses("Ya, catat pembayaran")
    await seen.says("Pembayaran dicatat.")
    await seen.says("Tagihan Rp45.000, dibayar Rp40.000, belum dibayar Rp5.000")


async def test_an_office_that_does_not_order_sees_and_offers_nothing(seen: Seen, world: World) -> None:
    await seen.opens("/produksi")
    await signs_in_at_office(seen, world.office("19.06"), lands_on="Pesanan produksi")
    await seen.says("Tidak ada pesanan di sini")
    await expect(seen.page.get_by_role("button", name="Tawarkan")).to_have_count(0)
