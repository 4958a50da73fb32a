"""Files as people keep them are read by rules, and what could mean two things is refused."""

import zipfile
from collections.abc import Callable
from datetime import date
from io import BytesIO

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from services.registration.businesses.told import Told
from services.registration.imports import cells, columns, reading, writing
from services.registration.imports.cells import Wrong
from services.registration.imports.columns import COLUMNS
from services.registration.imports.domain import Reader, SoFar
from services.registration.imports.tables import DayNumber, FileRefused, Formula, Number, Table
from tests.registration.imports import FULL, csv_of, row, xlsx_of

REGIONS = {"19.01": "Kabupaten Bangka", "19.71": "Kota Pangkalpinang", "19.10": "Kota Bangka"}
DAY = date(2020, 8, 31)


def read_rows(content: bytes) -> list[dict[str, object]]:
    """Give what the rows of a file say; what is wrong in them fails the test."""
    table = reading.read(content)
    layout, rows = reading.layout_of(table)
    reader = Reader(layout, REGIONS, epoch_1904=table.epoch_1904)
    found = []
    for one in rows:
        read = reader.read(one.number, one.cells)
        assert read is not None
        assert read.findings == []
        found.append(dict(read.told.values))
    return found


GOOD: list[tuple[Callable[[str], object], str, object]] = [
    (cells.rupiah, "1234567", 1_234_567),
    (cells.rupiah, "1.234.567", 1_234_567),
    (cells.rupiah, "1.000", 1_000),
    (cells.rupiah, "1,234,567", 1_234_567),
    (cells.rupiah, "1 234 567", 1_234_567),
    (cells.rupiah, "Rp 1.234.567,00", 1_234_567),
    (cells.rupiah, "Rp1.234.567,-", 1_234_567),
    (cells.rupiah, "1,234,567.00", 1_234_567),
    (cells.rupiah, "12,0", 12),
    (cells.rupiah, Number("200000000.0"), 200_000_000),
    (cells.rupiah, Number("2E+8"), 200_000_000),
    (cells.day, "31/08/2020", DAY),
    (cells.day, "31-8-2020", DAY),
    (cells.day, "31.08.2020", DAY),
    (cells.day, "2020-08-31", DAY),
    (cells.day, "31 Agustus 2020", DAY),
    (cells.day, "31-Agt-2020", DAY),
    (cells.day, "31 August 2020", DAY),
    (cells.day, "03/04/2020", date(2020, 4, 3)),
    (cells.day, "44074", DAY),
    (cells.day, DayNumber("44074"), DAY),
    (cells.day, Number("44074.75"), DAY),
    (cells.nik, "1971 0152 0378 9901", "1971015203789901"),
    (cells.nib, "0220000000099", "0220000000099"),
    (cells.nib, Number("9220000000099"), "9220000000099"),
    (cells.kbli, "14111", "14111"),
    (cells.edition, "KBLI 2020", 2020),
    (cells.phone, "0834-0000-0101", "+6283400000101"),
    (cells.phone, "6283400000101", "+6283400000101"),
    (cells.phone, "83400000101", "+6283400000101"),
    (cells.phone, Number("83400000101"), "+6283400000101"),
    (cells.phone, Number("6283400000101"), "+6283400000101"),
    (cells.sector, "Garment", "garment"),
    (cells.plain, "  'Toko\u00a0", "'Toko"),
    (cells.plain, "'=1+1", "=1+1"),
    (cells.region_code, "19,71", "19.71"),
    (cells.region_code, Number("19.1"), "19.10"),
]

