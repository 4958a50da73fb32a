"""From the bytes of a file to its table: what it is tells its beginning, never its name."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from services.registration.imports import csv_files, xlsx_files
from services.registration.imports.columns import BUSINESSES, EXAMPLE_MARKS, Column, Layout, Sheet
from services.registration.imports.csv_files import HEADING_ROWS_MAX
from services.registration.imports.tables import FileRefused, Table, TableRow

ZIP: Final = b"PK\x03\x04"
OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
OTHERS: Final = {
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"PK\x05\x06": "an empty archive",
}


def read(content: bytes, sheet: Sheet = BUSINESSES) -> Table:
    """Give a file of one kind as a table; raises FileRefused with its reason."""
    if content.startswith(ZIP):
        return xlsx_files.read(content)
    if content.startswith(OLD_EXCEL):
        raise FileRefused(
            "old_excel", "A workbook of Excel 97-2003, or one with a password; save it as .xlsx without one."
        )
    for beginning, name in OTHERS.items():
        if content.startswith(beginning):
            raise FileRefused("not_a_table", f"This is {name}; send .xlsx or .csv.")
    return csv_files.read(content, sheet.known)


def layout_of(table: Table, sheet: Sheet = BUSINESSES) -> tuple[Layout, Iterator[TableRow]]:
    """Find the headings, which notes may stand above; gives the rows below them.

    Raises: FileRefused where there are none, or a column stands twice
    """
    for row in islice(table.rows, HEADING_ROWS_MAX):
        if found := sheet.layout(row.number, row.cells):
            if found.twice:
                raise FileRefused("column_twice", f"More than one column is {', '.join(found.twice)}; keep one.")
            return found, (row for row in table.rows if _says_anything(found, row))
    raise FileRefused(
        "no_headings", "No row of column names was found; take the names of the template (`Nama usaha`, …)."
    )


def _says_anything(layout: Layout, row: TableRow) -> bool:
    """Tell whether a row is about a business: some column of ours is filled in, and it is no example."""
    said = [cell for place, column in layout.places.items() if (cell := row.cells.get(place)) and _counts(column, cell)]
    return bool(said) and not any(
        column.field == "id" and row.cells.get(place, "").strip().lower() in EXAMPLE_MARKS
        for place, column in layout.places.items()
    )


def _counts(column: Column, cell: str) -> bool:
    return bool(cell.strip()) and column.field != "document"  # a running number alone names nothing
