"""When a station must be visited next, from its use: before the scarcer of water and soap is down to a reserve.

Units:  millilitres and whole seconds; whatever does not divide is rounded so that the visit is sooner
Source: 100 to 250 ml of water for a wash from a water-saving tap: emergency-wash.org, hygiene, P.2. Soap for a
        wash, people for a crowd, the reserve and the longest time between visits are assumed: docs/decisions/0026
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from services.aid_distribution.stations.domain import History, Levels, Outage, Seen, Standing, State, Visit


class CrowdLevel(StrEnum):
    """How many come by, where nobody has counted."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Supply(StrEnum):
    """What runs out."""

    WATER = "water"
    SOAP = "soap"


class Because(StrEnum):
    """Why the next visit is due when it is."""

    WATER = "water"
    SOAP = "soap"
    REGULAR = "regular"
    REPORTED_DRY = "reported_dry"
    DRY = "dry"
    BROKEN = "broken"


WASHING_PER_DAY: Mapping[CrowdLevel, int] = MappingProxyType(
    {CrowdLevel.LOW: 100, CrowdLevel.MEDIUM: 300, CrowdLevel.HIGH: 1_000}
)
"""How many wash their hands there in a day, until it is known better."""

PER_WASH_MILLILITRE: Mapping[Supply, int] = MappingProxyType({Supply.WATER: 250, Supply.SOAP: 2})
RESERVE_PERCENT = 20
MEASURED_SECONDS_MIN = 6 * 3_600
"""Less than this between visits says nothing about a day."""

STRETCHES_MAX = 6
"""So many stretches between visits, the latest, make the estimate: a crowd changes."""

VISITS_APART_MAX = timedelta(days=7)
"""However little is used: something may be broken that nobody reports."""

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a supply goes in a day; `measured` between visits, or worked out from the crowd."""

    millilitre_per_day: int
    measured: bool


@dataclass(frozen=True, slots=True)
class NextVisit:
    """When the next visit is due and what makes it so, with the use that this rests on."""

    at: datetime
    because: Because
    water: Use
    soap: Use


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was used of a supply between two visits; `emptied` says that it would have been more."""

    used_millilitre: int
    seconds: int
    emptied: bool


def next_visit(
    standing: Standing, visits: Sequence[Visit], known: History, people_per_day: int, capacity: Levels
) -> NextVisit:
    """Say when the next visit is due; a station that is or may be out of use is due since then."""
    ordered = sorted(visits, key=lambda one: one.at)
    uses = {supply: use_of(supply, standing, ordered, known.outages, people_per_day) for supply in Supply}
    last_at, left = (ordered[-1].at, ordered[-1].left) if ordered else (standing.placed_at, standing.first)
    at, because = last_at + VISITS_APART_MAX, Because.REGULAR
    if known.state not in (State.WORKING, State.REMOVED):
        at, because = known.since, Because(known.state)
    else:
        for supply, use in uses.items():
            lasts = seconds_until_reserve(_level(left, supply), _level(capacity, supply), use.millilitre_per_day)
            if lasts is not None and lasts < (at - last_at).total_seconds():
                at, because = last_at + timedelta(seconds=lasts), Because(supply)
    return NextVisit(at, because, uses[Supply.WATER], uses[Supply.SOAP])


def seconds_until_reserve(left: int, capacity: int, per_day: int) -> int | None:
    """Say how long it lasts until only the reserve is left: 0 when it is down to it already, None for ever."""
    above = left - capacity * RESERVE_PERCENT // 100
    if above <= 0:
        return 0
    return above * DAY_SECONDS // per_day if per_day else None


def use_of(
    supply: Supply, standing: Standing, visits: Sequence[Visit], outages: Sequence[Outage], people_per_day: int
) -> Use:
    """Estimate the use of a day: from the last stretches between visits, or from the crowd while these say too little.

    What was found empty has been used faster than it seems; the crowd's figure then counts if it is the higher one.
    """
    crowd = Use(people_per_day * PER_WASH_MILLILITRE[supply], measured=False)
    stretches = list(_stretches(supply, standing, visits, outages))[-STRETCHES_MAX:]
    seconds = sum(stretch.seconds for stretch in stretches)
    if seconds < MEASURED_SECONDS_MIN:
        return crowd
    used = sum(stretch.used_millilitre for stretch in stretches)
    measured = Use(-(-used * DAY_SECONDS // seconds), measured=True)
    emptied = any(stretch.emptied for stretch in stretches)
    return crowd if emptied and crowd.millilitre_per_day > measured.millilitre_per_day else measured


def _stretches(
    supply: Supply, standing: Standing, visits: Sequence[Visit], outages: Sequence[Outage]
) -> Iterator[Stretch]:
    """Give what is known of use between visits, in order; while it was out of use nothing is."""
    reported = {outage.began_at for outage in outages if outage.reported}
    before_at, before, worked = standing.placed_at, standing.first, standing.first.usable
    for visit in visits:
        began = next((at for at in reported if before_at < at <= visit.at), None)
        ended_at = began or visit.at
        used = _level(before, supply) - _level(visit.found, supply)
        unknown_end = visit.seen is Seen.BROKEN and began is None
        if worked and used >= 0 and not unknown_end:
            emptied = _level(visit.found, supply) == 0 and began is None
            yield Stretch(used, (ended_at - before_at) // timedelta(seconds=1), emptied)
        before_at, before, worked = visit.at, visit.left, visit.left_as is State.WORKING


def _level(levels: Levels, supply: Supply) -> int:
    return levels.water_millilitre if supply is Supply.WATER else levels.soap_millilitre
