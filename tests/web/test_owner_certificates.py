"""An owner who was at a training: hears of the certificate, keeps it, and shows everybody that it is true."""

from pathlib import Path
from uuid import uuid4

from playwright.async_api import expect

from tests.journey.people import Json, World, now
from tests.journey.test_training_life import TRAININGS, announced, applies, day
from tests.web.people import signs_in
from tests.web.seen import Seen

OWNER, BUSINESS = "Yusnita Harun", "Jahit Yusnita"


async def certified(world: World) -> Json:
    """Let her come to a training from its first day to its end, and give her certificate."""
    province, owner = world.office("19"), world.owner(OWNER)
    training = await announced(province, seats=1)
    enrolment = await applies(owner, training, world, BUSINESS)
    await province.asks(f"{TRAININGS}/{training['id']}/offers", {})
    await owner.asks(f"/registration/enrolments/{enrolment['id']}/answer", {"answer": "accept"})
    path = f"{TRAININGS}/{training['id']}"
    await province.asks(f"{path}/sessions/1/move", {"held_on": day(0), "reason": "Aula dipakai"})
    await province.asks(f"{path}/sessions/2/cancellation", {"reason": "Aula dipakai"})
    code = (await owner.sees(f"/registration/enrolments/{enrolment['id']}/code"))["code"]
    scan = {"id": str(uuid4()), "code": code, "session": 1, "scanned_at": now()}
    await province.asks(f"{path}/scans", {"scans": [scan]})
    await province.asks(f"{path}/finish", {})
    certificate: Json = (await province.sees(f"{path}/certificates"))["items"][0]
    return certificate


async def test_an_owner_downloads_a_certificate_and_shows_that_it_is_true(
    seen: Seen, world: World, tmp_path: Path
) -> None:
    await seen.opens("/sertifikat")
    await signs_in(seen, world, OWNER, lands_on="Sertifikat")
    await seen.says("Belum ada sertifikat")
    await seen.is_for_everybody("sertifikat-kosong")
    await seen.presses("Buka pelatihan", role="link")
    await seen.says("Belum ada pelatihan untuk Anda")

    # The message about it leads there, and to where one stops them; why it came stands beside it.
    certificate = await certified(world)
    await seen.opens("/")
    told = seen.page.get_by_role("article").filter(has_text=certificate["number"])
    await told.get_by_text("Mengapa saya menerima ini?").click()
    await expect(told.locator("details")).to_contain_text("mengikuti pelatihan ini")
    await told.get_by_role("link", name="Atur atau berhenti menerima pesan").click()
    await seen.says("Berhenti menerima pesan")
    await seen.page.go_back()
    await told.get_by_role("link", name="Buka sertifikat").click()

    card = seen.page.get_by_role("article", name="Bimtek konveksi")
    await expect(card).to_contain_text("1 dari 1 sesi")
    await expect(card.get_by_text("Berlaku", exact=True)).to_be_visible()
    await seen.is_for_everybody("sertifikat")
    async with seen.page.expect_download() as coming:
        await card.get_by_role("link", name="Unduh PDF").click()
    paper = await coming.value
    assert paper.suggested_filename == f"{certificate['number']}.pdf"
    await paper.save_as(tmp_path / "paper.pdf")
    assert (tmp_path / "paper.pdf").read_bytes().startswith(b"%PDF-")

    await card.get_by_role("link", name="Halaman pemeriksaan").click()
    await seen.says("Asli dan berlaku")
    await seen.is_for_everybody("sertifikat-periksa")

    # What is revoked says so, with the reason, in the language that one reads.
    path = f"/registration/certificates/{certificate['id']}/revocation"
    await world.office("19").asks(path, {"reason": "Nama salah cetak"})
    await seen.opens("/sertifikat")
    await expect(card.get_by_text("Dicabut", exact=True)).to_be_visible()
    await seen.presses("English")
    await expect(card).to_contain_text("Reason: Nama salah cetak")
    await seen.is_for_everybody("certificate-revoked")
