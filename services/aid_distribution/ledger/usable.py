"""What of a shelf can be handed out now: not promised to anybody, not expired, and not on hold.

One expression in SQL for all who count it, so that plans, cover and alerts never differ about the same shelf.
"""

from datetime import date, timedelta
from typing import NamedTuple

import msgspec

from services.aid_distribution.ledger.lots import EXPIRING_DAYS

# Of cards `c` with their lots `l`: a lot that is on hold is told as held, whether it has expired or not.
FIGURES = """
    coalesce(sum(c.on_hand) FILTER (WHERE NOT coalesce(l.held, false)
        AND (l.expires_on IS NULL OR l.expires_on >= :today)), 0)::bigint AS available,
    coalesce(sum(c.on_hand) FILTER (WHERE NOT coalesce(l.held, false)
        AND l.expires_on BETWEEN :today AND :soon), 0)::bigint AS expiring,
    coalesce(sum(c.on_hand) FILTER (WHERE NOT coalesce(l.held, false)
        AND l.expires_on < :today), 0)::bigint AS expired,
    coalesce(sum(c.on_hand) FILTER (WHERE l.held), 0)::bigint AS held
"""
LOTS = "LEFT JOIN lot l ON (l.item, l.lot) = (c.item, c.lot)"


class Usable(NamedTuple):
    """The free goods of a shelf: what can be handed out, what of that expires soon, and what is left out, by why."""

    available: int
    expiring: int
    expired: int
    held: int


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """What lies there free and is not counted, because it has expired or its lot is on hold."""

    expired: int
    held: int


def days(today: date) -> dict[str, date]:
    """Give the days that `FIGURES` takes: today, and the last one that is soon."""
    return {"today": today, "soon": today + timedelta(days=EXPIRING_DAYS)}
