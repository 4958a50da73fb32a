"""An owner who sews: is offered an order, takes it on the page, and sees what was delivered and paid."""

from playwright.async_api import expect

from tests.journey.people import MASKS, Office, World, now
from tests.journey.test_closed_loop import day
from tests.web.people import signs_in
from tests.web.seen import Seen

OWNER, BUSINESS, REGION = "Hartini Suryadi", "Konveksi Hartini", "19.71"


async def offered(province: Office, business: str, quantity: int) -> str:
    """Offer her an order for masks, and give its address."""
    call = {
        "item": MASKS, "quantity": quantity, "price_rupiah": 5_000, "due_on": day(9), "regions": [REGION],
        "place": "WH-PROV", "sector": "garment", "cap_per_business": quantity,
    }  # fmt: skip
    called = (await province.asks("/aid/production-calls", call)).json()
    wanted = {"call": called["id"], "business": business, "quantity": quantity, "reason": "Kunjungan"}
    return f"/aid/production-orders/{(await province.asks('/aid/production-orders', wanted)).json()['id']}"


async def test_an_owner_takes_an_order_declines_another_and_sees_what_was_paid(seen: Seen, world: World) -> None:
    province, business = world.office("19"), str(world.business(BUSINESS))
    await seen.opens("/pesanan")
    await signs_in(seen, world, OWNER, lands_on="Pesanan")
    await seen.says("Belum ada pesanan untuk Anda")
    await seen.is_for_everybody("pesanan-kosong")
    taken, left = await offered(province, business, 10), await offered(province, business, 20)

    await seen.opens("/pesanan")
    first = seen.page.get_by_role("article").filter(has_text=f"10 \N{MULTIPLICATION SIGN} {MASKS}")
    await expect(first).to_contain_text("Rp5.000 per buah, seluruhnya Rp50.000")
    await seen.is_for_everybody("pesanan")
    await first.get_by_role("button", name="Terima pesanan").click()
    await seen.says("Pesanan sudah Anda terima.")
    assert (await province.sees(taken))["state"] == "accepted"

    # Who declines says why.
    why = seen.page.get_by_label("Alasan menolak")
    await seen.presses("Tolak")
    await expect(why).to_be_focused()
    await seen.presses("Kembali")
    await expect(seen.page.get_by_role("button", name="Tolak", exact=True)).to_be_focused()
    await seen.page.keyboard.press("Enter")
    await seen.presses("Ya, tolak")
    await seen.says("Tulis alasannya")
    await expect(why).to_be_focused()
    await expect(why).to_have_attribute("aria-invalid", "true")
    await expect(why).to_have_accessible_description("Tulis alasannya, supaya kantor tahu.")
    await seen.presses("English")
    in_english = seen.page.get_by_label("Why you decline")
    await expect(in_english).to_have_accessible_description("Write why, so that the office knows.")
    await seen.presses("Bahasa Indonesia")
    await why.fill("Mesin jahit rusak")
    await seen.presses("Ya, tolak")
    await seen.says("Pesanan sudah Anda tolak.")
    await expect(seen.page.get_by_role("button", name="Tolak", exact=True)).to_have_count(0)
    await expect(seen.page.get_by_role("heading", level=1)).to_be_focused()
    shown = await province.sees(left)
    assert (shown["state"], shown["decline_reason"]) == ("declined", "Mesin jahit rusak")

    found = {"layers": 2, "accepted": 9, "rejected": 1, "reasons": [{"reason": "seams", "quantity": 1}]}
    await province.asks(f"{taken}/deliveries", {"occurred_at": now(), "quantity": 10, "inspection": found})
    await province.asks(f"{taken}/payments", {"amount_rupiah": 40_000, "paid_at": now(), "reference": "SP2D-7"})
    await seen.opens("/pesanan")
    await seen.says("Diantar: 9 diterima, 1 ditolak")
    await seen.says("Dibayar: Rp40.000, belum dibayar Rp5.000")
    await seen.page.get_by_text("Rincian antaran dan pembayaran").click()
    await seen.says("dibayar Rp40.000 (SP2D-7)")
    await seen.is_for_everybody("pesanan-dibayar")
