"""Businesses from a file at a desk: every mistake by its cell first, then the good rows are taken in."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from playwright.async_api import FilePayload, expect

from shared.clock import wib_day
from tests.journey.people import World
from tests.journey.test_closed_loop import day
from tests.registration.imports import csv_of, xlsx_of
from tests.web.people import signs_in_at_office
from tests.web.seen import Seen

REGION = "19.04"


def row(number: int, **changes: str) -> dict[str, Any]:
    told = {
        "Nama usaha": f"Anyaman Namang {number}",
        "Sektor": "wood",
        "Wilayah": REGION,
        "No HP": f"0834-7000-{number:04}",
    }
    return {
        **told,
        "Nama pemilik": f"Perajin {number}",
        "Warna": "biru",
        **{k.replace("_", " "): v for k, v in changes.items()},
    }


async def sends(seen: Seen, name: str, content: bytes) -> None:
    file = FilePayload(name=name, mimeType="application/octet-stream", buffer=content)
    await seen.page.get_by_label("Berkas .xlsx atau .csv").set_input_files(file)
    await seen.presses("Periksa berkas")


async def test_good_rows_are_taken_in_and_bad_ones_come_back_with_their_mistakes(seen: Seen, world: World) -> None:
    office = world.office(REGION)
    rows: Sequence[dict[str, Any]] = [row(1), row(2, Wilayah="Kota Entah"), row(3, No_HP="12"), row(4)]
    await seen.opens("/impor")
    await signs_in_at_office(seen, office, lands_on="Impor usaha")
    await seen.says("Belum ada berkas dari Anda")
    await seen.presses("Periksa berkas")
    await seen.says("Pilih berkasnya dulu.")
    await seen.is_for_everybody("impor-kosong")
    await sends(seen, "anyaman.xlsx", xlsx_of(rows))

    # Looked through, and live: what would happen to each row, and every mistake by row, column and value.
    await seen.says("Sudah diperiksa, menunggu keputusan Anda")
    await expect(seen.page.get_by_role("heading", level=1)).to_have_text("anyaman.xlsx")
    await seen.says("Kolom yang tidak dikenal dan dilewati: Warna")
    will_be = seen.page.get_by_role("group", name="Yang akan terjadi").get_by_role("row")
    await expect(will_be.filter(has_text="Usaha baru")).to_have_text(re.compile("Usaha baru\\s*2"))
    await expect(will_be.filter(has_text="Ditolak")).to_have_text(re.compile("Ditolak\\s*2"))
    wrong = seen.page.get_by_role("group", name="Yang salah, per baris").get_by_role("row")
    await expect(wrong.filter(has_text="Kota Entah")).to_contain_text("Tidak ada kabupaten atau kota")
    await expect(wrong.filter(has_text="Kota Entah").get_by_role("rowheader")).to_have_text("3")
    await expect(wrong.filter(has_text="Bukan nomor telepon")).to_contain_text("No. HP / Phone")
    await seen.is_for_everybody("impor-diperiksa")
    assert (await office.sees("/registration/businesses", q="Anyaman Namang"))["items"] == []
    async with seen.page.expect_download() as told:
        await seen.presses("Unduh berkas dengan kolom kesalahan", role="link")
    assert (await (await told.value).path()).read_bytes().startswith(b"PK")

    await seen.presses("Masukkan baris yang benar")
    await seen.presses("Ya, masukkan baris yang benar")
    await seen.says("Selesai")
    await seen.says("Yang terjadi")
    found = await office.sees("/registration/businesses", q="Anyaman Namang")
    assert {one["name"] for one in found["items"]} == {"Anyaman Namang 1", "Anyaman Namang 4"}
    await seen.presses("English")
    await seen.says("What happened")
    await seen.is_for_everybody("import-done")
    await seen.presses("Back to the list", role="link")
    await expect(seen.page.get_by_role("row").filter(has_text="anyaman.xlsx")).to_contain_text("Done")


async def test_what_is_no_table_is_refused_and_a_wrong_file_is_called_off(seen: Seen, world: World) -> None:
    office = world.office("19.01")
    await seen.opens("/impor")
    await signs_in_at_office(seen, office, lands_on="Impor usaha")
    await sends(seen, "kosong.csv", b"")
    await seen.says("tidak dapat dibaca sebagai tabel")
    assert (await office.sees("/registration/imports"))["items"] == []
    await sends(seen, "surat.xlsx", b"%PDF-1.7, and no workbook")
    await seen.says("berkas ini bukan .xlsx dan bukan .csv")
    await seen.presses("Kembali ke daftar", role="link")
    await sends(seen, "usaha.csv", csv_of([row(9, Wilayah="19.01")]))
    await seen.says("Semua baris dapat dimasukkan.")
    await seen.presses("Batalkan impor")
    await seen.page.get_by_label("Alasan (dicatat)").fill("Berkas yang salah")
    await seen.presses("Ya, batalkan impor")
    await seen.says("Sebab: Berkas yang salah")
    await expect(seen.page.get_by_role("button", name="Masukkan semua")).to_have_count(0)
    assert (await office.sees("/registration/businesses", q="Anyaman Namang"))["items"] == []


async def test_answers_to_a_survey_come_from_a_file_too(seen: Seen, world: World) -> None:
    office, today = world.office(REGION), wib_day(datetime.now(UTC))
    survey = {
        "title": "Survei dari kertas", "region": "19", "opens_on": (today - timedelta(days=1)).isoformat(),
        "closes_on": day(9), "before_month": "2020-02", "now_month": "2020-04",
    }  # fmt: skip
    wave = (await world.office("19").asks("/registration/surveys", survey)).json()["id"]
    firm = (await office.sees("/registration/businesses", state="active", limit=1))["items"][0]
    lines = [
        {"ID usaha": firm["id"], "Keadaan": "berjalan", "Omzet sebelum": "12.000.000", "Omzet sekarang": "4.500.000"},
        {"ID usaha": str(uuid4()), "Keadaan": "berjalan", "Omzet sebelum": "12.000.000", "Omzet sekarang": "4.500.000"},
    ]
    await seen.opens("/impor")
    await signs_in_at_office(seen, office, lands_on="Impor usaha")
    await seen.page.get_by_label("Isi berkas").select_option(label="Jawaban survei: Survei dari kertas")
    template = seen.page.get_by_role("link", name="Unduh contoh berkas (XLSX)")
    await expect(template).to_have_attribute("href", f"/registration/surveys/{wave}/answers/template.xlsx")
    await seen.is_for_everybody("impor-jawaban")
    await sends(seen, "jawaban.csv", csv_of(lines))
    will_be = seen.page.get_by_role("group", name="Yang akan terjadi").get_by_role("row")
    await expect(will_be.filter(has_text="Jawaban baru")).to_have_text(re.compile("Jawaban baru\\s*1"))
    await seen.says("Tidak ada usaha terdaftar seperti ini.")
    await seen.presses("Masukkan baris yang benar")
    await seen.presses("Ya, masukkan baris yang benar")
    await seen.says("Yang terjadi")
    taken = (await office.sees(f"/registration/surveys/{wave}/answers"))["items"]
    assert [one["business_id"] for one in taken] == [firm["id"]]
    await expect(seen.page.get_by_role("link", name="Lihat data ganda")).to_have_count(0)
