"""Reading a workbook as a stream: never more of it in memory than a row, and the words that its sheet shares.

Only four parts of the archive are ever opened (the workbook, its links, the styles, the first sheet that is shown, and
the shared words), each no further than its limit; macros, pictures and links to elsewhere are not looked at.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Final
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile
from zlib import error as zlib_error

from services.registration.imports.tables import (
    CELL_LENGTH_MAX,
    COLUMNS_MAX,
    ROWS_MAX,
    DayNumber,
    Fault,
    FileRefused,
    Formula,
    Number,
    Table,
    TableRow,
)

MEMBERS_MAX: Final = 2_000
SHEET_BYTES_MAX: Final = 300_000_000
"""Unpacked; a sheet of 100,000 rows has some 130 MB."""
SMALL_BYTES_MAX: Final = 10_000_000
WORDS_BYTES_MAX: Final = 120_000_000
WORDS_MAX: Final = 1_500_000
BLOCK_BYTES: Final = 1 << 16
ENCRYPTED: Final = 0x1
ROW_NUMBER_MAX: Final = 1_048_576

BROKEN = "This is no workbook that can be read; open it, and save it as Excel workbook (.xlsx) once more."
DAYS_BUILT_IN: Final = frozenset((*range(14, 23), *range(45, 48)))
"""The number formats 14 to 22 and 45 to 47 are days and times in every workbook (ECMA-376, 18.8.30)."""
NOT_OF_FORMAT = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
OF_DAYS = re.compile(r"[dmyhs]", re.IGNORECASE)

Start = Callable[[str, Mapping[str, str]], None]


def read(content: bytes) -> Table:
    """Read a workbook's first sheet that is shown; raises FileRefused for what is none, or is more than is read."""
    archive = _archive(content)
    try:
        name, path, epoch_1904 = _first_sheet(archive)
        words = _shared_words(archive)
        days = _day_styles(archive)
        _check_member(archive, path, SHEET_BYTES_MAX)
    except (BadZipFile, zlib_error, expat.ExpatError, KeyError, EOFError, NotImplementedError, ValueError):
        raise FileRefused("broken_workbook", BROKEN) from None
    return Table("xlsx", f"XLSX, sheet {name}", _rows(archive, path, words, days), epoch_1904=epoch_1904)


def _archive(content: bytes) -> ZipFile:
    try:
        archive = ZipFile(BytesIO(content))
    except (BadZipFile, ValueError, NotImplementedError):
        raise FileRefused("broken_workbook", BROKEN) from None
    members = archive.infolist()
    if len(members) > MEMBERS_MAX:
        raise FileRefused("too_large_unpacked", f"At most {MEMBERS_MAX} parts in a workbook.")
    if any(member.flag_bits & ENCRYPTED for member in members):
        raise FileRefused("encrypted", "The workbook is protected by a password; save it without.")
    return archive


def _check_member(archive: ZipFile, path: str, bytes_max: int) -> None:
    if archive.getinfo(path).file_size > bytes_max:
        raise FileRefused("too_large_unpacked", f"A part of the workbook would unpack to more than {bytes_max} bytes.")


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise FileRefused("broken_workbook", "The workbook declares a document type, as none that Excel writes does.")

    parser.StartDoctypeDeclHandler = refuse
    return parser


def _blocks(archive: ZipFile, path: str, bytes_max: int) -> Iterator[bytes]:
    """Unpack a part block by block; what its header says of its size is not believed."""
    _check_member(archive, path, bytes_max)
    unpacked = 0
    with archive.open(path) as part:
        while block := part.read(BLOCK_BYTES):
            unpacked += len(block)
            if unpacked > bytes_max:
                raise FileRefused("too_large_unpacked", f"A part unpacks to more than {bytes_max} bytes.")
            yield block


def _elements(archive: ZipFile, path: str, start: Start) -> None:
    """Go through the elements of a small part, by their names without what stands before a colon."""
    parser = _parser()
    parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
    for block in _blocks(archive, path, SMALL_BYTES_MAX):
        parser.Parse(block, False)  # noqa: FBT003 - expat knows it by its place only
    parser.Parse(b"", True)  # noqa: FBT003


