"""Answers to a wave from files: looked through first, all that is wrong told, never said twice; and given as files."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.registration.imports import handlers, reading
from services.registration.imports.answer_columns import ANSWERS
from services.registration.imports.importer import Importer
from services.registration.imports.writing import CSV, XLSX
from shared.clock import wib_day
from shared.contracts.registration import SurveyAnswered
from shared.database import Database
from tests.door import Client, Recorded
from tests.registration.imports import PATH, counts, csv_of, errors, media_of, shown, worked_off, xlsx_of
from tests.registration.people import BELITUNG, OFFICE, registration
from tests.shared.backbone import scalars

Door = Mapping[str, Client]
MAKES = {"csv": csv_of, "xlsx": xlsx_of}


async def wave(door: Door, database: Database, **changes: object) -> dict[str, Any]:
    today = wib_day(database.clock.now())
    body = {
        "title": "Survei dampak",
        "region": "19",
        "opens_on": (today - timedelta(days=5)).isoformat(),
        "closes_on": (today + timedelta(days=20)).isoformat(),
        "before_month": "2020-02",
        "now_month": "2020-04",
    }
    answer = await door["office"].post("/registration/surveys", json=body | changes)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def firms(door: Door, count: int, **changes: object) -> list[dict[str, Any]]:
    found = []
    for number in range(count):
        owner = {"name": f"Pemilik {number}", "nik": f"197101520378{number + 9001:04d}"}
        body = registration(nib=f"{9_000_000_000_000 + number}", name=f"Usaha {number}", owner=owner, **changes)
        answer = await door["office"].post("/registration/businesses", json=body)
        assert answer.status_code == 201, answer.text
        found.append(answer.json())
    return found


def line(**changes: Any) -> dict[str, Any]:
    told = {
        "Nama usaha": "Usaha 0",
        "NIB": "9000000000000",
        "Keadaan": "berjalan",
        "Omzet sebelum": "Rp 12.000.000,-",
        "Omzet sekarang": "4.500.000",
        "Kapasitas sebelum": "300",
        "Kapasitas sekarang": "100",
        "Tenaga kerja sebelum": "4",
        "Tenaga kerja sekarang": "2",
        "Tanggal jawaban": "",
        "No formulir": "SRV/1",
    }
    return told | {name.replace("_", " "): value for name, value in changes.items()}


async def looked_through(
    client: Client, database: Database, survey: Mapping[str, Any], content: bytes, media: str = CSV
) -> dict[str, Any]:
    path = f"/registration/surveys/{survey['id']}/imports"
    answer = await client.post(path, content=content, headers={"Content-Type": media}, params={"name": "survei"})
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"{PATH}/{answer.json()['id']}"
    await worked_off(database)
    return await shown(client, answer.json()["id"])


async def taken_in(
    client: Client,
    database: Database,
    survey: Mapping[str, Any],
    content: bytes,
    media: str = CSV,
    mode: str = "good_rows",
) -> dict[str, Any]:
    job = await looked_through(client, database, survey, content, media)
    assert job["state"] == "previewed", job
    answer = await client.post(f"{PATH}/{job['id']}/start", json={"mode": mode})
    assert answer.status_code == 202, answer.text
    await worked_off(database)
    return await shown(client, job["id"])


async def answers(door: Door, survey: Mapping[str, Any], who: str = "office") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await door[who].get(f"/registration/surveys/{survey['id']}/answers")).json()["items"]
    return items


@pytest.mark.parametrize("kind", MAKES)
async def test_a_file_takes_the_answers_that_staff_would_write_down(
    door: Door, database: Database, recorded: Recorded, kind: str
) -> None:
    survey, (firm,) = await wave(door, database), await firms(door, 1)
    content = MAKES[kind]([line()])
    job = await looked_through(door["pangkalpinang"], database, survey, content, media_of(kind))
    assert (job["about"], job["survey_id"], counts(job)) == ("survey_answers", survey["id"], (1, 0, 0, 0))
    assert await answers(door, survey) == []
    job = await taken_in(door["pangkalpinang"], database, survey, content, media_of(kind), "all_or_nothing")
    assert (job["state"], counts(job), job["to_compare"]) == ("done", (1, 0, 0, 0), 0)
    (found,) = await answers(door, survey)
    assert (found["business_id"], found["channel"], found["document"]) == (firm["id"], "import", "SRV/1")
    assert (found["status"], found["turnover_decline_permille"]) == ("running", 625)
    assert (found["capacity_now"], found["workers_now"]) == (100, 2)
    assert found["answered_on"] == wib_day(database.clock.now()).isoformat()
    (event,) = [one for one in await recorded() if isinstance(one, SurveyAnswered)]
    assert (str(event.answer_id), event.channel) == (found["id"], "import")


async def test_the_same_file_again_says_nothing_new_and_another_answer_takes_the_place(
    door: Door, database: Database, recorded: Recorded
) -> None:
    survey, _ = await wave(door, database), await firms(door, 3)
    rows = [line(NIB=f"{9_000_000_000_000 + number}", Nama_usaha=f"Usaha {number}") for number in range(3)]
    assert counts(await taken_in(door["office"], database, survey, csv_of(rows))) == (3, 0, 0, 0)
    told = len(await recorded())
    assert counts(await taken_in(door["office"], database, survey, xlsx_of(rows), XLSX)) == (0, 0, 3, 0)
    assert len(await recorded()) == told
    rows[1] |= {"Omzet sekarang": "6.000.000"}
    assert counts(await taken_in(door["office"], database, survey, csv_of(rows))) == (0, 1, 2, 0)
    assert sorted(one["turnover_decline_permille"] for one in await answers(door, survey)) == [500, 625, 625]
    assert await scalars(database, "SELECT count(*) FROM survey_answer WHERE superseded_at IS NOT NULL") == [1]


async def test_all_that_is_wrong_is_told_by_row_column_and_value_and_the_file_comes_back_with_it(
    door: Door, database: Database
) -> None:
    survey, _ = await wave(door, database), await firms(door, 2)
    rows = [
        line(),
        line(NIB="123", Keadaan="senang", Omzet_sebelum="1,000", Tanggal_jawaban="31/02/2020"),
        line(NIB="9000000000001", Nama_usaha="Usaha 1", Omzet_sekarang="", Tanggal_jawaban="01/01/2020"),
        line(Kapasitas_sebelum="-5"),
        line(NIB="9000000000099"),
        line(NIB="9000000000001", Nama_usaha="Usaha 1", Keadaan="", Tanggal_jawaban=""),
    ]
    job = await looked_through(door["office"], database, survey, csv_of(rows))
    assert counts(job) == (1, 0, 0, 5)
    found = await errors(door["office"], job["id"])
    assert found == [
        (3, "nib", "123", "invalid_nib"),
        (3, "status", "senang", "invalid_status"),
        (3, "turnover_before_rupiah", "*****", "ambiguous_number"),
        (3, "answered_on", "31/02/2020", "bad_date"),
        (4, "turnover_now_rupiah", "", "missing"),
        (4, "answered_on", "01/01/2020", "outside_wave"),
        (5, "capacity_before", "-5", "negative"),
        (5, "name", "Usaha 0", "twice_in_file"),
        (6, "nib", "*********0099", "unknown_business"),
        (7, "name", "Usaha 1", "twice_in_file"),
        (7, "status", "", "missing"),
    ]
    back = await door["office"].get(f"{PATH}/{job['id']}/file")
    table = reading.read(back.content, ANSWERS)
    _, lines = reading.layout_of(table, ANSWERS)
    last = [max(one.cells.values(), key=len) for one in lines]
    assert len(last) == 6
    assert "31/08/2020" in last[1]
    started = await door["office"].post(f"{PATH}/{job['id']}/start", json={"mode": "all_or_nothing"})
    assert (started.status_code, started.json()["code"]) == (409, "rows_refused")
    await door["office"].post(f"{PATH}/{job['id']}/start", json={"mode": "good_rows"})
    await worked_off(database)
    assert counts(await shown(door["office"], job["id"])) == (1, 0, 0, 5)
    assert len(await answers(door, survey)) == 1


async def test_an_export_comes_back_unchanged_with_turnover_and_niks_masked(door: Door, database: Database) -> None:
    survey, (firm, _) = await wave(door, database), await firms(door, 2)
    await taken_in(door["office"], database, survey, csv_of([line()]))
    path = f"/registration/surveys/{survey['id']}/answers/export"
    for kind in MAKES:
        file = await door["pangkalpinang"].get(path, params={"format": kind})
        assert file.status_code == 200
        job = await taken_in(door["office"], database, survey, file.content, media_of(kind))
        assert counts(job) == (0, 0, 1, 0), await errors(door["office"], job["id"])
    written = (await door["office"].get(path, params={"format": "csv"})).content.decode("utf-8-sig")
    assert "************9001" in written
    assert "***" in written
    assert firm["id"] in written
    for hidden in ("12000000", "4500000", "1971015203789001"):
        assert hidden not in written
    # What is masked stays as it was told when something else is said anew.
    changed = written.replace(";300;100;", ";300;50;").encode()
    assert counts(await taken_in(door["office"], database, survey, changed)) == (0, 1, 0, 0)
    (found,) = await answers(door, survey)
    assert (found["capacity_now"], found["turnover_decline_permille"]) == (50, 625)
    masked = csv_of([line(NIB="9000000000001", Nama_usaha="Usaha 1", Omzet_sebelum="***", Omzet_sekarang="***")])
    job = await looked_through(door["office"], database, survey, masked)
    assert {code for *_, code in await errors(door["office"], job["id"])} == {"masked"}


async def test_an_office_takes_and_gives_what_is_of_its_own_region_and_an_auditor_nothing(
    door: Door, database: Database
) -> None:
    survey, _ = await wave(door, database), await firms(door, 1)
    job = await looked_through(door["belitung"], database, survey, csv_of([line()]))
    assert {code for *_, code in await errors(door["belitung"], job["id"])} == {"unknown_business"}
    await taken_in(door["office"], database, survey, csv_of([line()]))
    path = f"/registration/surveys/{survey['id']}/answers/export"
    theirs = (await door["belitung"].get(path, params={"format": "csv"})).content
    assert theirs.count(b"\r\n") == 1  # nothing below the headings
    assert (await door["auditor"].get(path)).status_code == 403
    assert (await door["auditor"].get(path.replace("export", "template.xlsx"))).status_code == 403
    city = await wave(door, database, region="19.71")
    for refused in ("imports", "answers/export", "answers/template.xlsx"):
        address = f"/registration/surveys/{city['id']}/{refused}"
        if refused == "imports":
            answer = await door["belitung"].post(address, content=b"x", headers={"Content-Type": CSV})
        else:
            answer = await door["belitung"].get(address)
        assert answer.status_code == 404, refused


async def test_a_wave_that_was_closed_by_hand_takes_no_file_and_one_that_is_over_takes_days_of_its_own(
    door: Door, database: Database
) -> None:
    today = wib_day(database.clock.now())
    opens, closes = today - timedelta(days=20), today - timedelta(days=5)
    survey, _ = (
        await wave(door, database, opens_on=opens.isoformat(), closes_on=closes.isoformat()),
        await firms(door, 1),
    )
    job = await looked_through(door["office"], database, survey, csv_of([line()]))
    assert [code for *_, code in await errors(door["office"], job["id"])] == ["survey_closed"]
    paper = csv_of([line(Tanggal_jawaban=f"{closes:%d/%m/%Y}")])
    job = await looked_through(door["office"], database, survey, paper)
    assert counts(job) == (1, 0, 0, 0)
    await door["office"].post(f"/registration/surveys/{survey['id']}/closing", json={"reason": "Lengkap"})
    await door["office"].post(f"{PATH}/{job['id']}/start", json={"mode": "all_or_nothing"})
    await worked_off(database)
    job = await shown(door["office"], job["id"])
    assert (job["state"], job["failure"], counts(job)) == ("failed", "rows_refused", (0, 0, 0, 1))
    assert await answers(door, survey) == []


async def test_the_template_of_answers_is_filled_in_and_its_example_is_passed_over(
    door: Door, database: Database
) -> None:
    survey = await wave(door, database)
    file = await door["pangkalpinang"].get(f"/registration/surveys/{survey['id']}/answers/template.xlsx")
    assert (file.status_code, file.headers["content-type"]) == (200, XLSX)
    table = reading.read(file.content, ANSWERS)
    layout, rows = reading.layout_of(table, ANSWERS)
    assert layout.fields == frozenset(ANSWERS.by_field)
    assert list(rows) == []


async def test_two_files_that_say_the_same_at_once_say_it_once(door: Door, database: Database) -> None:
    survey, _ = await wave(door, database), await firms(door, 1)
    jobs = [await looked_through(door[who], database, survey, csv_of([line()])) for who in ("office", "pangkalpinang")]
    for job, who in zip(jobs, ("office", "pangkalpinang"), strict=True):
        await door[who].post(f"{PATH}/{job['id']}/start", json={"mode": "all_or_nothing"})
    await asyncio.gather(*(Importer(database).step(UUID(job["id"])) for job in jobs))
    done = [await shown(door["office"], jobs[0]["id"]), await shown(door["pangkalpinang"], jobs[1]["id"])]
    assert sorted(map(counts, done)) == [(0, 0, 1, 0), (1, 0, 0, 0)]
    assert await scalars(database, "SELECT count(*) FROM survey_answer") == [1]


async def test_turnover_stands_nowhere_in_the_clear_on_its_way_through_an_import(
    door: Door, database: Database
) -> None:
    survey, _ = await wave(door, database), await firms(door, 1)
    await taken_in(
        door["office"], database, survey, csv_of([line(Omzet_sebelum="987654321", Omzet_sekarang="123456789")])
    )
    wrong = csv_of([line(Omzet_sebelum="98765432,1x", Omzet_sekarang="123456789")])
    await looked_through(door["office"], database, survey, wrong)
    for table in ("business_import", "business_import_finding", "business_import_chunk", "survey_answer"):
        (kept,) = await scalars(database, f"SELECT string_agg(to_jsonb(t)::text, ' ') FROM {table} t")  # noqa: S608
        assert "987654" not in str(kept), table


@pytest.mark.parametrize("order", [
    "UPDATE business_import SET survey_id = NULL",
    "UPDATE business_import SET about = 'businesses'",
    "UPDATE business_import SET about = 'people'",
])  # fmt: skip
async def test_the_database_is_the_last_guard(door: Door, database: Database, order: str) -> None:
    survey = await wave(door, database)
    async with database.work(OFFICE) as work:
        await handlers.upload(work, "x", b"x", survey_id=_id(survey))
    with pytest.raises(IntegrityError):
        async with database.work(BELITUNG) as work:
            await work.session.execute(text(order))


def _id(survey: Mapping[str, Any]) -> Any:

    return UUID(survey["id"])
