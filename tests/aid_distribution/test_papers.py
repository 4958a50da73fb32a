"""Cards as files, papers with a code, and what everybody may ask of that code."""

import csv
import re
from collections.abc import Mapping
from datetime import timedelta
from html.parser import HTMLParser
from io import BytesIO, StringIO
from zipfile import ZipFile

import httpx
import pytest

from services.aid_distribution.ledger import exports, papers
from services.aid_distribution.ledger.catalogue import Unit
from services.aid_distribution.ledger.domain import Kind, Reason, Source, Virtual
from services.aid_distribution.ledger.exports import HEADINGS, XLSX, CsvTable, XlsxTable, guarded
from services.aid_distribution.ledger.verification import CardClaim, card_code, claim_of, posting_code
from services.aid_distribution.ledger.words import KINDS, OUTSIDE, REASONS, UNITS, in_digits, moment_in_words
from services.aid_distribution.main import SERVICE
from shared.database import Database
from shared.privacy import Vault
from shared.security import KeyStore
from tests.aid_distribution.story import MASKS, NOON, OFFICE, WAREHOUSE, StoppedClock, ago, plant
from tests.aid_distribution.test_api import Door, issue, made, receipt
from tests.door import open_door, told

CARD = f"/aid/cards/{WAREHOUSE}/{MASKS}"


@pytest.fixture
def vault(keys: KeyStore) -> Vault:
    return Vault(keys.master)


@pytest.fixture
async def database(database: Database, vault: Vault) -> Database:
    database.vault = vault
    return database


