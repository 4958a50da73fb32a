"""The numbers that name a person or a family here, and a telephone number: what is wrong with one, if anything.

Source: DOMAIN registration: region of first issue, DDMMYY with +40 on the day for women, a serial that is not 0000;
        there is no check digit. The number of a family card (KK) is built alike, with the day on which it was issued.
        Telephone numbers are libphonenumber's matter, never a pattern of ours.
"""

from datetime import date

import phonenumbers

# How people part the digits where they write such a number down.
STROKES = str.maketrans("", "", "-_. ")
NIK_DIGITS = 16
KK_DIGITS = 16
WOMEN_DAY_OFFSET = 40


def nik_fault(nik: str) -> str | None:
    """Say why this cannot be a NIK, or None; the number itself is never repeated in the answer."""
    if len(nik) != NIK_DIGITS or not (nik.isascii() and nik.isdigit()):
        return "must be 16 digits"
    if nik[:2] == "00" or nik[2:4] == "00" or nik[4:6] == "00":
        return "the first six digits must name a district"
    if not _birthday_exists(day=int(nik[6:8]), month=int(nik[8:10]), year=int(nik[10:12])):
        return "digits 7 to 12 must be a birthday, DDMMYY, with 40 added to the day for women"
    if nik[12:] == "0000":
        return "the serial may not be 0000"
    return None


def kk_fault(kk: str) -> str | None:
    """Say why this cannot be the number of a family card, or None; the number itself is never repeated."""
    if len(kk) != KK_DIGITS or not (kk.isascii() and kk.isdigit()):
        return "must be 16 digits"
    if kk[:2] == "00" or kk[2:4] == "00" or kk[4:6] == "00":
        return "the first six digits must name a district"
    if not _is_date(2000 + int(kk[10:12]), int(kk[8:10]), int(kk[6:8])):
        return "digits 7 to 12 must be the day on which the card was issued, DDMMYY"
    if kk[12:] == "0000":
        return "the serial may not be 0000"
    return None


def is_of_person(letters: str) -> bool:
    """Tell whether letters are as many digits as a NIK or the number of a family card has, with strokes or without."""
    digits = letters.translate(STROKES)
    return len(digits) == KK_DIGITS and digits.isascii() and digits.isdigit()


def _birthday_exists(*, day: int, month: int, year: int) -> bool:
    # The century is not written, so 29 February counts when either century had it.
    day_of_month = day - WOMEN_DAY_OFFSET if day > WOMEN_DAY_OFFSET else day
    return any(_is_date(century + year, month, day_of_month) for century in (1900, 2000))


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def phone_fault(phone: str) -> str | None:
    """Say why this is not a valid number in E.164 form, or None."""
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return "must be a telephone number in E.164 form, such as +62834..."
    if not phonenumbers.is_valid_number(number):
        return "is not a valid telephone number"
    if phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) != phone:
        return "must be written in E.164 form, without spaces"
    return None
