"""Days as they are written on certificates."""

from datetime import date

MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
    *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
)


def day_in_words(day: date) -> str:
    """Write a day as it is written on Indonesian papers: `20 Mei 2026`."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"