BAD: list[tuple[Callable[[str], object], str, str]] = [
    (cells.rupiah, "1,000", "ambiguous_number"),
    (cells.rupiah, "1.234,5", "not_whole"),
    (cells.rupiah, "1,5", "not_whole"),
    (cells.rupiah, Number("1234.5"), "not_whole"),
    (cells.rupiah, "-5", "negative"),
    (cells.rupiah, "200 juta", "not_a_number"),
    (cells.rupiah, "1.23.456", "not_a_number"),
    (cells.rupiah, Number("nan"), "not_a_number"),
    (cells.rupiah, Number("1E+400"), "not_a_number"),
    (cells.rupiah, "9" * 100, "too_large"),
    (cells.rupiah, "\u0661\u0662", "not_a_number"),
    (cells.workers, "1.000.001", "too_large"),
    (cells.day, "31/02/2020", "bad_date"),
    (cells.day, "12/31/2020", "bad_date"),
    (cells.day, "31/08/20", "bad_date"),
    (cells.day, "kemarin", "bad_date"),
    (cells.day, "31 Foo 2020", "bad_date"),
    (cells.day, Number("1"), "bad_date"),
    (cells.day, Number("1E+300"), "bad_date"),
    (cells.nik, Number("1971015203789900"), "nik_as_number"),
    (cells.nik, Number("1.9710152037899E+15"), "nik_as_number"),
    (cells.nik, "1,97E+15", "nik_as_number"),
    (cells.nik, "3.57E+15", "nik_as_number"),
    (cells.nik, "197101520378990", "invalid_nik"),
    (cells.nib, Number("220000000099"), "nib_as_number"),
    (cells.nib, "2,2E+12", "nib_as_number"),
    (cells.nib, "123", "invalid_nib"),
    (cells.kbli, Number("1111"), "kbli_as_number"),
    (cells.phone, "12", "invalid_phone"),
    (cells.phone, "6,28E+12", "phone_as_number"),
    (cells.email, "siti", "invalid_email"),
    (cells.text, "x" * 201, "too_long"),
    (cells.plain, "=HYPERLINK(1)", "formula"),
    (cells.plain, Formula("12"), "formula"),
]


@pytest.mark.parametrize(("read", "words", "value"), GOOD)
def test_a_habit_is_understood(read: Callable[[str], object], words: str, value: object) -> None:
    assert read(words) == value


@pytest.mark.parametrize(("read", "words", "code"), BAD)
def test_what_means_nothing_or_two_things_is_refused(read: Callable[[str], object], words: str, code: str) -> None:
    with pytest.raises(Wrong) as wrong:
        read(words)
    assert wrong.value.code == code


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_csv_is_read_whatever_separates_it_and_however_it_is_written(separator: str, encoding: str) -> None:
    (found,) = read_rows(csv_of([row(Nama_pemilik="René; Siti, Aminah")], separator, encoding))
    assert found["owner_name"] == "René; Siti, Aminah"
    assert found["annual_sales_rupiah"] == 200_000_000


def test_a_first_line_may_name_the_separator_and_notes_may_stand_above_the_headings() -> None:
    content = b"sep=;\r\nData IKM 2020;;\r\n;;\r\n" + csv_of([row()])
    (found,) = read_rows(content)
    assert found["name"] == "Konveksi Bersama"


def test_a_workbook_says_the_same_as_csv() -> None:
    rows = [row(Tenaga_kerja=4, Omzet=200_000_000, Nilai_investasi=40_000_000, Tanggal_omzet=44074, Wilayah=19.71)]
    assert read_rows(xlsx_of(rows)) == read_rows(csv_of([row()]))


@pytest.mark.parametrize("region", ["Kota Pangkalpinang", "pangkalpinang", "19.71", "19,71"])
def test_a_region_may_be_named(region: str) -> None:
    assert read_rows(csv_of([row(Wilayah=region)]))[0]["region"] == "19.71"


def test_a_name_that_two_regions_share_means_neither() -> None:
    table = reading.read(csv_of([row(Wilayah="Bangka")]))
    layout, rows = reading.layout_of(table)
    read = Reader(layout, REGIONS, epoch_1904=False).read(2, next(rows).cells)
    assert read is not None
    assert [one.code for one in read.findings] == ["unknown_region"]


