"""What the telephone adds to a form: a photo without its origin, a position that was agreed to, codes by its camera."""

import io
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import Browser, expect

from tests.journey.people import MASKS, Refused, World
from tests.web.officer import Officer, officer_of
from tests.web.phone import fills_in, finishes

REGION, WAREHOUSE = "19.03", "WH-19.03"
PHOTO_BYTES_MAX, EDGE_PIXELS_MAX = 200_000, 1_280
GPS, MAKE, LATITUDE_REF, LATITUDE = 0x8825, 0x010F, 1, 2


@pytest_asyncio.fixture
async def officer(browser: Browser, world: World) -> AsyncIterator[Officer]:
    async with officer_of(browser, world, REGION) as one:
        yield one


def photo_of_a_camera(path: Path) -> Path:
    """Write a large photo of noise that says by what and where it was taken."""
    picture = Image.effect_noise((2_400, 1_800), 90).convert("RGB")
    exif = Image.Exif()
    exif[MAKE] = "KameraRahasia"
    exif.get_ifd(GPS).update({LATITUDE_REF: "S", LATITUDE: (2.0, 7.0, 53.0)})
    picture.save(path, quality=95, exif=exif)
    assert path.stat().st_size > 5 * PHOTO_BYTES_MAX
    assert b"KameraRahasia" in path.read_bytes()
    return path


async def handed_out(officer: Officer, document: str) -> dict[str, Any]:
    """Give the one distribution that was posted under a paper, with its evidence if there is some."""
    given = await officer.office.sees("/aid/distributions", region=REGION, limit=200)
    (found,) = [one for one in given["items"] if one["document"] == document]
    return dict(found)


def distribution(document: str) -> dict[str, str]:
    return {
        "Program": "free-masks",
        "Tempat": WAREHOUSE,
        "Nama barang": MASKS,
        "Jumlah": "2",
        "Untuk berapa orang": "2",
        "Nomor surat": document,
    }


async def test_a_photo_is_made_small_and_says_no_more_where_it_was_taken_and_its_digest_is_sent(
    officer: Officer, tmp_path: Path
) -> None:
    await officer.opens()
    await officer.loses_the_signal()
    await officer.begins("Pembagian")
    await fills_in(officer.page, distribution("FOTO-1"))
    photo = officer.page.get_by_label("Foto penyerahan")
    (tmp_path / "no-photo.jpg").write_text("bukan foto")
    await photo.set_input_files(tmp_path / "no-photo.jpg")
    await officer.seen.says("tidak dapat dibaca sebagai foto")
    await photo.set_input_files(photo_of_a_camera(tmp_path / "photo.jpg"))
    await expect(officer.page.get_by_role("img", name="Foto yang dilampirkan")).to_be_visible()
    await expect(officer.page.get_by_text("tidak dapat dibaca")).to_have_count(0)
    await officer.seen.is_for_everybody("formulir-foto")
    await finishes(officer.page)

    # It is handed over as a file, since the office keeps its digest and no photos.
    async with officer.page.expect_download() as waiting:
        await officer.seen.presses("Simpan foto sebagai berkas")
    download = await waiting.value
    await download.save_as(tmp_path / "kept.jpg")
    kept = (tmp_path / "kept.jpg").read_bytes()
    picture = Image.open(io.BytesIO(kept))
    assert (picture.format, max(picture.size) <= EDGE_PIXELS_MAX, dict(picture.getexif())) == ("JPEG", True, {})
    assert 1_000 < len(kept) <= PHOTO_BYTES_MAX
    assert b"KameraRahasia" not in kept

    await officer.finds_a_signal()
    await officer.waits_until_accepted(1)
    found = await handed_out(officer, "FOTO-1")
    evidence = await officer.office.sees(f"/aid/distributions/{found['id']}/evidence")
    reference = f"{download.suggested_filename} sha256:{sha256(kept).hexdigest()}"
    assert (evidence["photo_reference"], evidence["position"]) == (reference, None)


