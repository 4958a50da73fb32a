"""Each form of the field app but the first three: filled without a signal, sent later, carried out once."""

import base64
import re
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest_asyncio
from playwright.async_api import Browser, Playwright, expect

from tests.journey.people import MASKS, Office, World, now
from tests.journey.test_training_life import TRAININGS, announced, applies, day
from tests.web.conftest import BROWSERS
from tests.web.officer import Officer, officer_of
from tests.web.phone import DAY_MILLISECONDS, WRONG_CLOCK, fills, fills_in, finishes, phone_of, taps_twice
from tests.web.seen import Seen

REGION, WAREHOUSE, VENUE, CENTRE = "19.71", "WH-19.71", "MV-19.71-01", "CC-19.71-04"
OWNER, BUSINESS = "Dahlia Rasyid", "Hijab Dahlia"
DAYS_OFF = 2
SOAP, RICE = "SOAP-5L", "RICE-5KG"


@pytest_asyncio.fixture
async def officer(browser: Browser, world: World) -> AsyncIterator[Officer]:
    async with officer_of(browser, world, REGION) as one:
        yield one


def forged(code: str) -> str:
    """Change one bit of what a code says, and nothing of how it is written."""
    head, dot, rest = code.partition(".")
    words, _, signature = rest.partition(".")
    said = bytearray(base64.urlsafe_b64decode((words or head) + "=" * (-len(words or head) % 4)))
    at = said.index(b'"n":') + 4 if dot else 20
    said[at] ^= 1
    letters = base64.urlsafe_b64encode(bytes(said)).decode().rstrip("=")
    return f"{head}.{letters}.{signature}" if dot else letters


async def test_a_transfer_is_received_with_a_difference_and_once(officer: Officer, world: World) -> None:
    office = officer.office
    before = await office.stock()
    transfer = await sent_an_hour_ago(world.office("19"), 12, office)
    await officer.opens()
    await officer.loses_the_signal()
    await officer.begins("Terima kiriman")
    await finishes_in_vain(officer, "Ada 1 yang perlu diperbaiki")
    await fills_in(officer.page, {"Kiriman": transfer["id"], "Diterima dengan baik": "15"})
    await finishes_in_vain(officer, "Lebih banyak dari yang dikirim")
    await fills_in(officer.page, {"Diterima dengan baik": "10"})
    await officer.seen.says("10 buah (sepuluh)")
    await officer.seen.says("Selisih 2 buah")
    await finishes_in_vain(officer, "Wajib diisi")
    await officer.seen.is_for_everybody("formulir-kiriman")
    await fills_in(officer.page, {"Alasan selisih": "damaged"})
    await finishes(officer.page, times=2)
    await officer.has("accepted", 0)
    assert (await office.sees(f"/aid/transfers/{transfer['id']}"))["state"] == "in_transit"

    await officer.finds_a_signal()
    await officer.waits_until_accepted(1)
    (line,) = (received := await office.sees(f"/aid/transfers/{transfer['id']}"))["lines"]
    assert (received["state"], line["accepted"], line["rejected"], line["reason"]) == ("received", 10, 2, "damaged")
    assert await office.stock() == before + 10
    card = await office.sees(f"/aid/cards/{WAREHOUSE}/{MASKS}", limit=500)
    assert [one["posting_id"] for one in card["items"]].count(received["receipt_posting_id"]) == 1
    await officer.begins("Terima kiriman")
    await expect(officer.page.locator(f"option[value='{transfer['id']}']")).to_have_count(0)


async def sent_an_hour_ago(office: Office, quantity: int, to: Office) -> dict[str, Any]:
    """Send masks; a form tells the minute, so what was sent in this very one could not have arrived yet."""
    order = {
        "from_place": office.warehouse,
        "to_place": to.warehouse,
        "occurred_at": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
        "lines": [{"item": MASKS, "quantity": quantity}],
    }
    transfer: dict[str, Any] = (await office.asks("/aid/transfers", order)).json()
    return transfer


async def finishes_in_vain(officer: Officer, told: str) -> None:
    await officer.seen.presses("Simpan dan kirim")
    await officer.seen.says(told)


