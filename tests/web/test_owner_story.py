"""An owner with a cheap phone: signs in by a code, reads, answers an offered seat, chooses, stops, and signs out."""

import re
from functools import partial

import httpx
from playwright.async_api import expect

from tests.journey.people import World
from tests.journey.test_training_life import TRAININGS, announced, applies
from tests.waiting import wait_until
from tests.web.people import signs_in
from tests.web.seen import Seen

OWNER, BUSINESS = "Hartini Suryadi", "Konveksi Hartini"
FIRST_VISIT_BYTES_MAX = 170_000
LATER_VISIT_BYTES_MAX = 20_000


async def test_the_story_of_an_owner(seen: Seen, world: World) -> None:
    await seen.opens("/")
    await seen.says("Kami kirim kode")
    await seen.page.wait_for_load_state("networkidle")
    assert 0 < seen.bytes <= FIRST_VISIT_BYTES_MAX
    await seen.is_for_everybody("masuk")
    await seen.presses("Kirim kode")
    await seen.says("Ini bukan nomor telepon")
    await signs_in(seen, world, OWNER)

    # No script can read the session, whatever it does.
    (cookie,) = await seen.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
    assert await seen.page.evaluate("document.cookie") == ""
    kept = await seen.page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    assert cookie["value"] not in kept

    await is_told_of_a_seat_and_takes_it(seen, world)
    await chooses_and_stops(seen, world)

    # The same in English, kept for the next visit, which weighs next to nothing.
    await seen.presses("English")
    await seen.says("Stop receiving messages")
    seen.bytes = 0
    await seen.opens("/pelatihan")
    await seen.says("Your other applications")
    assert seen.bytes <= LATER_VISIT_BYTES_MAX
    await seen.presses("Bahasa Indonesia")

    # Signed out, the cookie is gone, so is everything that was kept, and no service takes the session any more.
    (cookie,) = await seen.context.cookies()
    copied = {"Authorization": f"Bearer {cookie['value']}"}
    await seen.presses("Keluar")
    await seen.says("Anda sudah keluar.")
    await seen.presses("English")
    await seen.says("You are signed out.")
    await seen.presses("Bahasa Indonesia")
    async with httpx.AsyncClient(headers=copied) as thief:
        for path in ("/registration/my/enrolments", "/aid/my/production-orders", "/notifications/inbox"):
            await wait_until(partial(is_refused, thief, seen.url + path), description=f"{path} to refuse")
    assert await seen.context.cookies() == []
    assert await seen.page.evaluate("Object.keys(localStorage)") == ["serumpun.language"]
    await seen.opens("/pengaturan")
    await seen.says("Kami kirim kode")


async def is_refused(somebody: httpx.AsyncClient, address: str) -> bool:
    return (await somebody.get(address)).status_code == httpx.codes.UNAUTHORIZED


async def is_told_of_a_seat_and_takes_it(seen: Seen, world: World) -> None:
    # A seat is offered while the inbox is open: it appears by itself, and in the time of the province.
    province, owner = world.office("19"), world.owner(OWNER)
    training = await announced(province, seats=1)
    enrolment = await applies(owner, training, world, BUSINESS)
    await province.asks(f"{TRAININGS}/{training['id']}/offers", {})
    offer = seen.page.get_by_role("article").filter(has_text="ditawari tempat")
    await offer.first.wait_for()
    await expect(offer.first.locator("time")).to_have_text(re.compile("WIB$"))
    await expect(seen.page.locator(".standing strong")).to_have_text(re.compile(r"^\d+ belum dibaca$"))
    await offer.first.get_by_text("Mengapa saya menerima ini?").click()
    await expect(offer.first.locator("details p")).not_to_be_empty()
    await seen.is_for_everybody("kotak-masuk")
    await offer.first.get_by_role("button", name="Tandai sudah dibaca").click()
    await expect(offer.first.get_by_text("Belum dibaca")).to_have_count(0)
    await expect(offer.first.get_by_role("heading")).to_be_focused()
    await seen.presses("Tandai semua sudah dibaca")
    await seen.says("Semua sudah dibaca")

    # The seat is taken with two touches, and the office sees it.
    await seen.presses("Buka pelatihan untuk menjawab", role="link")
    await seen.says("Menunggu jawaban Anda")
    await seen.is_for_everybody("pelatihan")
    await seen.presses("Terima tempat")
    await seen.says("Tempat Anda sudah pasti.")
    assert (await owner.sees(f"/registration/enrolments/{enrolment['id']}"))["state"] == "accepted"
    await seen.presses("Tampilkan kode masuk")
    code = (await owner.sees(f"/registration/enrolments/{enrolment['id']}/code"))["code"]
    await seen.says(code)
    await expect(seen.page.locator(".entry")).to_be_focused()


async def chooses_and_stops(seen: Seen, world: World) -> None:
    owner = world.owner(OWNER)
    await seen.presses("Pengaturan", role="link")
    await seen.says("Berhenti menerima pesan")
    await seen.is_for_everybody("pengaturan")
    await seen.page.get_by_role("group", name="Informasi").get_by_label("WhatsApp").click()
    await seen.presses("Simpan")
    await seen.says("Sudah disimpan.")
    await seen.presses("Berhenti (STOP)")
    await seen.says("Anda berhenti menerima pesan sejak")
    assert (await owner.sees("/notifications/preferences"))["stopped"] is True
    await seen.presses("Mulai lagi (MULAI)")
    await seen.says("Kami tidak mengirim apa pun lagi")


async def test_an_owner_applies_and_declines_the_offer_after_being_asked_once_more(seen: Seen, world: World) -> None:
    province, owner = world.office("19"), world.owner(OWNER)
    training = await announced(province, seats=1)
    await seen.opens("/pelatihan")
    await signs_in(seen, world, OWNER, lands_on="Pelatihan")
    await seen.says("Pelatihan yang dibuka")
    await seen.is_for_everybody("pelatihan-dibuka")
    await seen.presses("Daftar: Bimtek konveksi")
    await seen.says("Anda terdaftar: Bimtek konveksi.")
    own = (await owner.sees("/registration/my/enrolments"))["items"]
    (enrolment,) = [one for one in own if one["training_id"] == training["id"]]
    await province.asks(f"{TRAININGS}/{training['id']}/offers", {})
    await seen.opens("/pelatihan")
    await seen.presses("Tolak")
    await seen.says("Yakin menolak?")
    await seen.page.get_by_label("Alasan").fill("Ada pesanan besar")
    await seen.presses("Ya, tolak")
    await seen.says("Tempat sudah Anda tolak.")
    shown = await owner.sees(f"/registration/enrolments/{enrolment['id']}")
    assert (shown["state"], shown["history"][-1]["reason"]) == ("declined", "Ada pesanan besar")
