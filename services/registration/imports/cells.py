"""What a cell means, as people here fill one in; and why it means nothing, which is never passed over.

Each reader gives the value, or raises Wrong. What could mean two things is refused and not guessed: `1,000` is one to
an Indonesian and a thousand to an American spreadsheet.
"""

import re
from datetime import date, timedelta
from functools import lru_cache
from math import isfinite
from typing import Final

from services.registration.businesses.domain import e164
from services.registration.imports.tables import DayNumber, Fault, Formula, Number
from shared.person_numbers import nik_fault

CLEAR: Final = frozenset({"-", "\u2013", "\u2014"})
"""What stands in a cell to take a value away; an empty cell leaves it as it is."""
GUARDED: Final = ("'=", "'+", "'-", "'@")
BLANKS: Final = " \t\r\n\f\v\xa0\u2007\u202f\ufeff\u200b\u3000"
FORMULA_BEGINS: Final = ("=", "+", "-", "@", "\t", "\r")

TEXT_LENGTH_MAX: Final = 200
RUPIAH_MAX: Final = 10**15
WORKERS_MAX: Final = 1_000_000
EXACT_DIGITS: Final = 15
"""How many digits of a number a spreadsheet keeps; what comes after them it has made up."""
NIB_DIGITS: Final = 13
KBLI_DIGITS: Final = 5

FIRST_DAY: Final = date(1950, 1, 1)
LAST_DAY: Final = date(2100, 12, 31)
EPOCH: Final = date(1899, 12, 30)
EPOCH_1904: Final = date(1904, 1, 1)

MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "januari january jan",
            "februari pebruari february feb peb",
            "maret march mar mrt",
            "april apr",
            "mei may",
            "juni june jun",
            "juli july jul",
            "agustus august agu agt agst agus aug ags",
            "september sept sep",
            "oktober october okt oct",
            "november nopember nov nop",
            "desember december des dec",
        ),
        1,
    )
    for name in names.split()
}

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
EXPONENT = re.compile(r"\d[.,]?\d*[eE]\+?\d+")
BETWEEN = re.compile(r"[\s.\-]")
MASKED = re.compile(r"[+0-9]*\*+[0-9]*")
DAY_FIRST = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})")
ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00)?)?")
NAMED = re.compile(r"(\d{1,2})[\s-]+([A-Za-z]+)\.?,?[\s-]+(\d{4})")
SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
TWO_DIGIT_YEAR = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2}")
POINTS = re.compile(r"\d{1,3}(?:\.\d{3})+")
COMMAS = re.compile(r"\d{1,3}(?:,\d{3}){2,}")
SPACES = re.compile(r"\d{1,3}(?: \d{3})+")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@.\s]+")
SECTOR = re.compile(r"[a-z][a-z0-9_-]*")
REGION = re.compile(r"\d{2}\.\d{2}")
LONG_NUMBER = re.compile(r"\d(?:[\s.-]?\d){11,}")