async def test_a_count_against_the_book_is_lot_by_lot_and_refused_where_stock_has_moved(officer: Officer) -> None:
    office, lot = officer.office, f"L-{uuid4().hex[:8]}"
    lines = [{"item": SOAP, "quantity": 5, "lot": lot, "expires_on": "2030-01-01"}]
    await office.asks("/aid/receipts", {"place": CENTRE, "source": "donation", "occurred_at": now(), "lines": lines})
    await officer.opens()
    await officer.begins("Hitung stok")
    await fills_in(officer.page, {"Tempat": CENTRE, "Nama barang": RICE, "Hasil hitung": "7"})
    await officer.loses_the_signal()
    await officer.seen.presses("Mulai dari catatan buku (perlu sinyal)")
    await officer.seen.says("Catatan buku tidak dapat diambil sekarang")
    officer.signal.there = True
    await officer.seen.context.set_offline(False)
    await officer.seen.presses("Mulai dari catatan buku (perlu sinyal)")
    await officer.seen.says("Catatan buku per")
    await officer.loses_the_signal()
    # What was counted before stays, also of goods that are not in the book.
    others = officer.page.get_by_label("Hasil hitung").last
    await expect(others).to_have_value("7")
    await officer.page.get_by_role("button", name=re.compile("^Hapus barang")).last.click()
    await expect(officer.page.get_by_label("Nama barang")).to_have_count(0)
    await expect(officer.page.get_by_role("button", name="Tambah barang")).to_be_focused()
    counted = officer.page.get_by_role("group", name=lot).get_by_label("Hasil hitung")
    await expect(counted).to_have_value("")
    await finishes_in_vain(officer, "Belum ada yang dihitung")
    await counted.fill("3")

    # Meanwhile somebody takes one away, so that nobody can say what these three are compared with.
    taken = [{"item": SOAP, "quantity": 1, "lot": lot}]
    await office.asks("/aid/issues", {"place": CENTRE, "reason": "damaged", "occurred_at": now(), "lines": taken})
    await officer.seen.is_for_everybody("formulir-hitung")
    await finishes(officer.page, times=2)
    await officer.finds_a_signal()
    await officer.seen.says("Stok berubah sejak catatan buku diambil")
    await officer.seen.presses("Perbaiki")
    await officer.seen.presses("Ambil catatan buku lagi")
    await expect(officer.page.get_by_role("button", name="Ambil catatan buku lagi")).to_be_enabled()
    await expect(counted).to_have_value("3")
    await finishes(officer.page, times=2)
    await officer.waits_until_accepted(1)
    (balance,) = [one for one in (await held(office)) if one["lot"] == lot]
    assert balance["on_hand"] == 3
    card = await office.sees(f"/aid/cards/{CENTRE}/{SOAP}", limit=500)
    assert [one["kind"] for one in card["items"]].count("count") == 1


async def held(office: Office) -> list[dict[str, Any]]:
    balances: list[dict[str, Any]] = (await office.sees("/aid/balances", place=CENTRE, item=SOAP))["items"]
    return balances


async def test_a_visit_of_a_station_is_told_once_and_its_refill_leaves_the_warehouse(officer: Officer) -> None:
    office = officer.office
    (station, *_) = (await office.sees("/aid/stations", region=REGION))["items"]
    visits = f"/aid/stations/{station['id']}/visits"
    before, soap = len((await office.sees(visits))["items"]), await office.stock(SOAP)
    await officer.opens()
    await officer.loses_the_signal()
    await officer.begins("Kunjungan cuci tangan")
    litres = station["capacity_water_millilitre"] // 1_000
    told = {"Tempat cuci tangan": station["id"], "Keadaan": "working", "Sisa air": "0", "Sisa sabun": "0"}
    await fills_in(officer.page, told)
    await finishes_in_vain(officer, "Tanpa air atau tanpa sabun berarti kering")
    await fills_in(officer.page, {"Keadaan": "dry", "Air yang diisi": str(litres + 1)})
    await finishes_in_vain(officer, "Lebih dari isi penuhnya")
    await fills_in(officer.page, {"Air yang diisi": str(litres), "Sabun yang diisi": "500"})
    await officer.seen.says("500 mililiter (lima ratus)")
    await officer.seen.presses("Tambah barang")
    await fills_in(officer.page, {"Nama barang": SOAP, "Jumlah": "1"})
    await finishes_in_vain(officer, "Wajib diisi")
    await fills_in(officer.page, {"Barang diambil dari": WAREHOUSE, "Nomor surat": "KUNJUNGAN-1"})
    await officer.seen.is_for_everybody("formulir-kunjungan")
    await finishes(officer.page, times=2)
    await officer.has("accepted", 0)
    assert len((await office.sees(visits))["items"]) == before

    await officer.finds_a_signal()
    await officer.waits_until_accepted(1)
    found = (await office.sees(visits))["items"]
    (visit,) = [one for one in found if one["document"] == "KUNJUNGAN-1"]
    assert (visit["state"], visit["left_as"], len(found)) == ("dry", "working", before + 1)
    assert (visit["water_after_millilitre"], visit["soap_after_millilitre"]) == (litres * 1_000, 500)
    assert await office.stock(SOAP) == soap - 1


