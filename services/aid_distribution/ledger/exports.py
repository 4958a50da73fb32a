"""A card as a table that people open in their own programs: CSV, or XLSX for a spreadsheet.

The movements are read and written some at a time, in a thread of their own: an export of a long card neither fills the
memory nor keeps others waiting.
"""

import asyncio
import csv
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from datetime import date, datetime
from io import BytesIO, StringIO
from typing import Any, Literal, Protocol

import msgspec

from services.aid_distribution.ledger.movements import check_rows, known_shelf, movements, of_days, opening
from services.aid_distribution.ledger.periods import days_asked
from services.aid_distribution.ledger.words import KINDS, OUTSIDE, REASONS, words_of
from shared.answers import Content, saved_as
from shared.caller import Caller
from shared.clock import WIB, shown, wib_midnight
from shared.database import Work

ROWS_MAX = 50_000
ROWS_AT_ONCE = 1_000
CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEET_NAME_LENGTH_MAX = 31
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""

HEADINGS = (
    "Waktu (WIB) / Time (WIB)",
    "Nomor / Number",
    "Dokumen / Document",
    "Jenis / Kind",
    "Dari atau ke / From or to",
    "Lot / Lot",
    "Masuk / In",
    "Keluar / Out",
    "Saldo / Balance",
    "Petugas / Officer",
    "Alasan / Reason",
)
OPENING = "Saldo awal / Opening balance"

Cell = str | int | datetime | None
Row = Sequence[Cell]


class ExportQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which local (WIB) days of a card to export, both included, and as what; without days all of them."""

    format: Literal["csv", "xlsx"] = "csv"
    from_: date | None = msgspec.field(default=None, name="from")
    to: date | None = None


class Table(Protocol):
    """A table that is being written."""

    def write(self, rows: Iterable[Row]) -> None:
        """Add rows."""

    def content(self) -> bytes:
        """Close the table and give it."""


class CsvTable:
    """Comma-separated values as RFC 4180 has them, in UTF-8."""

    def __init__(self) -> None:
        self._buffer = StringIO(newline="")
        self._writer = csv.writer(self._buffer)
        self._writer.writerow(HEADINGS)

    def write(self, rows: Iterable[Row]) -> None:
        """Add rows; times are RFC 3339 with their offset."""
        self._writer.writerows(
            [cell.isoformat() if isinstance(cell, datetime) else guarded(cell) for cell in row] for row in rows
        )

    def content(self) -> bytes:
        """Give the whole of it."""
        return self._buffer.getvalue().encode()


class XlsxTable:
    """A workbook with one sheet, which keeps no more than the row that is being written in memory."""

    def __init__(self, name: str) -> None:
        import xlsxwriter  # noqa: PLC0415 - drawn in by whoever asks for a workbook

        self._buffer = BytesIO()
        never = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        self._book = xlsxwriter.Workbook(self._buffer, {"constant_memory": True, **never})
        self._sheet = self._book.add_worksheet(name[:SHEET_NAME_LENGTH_MAX])
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm", "align": "left"})
        self._number = self._book.add_format({"num_format": "#,##0"})
        self._sheet.set_column(0, 3, 24)
        self._sheet.set_column(4, 4, 30)
        self._sheet.set_column(5, 10, 16)
        self._sheet.freeze_panes(1, 0)
        self._sheet.write_row(0, 0, HEADINGS, self._book.add_format({"bold": True, "bottom": 1}))
        self._rows = 1

    def write(self, rows: Iterable[Row]) -> None:
        """Add rows; a spreadsheet knows no time zones, so times are written as the local clock shows them."""
        for row in rows:
            for column, cell in enumerate(row):
                if isinstance(cell, datetime):
                    local = cell.astimezone(WIB).replace(tzinfo=None)
                    self._sheet.write_datetime(self._rows, column, local, self._moment)
                elif isinstance(cell, int):
                    self._sheet.write_number(self._rows, column, cell, self._number)
                elif cell:
                    self._sheet.write_string(self._rows, column, str(guarded(cell)))
            self._rows += 1

    def content(self) -> bytes:
        """Close the book and give it."""
        self._book.close()
        return self._buffer.getvalue()


def guarded(cell: Cell) -> Cell:
    """Put a quote before words that a spreadsheet would work out as a formula; numbers stay numbers."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


async def export(work: Work, caller: Caller, place: str, item: str, query: ExportQuery) -> Content:
    """Give a card as a file: a row for each movement with the balance after it, all lots together.

    Raises: Absent (404), TooManyRows (409) for more than `ROWS_MAX`, Invalid (422) for days that make no period
    """
    await known_shelf(work, caller, place, item)
    days = days_asked(query.from_, query.to, work.now, days_max=None)
    await check_rows(work, place, item, days, ROWS_MAX)
    table: Table = await asyncio.to_thread(XlsxTable, item) if query.format == "xlsx" else CsvTable()
    balance = await opening(work, place, item, days)
    rows: list[Row] = []
    if query.from_ is not None:
        rows.append([shown(wib_midnight(days.first)), None, None, OPENING, *[None] * 4, balance, None, None])
    async with aclosing(movements(work, of_days(place, item, days), at_once=ROWS_AT_ONCE)) as lines:
        async for line in lines:
            balance += line.change
            rows.append(_row(line, balance))
            if len(rows) >= ROWS_AT_ONCE:
                await asyncio.to_thread(table.write, rows)
                rows = []
    await asyncio.to_thread(table.write, rows)
    name = f"kartu-stok-{place}-{item}-{days.first}-{days.last}.{query.format}"
    media_type = XLSX if query.format == "xlsx" else f"{CSV}; charset=utf-8"
    return Content(await asyncio.to_thread(table.content), media_type, saved_as(name))


def _row(line: Any, balance: int) -> Row:
    incoming, outgoing = (line.change, None) if line.change > 0 else (None, -line.change)
    return (
        shown(line.occurred_at),
        line.number,
        line.document,
        words_of(line.kind, KINDS).both,
        words_of(line.other, OUTSIDE).both if line.other in OUTSIDE else line.other,
        line.lot or None,
        incoming,
        outgoing,
        balance,
        line.actor,
        words_of(line.reason, REASONS).both if line.reason in REASONS else line.reason,
    )
