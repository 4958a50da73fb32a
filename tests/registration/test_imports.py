"""Imports: looked through first, all that is wrong told, good rows or all or nothing, and never a reset."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.registration.imports import handlers, reading
from services.registration.imports.domain import KEPT, LEASE
from services.registration.imports.importer import Importer
from services.registration.imports.running import Run
from services.registration.imports.writing import CSV, XLSX
from shared.contracts.registration import BusinessChanged, BusinessRegistered, OwnerChanged, OwnerRegistered
from shared.database import Database
from tests.door import Client, Recorded
from tests.registration.imports import (
    PATH,
    counts,
    csv_of,
    errors,
    imported,
    media_of,
    numbered,
    previewed,
    row,
    sent,
    shown,
    worked_off,
    xlsx_of,
)
from tests.registration.people import OFFICE, registration
from tests.shared.backbone import scalars

Door = Mapping[str, Client]
MAKES = {"csv": csv_of, "xlsx": xlsx_of}


async def business(door: Door, name: str = "Konveksi Bersama") -> dict[str, Any]:
    items = (await door["office"].get("/registration/businesses", params={"q": name})).json()["items"]
    assert len(items) == 1, items
    found: dict[str, Any] = items[0]
    return found


@pytest.mark.parametrize("kind", MAKES)
async def test_a_file_registers_what_the_api_registers(
    door: Door, database: Database, recorded: Recorded, kind: str
) -> None:
    job = await previewed(door["office"], database, MAKES[kind]([row()]), media_of(kind))
    assert (job["state"], counts(job)) == ("previewed", (1, 0, 0, 0))
    assert await recorded() == []
    answer = await door["office"].post(f"{PATH}/{job['id']}/start", json={"mode": "all_or_nothing"})
    assert answer.status_code == 202
    await worked_off(database)
    job = await shown(door["office"], job["id"])
    assert (job["state"], counts(job), job["position"], job["rows_total"]) == ("done", (1, 0, 0, 0), 1, 1)
    found = await business(door)
    told = registration()
    owner = told.pop("owner")
    assert isinstance(owner, dict)
    told.pop("annual_sales_rupiah")
    assert {name: found[name] for name in told} == told
    assert found["owner"]["nik"] == "************9901"
    assert found["owner"]["phone"] == "+6283400000101"
    assert {name: found["owner"][name] for name in ("name", "email", "language")} == {
        name: owner[name] for name in ("name", "email", "language")
    }
    assert (found["business_scale"]["scale"], found["industry_scale"]["scale"], found["version"]) == (
        "micro", "small", 1,
    )  # fmt: skip
    assert [type(one) for one in await recorded()] == [OwnerRegistered, BusinessRegistered]


async def test_the_same_file_again_changes_nothing(door: Door, database: Database, recorded: Recorded) -> None:
    rows = [numbered(number) for number in range(5)]
    assert counts(await imported(door["office"], database, csv_of(rows))) == (5, 0, 0, 0)
    told = await recorded()
    assert counts(await imported(door["office"], database, xlsx_of(rows), XLSX)) == (0, 0, 5, 0)
    assert await recorded() == told


async def test_rows_without_any_number_are_found_again_too(door: Door, database: Database) -> None:
    bare = [{"Nama usaha": f"Warung {n}", "Sektor": "food", "Wilayah": "19.71", "Pemilik": "Ali"} for n in range(2)]
    by_document = [one | {"No. dokumen": f"D-{n}"} for n, one in enumerate(bare)]
    assert counts(await imported(door["office"], database, csv_of(bare))) == (2, 0, 0, 0)
    assert counts(await imported(door["office"], database, csv_of(bare))) == (0, 0, 2, 0)
    assert counts(await imported(door["office"], database, csv_of(by_document))) == (2, 0, 0, 0)
    assert counts(await imported(door["office"], database, csv_of(by_document))) == (0, 0, 2, 0)


async def test_an_empty_cell_leaves_what_is_known_and_a_dash_takes_it_away(
    door: Door, database: Database, recorded: Recorded
) -> None:
    await imported(door["office"], database, csv_of([row()]))
    before = len(await recorded())
    again = row(Tenaga_kerja="", Alamat="-", No_HP="", Omzet="", Tanggal_omzet="", Email="baru@contoh.example")
    job = await imported(door["office"], database, csv_of([again]))
    assert counts(job) == (0, 1, 0, 0)
    found = await business(door)
    assert (found["workers"], found["address"], found["owner"]["phone"]) == (4, None, "+6283400000101")
    assert (found["owner"]["email"], found["annual_sales_on"]) == ("baru@contoh.example", "2020-08-31")
    assert (found["business_scale"]["scale"], found["version"]) == ("micro", 2)
    assert [type(one) for one in (await recorded())[before:]] == [BusinessChanged, OwnerChanged]
    job = await imported(door["office"], database, csv_of([row(Alamat="", Omzet="3.000.000.000", Tanggal_omzet="")]))
    assert counts(job) == (0, 1, 0, 0)
    assert (await business(door))["business_scale"]["scale"] == "small"


async def test_all_that_is_wrong_is_told_by_row_column_and_value(door: Door, database: Database) -> None:
    rows = [
        numbered(0),
        numbered(1, Tenaga_kerja="empat", Omzet="1,000", Tanggal_omzet="31/02/2020", NIK="3,57E+15", No_HP="12"),
        numbered(2, Wilayah="19.99", Sektor="", NIB="123", Email="siti"),
        numbered(3, Nama_pemilik="-", Tanggal_omzet="01/01/2099", KBLI="14111", Edisi_KBLI=""),
        numbered(0, NIB="", NIK="", Nama_usaha="Lain"),
    ]
    job = await previewed(door["office"], database, csv_of(rows))
    assert (job["state"], counts(job)) == ("previewed", (1, 0, 0, 4))
    assert set(await errors(door["office"], job["id"])) == {
        (3, "workers", "empat", "not_a_number"),
        (3, "annual_sales_rupiah", "*****", "ambiguous_number"),
        (3, "annual_sales_on", "31/02/2020", "bad_date"),
        (3, "nik", "****E+15", "nik_as_number"),
        (3, "phone", "12", "invalid_phone"),
        (4, "region", "19.99", "unknown_region"),
        (4, "sector", "", "missing"),
        (4, "nib", "123", "invalid_nib"),
        (4, "email", "siti", "invalid_email"),
        (5, "owner_name", "-", "cannot_clear"),
        (5, "annual_sales_on", "01/01/2099", "in_the_future"),
        (5, "kbli_edition", "", "missing"),
        (6, "document", "REG/0", "twice_in_file"),
    }


async def test_all_or_nothing_is_refused_while_rows_are_and_good_rows_go_in(
    door: Door, database: Database, recorded: Recorded
) -> None:
    rows = [numbered(0), numbered(1, Tanggal_omzet="kemarin"), numbered(2)]
    job = await previewed(door["office"], database, csv_of(rows))
    answer = await door["office"].post(f"{PATH}/{job['id']}/start", json={"mode": "all_or_nothing"})
    assert (answer.status_code, answer.json()["code"]) == (409, "rows_refused")
    assert (await door["office"].post(f"{PATH}/{job['id']}/start", json={"mode": "good_rows"})).status_code == 202
    await worked_off(database)
    job = await shown(door["office"], job["id"])
    assert (job["state"], counts(job)) == ("done", (2, 0, 0, 1))
    assert await errors(door["office"], job["id"]) == [(3, "annual_sales_on", "kemarin", "bad_date")]
    assert len(await recorded()) == 4
    answer = await door["office"].post(f"{PATH}/{job['id']}/start", json={"mode": "good_rows"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_previewed")


async def test_all_or_nothing_leaves_nothing_where_a_row_is_taken_in_the_meantime(
    door: Door, database: Database, recorded: Recorded
) -> None:
    rows = [numbered(number) for number in range(600)]
    job = await previewed(door["office"], database, csv_of(rows))
    other = registration(nib=rows[-1]["NIB"])
    assert (await door["office"].post("/registration/businesses", json=other)).status_code == 201
    before = len(await recorded())
    await door["office"].post(f"{PATH}/{job['id']}/start", json={"mode": "all_or_nothing"})
    await worked_off(database)
    job = await shown(door["office"], job["id"])
    assert (job["state"], job["failure"], counts(job)) == ("failed", "rows_refused", (599, 0, 0, 1))
    assert [one[::3] for one in await errors(door["office"], job["id"])] == [(601, "nik_differs")]
    assert len(await recorded()) == before


async def test_a_row_of_another_region_is_refused_like_one_that_does_not_exist(door: Door, database: Database) -> None:
    await imported(door["office"], database, csv_of([row(Wilayah="19.02")]))
    foreign = (await business(door))["id"]
    job = await previewed(
        door["pangkalpinang"],
        database,
        csv_of([{"ID": foreign, "Nama usaha": "X"}, {"ID": uuid4(), "Nama usaha": "Y"}]),
    )
    assert [one[0::3] for one in await errors(door["pangkalpinang"], job["id"]) if one[1] == "id"] == [
        (2, "unknown_business"),
        (3, "unknown_business"),
    ]
    job = await previewed(door["pangkalpinang"], database, csv_of([numbered(7, Wilayah="19.02"), row()]))
    assert {one[1::2] for one in await errors(door["pangkalpinang"], job["id"])} == {
        ("region", "unknown_region"),
        ("nib", "nib_taken"),
    }


async def test_what_stands_twice_in_a_file_or_contradicts_itself_is_refused(door: Door, database: Database) -> None:
    rows = [
        numbered(0),
        numbered(1, NIB=numbered(0)["NIB"]),
        numbered(2, NIB="", NIK=numbered(0)["NIK"], Nama_pemilik="Pemilik 0"),
        numbered(3, NIB="", NIK=numbered(0)["NIK"], Nama_pemilik="Orang lain"),
        numbered(4, NIB="", NIK=numbered(0)["NIK"], Nama_pemilik="Pemilik 0", No_HP="0812-3456-7890"),
    ]
    job = await imported(door["office"], database, csv_of(rows))
    assert counts(job) == (2, 0, 0, 3)
    assert [(line, column, code) for line, column, _, code in await errors(door["office"], job["id"])] == [
        (3, "nib", "twice_in_file"),
        (5, "owner_name", "nik_belongs_to_another"),
        (6, "phone", "contradicts_row"),
    ]
    owners = {one["owner_id"] for one in (await door["office"].get("/registration/businesses")).json()["items"]}
    assert len(owners) == 1


async def test_states_follow_the_rules_of_the_api(door: Door, database: Database) -> None:
    await imported(door["office"], database, csv_of([row()]))
    job = await previewed(door["office"], database, csv_of([row(Status="ditangguhkan")]))
    assert [one[1::2] for one in await errors(door["office"], job["id"])] == [("state_reason", "missing")]
    suspended = row(Status="ditangguhkan", Alasan_status="Bahan habis")
    assert counts(await imported(door["office"], database, csv_of([suspended]))) == (0, 1, 0, 0)
    assert counts(await imported(door["office"], database, csv_of([suspended]))) == (0, 0, 1, 0)
    job = await previewed(door["office"], database, csv_of([row(Status="tutup")]))
    assert [one[1::2] for one in await errors(door["office"], job["id"])] == [("state", "close_by_hand")]
    found = await business(door)
    await door["office"].post(f"/registration/businesses/{found['id']}/closure", json={"reason": "Selesai"})
    job = await previewed(door["office"], database, csv_of([row(), row(NIB="0220000000098", NIK="", Nama_usaha="B")]))
    assert counts(job) == (1, 0, 1, 0)
    job = await previewed(door["office"], database, csv_of([row(Alamat="Jalan lain")]))
    assert [one[1::2] for one in await errors(door["office"], job["id"])] == [("state", "business_closed")]


@pytest.mark.parametrize("kind", MAKES)
async def test_the_file_comes_back_with_what_is_wrong_and_can_be_sent_again(
    door: Door, database: Database, kind: str
) -> None:
    rows = [numbered(0, Catatan="=1+1"), numbered(1, NIB="12")]
    job = await previewed(door["office"], database, MAKES[kind](rows), media_of(kind))
    answer = await door["office"].get(f"{PATH}/{job['id']}/file")
    assert answer.status_code == 200
    _, lines = reading.layout_of(reading.read(answer.content))
    table = reading.read(answer.content)
    headings, *back = list(table.rows)
    last = max(headings.cells)
    assert headings.cells[last] == "Kesalahan / Errors"
    assert [one.cells.get(last) for one in back] == [None, "NIB: Must be 13 digits."]
    assert len(list(lines)) == 2
    again = await previewed(door["office"], database, answer.content, media_of(kind))
    assert counts(again) == (1, 0, 0, 1)
    assert again["ignored_columns"] == []
    assert (await door["pangkalpinang"].get(f"{PATH}/{job['id']}/file")).status_code == 404
    assert (await door["pangkalpinang"].get(f"{PATH}/{job['id']}")).status_code == 404


@pytest.mark.parametrize("kind", MAKES)
async def test_an_export_imported_again_is_unchanged(door: Door, database: Database, kind: str) -> None:
    rows = [numbered(number) for number in range(3)] + [
        numbered(7, Sektor="food", NIK="", NIB="", No_HP="", Omzet="", Tanggal_omzet="")
    ]
    await imported(door["office"], database, csv_of(rows))
    answer = await door["office"].get("/registration/businesses/export", params={"format": kind})
    assert answer.status_code == 200
    assert b"197101520378" not in answer.content
    job = await imported(door["office"], database, answer.content, media_of(kind))
    assert counts(job) == (0, 0, 4, 0)
    one = (await door["office"].get("/registration/businesses/export", params={"format": "csv", "sector": "food"})).text
    assert "Usaha 7" in one
    assert "Usaha 1" not in one
    assert (await door["auditor"].get("/registration/businesses/export")).status_code == 403


async def test_the_template_can_be_sent_and_its_example_is_passed_over(door: Door, database: Database) -> None:
    answer = await door["pangkalpinang"].get(f"{PATH}/template.xlsx")
    assert (answer.status_code, answer.headers["content-type"]) == (200, XLSX)
    job = await previewed(door["pangkalpinang"], database, answer.content, XLSX)
    assert (job["state"], job["failure"]) == ("failed", "no_rows")


async def test_how_it_goes_on_is_told_as_events(door: Door, database: Database) -> None:
    job = await previewed(door["office"], database, csv_of([row()]))
    answer = await door["office"].get(f"{PATH}/{job['id']}/progress")
    assert answer.headers["content-type"] == "text/event-stream"
    told = [line for line in answer.text.splitlines() if line.startswith("data: ")]
    assert [msgspec.json.decode(line[6:])["state"] for line in told] == ["previewed"]
    known = {"Last-Event-ID": str(job["version"])}
    assert "data:" not in (await door["office"].get(f"{PATH}/{job['id']}/progress", headers=known)).text
    waiting = await sent(door["office"], csv_of([row()]))
    answer = await door["office"].get(f"{PATH}/{waiting}/progress", params={"wait_seconds": 0})
    assert '"state":"uploaded"' in answer.text
    assert (await door["belitung"].get(f"{PATH}/{waiting}/progress")).status_code == 404


async def test_what_is_no_table_fails_with_its_reason(door: Door, database: Database) -> None:
    job = await previewed(door["office"], database, b"%PDF-1.7 ...")
    assert (job["state"], job["failure"]) == ("failed", "not_a_table")
    answer = await door["office"].post(PATH, content=b"{}", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    answer = await door["office"].post(PATH, content=b"", headers={"Content-Type": CSV})
    assert (answer.status_code, answer.json()["code"]) == (422, "file_refused")
    answer = await door["office"].post(PATH, content=b"x" * 20_000_001, headers={"Content-Type": CSV})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert (await door["auditor"].post(PATH, content=b"a", headers={"Content-Type": CSV})).status_code == 403


async def test_a_retry_of_the_sending_is_one_import_and_only_so_many_wait(door: Door, database: Database) -> None:
    headers = {"Content-Type": CSV, "Idempotency-Key": "one"}
    first = await door["office"].post(PATH, content=csv_of([row()]), headers=headers)
    again = await door["office"].post(PATH, content=csv_of([row()]), headers=headers)
    assert again.json() == first.json()
    other = await door["office"].post(PATH, content=csv_of([numbered(1)]), headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    for _ in range(2):
        await sent(door["office"], csv_of([row()]))
    answer = await door["office"].post(PATH, content=csv_of([row()]), headers={"Content-Type": CSV})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_imports")
    listed = (await door["office"].get(PATH)).json()["items"]
    assert len(listed) == 3
    answer = await door["office"].post(f"{PATH}/{listed[0]['id']}/cancellation", json={"reason": "Salah"})
    assert (answer.status_code, answer.json()["state"]) == (201, "cancelled")
    answer = await door["office"].post(f"{PATH}/{listed[0]['id']}/cancellation", json={"reason": "Salah"})
    assert (answer.status_code, answer.json()["code"]) == (409, "import_over")
    await sent(door["office"], csv_of([row()]))


async def test_nothing_of_what_is_sent_lies_in_plain_and_it_is_destroyed_in_time(
    door: Door, database: Database
) -> None:
    job = await imported(door["office"], database, csv_of([row(), row(NIB="", Nama_usaha="B", Tanggal_omzet="x")]))
    async with database.reading(OFFICE) as work:
        for table in ("business_import", "business_import_chunk", "business_import_finding", "outbox", "idempotency"):
            rows = await work.session.execute(text(f"SELECT {table}::text FROM {table}"))  # noqa: S608 - ours
            for (line,) in rows:
                assert "1971015203789901" not in line
                assert "31393731303135323033373839393031" not in line  # the same in hexadecimal
    async with database.work(OFFICE) as work:
        past = (await work.session.execute(text("SELECT created_at FROM business_import"))).scalar_one() - KEPT
        await work.session.execute(text("UPDATE business_import SET created_at = :past"), {"past": past - timedelta(1)})
    assert await database.run(OFFICE, handlers.purge)
    assert not await database.run(OFFICE, handlers.purge)
    async with database.reading(OFFICE) as work:
        for table in ("business_import_chunk", "business_import_finding"):
            assert (await work.session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 0  # noqa: S608
    assert (await door["office"].get(f"{PATH}/{job['id']}/file")).status_code == 404
    assert counts(await shown(door["office"], job["id"])) == counts(job)


class Dies(Exception):
    """The worker dies."""


class Dying(Run):
    """A worker that dies after some batches."""

    async def _write_batch(self, no: int) -> Any:
        if no == 2:
            raise Dies
        return await super()._write_batch(no)


async def test_what_was_broken_off_goes_on_where_it_was_and_nothing_is_done_twice(
    door: Door, database: Database, recorded: Recorded
) -> None:
    rows = [numbered(number) for number in range(1_600)] + [numbered(1, NIK="", NIB="", Nama_usaha="Lagi", Omzet="x")]
    job = await previewed(door["office"], database, csv_of(rows))
    assert counts(job) == (1_600, 0, 0, 1)
    await door["office"].post(f"{PATH}/{job['id']}/start", json={"mode": "good_rows"})
    dead = Importer(database)
    taken = await dead._taken(None)
    assert taken is not None
    with pytest.raises(Dies):
        await Dying(database, dead.id, taken).carry_out()
    halfway = await shown(door["office"], job["id"])
    assert (halfway["state"], halfway["position"], halfway["new"]) == ("importing", 1_000, 1_000)
    assert not await Importer(database).step()  # its lease still runs
    async with database.work(OFFICE) as work:
        await work.session.execute(text("UPDATE business_import SET leased_until = :past"), {"past": work.now - LEASE})
    await worked_off(database)
    job = await shown(door["office"], job["id"])
    assert (job["state"], counts(job), job["position"]) == ("done", (1_600, 0, 0, 1), 1_601)
    assert {one[0] for one in await errors(door["office"], job["id"])} == {1_602}
    events = await recorded()
    assert len(events) == len({one.subject for one in events}) == 3_200


async def test_a_worker_that_lost_its_lease_writes_nothing_more(
    door: Door, database: Database, recorded: Recorded
) -> None:
    job = await previewed(door["office"], database, csv_of([row()]))
    await door["office"].post(f"{PATH}/{job['id']}/start", json={"mode": "good_rows"})
    slow = Importer(database)
    taken = await slow._taken(None)
    assert taken is not None
    await door["office"].post(f"{PATH}/{job['id']}/cancellation", json={"reason": "Salah"})
    with pytest.raises(Exception, match=r"^$"):
        await Run(database, slow.id, taken).carry_out()
    assert (await shown(door["office"], job["id"]))["state"] == "cancelled"
    assert await recorded() == []


GUARDED = (
    "UPDATE business_import SET state = 'importing'",
    "UPDATE business_import SET position = position + 1",
    "UPDATE business_import SET new = 2",
    "UPDATE business_import SET state = 'failed'",
    "UPDATE business_import SET leased_by = id",
    "UPDATE business_import SET wrapped = NULL",
    "UPDATE business_import_chunk SET kind = 'x'",
)


@pytest.mark.parametrize("order", GUARDED)
async def test_the_database_is_the_last_guard(door: Door, database: Database, order: str) -> None:
    await previewed(door["office"], database, csv_of([row()]))
    with pytest.raises(IntegrityError):
        async with database.work(OFFICE) as work:
            await work.session.execute(text(order))


async def test_what_an_import_changes_stands_in_the_history_as_if_it_was_changed_by_hand(
    door: Door, database: Database
) -> None:
    await imported(door["office"], database, csv_of([numbered(1)]))
    changes = {"Alamat": "Jalan Baru 5", "No_HP": "0834-0000-0777", "Omzet": "250.000.000", "Tenaga_kerja": "9"}
    named = numbered(1, **changes)
    job = await imported(door["office"], database, csv_of([named]))
    assert counts(job) == (0, 1, 0, 0)
    found = await business(door, "Usaha 1")
    lines = (await door["office"].get(f"/registration/businesses/{found['id']}/history")).json()["items"]
    changed = {(one["subject"], one["field"]): (one["before"], one["after"], one["by"]) for one in lines[1:]}
    assert {("business", "address"), ("owner", "phone"), ("business", "annual_sales_rupiah")} <= changed.keys()
    assert changed["business", "address"][1:] == ("Jalan Baru 5", "staff-1")
    stored = await scalars(database, "SELECT count(*) FROM record_change WHERE before_sealed IS NOT NULL")
    assert stored == [3]
    again = await imported(door["office"], database, csv_of([named]))
    assert counts(again) == (0, 0, 1, 0)
    assert await scalars(database, "SELECT count(*) FROM record_change") == [len(lines) - 1]


async def test_an_import_opens_a_case_for_what_may_be_known_already(door: Door, database: Database) -> None:
    await imported(door["office"], database, csv_of([numbered(1)]))
    twin = numbered(2) | {"Nama usaha": "Usaha  1", "Nama pemilik": "Pemilik 1", "NIK": ""}
    await imported(door["office"], database, csv_of([twin]))
    (case,) = (await door["office"].get("/registration/duplicates")).json()["items"]
    assert (case["state"], {one["name"] for one in case["businesses"]} <= {"Usaha 1", "Usaha  1"}) == ("open", True)


class BrokenOff(Exception):
    """Stands for whatever ends a worker before it commits."""


CASES, WAITING = "SELECT id FROM duplicate_case", "SELECT business_id FROM duplicate_check"


async def _taken(door: Door, database: Database, *rows: dict[str, Any], mode: str = "good_rows") -> dict[str, Any]:
    """Let a file be carried out by a worker that compares nothing yet."""
    import_id = await sent(door["office"], csv_of(rows))
    assert await Importer(database).step()
    await door["office"].post(f"{PATH}/{import_id}/start", json={"mode": mode})
    assert await Importer(database).step()
    return await shown(door["office"], import_id)


def _twins() -> tuple[dict[str, Any], dict[str, Any]]:
    return numbered(1), numbered(2) | {"Nama usaha": "Usaha  1", "Nama pemilik": "Pemilik 1", "NIK": ""}


@pytest.mark.parametrize("mode", ["good_rows", "all_or_nothing"])
async def test_what_was_imported_is_compared_afterwards_and_the_import_says_how_much_is_left(
    door: Door, database: Database, mode: str
) -> None:
    job = await _taken(door, database, *_twins(), numbered(3), mode=mode)
    assert (job["state"], counts(job), job["to_compare"]) == ("done", (3, 0, 0, 0), 3)
    assert await scalars(database, CASES) == []
    progress = await door["office"].get(f"{PATH}/{job['id']}/progress", params={"wait_seconds": 0})
    assert '"to_compare":3' in progress.text
    assert await Importer(database).compare()
    compared = await shown(door["office"], job["id"])
    assert (compared["to_compare"], compared["version"]) == (0, job["version"] + 1)
    assert (len(await scalars(database, CASES)), await scalars(database, WAITING)) == (1, [])
    assert not await Importer(database).compare()


async def test_what_waits_of_two_imports_is_compared_once_and_counted_for_the_first(
    door: Door, database: Database
) -> None:
    first = await _taken(door, database, numbered(1))
    second = await _taken(door, database, numbered(1, Alamat="Jalan Baru 5"), numbered(2))
    assert (first["to_compare"], second["to_compare"], len(await scalars(database, WAITING))) == (1, 1, 2)
    await worked_off(database)
    assert [(await shown(door["office"], job["id"]))["to_compare"] for job in (first, second)] == [0, 0]


async def test_two_workers_that_compare_at_once_open_one_case_and_count_each_business_once(
    door: Door, database: Database
) -> None:
    job = await _taken(door, database, *_twins())
    await asyncio.gather(*(Importer(database).compare() for _ in range(4)))
    assert (await shown(door["office"], job["id"]))["to_compare"] == 0
    assert (len(await scalars(database, CASES)), await scalars(database, WAITING)) == (1, [])


async def test_a_comparison_that_is_broken_off_leaves_all_waiting(door: Door, database: Database) -> None:
    job = await _taken(door, database, *_twins())

    async def dies() -> None:
        async with database.work(OFFICE) as work:
            assert await handlers.compare(work) == 2
            raise BrokenOff

    with pytest.raises(BrokenOff):
        await dies()
    assert (len(await scalars(database, WAITING)), await scalars(database, CASES)) == (2, [])
    assert (await shown(door["office"], job["id"]))["to_compare"] == 2


async def test_an_import_leaves_people_alone_whose_data_may_only_be_stored(door: Door, database: Database) -> None:
    await imported(door["office"], database, csv_of([numbered(1)]))
    async with database.work(OFFICE) as work:
        await work.session.execute(text("UPDATE owner SET restricted_at = now()"))
    job = await imported(door["office"], database, csv_of([numbered(1, Alamat="Jalan Baru 5")]))
    assert counts(job) == (0, 0, 0, 1)
    assert "owner_restricted" in {found for _, _, _, found in await errors(door["office"], job["id"])}


async def test_an_import_that_changes_a_scale_says_since_when_and_takes_it_away_with_its_figures(
    door: Door, database: Database
) -> None:
    await imported(door["office"], database, csv_of([numbered(1)]))
    found = await business(door, "Usaha 1")
    lines = (await door["office"].get(f"/registration/businesses/{found['id']}/history")).json()["items"]
    assert lines[0]["by"] == "staff-1"
    async with database.work(OFFICE) as work:
        await work.session.execute(text("UPDATE business SET registered_at = registered_at - interval '9 days'"))
    larger = {"Omzet": "3.000.000.000", "Tenaga_kerja": "40"}
    job = await imported(door["office"], database, csv_of([numbered(1, **larger)]))
    assert counts(job) == (0, 1, 0, 0)
    since = "SELECT business_scale_since IS NOT NULL AND industry_scale_since IS NOT NULL FROM business"
    assert await scalars(database, since) == [True]
    job = await imported(door["office"], database, csv_of([numbered(1, Omzet="-", Tanggal_omzet="", Tenaga_kerja="-")]))
    assert counts(job) == (0, 1, 0, 0)
    gone = "SELECT coalesce(business_scale, industry_scale, business_scale_since::text) IS NULL FROM business"
    assert await scalars(database, gone) == [True]


async def test_a_row_about_a_merged_business_is_refused_alone_and_never_registers_it_again(
    door: Door, database: Database
) -> None:
    rows = [numbered(1), numbered(2), numbered(3, NIB="")]
    await imported(door["office"], database, csv_of(rows))
    async with database.work(OFFICE) as work:
        await work.session.execute(
            text(
                "UPDATE business SET state = 'merged', state_reason = 'one',"
                " merged_into = (SELECT id FROM business WHERE name = 'Usaha 1') WHERE name <> 'Usaha 1'"
            )
        )
    again = [numbered(1, Alamat="Jalan Baru 5"), numbered(2), numbered(3, NIB=""), numbered(4, NIB=rows[1]["NIB"])]
    job = await imported(door["office"], database, csv_of(again))
    assert (job["state"], counts(job)) == ("done", (0, 1, 0, 3))
    assert {code for _, _, _, code in await errors(door["office"], job["id"])} >= {"business_merged"}
    by_id = await scalars(database, "SELECT id FROM business WHERE state = 'merged'")
    told = [{"ID": str(one), "Status": "aktif"} for one in by_id]
    job = await imported(door["office"], database, csv_of(told))
    assert (job["state"], counts(job)) == ("done", (0, 0, 0, 2))
    assert await scalars(database, "SELECT count(*) FROM business") == [3]
