"""Reading CSV as people here save it: `;` or `,`, UTF-8 with or without its mark, or Windows' own letters.

The rules, in this order, so that nothing is guessed silently:
1. A byte order mark names the encoding. Without one it is UTF-8 where every byte fits, otherwise Windows-1252.
2. `sep=` in the first line names the separator. Otherwise it is the one of ; , tab | by which most headings are known.
"""

import codecs
import csv
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO, TextIOWrapper
from itertools import islice
from typing import Final

from services.registration.imports.tables import (
    CELL_LENGTH_MAX,
    COLUMNS_MAX,
    ROWS_MAX,
    FileRefused,
    Table,
    TableRow,
)

SEPARATORS: Final = (";", ",", "\t", "|")
MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
BLOCK_BYTES: Final = 1 << 20
HEADING_ROWS_MAX: Final = 20
NO_LETTERS: Final = "There are bytes in it that are no letters; save it as CSV UTF-8."
SHOWN: Final = {"\t": "tab"}

Known = Callable[[Sequence[str]], int]
"""Says how many headings of a row are known."""


def read(content: bytes, known: Known) -> Table:
    """Read CSV; raises FileRefused for what is no text, or has no separator that leads to known headings."""
    if b"\0" in content and not content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise FileRefused("not_text", "There are NUL bytes in it: this is no CSV. Save it as CSV UTF-8 or as .xlsx.")
    encoding = _encoding(content)
    named = _named_separator(content, encoding)
    separator = named or _separator(content, encoding, known)
    told = f"CSV, {encoding.removesuffix('-sig')}, separated by {SHOWN.get(separator, separator)}"
    return Table("csv", told, _rows(content, encoding, separator, skip_first=named is not None), separator)


def _encoding(content: bytes) -> str:
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return encoding
    if _fits(content, "utf-8"):
        return "utf-8"
    if _fits(content, "cp1252"):
        return "cp1252"
    raise FileRefused("not_text", NO_LETTERS)


def _fits(content: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for begin in range(0, len(content), BLOCK_BYTES):
            decoder.decode(content[begin : begin + BLOCK_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _text(content: bytes, encoding: str) -> TextIOWrapper:
    return TextIOWrapper(BytesIO(content), encoding=encoding, errors="strict", newline="")


def _named_separator(content: bytes, encoding: str) -> str | None:
    """Give the separator that Excel's own first line names, such as `sep=;`."""
    try:
        first = _text(content, encoding).readline(20).rstrip("\r\n")
    except UnicodeError:
        return None
    return first[4] if first[:4].lower() == "sep=" and len(first) == len("sep=;") else None


def _separator(content: bytes, encoding: str, known: Known) -> str:
    best = max(SEPARATORS, key=lambda separator: _headings_known(content, encoding, separator, known))
    if _headings_known(content, encoding, best, known) == 0:
        raise FileRefused(
            "no_headings", "No row of column names was found; take the names of the template (`Nama usaha`, …)."
        )
    return best


def _headings_known(content: bytes, encoding: str, separator: str, known: Known) -> int:
    best = 0
    try:
        for row in islice(csv.reader(_text(content, encoding), delimiter=separator), HEADING_ROWS_MAX):
            best = max(best, known(row))
    except (csv.Error, UnicodeError):
        return best  # whoever reads the rows will say what is wrong
    return best


def _rows(content: bytes, encoding: str, separator: str, *, skip_first: bool) -> Iterator[TableRow]:
    reader = csv.reader(_text(content, encoding), delimiter=separator, strict=True)
    count = 0
    try:
        for number, row in enumerate(reader, 1):
            if skip_first and number == 1:
                continue
            cells = {place: cell for place, cell in enumerate(row) if cell}
            if not cells:
                continue
            count += 1
            _check(number, count, cells)
            yield TableRow(number, cells)
    except csv.Error as fault:
        raise FileRefused("broken_csv", f"Line {reader.line_num}: {fault}. Is a quotation mark left open?") from None
    except UnicodeError:
        raise FileRefused("not_text", NO_LETTERS) from None


def _check(number: int, count: int, cells: dict[int, str]) -> None:
    if count > ROWS_MAX + HEADING_ROWS_MAX:
        raise FileRefused("too_many_rows", f"At most {ROWS_MAX} rows; send the rest as another file.")
    if max(cells) >= COLUMNS_MAX:
        raise FileRefused("too_many_columns", f"Row {number}: at most {COLUMNS_MAX} columns.")
    if max(map(len, cells.values())) > CELL_LENGTH_MAX:
        raise FileRefused("cell_too_long", f"Row {number}: at most {CELL_LENGTH_MAX} letters in a cell.")