async def test_a_position_is_sent_where_it_was_agreed_to_and_nowhere_else(officer: Officer) -> None:
    await officer.seen.context.grant_permissions(["geolocation"])
    await officer.seen.context.set_geolocation({"latitude": -2.131627, "longitude": 106.11693, "accuracy": 12})
    await officer.opens()
    await officer.loses_the_signal()
    for document, agreed in (("POSISI-YA", True), ("POSISI-TIDAK", False)):
        await officer.begins("Pembagian")
        await fills_in(officer.page, distribution(document))
        tick = officer.page.get_by_label("Sertakan posisi HP ini")
        await expect(tick).not_to_be_checked()
        await tick.check()
        await officer.seen.says("tepat sampai 12 meter")
        if not agreed:
            await tick.uncheck()
            await expect(officer.page.get_by_text("tepat sampai")).to_have_count(0)
        await finishes(officer.page)
    await officer.finds_a_signal()
    await officer.waits_until_accepted(2)
    yes, no = [await handed_out(officer, document) for document in ("POSISI-YA", "POSISI-TIDAK")]
    position = (await officer.office.sees(f"/aid/distributions/{yes['id']}/evidence"))["position"]
    whole = {"latitude_microdegrees": -2_131_627, "longitude_microdegrees": 106_116_930, "accuracy_metres": 12}
    assert position == whole
    with pytest.raises(Refused) as refused:
        await officer.office.sees(f"/aid/distributions/{no['id']}/evidence")
    assert refused.value.status == 404


LATE = """() => {
    globalThis.asking = [];
    navigator.geolocation.getCurrentPosition = found => asking.push(found);
    const coords = {latitude: -2.5, longitude: 106.5, accuracy: 9};
    globalThis.isFound = () => asking.forEach(found => found({coords}));
}"""
"""What a telephone does that is under a roof: it finds where it is some time after it was asked."""


async def test_a_position_that_is_found_late_counts_only_while_its_tick_is_set_and_the_form_is_open(
    officer: Officer,
) -> None:
    await officer.seen.context.add_init_script(f"({LATE})()")
    await officer.opens()
    await officer.begins("Pembagian")
    await officer.page.get_by_label("Nomor surat").press_sequentially("POSISI TERLAMBAT ")
    tick, save = (
        officer.page.get_by_label("Sertakan posisi HP ini"),
        officer.page.get_by_role("button", name="Simpan dan kirim"),
    )
    await tick.check()
    await officer.seen.says("Mencari posisi")
    await expect(save).to_have_count(0)
    await tick.uncheck()
    await expect(save).to_be_visible()
    await officer.page.evaluate("isFound()")
    await expect(officer.page.get_by_text("tepat sampai")).to_have_count(0)

    await tick.check()
    await officer.seen.presses("Kembali ke daftar")
    await officer.page.evaluate("isFound()")
    await officer.seen.presses("Lanjutkan")
    await expect(tick).not_to_be_checked()
    assert "accuracy_metres" not in await officer.keeps()
    await fills_in(officer.page, {name: told for name, told in distribution("").items() if name != "Nomor surat"})
    await finishes(officer.page)
    await officer.waits_until_accepted(1)
    await handed_out(officer, "POSISI TERLAMBAT")


READER = """code => {
    globalThis.BarcodeDetector = class { async detect(video) { return video.videoWidth ? [{rawValue: code}] : []; } };
}"""
"""What Chromium has on telephones and not on this machine: a reader of codes, which sees one in every picture."""


async def test_the_camera_reads_codes_where_the_browser_can_and_is_let_go_afterwards(
    browser: Browser, world: World
) -> None:
    async with officer_of(browser, world, "19.71") as officer:
        (market, *_) = (await officer.office.sees("/aid/markets", state="announced"))["items"]
        await officer.seen.context.add_init_script(f"({READER})('BUKAN-KUPON')")
        await officer.opens()
        await officer.begins("Loket pasar murah")
        await fills_in(officer.page, {"Pasar murah": market["id"]})
        await officer.seen.presses("Pindai dengan kamera")
        await officer.seen.says("Kamera tidak dapat dipakai")
        await officer.seen.presses("Tutup kamera")
        await officer.seen.context.grant_permissions(["camera"])
        await officer.seen.presses("Pindai dengan kamera")
        await officer.seen.says("Kode ini tidak asli")
        await officer.page.evaluate("() => { window.picture = document.querySelector('video').srcObject; }")
        await officer.seen.presses("Tutup kamera")
        await expect(officer.page.locator("video")).to_have_count(0)
        assert await officer.page.evaluate("picture.getTracks().map(one => one.readyState)") == ["ended"]