@pytest.fixture
async def public(database: Database, keys: KeyStore) -> httpx.AsyncClient:
    """Somebody with a telephone and no token."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(open_door(SERVICE, database, keys)), base_url="http://test")


async def moved(door: Door) -> Mapping[str, object]:
    """Let a hundred come and thirty go; gives the posting of the thirty."""
    client = door["pangkalpinang"]
    await made(client, "/aid/receipts", receipt(100, ago(3), document="=HYPERLINK(1)"))
    return await made(client, "/aid/issues", issue(30, ago(2)))


async def file_of(door: Door, query: str = "") -> list[list[str]]:
    answer = await door["pangkalpinang"].get(f"{CARD}/export?{query}")
    assert answer.status_code == 200, answer.text
    return list(csv.reader(StringIO(answer.text)))


# Files


async def test_a_card_is_exported_as_a_table_with_its_balance(door: Door) -> None:
    await moved(door)
    answer = await door["pangkalpinang"].get(f"{CARD}/export")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    name = f"kartu-stok-{WAREHOUSE}-{MASKS}-1970-01-01-2026-05-20.csv"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    heading, came, went = await file_of(door)
    assert heading == list(HEADINGS)
    assert came[0] == "2026-05-17T12:00:00+07:00"
    assert came[2:9] == [
        "'=HYPERLINK(1)",
        "Penerimaan barang / Goods received",
        "Pemasok / Supplier",
        "",
        "100",
        "",
        "100",
    ]
    assert went[6:] == ["", "30", "70", "officer-19.71", "rusak / damaged"]
    _, opening, went = await file_of(door, "from=2026-05-18&to=2026-05-18")
    assert (opening[3], opening[8], went[7:9]) == ("Saldo awal / Opening balance", "100", ["30", "70"])
    assert len(await file_of(door, "to=2026-05-17")) == 2


async def test_a_workbook_holds_numbers_as_numbers_and_no_formula(door: Door) -> None:
    await moved(door)
    answer = await door["pangkalpinang"].get(f"{CARD}/export", params={"format": "xlsx", "from": "2026-05-01"})
    assert answer.headers["content-type"] == XLSX
    assert answer.headers["content-disposition"].endswith('.xlsx"')
    with ZipFile(BytesIO(answer.content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert re.findall(r'<c r="I\d+" s="\d+"><v>(\d+)</v></c>', sheet) == ["0", "100", "70"]
    assert "&apos;=HYPERLINK" in sheet or "'=HYPERLINK" in sheet
    assert all(heading in sheet for heading in HEADINGS)


@pytest.mark.parametrize("words", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_words_that_a_spreadsheet_would_work_out_are_quoted(words: str) -> None:
    assert guarded(words) == f"'{words}"
    for table in (CsvTable(), XlsxTable("X")):
        table.write([[words, -5]])
        content = table.content()
        if isinstance(table, CsvTable):
            assert list(csv.reader(StringIO(content.decode(), newline="")))[1] == [f"'{words}", "-5"]
    assert [guarded(cell) for cell in (-5, None, "masker = baik", "")] == [-5, None, "masker = baik", ""]


async def lengthened(database: Database, posting: Mapping[str, object], lines: int) -> None:
    """Give a posting so many lines of one piece, as an administrator could."""
    columns = "from_place, to_place, occurred_at, recorded_at"
    order = (
        f"INSERT INTO posting_line (posting_id, line_no, item, quantity, {columns})"  # noqa: S608 - our own text
        f" SELECT posting_id, n, item, 1, {columns} FROM posting_line, generate_series(2, {lines}) n"
        f" WHERE posting_id = '{posting['id']}' AND line_no = 1"
    )
    async with database.work(OFFICE) as work:
        await plant(work, order)


async def test_a_card_is_exported_up_to_its_limit_and_refused_beyond_it(door: Door, database: Database) -> None:
    posting = await made(door["office"], "/aid/receipts", receipt(1, ago(3)))
    await lengthened(database, posting, exports.ROWS_MAX)
    rows = await file_of(door)
    assert [int(row[8]) for row in rows[1:]] == list(range(1, exports.ROWS_MAX + 1))
    await made(door["office"], "/aid/receipts", receipt(1, ago(1)))
    refused = await door["office"].get(f"{CARD}/export?format=xlsx")
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_rows")
    assert refused.json()["rows_max"] == exports.ROWS_MAX
    assert (await door["office"].get(f"{CARD}/export?format=xlsx&from=2026-05-18")).status_code == 200


async def test_a_card_is_printed_up_to_its_limit_and_refused_beyond_it(door: Door, database: Database) -> None:
    posting = await made(door["office"], "/aid/receipts", receipt(1, ago(3)))
    await lengthened(database, posting, papers.ROWS_MAX)
    printed = await door["office"].get(f"{CARD}/paper")
    assert printed.content.count(b"/Type /Page\n") > 40
    await made(door["office"], "/aid/receipts", receipt(1, ago(1)))
    refused = await door["office"].get(f"{CARD}/paper")
    assert (refused.status_code, refused.json()["rows_max"]) == (409, papers.ROWS_MAX)
    assert (await door["office"].get(f"{CARD}/paper?from=2026-05-18")).status_code == 200


async def test_files_and_papers_are_the_regions_own(door: Door) -> None:
    posting = await moved(door)
    for path in (f"{CARD}/export", f"{CARD}/paper", f"/aid/postings/{posting['id']}/paper"):
        assert (await door["belitung"].get(path)).status_code == 404
        assert (await door["auditor"].get(path)).status_code == 200
    wrong = await door["office"].get(f"{CARD}/export", params={"format": "pdf", "from": "2026-05-21", "of": "x"})
    assert told(wrong) == {("/query/format", "unknown_value"), ("/query/of", "unknown_field")}


# Papers


async def test_papers_are_pdf_with_a_name(door: Door) -> None:
    posting = await moved(door)
    for path, name in (
        (f"{CARD}/paper", f"kartu-stok-{WAREHOUSE}-{MASKS}-2026-05-01-2026-05-20.pdf"),
        (f"/aid/postings/{posting['id']}/paper", "2026-05-19.71-GI-0001.pdf"),
    ):
        answer = await door["pangkalpinang"].get(path)
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.headers["content-disposition"] == f'inline; filename="{name}"'
        assert answer.content.startswith(b"%PDF-")


async def test_a_name_in_letters_that_no_printer_has_is_printed_all_the_same(door: Door) -> None:
    item = {"code": "KAIN", "name": "Kain “batik” \u2014 \u5e03 " + "x" * 150, "unit": "piece", "category": "other"}
    await made(door["office"], "/aid/items", item)
    await made(door["office"], "/aid/receipts", receipt(lines=[{"item": "KAIN", "quantity": 1}]))
    assert (await door["office"].get(f"/aid/cards/{WAREHOUSE}/KAIN/paper")).content.startswith(b"%PDF-")


def test_there_are_words_for_everything_that_stands_on_a_paper() -> None:
    assert set(KINDS) == set(Kind)
    assert set(OUTSIDE) == set(Virtual)
    assert set(UNITS) == set(Unit)
    assert set(REASONS) == set(Reason) | set(Source)
    assert moment_in_words(NOON) == "20 Mei 2026, 12.00 WIB"
    assert in_digits(1234567) == "1.234.567"


# What everybody may ask


class Page(HTMLParser):
    """What is drawn in by a page, and what it says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "action", "style")]


async def test_whoever_holds_a_receipt_sees_what_the_books_say_and_nothing_of_a_person(
    door: Door, public: httpx.AsyncClient, vault: Vault
) -> None:
    posting = await moved(door)
    code = posting_code(vault, str(posting["number"]))
    answer = await public.get(f"/aid/verify/{code}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    for says in (
        *("Asli dan berlaku", "Genuine and valid", "2026-05-19.71-GI-0001", "Pengeluaran barang", "18 Mei 2026"),
        *("Masker kain", MASKS, f"Gudang {WAREHOUSE}", "Rusak atau hilang", ">30 buah"),
    ):
        assert says in answer.text
    assert "officer" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    page = Page(answer.text)
    assert not page.tags & {"script", "img", "iframe", "form"}
    assert page.links == ["data:,"]
    as_json = await public.get(f"/aid/verify/{code}", headers={"Accept": "application/json"})
    assert as_json.json() == {
        "paper": "posting",
        "number": posting["number"],
        "kind": "issue",
        "occurred_on": "2026-05-18",
        "lines": [
            {
                "item": MASKS,
                "item_name": "Masker kain",
                "lot": None,
                "unit": "piece",
                "quantity": 30,
                "from_place": f"Gudang {WAREHOUSE}",
                "to_place": "LOSS",
            }
        ],
        "reverses": None,
        "reversed_by": None,
    }


