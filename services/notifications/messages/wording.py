"""Figures, goods and moments as plain words in the reader's language, each within a length that it never exceeds."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType

from services.notifications.people import Language
from shared.clock import shown
from shared.contracts.aid_distribution import Goods

ELLIPSIS = "…"
MONTHS: Mapping[Language, tuple[str, ...]] = MappingProxyType(
    {
        Language.INDONESIAN: ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"),
        Language.ENGLISH: ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    }
)
UNITS: Mapping[Language, Mapping[str, str]] = MappingProxyType(
    {
        Language.INDONESIAN: {"piece": "buah", "kg": "kg", "litre": "liter", "pack": "paket"},
        Language.ENGLISH: {"piece": "pcs", "kg": "kg", "litre": "litres", "pack": "packs"},
    }
)
OTHERS: Mapping[Language, str] = MappingProxyType({Language.INDONESIAN: "lainnya", Language.ENGLISH: "more"})


def shortened(words: str, length: int) -> str:
    """Give one line of at most this length; what does not fit ends in an ellipsis."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + ELLIPSIS


def figure(number: int, language: Language) -> str:
    """Give a whole number with the thousands as people write them: 1.500 here, 1,500 in English."""
    grouped = f"{number:,}"
    return grouped.replace(",", ".") if language is Language.INDONESIAN else grouped


def quantity(number: int, unit: str, language: Language) -> str:
    """Give a figure with its unit: "1.500 buah"."""
    return f"{figure(number, language)} {UNITS[language].get(unit, unit)}"


def goods(lines: Sequence[Goods], length: int, language: Language) -> str:
    """Name what and how much: "500 buah Masker kain, 20 paket Beras", and how many more lines did not fit."""
    named = [f"{quantity(line.quantity, line.unit, language)} {line.item_name}" for line in lines]
    return listed(named, length, language)


def listed(names: Sequence[str], length: int, language: Language) -> str:
    """Join as many names as fit, and say how many more there are; the first is always named."""
    for count in range(len(names), 1, -1):
        line = ", ".join([*names[:count], *_rest(len(names) - count, language)])
        if len(line) <= length:
            return line
    rest = "".join(f", {words}" for words in _rest(len(names) - 1, language))
    return shortened(names[0], length - len(rest)) + rest if names else ""


def _rest(count: int, language: Language) -> list[str]:
    return [f"+{count} {OTHERS[language]}"] if count > 0 else []


def moment(at: datetime, language: Language) -> str:
    """Give a moment as it reads on a clock here: "21 Sep 2020 13.05 WIB"."""
    local = shown(at)
    colon = "." if language is Language.INDONESIAN else ":"
    return f"{local.day} {MONTHS[language][local.month - 1]} {local.year} {local:%H}{colon}{local:%M} WIB"


def day(on: date, language: Language) -> str:
    """Give a day as people write it: "21 Sep 2020"."""
    return f"{on.day} {MONTHS[language][on.month - 1]} {on.year}"


def rupiah(amount: int, language: Language) -> str:
    """Give an amount of money: "Rp 1.500.000"."""
    return f"Rp {figure(amount, language)}"
