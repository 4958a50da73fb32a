"""Tables as files: the template, an export, and the file that comes back with what is wrong in its last column.

Nothing that is written is ever worked out by a spreadsheet: words that begin like a formula are quoted in CSV, and are
words in a workbook. The quote is taken away again where a file is read.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from io import BytesIO, StringIO
from typing import Any, Final, Protocol

from services.registration.imports import cells
from services.registration.imports.cells import EPOCH, FORMULA_BEGINS
from services.registration.imports.columns import ERRORS_HEADING, Sheet
from services.registration.imports.tables import DayNumber, Number

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LISTED_ROWS: Final = 5_000
"""So many rows of the template have its drop-downs."""

Cell = str | int | date | None
Row = Sequence[Cell]


class Output(Protocol):
    """A table that is being written."""

    def write(self, rows: Iterable[Row]) -> None:
        """Add rows."""

    def content(self) -> bytes:
        """Close the table and give it."""


class CsvOutput:
    """CSV in UTF-8 with its mark, by which Excel knows it, and with `;`, by which Excel here splits it."""

    def __init__(self, headings: Sequence[str], separator: str = ";") -> None:
        self._buffer = StringIO(newline="")
        self._writer = csv.writer(self._buffer, delimiter=separator)
        self._writer.writerow([_guarded(heading) for heading in headings])

    def write(self, rows: Iterable[Row]) -> None:
        """Add rows; days as they are written here."""
        self._writer.writerows([[_in_csv(cell) for cell in row] for row in rows])

    def content(self) -> bytes:
        """Give the whole of it."""
        return b"\xef\xbb\xbf" + self._buffer.getvalue().encode()


def _in_csv(cell: Cell) -> str | int | None:
    if isinstance(cell, Number):
        return str(cell)
    if isinstance(cell, date):
        return f"{cell:%d/%m/%Y}"
    return _guarded(cell) if isinstance(cell, str) else cell


def _guarded(words: str) -> str:
    """Put a quote before words that a spreadsheet would work out; a lone mark and a masked number are none."""
    begins = words.startswith(FORMULA_BEGINS) and words not in ("-", "+") and not words.startswith("+62")
    return f"'{words}" if begins else words


class XlsxOutput:
    """A workbook that keeps no more in memory than the row that is being written."""

    def __init__(self, title: str, headings: Sequence[str], text_places: frozenset[int] = frozenset()) -> None:
        import xlsxwriter  # noqa: PLC0415 - drawn in by whoever asks for a workbook

        self._buffer = BytesIO()
        never = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        self.book = xlsxwriter.Workbook(self._buffer, {"constant_memory": True, **never})
        self.sheet = self.book.add_worksheet(title)
        self._day = self.book.add_format({"num_format": "dd/mm/yyyy"})
        self._text = self.book.add_format({"num_format": "@"})
        self._text_places = text_places
        self.heading = self.book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self.sheet.freeze_panes(1, 0)
        self._headings = headings
        self._rows = 1
        self._begun = False

    def begin(self) -> None:
        """Write the headings, below which the rows come; widths and lists are set before."""
        if not self._begun:
            self._begun = True
            for place, heading in enumerate(self._headings):
                self.sheet.write_string(0, place, heading, self.heading)

    def write(self, rows: Iterable[Row]) -> None:
        """Add rows."""
        self.begin()
        for row in rows:
            for place, cell in enumerate(row):
                self._write(place, cell)
            self._rows += 1

    def _write(self, place: int, cell: Cell) -> None:
        if cell is None or cell == "":
            return
        number = _as_float(cell) if isinstance(cell, Number) else None
        if number is not None:
            self.sheet.write_number(self._rows, place, number, self._day if isinstance(cell, DayNumber) else None)
        elif isinstance(cell, date):
            self.sheet.write_number(self._rows, place, (cell - EPOCH) // timedelta(days=1), self._day)
        elif isinstance(cell, int):
            self.sheet.write_number(self._rows, place, cell)
        else:
            self.sheet.write_string(self._rows, place, str(cell), self._text if place in self._text_places else None)

    def content(self) -> bytes:
        """Close the book and give it."""
        self.begin()
        self.book.close()
        return self._buffer.getvalue()


def _as_float(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if abs(number) < 1e300 else None  # noqa: PLR2004 - what no workbook holds


def of_columns(sheet: Sheet, kind: str) -> Output:
    """Begin a file with the columns of a sheet."""
    if kind == "csv":
        return CsvOutput(sheet.headings)
    output = XlsxOutput(sheet.title, sheet.headings, sheet.text_places)
    for place, column in enumerate(sheet.columns):
        output.sheet.set_column(place, place, column.width)
    return output


def answered(title: str, kind: str, separator: str, headings: Mapping[int, str]) -> tuple[Output, Sequence[int]]:
    """Begin the file that comes back: its own columns where they stood, and what is wrong behind them."""
    places = range(max(headings) + 1)
    names = [headings.get(place, "") for place in places]
    kept = [place for place in places if names[place].strip() != ERRORS_HEADING]
    told = [*(names[place] for place in kept), ERRORS_HEADING]
    return (CsvOutput(told, separator) if kind == "csv" else XlsxOutput(title, told)), kept


def template(of: Sheet, regions: Mapping[str, str], choices: Mapping[str, Sequence[str]]) -> bytes:
    """Give the workbook to fill in: text where digits matter, lists to choose from, an example, and notes.

    Shape: `choices` are those that are only known now, beside the regions and those of the sheet
    """
    output = XlsxOutput(of.title, of.headings, of.text_places)
    book, sheet = output.book, output.sheet
    text = book.add_format({"num_format": "@"})
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    amount = book.add_format({"num_format": "#,##0"})
    lists = book.add_worksheet("Pilihan - Lists")
    offered: dict[str, Sequence[str]] = {**choices, "region": list(regions), **of.choices}
    for place, column in enumerate(of.columns):
        form: Any = text if column.as_text else day if column.read is cells.day else amount
        sheet.set_column(place, place, column.width, form)
        if column.field in offered:
            _offer(sheet, place, column.field, list(offered), offered)
    _list(lists, offered, regions, output.heading)
    output.write([[of.example.get(column.field) for column in of.columns]])
    notes = book.add_worksheet("Petunjuk - Notes")
    notes.set_column(0, 1, 80)
    told = [*of.notes, *((f"{one.heading}", one.note) for one in of.columns if one.note)]
    for number, line in enumerate(told):
        notes.write_row(number, 0, line)
    return output.content()


def _offer(sheet: Any, place: int, field: str, order: Sequence[str], choices: Mapping[str, Sequence[str]]) -> None:
    letter = "ABCDEFGH"[order.index(field)]
    length = max(len(choices[field]), 1)
    sheet.data_validation(
        1, place, LISTED_ROWS, place,
        # Others may be typed: a sector that is new here is none of the list.
        {"validate": "list", "source": f"='Pilihan - Lists'!${letter}$2:${letter}${length + 1}",
         "error_type": "information"},
    )  # fmt: skip


def _list(lists: Any, choices: Mapping[str, Sequence[str]], regions: Mapping[str, str], heading: Any) -> None:
    lists.set_column(0, 4, 24)
    lists.write_row(0, 0, [*choices, "region_name"], heading)
    for number in range(max(len(values) for values in choices.values())):
        row = [values[number] if number < len(values) else "" for values in choices.values()]
        code = row[list(choices).index("region")]
        lists.write_row(number + 1, 0, [*row, regions.get(code, "")])
