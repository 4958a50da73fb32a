"""When it is night where somebody lives: nobody is woken by a message, so what comes by night goes in the morning.

A time to answer runs only while people are awake, by the clock of where they live.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from types import MappingProxyType
from typing import Final

from shared.clock import WIB

EVENING: Final = time(20)
MORNING: Final = time(7)
"""Nobody is asked anything from the evening to the morning. Source: DOMAIN, notifications: quiet hours 20:00-07:00."""

WITA: Final = timezone(timedelta(hours=8), "WITA")
WIT: Final = timezone(timedelta(hours=9), "WIT")

# Keppres 41/1987 on the three zones, by the province codes of the Ministry of Home Affairs; provinces that were formed
# since lie in the zone of the one that they came from. The west (Sumatra, Java, 61 West and 62 Central Kalimantan) is
# what is not named here.
_CENTRAL = ("51", "52", "53", "63", "64", "65", "71", "72", "73", "74", "75", "76")
_EAST = ("81", "82", "91", "92", "93", "94", "95", "96")
ZONES: Mapping[str, timezone] = MappingProxyType(dict.fromkeys(_CENTRAL, WITA) | dict.fromkeys(_EAST, WIT))


def zone_of(region: str) -> timezone:
    """Give the zone of a region by its province; western time where it is not known."""
    return ZONES.get(region.split(".", 1)[0], WIB)


def awake_at(now: datetime, zone: timezone) -> datetime:
    """Give the first moment from now on, in UTC, at which it is not night in a zone."""
    local = now.astimezone(zone)
    if MORNING <= local.time() < EVENING:
        return now
    day = local.date() + timedelta(days=local.time() >= EVENING)
    return datetime.combine(day, MORNING, zone).astimezone(UTC)


def last_morning(now: datetime, zone: timezone = WIB) -> datetime:
    """Give the morning that has come last, in UTC."""
    local = now.astimezone(zone)
    day = local.date() - timedelta(days=local.time() < MORNING)
    return datetime.combine(day, MORNING, zone).astimezone(UTC)


def morning_of(day: date, zone: timezone) -> datetime:
    """Give the moment, in UTC, at which people get up on a local day."""
    return datetime.combine(day, MORNING, zone).astimezone(UTC)


def after_waking(now: datetime, waking: timedelta, zone: timezone) -> datetime:
    """Give the moment, in UTC, after which people of a zone were awake for so long; never one in the night."""
    day = now.astimezone(zone).date()
    while True:
        begins, ends = morning_of(day, zone), datetime.combine(day, EVENING, zone).astimezone(UTC)
        at = max(now, begins)
        if at < ends:
            if waking <= ends - at:
                return (at + waking).astimezone(UTC)
            waking -= ends - at
        day += timedelta(days=1)


def waking_between(since: datetime, until: datetime, zone: timezone, enough: timedelta) -> timedelta:
    """Give how long people of a zone are awake between two moments; it is not counted further than to `enough`."""
    if until <= since:
        return timedelta()
    day, awake = since.astimezone(zone).date(), timedelta()
    while awake < enough and (begins := morning_of(day, zone)) < until:
        ends = min(until, datetime.combine(day, EVENING, zone).astimezone(UTC))
        awake += max(timedelta(), ends - max(since, begins))
        day += timedelta(days=1)
    return min(awake, enough)
