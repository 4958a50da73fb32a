"""A certificate on paper: A4 across, Indonesian first, with a QR code that leads to its public page.

Units: millimetres
"""

from datetime import datetime
from typing import Any

from services.registration.trainings.certificate_words import day_in_words
from services.registration.trainings.certificates import Certified
from shared.clock import wib_day
from shared.qr_codes import squares

PDF = "application/pdf"
WIDTH, HEIGHT, EDGE = 297, 210, 12
CODE_SIZE = 32
INK, FAINT, WARNING = (25, 25, 25), (105, 105, 105), (170, 20, 20)
LETTERS = "latin-1"


def draw(found: Certified, region_name: str, address: str, printed_at: datetime) -> bytes:
    """Give a certificate as PDF; one that was revoked says so across its top."""
    from fpdf import FPDF  # noqa: PLC0415 - drawn in by whoever asks for a paper

    row, training = found.row, found.training
    pdf = FPDF(orientation="landscape", format="A4")
    pdf.set_title(_latin(f"Sertifikat {row.number}"))
    pdf.set_lang("id")
    pdf.set_creation_date(printed_at)
    pdf.set_auto_page_break(False)
    pdf.add_page()
    pdf.set_line_width(0.8)
    pdf.rect(EDGE, EDGE, WIDTH - 2 * EDGE, HEIGHT - 2 * EDGE)
    if row.revoked_at is not None:
        _line(pdf, 18, "DICABUT / REVOKED", 16, WARNING, bold=True)
    days = f"{day_in_words(training.starts_on)} - {day_in_words(training.ends_on)}"
    for y, words, size, ink, bold in (
        (30, "SERUMPUN", 11, FAINT, True),
        (40, "SERTIFIKAT", 30, INK, True),
        (54, "Certificate of attendance", 12, FAINT, False),
        (63, f"No. {row.number}", 12, INK, False),
        (78, "diberikan kepada / given to", 11, FAINT, False),
        (87, found.holder.owner, 24, INK, True),
        (100, found.holder.business, 13, INK, False),
        (114, "yang telah mengikuti / who has attended", 11, FAINT, False),
        (123, training.title, 17, INK, True),
        (135, f"{training.programme} - {training.venue}", 11, INK, False),
        (142, f"{days}; {row.attended} dari {row.held} sesi / {row.attended} of {row.held} sessions", 11, INK, False),
        (160, f"{region_name}, {day_in_words(wib_day(row.issued_at))}", 11, INK, False),
    ):
        _line(pdf, y, words, size, ink, bold=bold)
    _code(pdf, address)
    return bytes(pdf.output())


def _line(pdf: Any, y: float, words: str, size: float, ink: tuple[int, int, int], *, bold: bool) -> None:
    """Write a line in the middle; what is too long for it is written smaller until it fits."""
    words, room = _latin(words), WIDTH - 4 * EDGE
    pdf.set_text_color(*ink)
    pdf.set_font("Helvetica", "B" if bold else "", size)
    if (width := pdf.get_string_width(words)) > room:
        pdf.set_font_size(size * room / width)
    pdf.set_xy(2 * EDGE, y)
    pdf.cell(room, size * 0.5, words, align="C")


def _code(pdf: Any, address: str) -> None:
    rows = squares(address)
    square = CODE_SIZE / (len(rows) + 4)
    left, top = WIDTH - EDGE - CODE_SIZE - 6, HEIGHT - EDGE - CODE_SIZE - 10
    pdf.set_fill_color(0)
    for number, row in enumerate(rows):
        for place, dark in enumerate(row):
            if dark:  # a hair wider than it is, or some printers leave white lines between squares
                at = left + (2 + place) * square, top + (2 + number) * square
                pdf.rect(*at, square + 0.01, square + 0.01, style="F")
    pdf.link(left, top, CODE_SIZE, CODE_SIZE, address)  # for who reads it on a screen
    pdf.set_text_color(*FAINT)
    pdf.set_font("Helvetica", size=7)
    pdf.set_xy(left - 10, top + CODE_SIZE)
    pdf.cell(CODE_SIZE + 20, 4, "Pindai untuk memeriksa / Scan to verify", align="C")


def _latin(words: str) -> str:
    """Give words in the letters that every PDF reader has; a letter that is not among them becomes `?`."""
    return words.encode(LETTERS, "replace").decode(LETTERS)