async def test_a_receipt_that_was_reversed_says_so(door: Door, public: httpx.AsyncClient, vault: Vault) -> None:
    posting = await moved(door)
    undone = await made(door["office"], f"/aid/postings/{posting['id']}/reversal", {"reason": "Pak Budi salah ketik"})
    text = (await public.get(f"/aid/verify/{posting_code(vault, str(posting['number']))}")).text
    assert "Asli, tetapi dibatalkan" in text
    assert str(undone["number"]) in text
    text = (await public.get(f"/aid/verify/{posting_code(vault, str(undone['number']))}")).text
    assert "Asli dan berlaku" in text
    assert str(posting["number"]) in text
    assert "Budi" not in text


async def test_a_printed_card_says_whether_the_books_have_changed_since(
    door: Door, public: httpx.AsyncClient, vault: Vault, clock: StoppedClock
) -> None:
    await moved(door)
    until = NOON + timedelta(seconds=1)
    code = card_code(vault, CardClaim(WAREHOUSE, MASKS, ago(19).date(), until, 70))
    assert "cocok dengan pembukuan" in (await public.get(f"/aid/verify/{code}")).text
    clock.advance(timedelta(hours=1))
    await made(door["office"], "/aid/issues", issue(5, NOON + timedelta(minutes=30)))
    assert "cocok dengan pembukuan" in (await public.get(f"/aid/verify/{code}")).text
    await made(door["office"], "/aid/issues", issue(8, ago(1)))
    text = (await public.get(f"/aid/verify/{code}")).text
    assert "pembukuan telah berubah" in text
    assert "<dd>70 buah" in text
    assert "<dd>62 buah" in text
    told = (await public.get(f"/aid/verify/{code}", headers={"Accept": "application/json"})).json()
    assert (told["paper"], told["printed"], told["on_hand"]) == ("card", 70, 62)


async def test_every_code_that_is_not_valid_has_the_same_answer(
    door: Door, public: httpx.AsyncClient, vault: Vault
) -> None:
    number = str((await moved(door))["number"])
    good, other = posting_code(vault, number), posting_code(vault, "2026-05-19.71-GR-0001")
    mark = good.rpartition("_")[2]
    wrong = [
        number,
        f"{number}_",
        f"{number}_{mark.lower()}",
        f"{number}_{mark[:-1]}",
        f"{number}_{mark[:-1]}{'A' if mark[-1] != 'A' else 'B'}",
        f"{number}_{other.rpartition('_')[2]}",
        f"{number}_{Vault(bytes(32)).mark('paper', number)}",
        f"{number}_{vault.mark('station', number)}",
        posting_code(vault, "2026-05-19.71-GI-0002"),  # made here, and in no book: as after an old backup
        f"{WAREHOUSE}_{MASKS}_20260501_20260520120001_70_{mark}",
        "%00",
        "x" * 5000,
        "%F0%9F%98%80_%F0%9F%98%80",
    ]
    answers = [await public.get(f"/aid/verify/{code}") for code in wrong]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert "Tidak berlaku" in answers[0].text
    assert (await public.get(f"/aid/verify/{good}")).status_code == 200
    for code in wrong[:3]:
        answer = await public.get(f"/aid/verify/{code}", headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_claim_is_read_back_as_it_was_made(vault: Vault) -> None:
    claim = CardClaim(WAREHOUSE, MASKS, ago(19).date(), NOON, 10**15)
    assert claim_of(vault, card_code(vault, claim)) == claim
    assert claim_of(vault, posting_code(vault, "2026-05-19.71-DO-0001")) == "2026-05-19.71-DO-0001"
    for parts in ("a_b", "a_b_c_d_e", "a_b_20260501_20260520120001_much"):
        assert claim_of(vault, f"{parts}_{vault.mark('paper', parts)}") is None


async def test_the_code_on_a_paper_leads_to_its_page(door: Door, public: httpx.AsyncClient) -> None:
    posting = await moved(door)
    for path in (f"{CARD}/paper", f"{CARD}/paper?to=2026-05-18", f"/aid/postings/{posting['id']}/paper"):
        paper = (await door["office"].get(path)).content.decode("latin-1")
        (address,) = re.findall(r"/URI \(http://127\.0\.0\.1:8000(/aid/verify/[^)]+)\)", paper)
        answer = await public.get(address)
        assert answer.status_code == 200
        assert "Asli dan" in answer.text