def test_days_of_a_workbook_that_counts_from_1904_are_read_so() -> None:
    buffer = BytesIO()
    with xlsxwriter.Workbook(buffer, {"date_1904": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Nama usaha", "Tanggal omzet"])
        sheet.write_string(1, 0, "A")
        sheet.write_datetime(1, 1, DAY, book.add_format({"num_format": "dd/mm/yyyy"}))
    assert read_rows(buffer.getvalue()) == [{"name": "A", "annual_sales_on": DAY}]


def test_a_name_of_which_a_spreadsheet_made_a_day_is_refused() -> None:
    buffer = BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Nama usaha", "Pemilik", "Alamat"])
        sheet.write_number(1, 0, 44074, book.add_format({"num_format": "d-mmm"}))
        sheet.write_formula(1, 1, "=1+1", None, 2)
        sheet.write_string(1, 2, "Jalan 1")
    table = reading.read(buffer.getvalue())
    layout, rows = reading.layout_of(table)
    read = Reader(layout, REGIONS, epoch_1904=False).read(2, next(rows).cells)
    assert read is not None
    assert [(one.column, one.code) for one in read.findings] == [("name", "date_in_text"), ("owner_name", "formula")]


def zipped(**parts: bytes) -> bytes:
    """Give an archive with these parts beside those of a workbook."""
    whole = BytesIO(xlsx_of([row()]))
    buffer = BytesIO()
    with zipfile.ZipFile(whole) as given_, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name in given_.namelist():
            made.writestr(name, parts.get(name.rpartition("/")[2].partition(".")[0], given_.read(name)))
    return buffer.getvalue()


SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%b</sheetData></worksheet>'
MANY = b'<row r="1">' + b"<c><v>1</v></c>" * 1_000_000 + b"</row>"
FAR = b'<row r="1048576"><c r="XFD1048576" t="str"><v>x</v></c></row>'
DEEP = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + SHEET % b""
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n", "not_a_table"),
    "old Excel": (lambda: b"\xd0\xcf\x11\xe0" + b"\0" * 512, "old_excel"),
    "NUL bytes": (lambda: b"Nama usaha;Pemilik\r\nA\0;B", "not_text"),
    "no headings": (lambda: b"satu;dua\r\n1;2", "no_headings"),
    "bytes that are no letters": (lambda: b"Nama usaha;Pemilik\r\n\x81;\x8d", "not_text"),
    "an open quotation mark": (lambda: b'Nama usaha;Pemilik\r\n"A;B\r\n' + b"C;D\r\n" * 40_000, "broken_csv"),
    "a cell of great length": (lambda: b"Nama usaha;Pemilik\r\nA;" + b"x" * 3_000, "cell_too_long"),
    "many columns": (lambda: b"Nama usaha;Pemilik\r\n" + b"A;" * 200, "too_many_columns"),
    "one column twice": (lambda: b"Nama usaha;Pemilik;Nama IKM\r\nA;B;C", "column_twice"),
    "half a workbook": (lambda: xlsx_of([row()])[:2_000], "broken_workbook"),
    "a million columns": (lambda: zipped(sheet1=SHEET % MANY), "too_many_columns"),
    "a cell at the far corner": (lambda: zipped(sheet1=SHEET % FAR), "too_many_columns"),
    "entities": (lambda: zipped(sheet1=DEEP), "broken_workbook"),
    "no XML": (lambda: zipped(sheet1=b"<worksheet>"), "broken_workbook"),
    "a part that unpacks to ever more": (lambda: zipped(styles=b" " * 10_000_001), "too_large_unpacked"),
    "an archive of anything": (lambda: _archive({"hello.txt": b"x"}), "broken_workbook"),
    "too many parts": (lambda: _archive({f"{n}": b"" for n in range(2_001)}), "too_large_unpacked"),
}


def _archive(parts: dict[str, bytes]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_or_broken_is_refused_with_its_reason(name: str) -> None:
    make, reason = HOSTILE[name]

    def read_all() -> Table:
        table = reading.read(make())
        _, rows = reading.layout_of(table)
        assert [one for one in rows if one.number < 0] == []
        return table

    with pytest.raises(FileRefused) as refusal:
        read_all()
    assert refusal.value.reason == reason


def test_a_size_that_an_archive_lies_about_is_not_believed() -> None:
    content = zipped(sheet1=SHEET % MANY[: 30 * 1_000] + b"</row>")
    directory = content.rindex(b"PK\x01\x02", 0, content.rindex(b"sheet1.xml"))
    lying = content[: directory + 24] + (10).to_bytes(4, "little") + content[directory + 28 :]
    with pytest.raises(FileRefused):
        list(reading.layout_of(reading.read(lying))[1])


def test_every_heading_that_we_write_is_read() -> None:
    found = columns.BUSINESSES.layout(1, dict(enumerate(columns.BUSINESSES.headings)))
    assert found is not None
    assert [found.places[place].field for place in range(len(COLUMNS))] == [column.field for column in COLUMNS]
    assert found.ignored == []


def test_a_long_number_in_a_wrong_column_is_shown_by_its_end() -> None:
    assert cells.shown("NIK 1971 0152 0378 9901!") == "NIK ***************9901!"
    assert cells.shown("0812") == "0812"


def test_a_file_is_held_against_itself_by_everything_a_business_is_found_by() -> None:
    so_far = SoFar()
    first = Told(values={"name": "A", "nib": "1", "region": "19.71", "owner_name": "S"}, nik_index=b"k")
    assert list(so_far.faults(2, first, None, None)) == []
    assert list(so_far.faults(2, first, None, None)) == []  # a batch that is done anew
    again = Told(values={"name": "a.", "region": "19.71", "owner_name": "S"}, nik_index=b"k")
    assert [one.code for one in so_far.faults(3, again, None, None)] == ["twice_in_file"]


LETTERS = st.characters(codec="utf-8", exclude_categories=("C", "Z"))
WORDS = st.text(LETTERS, min_size=1, max_size=40).filter(
    lambda words: (
        not words.startswith(("'", "=", "*"))
        and words not in cells.CLEAR
        and cells.plain(words) == words
        and words.lower() not in columns.EXAMPLE_MARKS
    )
)
RECORDS = st.fixed_dictionaries(
    {"name": WORDS, "owner_name": WORDS, "region": st.sampled_from(sorted(REGIONS))},
    optional={
        "sector": st.from_regex(r"[a-z][a-z0-9_-]{0,39}", fullmatch=True).filter(lambda word: word.isascii()),
        "nib": st.from_regex(r"[0-9]{13}", fullmatch=True).filter(str.isascii),
        "workers": st.integers(0, 1_000_000),
        "investment_rupiah": st.integers(0, 10**15),
        "annual_sales_rupiah": st.integers(0, 10**15),
        "annual_sales_on": st.dates(cells.FIRST_DAY, cells.LAST_DAY),
        "address": WORDS,
        "document": WORDS,
        "nik": st.sampled_from(["1971015203789901", "1901011201850001"]),
        "phone": st.sampled_from(["+6283400000101", "+628123456789", "+6581234567"]),
        "email": st.just("siti@contoh.example"),
        "language": st.sampled_from(["id", "en"]),
        "kbli": st.from_regex(r"[0-9]{5}", fullmatch=True).filter(str.isascii),
        "kbli_edition": st.integers(1990, 2100),
    },
)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@given(records=st.lists(RECORDS, min_size=1, max_size=4))
@settings(max_examples=60)
def test_any_record_written_in_our_columns_is_read_as_it_was(kind: str, records: list[dict[str, object]]) -> None:
    output = writing.of_columns(columns.BUSINESSES, kind)
    output.write([[record.get(column.field) for column in COLUMNS] for record in records])  # type: ignore[misc]  # cells
    assert read_rows(output.content()) == records


def test_the_full_row_is_full() -> None:
    (found,) = read_rows(csv_of([FULL]))
    assert len(found) == len(FULL)