async def test_attendance_is_scanned_without_a_signal_and_whoever_is_scanned_twice_was_there_once(
    officer: Officer, world: World
) -> None:
    training, code = await seat_taken(world)
    session = f"{TRAININGS}/{training['id']}/sessions/1/attendance"
    await officer.opens()
    await officer.loses_the_signal()
    await officer.begins("Daftar hadir")
    await finishes_in_vain(officer, "Belum ada yang dipindai")
    await fills_in(officer.page, {"Pelatihan": training["id"], "Sesi": "1"})
    for wrong in ("bukan kode", forged(code), f"{code}A"):
        await officer.scans(wrong)
        await officer.seen.says("Kode ini tidak asli")
    await expect(officer.page.get_by_text("0 peserta dipindai")).to_be_visible()
    await officer.scans(code)
    await officer.seen.says("Tanda tangan asli")
    await officer.scans(code)
    await officer.seen.says("Kode ini sudah dipindai di HP ini")
    await officer.seen.says("1 peserta dipindai")
    await officer.seen.is_for_everybody("formulir-hadir")
    await finishes(officer.page, times=2)
    assert (await officer.office.sees(session))["items"] == []
    receipt = {"Asal barang": "donation", "Diterima di": WAREHOUSE, "Nama barang": MASKS, "Jumlah": "1"}
    await fills(officer.page, kind="Penerimaan barang", fields=receipt)

    # The service of the trainings is away, which holds up nothing of the other.
    officer.signal.away = "/registration/"
    await officer.finds_a_signal()
    await officer.waits_until_accepted(1)
    assert officer.signal.turned_away > 0
    await officer.seen.says("1 formulir belum diterima kantor")
    assert (await officer.office.sees(session))["items"] == []
    officer.signal.away = ""
    await officer.waits_until_accepted(2)
    await officer.seen.says("1 dari 1 tercatat")
    assert len((await officer.office.sees(session))["items"]) == 1


async def test_what_was_scanned_is_there_after_the_battery_was_empty(
    playwright: Playwright, world: World, tmp_path: Path
) -> None:
    training, code = await seat_taken(world)
    program = next(path for name in BROWSERS if (path := shutil.which(name)))
    server = world.address("/aid/").removesuffix("/aid/")
    async with phone_of(playwright, program, tmp_path / "phone", server) as phone:
        context = await phone.starts()
        officer = Officer(world.office(REGION), Seen(await context.new_page(), context, phone.url), phone.signal)
        await officer.opens()
        await phone.closes()
        for times in (1, 2):
            context = await phone.starts(offline=True)
            seen = officer.seen = Seen(await context.new_page(), context, phone.url)
            await seen.opens("/lapangan")
            await seen.says("Daftar barang dan tempat per")
            if times == 1:
                await officer.begins("Daftar hadir")
                await fills_in(officer.page, {"Pelatihan": training["id"], "Sesi": "1"})
                await officer.scans(code)
                await seen.says("1 peserta dipindai")
                await phone.dies()
        await seen.presses("Lanjutkan")
        await seen.says("1 peserta dipindai")
        await officer.scans(code)
        await seen.says("Kode ini sudah dipindai di HP ini")
        await finishes(officer.page)
        await officer.finds_a_signal()
        await officer.waits_until_accepted(1)
    session = f"{TRAININGS}/{training['id']}/sessions/1/attendance"
    assert len((await officer.office.sees(session))["items"]) == 1


async def seat_taken(world: World) -> tuple[dict[str, Any], str]:
    """Hold a session today, and give the code of somebody who has a seat."""
    province, owner = world.office("19"), world.owner(OWNER)
    training = await announced(province, seats=1)
    enrolment = await applies(owner, training, world, BUSINESS)
    await province.asks(f"{TRAININGS}/{training['id']}/offers", {})
    await owner.asks(f"/registration/enrolments/{enrolment['id']}/answer", {"answer": "accept"})
    move = {"held_on": day(0), "reason": "Aula dipakai"}
    await province.asks(f"{TRAININGS}/{training['id']}/sessions/1/move", move)
    return training, (await owner.sees(f"/registration/enrolments/{enrolment['id']}/code"))["code"]


