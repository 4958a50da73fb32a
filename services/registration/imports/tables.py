"""A table as it stands in somebody's file: rows of cells, each with the words in it and nothing made of them yet.

What a cell means is settled later (cells.py), with the column known; here only what would be lost is kept: whether
somebody typed text or a number, and whether a number is shown as a day.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from shared.problems import Refusal

FILE_BYTES_MAX: Final = 20_000_000
"""50,000 businesses take some 4 MB as a workbook, and some 10 MB as CSV."""
ROWS_MAX: Final = 100_000
COLUMNS_MAX: Final = 100
CELL_LENGTH_MAX: Final = 2_000


class Number(str):
    """A number of a workbook, in the digits that it is stored with: Excel keeps 15 of them."""

    __slots__ = ()


class DayNumber(Number):
    """A number that is shown as a day or a time."""

    __slots__ = ()


class Formula(str):
    """What is worked out and not written; the words are what it last came to."""

    __slots__ = ()


class Fault(str):
    """What a spreadsheet writes where it could work nothing out, such as #REF!."""

    __slots__ = ()


class FileRefused(Refusal):
    """The file cannot be read as a table; nothing of it was looked at any further."""

    status = 422
    code = "file_refused"
    title = "The file cannot be read"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail, reason=reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row with the number that people see beside it, and its cells by their place; empty ones are left out."""

    number: int
    cells: Mapping[int, str]


@dataclass(slots=True)
class Table:
    """A file as it is read, row by row.

    Shape: `kind` is csv or xlsx; `told` says how it was read: encoding and separator, or the name of the sheet;
           `epoch_1904` says that day 0 of the workbook is 1904-01-01
    """

    kind: str
    told: str
    rows: Iterator[TableRow]
    separator: str = ";"
    epoch_1904: bool = False
