"""Time and ids, handed to the rules as values so that the rules stay pure.

Units:  every moment is an aware UTC datetime; a "day" is always the day in WIB (UTC+7)
Source: DOMAIN ledger rules ("per day" means the WIB day)
"""

from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import uuid_utils.compat

WIB = timezone(timedelta(hours=7), "WIB")
"""Western Indonesian Time: no daylight saving, so a fixed offset is exact."""


class Clock:
    """Give the present moment and new ids; tests hand in a clock of their own."""

    def now(self) -> datetime:
        """Give the present moment in UTC."""
        return datetime.now(UTC)

    def new_id(self) -> UUID:
        """Give a UUIDv7: unique, and sortable by the moment it was made."""
        return uuid_utils.compat.uuid7()


def wib_day(moment: datetime) -> date:
    """Give the local day a moment falls on: 23:30 UTC is already the next day in WIB."""
    return moment.astimezone(WIB).date()


def wib_midnight(day: date) -> datetime:
    """Give the UTC moment at which a local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=WIB).astimezone(UTC)


def seconds_until_midnight(now: datetime) -> int:
    """Give the whole seconds until the next day begins in WIB, at least one."""
    midnight = wib_midnight(wib_day(now) + timedelta(days=1))
    return max(1, -int((now - midnight).total_seconds() // 1))


def shown(moment: datetime) -> datetime:
    """Give the same moment as people here read it: with the offset +07:00."""
    return moment.astimezone(WIB)
