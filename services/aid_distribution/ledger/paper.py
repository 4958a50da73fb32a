"""A sheet of paper in A4, as Indonesian offices know it: a heading, facts, a table, boxes to sign in, and a QR code.

Units: millimetres
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from services.aid_distribution.ledger.words import Words, moment_in_words
from shared.qr_codes import squares

PDF = "application/pdf"
LEFT, RIGHT, TOP = 15, 195, 14
WIDTH = RIGHT - LEFT
FOOT, FOOT_HEIGHT = 297 - 15, 15
CODE_SIZE = 28
ROW_HEIGHT, LINE_HEIGHT, HEAD_HEIGHT = 6.2, 3.8, 9.5
LINES_MAX = 4
SIGN_HEIGHT = 34
PLAIN = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u2022": "-",
        "\u2026": "...",
        "\u2192": ">",
    }
)
INK, FAINT, SHADE = 25, 105, 238
"""Greys: of words, of the English beneath them, and behind the heading of a table."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    heading: Words
    width: float
    align: Literal["L", "R", "C"] = "L"


class Sheet:
    """Draws a paper from top to bottom, on as many pages as it takes."""

    def __init__(self, title: Words, *, address: str, printed_at: datetime) -> None:
        from fpdf import FPDF  # noqa: PLC0415 - drawn in by whoever asks for a paper

        class Pages(FPDF):
            def footer(self) -> None:
                footer(self, f"Dicetak {moment_in_words(printed_at)}")

        self._pdf = Pages(format="A4")
        self._pdf.set_title(latin(title.both))
        self._pdf.set_lang("id")
        self._pdf.set_creation_date(printed_at)
        self._pdf.set_auto_page_break(False)
        self._pdf.set_margins(LEFT, TOP)
        self._pdf.alias_nb_pages()
        self._pdf.add_page()
        self._pdf.set_text_color(INK)
        self._heading(title, address)

    def _heading(self, title: Words, address: str) -> None:
        self._words("SERUMPUN", 9, bold=True, grey=FAINT)
        self._words(title.indonesian.upper(), 17, bold=True, height=8)
        self._words(title.english, 10, grey=FAINT)
        left = RIGHT - CODE_SIZE
        draw_code(self._pdf, address, left, TOP - 2, CODE_SIZE)
        self._pdf.link(left, TOP - 2, CODE_SIZE, CODE_SIZE, address)  # for who reads it on a screen
        self._pdf.set_xy(left - 10, TOP - 2 + CODE_SIZE)
        self._pdf.set_font("Helvetica", size=6.5)
        self._pdf.cell(CODE_SIZE + 10, 3.4, "Pindai untuk memeriksa / Scan to verify", align="R")
        self._pdf.set_xy(LEFT, TOP + 22)

    def _words(self, words: str, size: float, *, bold: bool = False, grey: int = INK, height: float = 5) -> None:
        self._pdf.set_font("Helvetica", "B" if bold else "", size)
        self._pdf.set_text_color(grey)
        self._pdf.cell(WIDTH - CODE_SIZE - 4, height, fitted(self._pdf, words, WIDTH - CODE_SIZE - 4))
        self._pdf.set_xy(LEFT, self._pdf.get_y() + height)

    def notice(self, words: Words) -> None:
        """Say in a frame what nobody may overlook."""
        pdf = self._pdf
        pdf.set_text_color(170, 20, 20)
        pdf.set_draw_color(170, 20, 20)
        pdf.set_line_width(0.6)
        y = pdf.get_y()
        pdf.rect(LEFT, y, WIDTH - CODE_SIZE - 14, 11)
        for number, (line, style, size) in enumerate(((words.indonesian, "B", 11), (words.english, "", 8))):
            pdf.set_font("Helvetica", style, size)
            pdf.set_xy(LEFT + 2, y + 1 + 5 * number)
            pdf.cell(WIDTH - CODE_SIZE - 18, 4.6, fitted(pdf, line, WIDTH - CODE_SIZE - 18))
        pdf.set_text_color(INK)
        pdf.set_draw_color(0)
        pdf.set_line_width(0.2)
        pdf.set_xy(LEFT, y + 14)

    def facts(self, facts: Iterable[tuple[Words, str]]) -> None:
        """Lay out facts, a line each."""
        for label, value in facts:
            self._pdf.set_font("Helvetica", "B", 9.5)
            self._pdf.set_text_color(INK)
            self._pdf.cell(24, 5.6, fitted(self._pdf, label.indonesian, 24))
            self._pdf.set_font("Helvetica", "", 8)
            self._pdf.set_text_color(FAINT)
            self._pdf.cell(24, 5.6, fitted(self._pdf, label.english, 24))
            self._pdf.set_text_color(INK)
            self._pdf.set_font("Helvetica", "", 9.5)
            room = WIDTH - 48 - (CODE_SIZE + 4 if self._pdf.get_y() < TOP + CODE_SIZE + 4 else 0)
            self._pdf.cell(room, 5.6, fitted(self._pdf, value, room))
            self._pdf.set_xy(LEFT, self._pdf.get_y() + 5.6)
        self._pdf.set_xy(LEFT, max(self._pdf.get_y() + 3, TOP + CODE_SIZE + 5))

    def table(self, columns: Sequence[Column], rows: Iterable[tuple[Sequence[str], bool]]) -> None:
        """Lay out rows, the heading again on every page; a row with True stands out."""
        self._table_head(columns)
        for cells, stands_out in rows:
            self._pdf.set_font("Helvetica", "B" if stands_out else "", 8.5)
            told = [wrapped(self._pdf, cell, one.width - 2) for one, cell in zip(columns, cells, strict=True)]
            height = ROW_HEIGHT + LINE_HEIGHT * (max(len(lines) for lines in told) - 1)
            if self._pdf.get_y() + height > FOOT - FOOT_HEIGHT:
                self._new_page()
                self._table_head(columns)
                self._pdf.set_font("Helvetica", "B" if stands_out else "", 8.5)
            self._row(columns, told, height, stands_out=stands_out)

    def _row(self, columns: Sequence[Column], told: Sequence[list[str]], height: float, *, stands_out: bool) -> None:
        pdf, y, x = self._pdf, self._pdf.get_y(), float(LEFT)
        for column, lines in zip(columns, told, strict=True):
            pdf.rect(x, y, column.width, height, style="DF" if stands_out else "D")
            for number, line in enumerate(lines):
                pdf.set_xy(x, y + LINE_HEIGHT * number)
                pdf.cell(column.width, ROW_HEIGHT, line, align=column.align)
            x += column.width
        pdf.set_xy(LEFT, y + height)

    def _table_head(self, columns: Sequence[Column]) -> None:
        pdf, y, x = self._pdf, self._pdf.get_y(), float(LEFT)
        pdf.set_fill_color(SHADE)
        pdf.set_draw_color(140)
        for column in columns:
            pdf.rect(x, y, column.width, HEAD_HEIGHT, style="DF")
            for words, style, size, grey, below in (
                (column.heading.indonesian, "B", 8.5, INK, 0.9),
                (column.heading.english, "", 7, FAINT, 5),
            ):
                pdf.set_font("Helvetica", style, size)
                pdf.set_text_color(grey)
                pdf.set_xy(x, y + below)
                pdf.cell(column.width, 4, fitted(pdf, words, column.width - 2), align=column.align)
            x += column.width
        pdf.set_text_color(INK)
        pdf.set_xy(LEFT, y + HEAD_HEIGHT)

    def to_sign(self, boxes: Sequence[Words]) -> None:
        """Give a box to sign in to each of these, all on one page."""
        if self._pdf.get_y() + 6 + SIGN_HEIGHT > FOOT - FOOT_HEIGHT:
            self._new_page()
        y, width = self._pdf.get_y() + 6, WIDTH / len(boxes)
        for number, box in enumerate(boxes):
            x = LEFT + number * width
            self._pdf.rect(x, y, width, SIGN_HEIGHT)
            for words, style, size, below in ((box.indonesian, "B", 9, 1.5), (box.english, "", 7.5, 5.5)):
                self._pdf.set_font("Helvetica", style, size)
                self._pdf.set_xy(x, y + below)
                self._pdf.cell(width, 4, fitted(self._pdf, words, width - 2), align="C")
            self._pdf.line(x + 8, y + SIGN_HEIGHT - 9, x + width - 8, y + SIGN_HEIGHT - 9)
            self._pdf.set_font("Helvetica", "", 7)
            self._pdf.set_xy(x, y + SIGN_HEIGHT - 8)
            self._pdf.cell(width, 4, "Nama, tanggal / Name, date", align="C")
        self._pdf.set_xy(LEFT, y + SIGN_HEIGHT)

    def _new_page(self) -> None:
        self._pdf.add_page()
        self._pdf.set_xy(LEFT, TOP)

    def content(self) -> bytes:
        """Give the paper as PDF."""
        return bytes(self._pdf.output())


