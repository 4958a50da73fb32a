"""A telephone that breaks: its queue goes to another one in an encrypted file, and every form is posted once."""

from collections import Counter
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, expect

from tests.journey.people import MASKS, Office, World
from tests.web.officer import Officer, officer_of
from tests.web.phone import fills, fills_in, finishes
from tests.web.seen import Seen

REGION, WAREHOUSE, ELSEWHERE = "19.05", "WH-19.05", "19.04"
PASSPHRASE = "kapal lada putih 1920"


def receipt(quantity: int, document: str) -> dict[str, str]:
    return {
        "Asal barang": "donation",
        "Diterima di": WAREHOUSE,
        "Nama barang": MASKS,
        "Jumlah": str(quantity),
        "Nomor surat": document,
    }


def handed_out(quantity: int) -> dict[str, str]:
    return {
        "Program": "free-masks",
        "Tempat": WAREHOUSE,
        "Nama barang": MASKS,
        "Jumlah": str(quantity),
        "Untuk berapa orang": str(quantity),
    }


async def posted(office: Office) -> Counter[str]:
    """Count the postings on the card of the warehouse by the number of their paper."""
    card = await office.sees(f"/aid/cards/{WAREHOUSE}/{MASKS}", limit=500)
    numbers = {one["posting_id"]: one["document"] for one in card["items"]}
    return Counter(numbers.values())


async def goes_out(officer: Officer, folder: Path) -> Path:
    """Keep the queue as a file."""
    await officer.page.get_by_text("Pindahkan antrean").click()
    await fills_in(officer.page, {"Kata sandi berkas": PASSPHRASE})
    async with officer.page.expect_download() as waiting:
        await officer.seen.presses("Simpan antrean sebagai berkas")
    download = await waiting.value
    await officer.seen.says("Antrean disimpan sebagai berkas")
    path = folder / download.suggested_filename
    await download.save_as(path)
    return path


async def comes_in(seen: Seen, path: Path, passphrase: str, told: str) -> None:
    await fills_in(seen.page, {"Kata sandi berkas": passphrase})
    await seen.page.get_by_label("Berkas antrean").set_input_files(path)
    await seen.presses("Ambil formulir dari berkas")
    await seen.says(told)


async def test_a_queue_goes_to_another_telephone_and_each_form_is_posted_once_though_both_send_it(
    browser: Browser, world: World, tmp_path: Path
) -> None:
    async with officer_of(browser, world, REGION) as broken, officer_of(browser, world, REGION) as other:
        before = await broken.office.stock()
        await broken.opens()
        await broken.loses_the_signal()
        documents = ["PINDAH-1", "PINDAH-2", "PINDAH-3"]
        for document in documents:
            await fills(broken.page, kind="Penerimaan barang", fields=receipt(4, document))
        await broken.begins("Pembagian")
        await fills_in(broken.page, {"Nomor surat": "PINDAH-DRAF"})
        Image.new("RGB", (640, 480), "teal").save(tmp_path / "photo.png")
        await broken.page.get_by_label("Foto penyerahan").set_input_files(tmp_path / "photo.png")
        await expect(broken.page.get_by_role("img", name="Foto yang dilampirkan")).to_be_visible()
        await broken.seen.presses("Kembali ke daftar")
        path = await goes_out(broken, tmp_path)
        await broken.seen.is_for_everybody("lapangan-antrean")
        sealed = path.read_bytes()
        assert not [word for word in ("PINDAH", MASKS, WAREHOUSE, "forms") if word.encode() in sealed]

        # The other telephone takes it in once, and only by its passphrase.
        await other.opens()
        await other.page.get_by_text("Pindahkan antrean").click()
        await comes_in(other.seen, path, "pendek", "Kata sandi sedikitnya 12 huruf")
        await comes_in(other.seen, path, PASSPHRASE + "!", "Kata sandi salah, atau berkasnya rusak")
        changed = tmp_path / "changed"
        changed.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
        await comes_in(other.seen, changed, PASSPHRASE, "Kata sandi salah, atau berkasnya rusak")
        await comes_in(other.seen, path, PASSPHRASE, "4 formulir diambil, 0 sudah ada")
        await other.waits_until_accepted(len(documents))
        await comes_in(other.seen, path, PASSPHRASE, "0 formulir diambil, 4 sudah ada")
        await other.has("draft", 1)
        await other.seen.presses("Lanjutkan")
        await expect(other.page.get_by_label("Nomor surat")).to_have_value("PINDAH-DRAF")
        await expect(other.page.get_by_role("img", name="Foto yang dilampirkan")).to_have_js_property("width", 640)
        await other.seen.presses("Kembali ke daftar")

        # The broken one was not so broken after all.
        await broken.finds_a_signal()
        await broken.waits_until_accepted(len(documents))
        counted = await posted(broken.office)
        assert {document: counted[document] for document in documents} == dict.fromkeys(documents, 1)
        assert await broken.office.stock() == before + 4 * len(documents)
        shown = [await one.page.get_by_text("Nomor tanda terima").all_inner_texts() for one in (broken, other)]
        assert sorted(shown[0]) == sorted(shown[1])

        # The draft is finished on both, otherwise: what the first one has sent counts, and the other one says so.
        for quantity, officer in ((1, other), (2, broken)):
            await officer.seen.presses("Lanjutkan")
            await fills_in(officer.page, handed_out(quantity))
            await finishes(officer.page)
            if officer is other:
                await officer.waits_until_accepted(len(documents) + 1)
        await broken.seen.says("sudah dikirim dari HP lain dengan isi yang berbeda")
        await expect(broken.page.get_by_role("button", name="Perbaiki")).to_have_count(0)
        assert (await posted(broken.office))["PINDAH-DRAF"] == 1


async def test_a_queue_is_taken_in_by_nobody_but_who_wrote_it(browser: Browser, world: World, tmp_path: Path) -> None:
    async with officer_of(browser, world, REGION) as writer, officer_of(browser, world, ELSEWHERE) as stranger:
        await writer.opens()
        await writer.page.get_by_text("Pindahkan antrean").click()
        await fills_in(writer.page, {"Kata sandi berkas": PASSPHRASE})
        await writer.seen.presses("Simpan antrean sebagai berkas")
        await writer.seen.says("Tidak ada formulir yang menunggu")
        await writer.page.get_by_text("Pindahkan antrean").click()
        await writer.begins("Hitung stok")
        await writer.seen.presses("Kembali ke daftar")
        path = await goes_out(writer, tmp_path)
        await stranger.opens()
        await stranger.page.get_by_text("Pindahkan antrean").click()
        await comes_in(stranger.seen, path, PASSPHRASE, "Berkas ini milik petugas lain")
        await stranger.seen.says("Belum ada formulir")