def _first_sheet(archive: ZipFile) -> tuple[str, str, bool]:
    sheets: list[tuple[str, str]] = []
    links: dict[str, str] = {}
    since_1904 = [False]

    def in_workbook(name: str, attributes: Mapping[str, str]) -> None:
        if name == "sheet" and attributes.get("state", "visible") == "visible":
            link = next((value for key, value in attributes.items() if key.rpartition(":")[2] == "id"), "")
            sheets.append((attributes.get("name", ""), link))
        if name == "workbookPr":
            since_1904[0] = attributes.get("date1904", "0") in ("1", "true")

    def in_links(name: str, attributes: Mapping[str, str]) -> None:
        if name == "Relationship" and attributes.get("Type", "").endswith("/worksheet"):
            links[attributes["Id"]] = attributes["Target"]

    _elements(archive, "xl/workbook.xml", in_workbook)
    _elements(archive, "xl/_rels/workbook.xml.rels", in_links)
    for name, link in sheets:
        if target := links.get(link):
            return name, target.lstrip("/") if target.startswith("/") else f"xl/{target}", since_1904[0]
    raise FileRefused("broken_workbook", "There is no sheet in the workbook that is shown.")


def _day_styles(archive: ZipFile) -> frozenset[str]:
    """Give the styles of cells that show a number as a day or a time."""
    if "xl/styles.xml" not in archive.namelist():
        return frozenset()
    own: set[str] = {str(number) for number in DAYS_BUILT_IN}
    styles: list[str] = []
    within = [False]

    def start(name: str, attributes: Mapping[str, str]) -> None:
        if name == "numFmt" and OF_DAYS.search(NOT_OF_FORMAT.sub("", attributes.get("formatCode", ""))):
            own.add(attributes.get("numFmtId", ""))
        elif name in ("cellXfs", "cellStyleXfs"):
            within[0] = name == "cellXfs"
        elif name == "xf" and within[0]:
            styles.append(attributes.get("numFmtId", "0"))
        elif name == "cellStyles":
            within[0] = False

    _elements(archive, "xl/styles.xml", start)
    return frozenset(str(place) for place, number in enumerate(styles) if number in own)


def _shared_words(archive: ZipFile) -> list[str]:  # noqa: C901 - three short closures
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    words: list[str] = []
    parts: list[str] = []
    # Beside each word stands how it is read aloud (rPh), which is not part of it.
    taking, aloud = [False], [False]

    def start(name: str, _attributes: Mapping[str, str]) -> None:
        local = name.rpartition(":")[2]
        if local == "t":
            taking[0] = not aloud[0]
        elif local == "rPh":
            aloud[0] = True

    def end(name: str) -> None:
        local = name.rpartition(":")[2]
        if local == "t":
            taking[0] = False
        elif local == "rPh":
            aloud[0] = False
        elif local == "si":
            words.append("".join(parts))
            parts.clear()
            if len(words) > WORDS_MAX:
                raise FileRefused("too_large_unpacked", f"At most {WORDS_MAX} different words in a workbook.")

    def characters(text: str) -> None:
        if taking[0]:
            parts.append(text)

    parser = _parser()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, characters
    for block in _blocks(archive, "xl/sharedStrings.xml", WORDS_BYTES_MAX):
        parser.Parse(block, False)  # noqa: FBT003
    parser.Parse(b"", True)  # noqa: FBT003
    return words


def _rows(archive: ZipFile, path: str, words: list[str], days: frozenset[str]) -> Iterator[TableRow]:
    sheet = _Sheet(words, days)
    try:
        for block in _blocks(archive, path, SHEET_BYTES_MAX):
            sheet.parser.Parse(block, False)  # noqa: FBT003
            yield from sheet.taken()
        sheet.parser.Parse(b"", True)  # noqa: FBT003
        yield from sheet.taken()
    except (BadZipFile, zlib_error, EOFError, expat.ExpatError, NotImplementedError):
        raise FileRefused("broken_workbook", BROKEN) from None


