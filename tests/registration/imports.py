"""Files of businesses for tests, and the way of one through an import."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import xlsxwriter

from services.registration.imports.importer import Importer
from services.registration.imports.writing import CSV, XLSX
from shared.database import Database
from tests.door import Client

PATH = "/registration/imports"
FULL: Mapping[str, Any] = {
    "Nama usaha": "Konveksi Bersama",
    "Sektor": "garment",
    "Wilayah": "19.71",
    "KBLI": "14111",
    "Edisi KBLI": "2020",
    "NIB": "0220000000099",
    "Tenaga kerja": "4",
    "Nilai investasi": "40.000.000",
    "Omzet": "200.000.000",
    "Tanggal omzet": "31/08/2020",
    "Alamat": "Jalan Mayor Syafrie Rachman 12",
    "No. dokumen": "REG/2020/09/001",
    "Nama pemilik": "Siti Aminah",
    "NIK": "1971015203789901",
    "No HP": "0834-0000-0101",
    "Email": "siti@contoh.example",
    "Bahasa": "id",
}
"""A row that is right in everything, under headings as people write them."""


def row(**changes: Any) -> dict[str, Any]:
    """Give the full row with other values; a heading's blanks are written as underscores."""
    return {**FULL, **{name.replace("_", " "): value for name, value in changes.items()}}


def numbered(number: int, **changes: Any) -> dict[str, Any]:
    """Give a row about another business and owner for each number."""
    told = {
        "Nama usaha": f"Usaha {number}",
        "NIB": f"{9_000_000_000_000 + number}",
        "NIK": f"197101520378{number + 1:04d}",
        "No. dokumen": f"REG/{number}",
        "Nama pemilik": f"Pemilik {number}",
    }
    return {**FULL, **told, **{name.replace("_", " "): value for name, value in changes.items()}}


def csv_of(rows: Sequence[Mapping[str, Any]], separator: str = ";", encoding: str = "utf-8") -> bytes:
    """Write rows as CSV, as Excel here does; cells that hold the separator are quoted."""

    def quoted(cell: object) -> str:
        words = "" if cell is None else str(cell)
        return '"' + words.replace('"', '""') + '"' if any(one in words for one in (separator, '"', "\n")) else words

    headings = list(dict.fromkeys(name for one in rows for name in one))
    lines = [headings, *([one.get(name) for name in headings] for one in rows)]
    return "\r\n".join(separator.join(map(quoted, line)) for line in lines).encode(encoding)


def xlsx_of(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Write rows as a workbook: text as text, numbers as numbers."""
    buffer = BytesIO()
    with xlsxwriter.Workbook(buffer, {"strings_to_formulas": False, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet("Data IKM")
        headings = list(dict.fromkeys(name for one in rows for name in one))
        for place, heading in enumerate(headings):
            sheet.write_string(0, place, heading)
            for number, one in enumerate(rows, 1):
                cell = one.get(heading)
                if isinstance(cell, int | float):
                    sheet.write_number(number, place, cell)
                elif cell:
                    sheet.write_string(number, place, str(cell))
    return buffer.getvalue()


async def worked_off(database: Database) -> None:
    """Let a worker do all there is to do."""
    worker = Importer(database)
    while await worker.step() or await worker.compare():
        pass


async def sent(client: Client, content: bytes, media_type: str = CSV) -> str:
    """Send a file; gives the id of its import."""
    answer = await client.post(PATH, content=content, headers={"Content-Type": media_type}, params={"name": "ikm"})
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"{PATH}/{answer.json()['id']}"
    return str(answer.json()["id"])


async def previewed(client: Client, database: Database, content: bytes, media_type: str = CSV) -> dict[str, Any]:
    """Send a file and let it be looked through."""
    import_id = await sent(client, content, media_type)
    await worked_off(database)
    return await shown(client, import_id)


async def imported(
    client: Client, database: Database, content: bytes, media_type: str = CSV, mode: str = "good_rows"
) -> dict[str, Any]:
    """Send a file, and let it be looked through and carried out."""
    job = await previewed(client, database, content, media_type)
    assert job["state"] == "previewed", job
    answer = await client.post(f"{PATH}/{job['id']}/start", json={"mode": mode})
    assert answer.status_code == 202, answer.text
    await worked_off(database)
    return await shown(client, job["id"])


async def shown(client: Client, import_id: str) -> dict[str, Any]:
    job: dict[str, Any] = (await client.get(f"{PATH}/{import_id}")).json()
    return job


async def errors(client: Client, import_id: str) -> list[tuple[int, str, str, str]]:
    """Give what is wrong, by row, column, value and code."""
    found: list[tuple[int, str, str, str]] = []
    after: str | None = None
    while True:
        params: dict[str, Any] = {"limit": 500} | ({"cursor": after} if after else {})
        page = (await client.get(f"{PATH}/{import_id}/errors", params=params)).json()
        found += [(one["row"], one["column"], one["value"], one["code"]) for one in page["items"] if one["refuses"]]
        after = page["next"]
        if after is None:
            return found


def counts(job: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """Give what became of the rows: new, changed, unchanged, refused."""
    return job["new"], job["changed"], job["unchanged"], job["refused"]


def media_of(kind: str) -> str:
    return XLSX if kind == "xlsx" else CSV