class Wrong(Exception):
    """A cell means nothing that the column could hold; says why, with a code."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def plain(cell: str) -> str:
    """Give the words of a cell: no blanks around them, and not the quote that guards a spreadsheet from a formula."""
    if isinstance(cell, Formula):
        raise Wrong("formula", "A formula; paste it as a value.")
    if isinstance(cell, Fault):
        raise Wrong("formula", f"The spreadsheet could not work this out ({cell}).")
    words = cell.strip(BLANKS)
    if words[:1] == "'" and words.startswith(GUARDED):
        words = words[1:]
    elif words[:1] == "=":
        raise Wrong("formula", "A formula; write what it comes to.")
    return words


def text(words: str) -> str:
    """Read a line of text; a number is taken as it is written."""
    if not words.isprintable() and CONTROLS.search(words):
        words = " ".join(CONTROLS.sub(" ", words).split())
    if len(words) > TEXT_LENGTH_MAX:
        raise Wrong("too_long", f"At most {TEXT_LENGTH_MAX} letters.")
    return words


def whole(words: str, most: int) -> int:
    """Read a whole number, as `1.234.567`, `1234567`, `1234567,00`, `Rp 1.234.567,-` or a number of the workbook."""
    if isinstance(words, Number):
        return _within(_whole_of(words), most)
    bare = words.removeprefix("Rp").removeprefix("rp").removeprefix("IDR").lstrip(". ").replace("\xa0", " ")
    bare = bare.removesuffix(",-").removesuffix(".-").strip()
    head, comma, cents = bare.rpartition(",")
    if comma and (len(cents) <= 2 or POINTS.fullmatch(head)):  # noqa: PLR2004 - cents
        return _within(_digits(head, cents), most)
    head, point, cents = bare.rpartition(".")
    if point and len(cents) <= 2 and (head.isdecimal() or COMMAS.fullmatch(head)):  # noqa: PLR2004 - cents
        return _within(_digits(head, cents), most)
    return _within(_digits(bare, ""), most)


def _digits(words: str, cents: str) -> int:
    if cents.strip("0"):
        if cents.isdecimal() and words.replace(".", "").isdecimal():
            raise Wrong("not_whole", "Only whole numbers, without anything behind the comma.")
        raise Wrong("not_a_number", "Not a whole number; write 1234567 or 1.234.567.")
    if words.isascii() and words.isdigit():
        return int(words[:30])
    if POINTS.fullmatch(words) or COMMAS.fullmatch(words) or SPACES.fullmatch(words):
        return int(re.sub(r"[., ]", "", words)[:30])
    if re.fullmatch(r"\d{1,3},\d{3}", words):
        raise Wrong("ambiguous_number", "One or a thousand? Write 1000 or 1.000.")
    if words.startswith("-") and words[1:2].isdigit():
        raise Wrong("negative", "It may not be negative.")
    raise Wrong("not_a_number", "Not a whole number; write 1234567 or 1.234.567.")


def _whole_of(words: str) -> int:
    try:
        value = float(words)
        if isfinite(value) and not value.is_integer():
            raise Wrong("not_whole", "Only whole numbers, without anything behind the comma.")
        number = int(value)
    except (ValueError, OverflowError):
        raise Wrong("not_a_number", "Not a number that can be read.") from None
    if number < 0:
        raise Wrong("negative", "It may not be negative.")
    return number


def _within(number: int, most: int) -> int:
    if number > most:
        raise Wrong("too_large", f"At most {most}.")
    return number


def workers(words: str) -> int:
    """Read how many people work there."""
    return whole(words, WORKERS_MAX)


def rupiah(words: str) -> int:
    """Read an amount of money."""
    return whole(words, RUPIAH_MAX)


def day(words: str, *, epoch_1904: bool = False) -> date:
    """Read a day: dd/mm/yyyy with / - or . between, yyyy-mm-dd, 31 Agustus 2020, or the number that Excel keeps.

    The day comes first, always: 03/04/2020 is the third of April.
    """
    if isinstance(words, Number) or SERIAL.fullmatch(words):
        return _serial(words, EPOCH_1904 if epoch_1904 else EPOCH)
    if match := DAY_FIRST.fullmatch(words):
        return _date(int(match[4]), int(match[3]), int(match[1]))
    if match := ISO.fullmatch(words):
        return _date(int(match[1]), int(match[2]), int(match[3]))
    if (match := NAMED.fullmatch(words)) and (month := MONTHS.get(match[2].lower())):
        return _date(int(match[3]), month, int(match[1]))
    if TWO_DIGIT_YEAR.fullmatch(words):
        raise Wrong("bad_date", "Write the year with four digits.")
    raise Wrong("bad_date", "Not a day; write 31/08/2020.")


def _serial(words: str, epoch: date) -> date:
    try:
        days = int(float(words))
        found = epoch + timedelta(days=days)
    except (ValueError, OverflowError):
        raise Wrong("bad_date", "Not a day; write 31/08/2020.") from None
    return _plausible(found)


def _date(year: int, month: int, of_month: int) -> date:
    try:
        found = date(year, month, of_month)
    except ValueError:
        detail = "There is no such day; the day comes first, then the month: 31/08/2020."
        raise Wrong("bad_date", detail) from None
    return _plausible(found)


def _plausible(found: date) -> date:
    if not FIRST_DAY <= found <= LAST_DAY:
        raise Wrong("bad_date", f"Not a day from {FIRST_DAY} to {LAST_DAY}.")
    return found


def nik(words: str) -> str:
    """Read a NIK, with blanks, dots or dashes between its digits or none; a number has lost its last digits."""
    if isinstance(words, Number) or (not words.isdigit() and EXPONENT.fullmatch(words)):
        detail = (
            f"Typed as a number, of which a spreadsheet keeps only {EXACT_DIGITS} digits: the last ones are lost."
            " Format the column as text and type it again from the card."
        )
        raise Wrong("nik_as_number", detail)
    bare = words if words.isdigit() else BETWEEN.sub("", words)
    if fault := nik_fault(bare):
        raise Wrong("invalid_nik", f"A NIK {fault}.")
    return bare


def digits(words: str, length: int, what: str) -> str:
    """Read a number that is a name and not an amount: leading zeros count, and a number cell has lost them."""
    if len(words) == length and words.isascii() and words.isdigit():
        return str(words)
    bare = _as_written(words) if isinstance(words, Number) else BETWEEN.sub("", words)
    if EXPONENT.fullmatch(words) or (isinstance(words, Number) and len(bare) != length):
        detail = f"It was typed as a number and has lost digits; format the column as text and type all {length} again."
        raise Wrong(f"{what}_as_number", detail)
    if len(bare) != length or not (bare.isascii() and bare.isdigit()):
        raise Wrong(f"invalid_{what}", f"Must be {length} digits.")
    return bare


def nib(words: str) -> str:
    """Read a NIB."""
    return digits(words, NIB_DIGITS, "nib")


def kbli(words: str) -> str:
    """Read the code of a class of industry."""
    return digits(words, KBLI_DIGITS, "kbli")


def edition(words: str) -> int:
    """Read the year of an edition of KBLI, also as `KBLI 2020`."""
    bare = words if isinstance(words, Number) else words.upper().removeprefix("KBLI").strip()
    year = whole(bare, 2100)
    if year < 1990:  # noqa: PLR2004 - the first edition
        raise Wrong("invalid_edition", "An edition is a year such as 2020.")
    return year


def _as_written(words: str) -> str:
    try:
        value = float(words)
        return str(int(value)) if value.is_integer() else words
    except (ValueError, OverflowError):
        return words


# An import understands each row twice: when it is looked through, and when it is written.
@lru_cache(maxsize=65_536)
def _e164(words: str) -> str | None:
    return e164(words)


def phone(words: str) -> str:
    """Read a telephone number; a number cell has lost the 0 that it began with, which is put back."""
    if isinstance(words, Number):
        bare = _as_written(words)
        if len(bare) > EXACT_DIGITS:
            raise Wrong("phone_as_number", "It was typed as a number and has lost digits; format the column as text.")
        words = f"+{bare}" if bare.startswith("62") else f"0{bare}"
    elif words.startswith("62"):
        words = f"+{words}"
    elif words.startswith("8"):
        words = f"0{words}"
    if not words.isdigit() and EXPONENT.fullmatch(words):
        raise Wrong("phone_as_number", "It was typed as a number and has lost digits; format the column as text.")
    if found := _e164(words):
        return found
    raise Wrong("invalid_phone", "Not a telephone number that exists in Indonesia or, with +, elsewhere.")


def forget() -> None:
    """Forget the telephone numbers that were understood: an import is over."""
    _e164.cache_clear()


def email(words: str) -> str:
    """Read a mail address."""
    if len(words) > 254 or CONTROLS.search(words) or not EMAIL.fullmatch(words):  # noqa: PLR2004 - RFC 5321
        raise Wrong("invalid_email", "Not a mail address.")
    return words


def sector(words: str) -> str:
    """Read the code of a sector, whatever its case."""
    code = words.lower()
    if len(code) > 40 or not SECTOR.fullmatch(code):  # noqa: PLR2004 - as over HTTP
        raise Wrong("invalid_sector", "A sector is a code such as garment.")
    return code


def region_code(words: str) -> str | None:
    """Give a region's code where the words are one; a number cell shows 19.1 where 19.10 is meant."""
    if isinstance(words, Number):
        try:
            words = f"{float(words):05.2f}"
        except (ValueError, OverflowError):
            return None
    code = words.replace(",", ".")
    return code if REGION.fullmatch(code) else None


def masked(words: str) -> bool:
    """Tell whether a value is one that an export has masked, and is therefore left alone."""
    return "*" in words and MASKED.fullmatch(words) is not None


def shown(words: str) -> str:
    """Give a wrong value as it may be shown to whoever looks at the mistakes: long numbers only by their end."""
    return LONG_NUMBER.sub(lambda found: "*" * (len(found[0]) - 4) + found[0][-4:], words[:100])


def is_day(cell: str) -> bool:
    """Tell whether a cell is shown as a day, in a column that holds none."""
    return isinstance(cell, DayNumber)