class _Sheet:
    """Gathers the rows of a sheet while its XML is read; what is called for each cell is short: there are a million."""

    def __init__(self, words: list[str], days: frozenset[str]) -> None:
        self.parser = _parser()
        self._ready: list[TableRow] = []
        self._count = 0
        self._connect(words, days)

    def taken(self) -> list[TableRow]:
        """Give the rows that are whole by now."""
        ready, self._ready = self._ready, []
        return ready

    def _connect(self, words: list[str], days: frozenset[str]) -> None:  # noqa: C901 - closures, for their speed
        parts: list[str] = []
        cells: dict[int, str] = {}
        places: dict[str, int] = {}
        number = place = 0
        kind = style = ""
        taking = formula = False
        row_name, cell_name, value_name, text_name, formula_name = "row", "c", "v", "t", "f"

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal number, place, kind, style, taking, formula, cells
            nonlocal row_name, cell_name, value_name, text_name, formula_name
            if name == cell_name:
                where = attributes.get("r", "").rstrip("0123456789")
                place = (_place(where, places) if where not in places else places[where]) if where else place + 1
                kind, style, formula = attributes.get("t", "n"), attributes.get("s", "0"), False
                parts.clear()
            elif name in (value_name, text_name):
                taking = True
            elif name == formula_name:
                formula = True
            elif name == row_name:
                told = attributes.get("r", "")
                number = int(told) if told.isdecimal() and len(told) < 8 else number + 1  # noqa: PLR2004 - 1,048,576
                cells, place = {}, -1
            elif name.endswith(":worksheet"):
                before = name.removesuffix("worksheet")
                row_name, cell_name, value_name = f"{before}row", f"{before}c", f"{before}v"
                text_name, formula_name = f"{before}t", f"{before}f"

        def end(name: str) -> None:
            nonlocal taking
            if name in (value_name, text_name):
                taking = False
            elif name == cell_name:
                if parts and (cell := _cell("".join(parts), kind, style in days, words, formula=formula)):
                    if place >= COLUMNS_MAX:
                        raise FileRefused("too_many_columns", f"Row {number}: at most {COLUMNS_MAX} columns.")
                    if len(cell) > CELL_LENGTH_MAX:
                        raise FileRefused("cell_too_long", f"Row {number}: a cell has over {CELL_LENGTH_MAX} letters.")
                    cells[place] = cell
            elif name == row_name and cells:
                self._keep(number, cells)

        def characters(text: str) -> None:
            if taking:
                parts.append(text)

        self.parser.StartElementHandler = start
        self.parser.EndElementHandler = end
        self.parser.CharacterDataHandler = characters

    def _keep(self, number: int, cells: dict[int, str]) -> None:
        self._count += 1
        if self._count > ROWS_MAX + 20:
            raise FileRefused("too_many_rows", f"At most {ROWS_MAX} rows; send the rest as another file.")
        if not 0 < number <= ROW_NUMBER_MAX:
            raise FileRefused("broken_workbook", BROKEN)
        self._ready.append(TableRow(number, cells))


def _place(letters: str, places: dict[str, int]) -> int:
    """Give the place of a column from its letters: A is 0, AA is 26."""
    place = 0
    for letter in letters[:4]:
        if not "A" <= letter <= "Z":
            raise FileRefused("broken_workbook", BROKEN)
        place = place * 26 + ord(letter) - ord("A") + 1
    places[letters] = place - 1
    return place - 1


def _cell(text: str, kind: str, day: bool, words: list[str], *, formula: bool) -> str:  # noqa: FBT001
    if kind == "s":
        text = words[int(text)] if text.isdecimal() and int(text) < len(words) else ""
    if formula:
        return Formula(text)
    if kind == "n":
        return DayNumber(text) if day else Number(text)
    if kind == "e":
        return Fault(text)
    if kind == "b":
        return "TRUE" if text == "1" else "FALSE"
    return text