async def market_of(office: Office, model: str = "subsidised_package") -> dict[str, Any]:
    """Open a market that sells rice, of which there is enough at its venue."""
    lines = [{"item": RICE, "quantity": 10}]
    receipt = {"place": VENUE, "source": "donation", "occurred_at": now(), "lines": lines}
    await office.asks("/aid/receipts", receipt)
    offer = {"item": RICE, "price_rupiah": 45_000, "market_price_rupiah": 52_000}
    order = {
        "place": VENUE,
        "model": model,
        "items": [offer | {"allotment": 10, "limit_per_family": 2}],
        "opens_at": f"{day(0)}T00:00:00+07:00",
        "closes_at": f"{day(0)}T23:59:00+07:00",
    }
    market: dict[str, Any] = (await office.asks("/aid/markets", order)).json()
    await office.asks(f"/aid/markets/{market['id']}/opening", {})
    return market


async def coupons_of(office: Office, market: dict[str, Any], count: int) -> list[str]:
    families = [{"family": uuid4().hex} for _ in range(count)]
    given = (await office.asks(f"/aid/markets/{market['id']}/coupons", {"coupons": families})).json()
    return [one["token"] for one in given["coupons"]]


async def rice_at_venue(office: Office) -> int:
    balances = await office.sees("/aid/balances", place=VENUE, item=RICE)
    return sum(one["on_hand"] for one in balances["items"])


async def test_a_counter_checks_coupons_without_a_signal_tells_of_a_second_use_at_once_and_sells_once(
    officer: Officer,
) -> None:
    office = officer.office
    market, other = await market_of(office), await market_of(office)
    first, second = await coupons_of(office, market, 2)
    (foreign,) = await coupons_of(office, other, 1)
    before = await rice_at_venue(office)
    await officer.opens()
    await officer.loses_the_signal()
    await officer.begins("Loket pasar murah")
    await fills_in(officer.page, {"Pasar murah": market["id"], "Nama loket": "Loket 1"})
    for wrong, told in ((forged(first), "tidak asli"), ("abc", "tidak asli"), (foreign, "untuk pasar lain")):
        await officer.scans(wrong)
        await officer.seen.says(told)
    await officer.scans(first)
    await officer.seen.says("Bayar: Rp90.000")
    await officer.scans(second)
    await officer.seen.says("Catat dulu penyerahan")
    await officer.seen.is_for_everybody("formulir-loket")
    await taps_twice(officer.page, "Catat penyerahan")
    await officer.seen.says("1 penyerahan")
    await expect(officer.page.get_by_text("Tercatat untuk")).to_be_visible()
    await officer.scans(first)
    await officer.seen.says("SUDAH DIPAKAI")
    await officer.scans(second)
    quantity = officer.page.get_by_label("paling banyak 2")
    await quantity.fill("3")
    await officer.seen.presses("Catat penyerahan")
    await officer.seen.says("tidak lebih dari jatahnya")
    await quantity.fill("1")
    await officer.seen.presses("Catat penyerahan")
    await officer.seen.says("2 penyerahan")
    await finishes(officer.page, times=2)

    # Another form of the same telephone knows of it too.
    await officer.begins("Loket pasar murah")
    await fills_in(officer.page, {"Pasar murah": market["id"]})
    await officer.scans(second)
    await officer.seen.says("SUDAH DIPAKAI")
    await officer.seen.presses("Kembali ke daftar")

    await officer.finds_a_signal()
    await officer.waits_until_accepted(1)
    await officer.seen.says("2 dari 2 tercatat")
    (offer,) = (await office.sees(f"/aid/markets/{market['id']}"))["items"]
    assert (offer["sold"], await rice_at_venue(office)) == (3, before - 3)
    assert (await office.sees(f"/aid/markets/{market['id']}/double-uses"))["items"] == []


async def test_two_telephones_that_take_the_same_coupon_are_told_by_the_office_though_a_clock_is_days_off(
    browser: Browser, world: World
) -> None:
    async with officer_of(browser, world, REGION) as one, officer_of(browser, world, REGION) as other:
        await one.seen.context.add_init_script(f"({WRONG_CLOCK})({DAYS_OFF * DAY_MILLISECONDS})")
        market = await market_of(one.office)
        (coupon,) = await coupons_of(one.office, market, 1)
        for counter, officer in enumerate((one, other), 1):
            await officer.opens()
            await officer.loses_the_signal()
            await officer.begins("Loket pasar murah")
            await fills_in(officer.page, {"Pasar murah": market["id"], "Nama loket": f"Loket {counter}"})
            await officer.scans(coupon)
            await officer.seen.presses("Catat penyerahan")
            await officer.seen.says("1 penyerahan")
            await finishes(officer.page)
        for officer in (one, other):
            await officer.finds_a_signal()
            await officer.waits_until_accepted(1)
        await one.seen.says("1 dari 1 tercatat")
        await other.seen.says("kupon dipakai dua kali")
        (double,) = (await one.office.sees(f"/aid/markets/{market['id']}/double-uses"))["items"]
        assert (double["first"]["counter"], double["second"]["counter"]) == ("Loket 1", "Loket 2")