def footer(pdf: Any, told: str) -> None:
    """Write what stands at the foot of every page."""
    pdf.set_xy(LEFT, FOOT - 6)
    pdf.set_font("Helvetica", "", 7)
    pdf.set_text_color(FAINT)
    pdf.cell(WIDTH / 2, 4, told)
    pdf.cell(WIDTH / 2, 4, f"Halaman / Page {pdf.page_no()} / {{nb}}", align="R")
    pdf.set_text_color(INK)


def draw_code(pdf: Any, address: str, x: float, y: float, size: float) -> None:
    """Draw a QR code that leads to an address: each run of dark squares of a row as one bar, so it prints sharp."""
    rows = squares(address)
    square = size / (len(rows) + 4)
    pdf.set_fill_color(0)
    for number, row in enumerate(rows):
        start = None
        for place, dark in enumerate((*row, 0)):
            if dark and start is None:
                start = place
            elif not dark and start is not None:
                # A hair wider than it is, or some printers leave white lines between bars.
                pdf.rect(
                    x + (2 + start) * square,
                    y + (2 + number) * square,
                    (place - start) * square + 0.01,
                    square + 0.01,
                    style="F",
                )
                start = None


def latin(words: str) -> str:
    """Give words in the letters that every PDF reader has; a letter that is not among them becomes `?`."""
    return words.translate(PLAIN).encode("latin-1", "replace").decode("latin-1")


def wrapped(pdf: Any, words: str, width: float) -> list[str]:
    """Give words in lines of a width, `LINES_MAX` at the most and one at the least."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(lines) == LINES_MAX or not lines[-1] or pdf.get_string_width(latin(longer)) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [fitted(pdf, line, width) for line in lines]


def fitted(pdf: Any, words: str, width: float) -> str:
    """Give words as far as they fit into a width."""
    words = latin(words)
    if pdf.get_string_width(words) <= width:
        return words
    while words and pdf.get_string_width(f"{words}...") > width:
        words = words[:-1]
    return f"{words}..."
