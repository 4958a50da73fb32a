"""`serumpun import businesses`: looks a file through, imports it, and gives it back with what is wrong."""

from pathlib import Path
from typing import Any

from tests.operations.conftest import Installation
from tests.registration.imports import csv_of, numbered, xlsx_of


async def test_a_file_is_looked_through_then_imported_and_what_is_wrong_comes_back(
    there: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "ikm.csv"
    file.write_bytes(csv_of([numbered(1), numbered(2, NIB="12")]))
    looked = await there.command("import", "businesses", str(file), "--preview", "--json")
    assert looked.code == 1, looked
    told = looked.read(dict[str, Any])
    assert (told["state"], told["new"], told["refused"]) == ("previewed", 1, 1)
    assert [(one["row"], one["column"], one["value"]) for one in told["errors"]] == [(3, "NIB", "12")]
    back = tmp_path / "ikm.errors.csv"
    assert told["errors_file"] == str(back)
    assert "Must be 13 digits." in back.read_text("utf-8-sig")
    question = "SELECT name FROM business WHERE name LIKE 'Usaha %' ORDER BY name"
    assert await there.rows("registration", question) == []

    refused = await there.command("import", "businesses", str(file))
    assert (refused.code, "previewed: 2 rows" in refused.output) == (1, True)
    assert await there.rows("registration", question) == []
    done = await there.command("import", "businesses", str(file), "--good-rows")
    assert (done.code, "1 new, 0 changed, 0 unchanged, 1 refused" in done.output) == (1, True), done
    assert [row["name"] for row in await there.rows("registration", question)] == ["Usaha 1"]


async def test_a_file_that_is_right_ends_well_and_again_it_changes_nothing(there: Installation, tmp_path: Path) -> None:
    file = tmp_path / "ikm.xlsx"
    file.write_bytes(xlsx_of([numbered(1), numbered(2)]))
    for expected in ("2 new, 0 changed, 0 unchanged", "0 new, 0 changed, 2 unchanged"):
        done = await there.command("import", "businesses", str(file))
        assert (done.code, expected in done.output) == (0, True), done


async def test_what_cannot_be_read_is_told_and_ends_so(there: Installation, tmp_path: Path) -> None:
    nothing = await there.command("import", "businesses", str(tmp_path / "nothing.csv"))
    assert (nothing.code, "cannot be read" in nothing.line) == (1, True)
    picture = tmp_path / "picture.xlsx"
    picture.write_bytes(b"\x89PNG")
    answered = await there.command("import", "businesses", str(picture))
    assert (answered.code, "not_a_table" in answered.output) == (1, True)


async def test_answers_of_a_wave_come_from_a_file_and_what_was_answered_is_not_asked_again(
    there: Installation, tmp_path: Path
) -> None:
    (wave,) = await there.rows("registration", "SELECT id, opens_on, now_month FROM survey ORDER BY opens_on LIMIT 1")
    (firm,) = await there.rows("registration", "SELECT id FROM business WHERE state = 'active' ORDER BY id LIMIT 1")
    told = {
        "ID usaha": str(firm["id"]),
        "Keadaan": "berjalan",
        "Tenaga kerja sebelum": "41",
        "Tenaga kerja sekarang": "7",
        "Tanggal jawaban": f"{wave['opens_on']:%d/%m/%Y}",
    }
    file = tmp_path / "april.csv"
    file.write_bytes(csv_of([told]))
    import_answers = ("import", "answers", str(file), "--wave", str(wave["id"]))
    question = "SELECT channel FROM survey_answer WHERE workers_before = 41 AND workers_now = 7"

    looked = await there.command(*import_answers, "--preview", "--json")
    counted = looked.read(dict[str, Any])
    assert (looked.code, counted["new"] + counted["changed"], counted["refused"]) == (0, 1, 0), looked
    assert await there.rows("registration", question) == []
    for expected in ("0 unchanged, 0 refused", "0 new, 0 changed, 1 unchanged"):
        done = await there.command(*import_answers)
        assert (done.code, expected in done.output) == (0, True), done
        assert [row["channel"] for row in await there.rows("registration", question)] == ["import"]

    unknown = await there.command(*import_answers[:-1], str(firm["id"]))
    assert (unknown.code, unknown.output) == (1, "")
    assert f"there is no wave {firm['id']} in 19: GET /registration/surveys lists them" in unknown.line