NO_SIGNATURES = """() => {
    const known = crypto.subtle.importKey.bind(crypto.subtle);
    crypto.subtle.importKey = async (form, key, algorithm, ...more) => {
        if (algorithm === 'Ed25519') throw new DOMException('unknown algorithm', 'NotSupportedError');
        return known(form, key, algorithm, ...more);
    };
}"""
"""What a browser does that is some years old."""


async def test_an_old_browser_says_that_it_cannot_check_a_code_and_the_office_refuses_a_forged_one(
    officer: Officer, world: World
) -> None:
    training, code = await seat_taken(world)
    await officer.seen.context.add_init_script(f"({NO_SIGNATURES})()")
    await officer.opens()
    await officer.begins("Daftar hadir")
    await fills_in(officer.page, {"Pelatihan": training["id"], "Sesi": "1"})
    await officer.scans("bukan kode")
    await officer.seen.says("Kode ini tidak asli")
    for one in (code, with_another_ticket(code)):
        await officer.scans(one)
        await officer.seen.says("HP ini tidak dapat memeriksa tanda tangannya")
    await officer.seen.says("2 peserta dipindai")
    await finishes(officer.page)
    await officer.waits_until_accepted(1)
    await officer.seen.says("1 dari 2 tercatat")
    await officer.seen.says("kode tidak asli")


def with_another_ticket(code: str) -> str:
    """Forge the code of somebody else for the same training."""
    said = bytearray(base64.urlsafe_b64decode(code + "=" * (-len(code) % 4)))
    said[1 + 16] ^= 1
    return base64.urlsafe_b64encode(bytes(said)).decode().rstrip("=")


async def test_a_market_without_coupons_keeps_the_share_of_a_family_and_no_number_of_its_card(officer: Officer) -> None:
    market = await market_of(officer.office, "distributor_price")
    card, family = "1971012304050678", uuid4().hex
    await officer.opens()
    await officer.loses_the_signal()
    await officer.begins("Loket pasar murah")
    await fills_in(officer.page, {"Pasar murah": market["id"], "Nama loket": "Loket 1"})
    for written in (card, f"{card[:4]}-{card[4:8]}-{card[8:12]}-{card[12:]}", f"{card[:8]}_{card[8:]}"):
        await officer.scans(uuid4().hex)
        await officer.seen.presses("Tidak jadi")
        await officer.scans(written)
        await officer.seen.says("Nomor KK atau NIK tidak boleh")
        await expect(officer.page.get_by_role("button", name="Catat penyerahan")).to_have_count(0)
    await officer.scans(uuid4().hex)
    await officer.page.get_by_label("paling banyak 2").fill("1")
    await taps_twice(officer.page, "Catat penyerahan")
    await officer.seen.says("Tercatat untuk")
    await officer.page.get_by_role("button", name="Hapus Keluarga").click()
    await expect(officer.page.get_by_role("heading", name="0 penyerahan")).to_be_focused()
    await fills_in(officer.page, {"Nama loket": card[:12] + " " + card[12:]})
    await finishes_in_vain(officer, "Nomor KK atau NIK tidak boleh ditulis di sini")
    await fills_in(officer.page, {"Nama loket": "Loket 1"})
    for _ in range(2):
        await officer.scans(family)
        await officer.seen.presses("Catat penyerahan")
    await officer.seen.says("sudah mengambil jatahnya")
    await officer.seen.says("1 penyerahan")
    await finishes(officer.page)
    assert card not in re.sub("[-_ ]", "", await officer.keeps())
    await officer.finds_a_signal()
    await officer.waits_until_accepted(1)
    (offer,) = (await officer.office.sees(f"/aid/markets/{market['id']}"))["items"]
    assert offer["sold"] == 2


async def test_what_the_telephone_keeps_names_no_owner(officer: Officer, world: World) -> None:
    await seat_taken(world)
    await officer.opens()
    kept = await officer.keeps()
    assert "Bimtek konveksi" in kept
    assert [name for name in (OWNER, BUSINESS, "+62", '"nik"', '"phone"', '"seller"') if name in kept] == []
    assert not re.search(r"\b\d{16}\b", kept)
