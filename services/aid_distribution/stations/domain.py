"""The rules of a handwashing station: its state and its outages, from visits and reports in the order of their time.

When something was told is of no matter: visits come in late and in any order from phones that were offline, so the
history is worked out anew from all of them each time.

Units:  levels in millilitres; minutes are whole minutes of the clock, so that days and stations add up exactly
Source: DOMAIN section 2, handwashing stations; docs/decisions/0026 for the rules of reports and dry minutes
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from shared.clock import wib_day, wib_midnight
from shared.problems import FieldError, Refusal

WATER_MILLILITRE_MAX = 10_000_000
SOAP_MILLILITRE_MAX = 100_000
PEOPLE_PER_DAY_MAX = 100_000

REPORTS_WITHIN = timedelta(hours=2)
REPORTS_APART = timedelta(minutes=30)
"""Two reports of the public mark a station when they lie this far apart and no further than REPORTS_WITHIN.

One bored person at the station is not two: who comes by half an hour later most likely is another one.
"""

MINUTE = timedelta(minutes=1)


class State(StrEnum):
    """What a station is at the moment; `reported_dry` is what the public says and nobody has confirmed yet."""

    WORKING = "working"
    REPORTED_DRY = "reported_dry"
    DRY = "dry"
    BROKEN = "broken"
    REMOVED = "removed"


class Seen(StrEnum):
    """How a visitor found a station; dry is one without water or without soap."""

    WORKING = "working"
    DRY = "dry"
    BROKEN = "broken"


class Trouble(StrEnum):
    """What anybody may report."""

    DRY = "dry"
    NO_SOAP = "no_soap"
    BROKEN = "broken"
    OTHER = "other"


class Outcome(StrEnum):
    """What became of a station that was removed."""

    RETURNED = "returned"
    DAMAGED = "damaged"
    LOST = "lost"


class StationRemoved(Refusal):
    """The station stood there no longer."""

    code = "station_removed"
    title = "This station was removed"


class AlreadyVisited(Refusal):
    """A station has one visit at one moment, so that their order is certain."""

    code = "already_visited"
    title = "A visit at this very moment is known"


@dataclass(frozen=True, slots=True)
class Levels:
    """How much is in a station."""

    water_millilitre: int
    soap_millilitre: int

    @property
    def usable(self) -> bool:
        """Tell whether hands can be washed: it takes both."""
        return self.water_millilitre > 0 and self.soap_millilitre > 0

    def __add__(self, other: "Levels") -> "Levels":
        return Levels(self.water_millilitre + other.water_millilitre, self.soap_millilitre + other.soap_millilitre)


@dataclass(frozen=True, slots=True)
class Visit:
    """What a visitor found, filled in and repaired."""

    at: datetime
    seen: Seen
    found: Levels
    added: Levels = Levels(0, 0)
    repaired: bool = False

    @property
    def left(self) -> Levels:
        """Give how much was in it afterwards."""
        return self.found + self.added

    @property
    def left_as(self) -> State:
        """Give the state in which the visitor left it: broken until repaired, dry until there is water and soap."""
        if self.seen is Seen.BROKEN and not self.repaired:
            return State.BROKEN
        return State.WORKING if self.left.usable else State.DRY


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody said who came by; a member of staff who is signed in is believed at once."""

    at: datetime
    problem: Trouble
    by_staff: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """From when until when a station stood, and how much was in it at first."""

    placed_at: datetime
    first: Levels
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    """A stretch of time in which nobody could wash hands; `reported` when its beginning is that of a report."""

    state: State
    began_at: datetime
    ended_at: datetime | None = None
    reported: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """What follows from everything that is known of a station."""

    state: State
    since: datetime
    outages: tuple[Outage, ...]


def history(standing: Standing, visits: Iterable[Visit], reports: Iterable[Report]) -> History:
    """Work out the state and the outages; the order in which visits and reports are handed in is of no matter."""
    faults = sorted((one for one in reports if one.problem is not Trouble.OTHER), key=lambda one: one.at)
    told = [fault.at for fault in faults]
    closed: list[Outage] = []
    open_: Outage | None = None
    if not standing.first.usable:
        open_ = Outage(State.DRY, standing.placed_at)
    last_at = standing.placed_at
    for visit in sorted(visits, key=lambda one: one.at):
        if open_ is None and visit.seen is not Seen.WORKING:
            open_ = _begun(visit, told, last_at)
        for state in (State(visit.seen), visit.left_as):
            if open_ is not None and state != open_.state:
                closed.append(replace(open_, ended_at=visit.at))
                open_ = None if state is State.WORKING else Outage(state, visit.at)
        last_at = visit.at
    if open_ is not None and standing.removed_at is not None:
        closed.append(replace(open_, ended_at=standing.removed_at))
    # What was found dry and filled at once, and nobody had reported, was not out of use for any time that is known.
    outages = [outage for outage in closed if outage.ended_at != outage.began_at]
    if standing.removed_at is not None:
        return History(State.REMOVED, standing.removed_at, tuple(outages))
    if open_ is not None:
        return History(open_.state, open_.began_at, (*outages, open_))
    pending = [fault for fault in faults if fault.at > last_at]
    if marked(pending):
        return History(State.REPORTED_DRY, pending[0].at, tuple(outages))
    ends = [outage.ended_at for outage in outages if outage.ended_at is not None]
    return History(State.WORKING, max([standing.placed_at, *ends]), tuple(outages))


def _begun(visit: Visit, told: Sequence[datetime], last_at: datetime) -> Outage:
    """Begin an outage that a visit has found: at the first report since the visit before, or else where it was seen."""
    first = bisect_right(told, last_at)
    reported = first < len(told) and told[first] <= visit.at
    return Outage(State(visit.seen), told[first] if reported else visit.at, reported=reported)


def marked(faults: Sequence[Report]) -> bool:
    """Tell whether reports since the last visit, in their order, are enough to believe that something is wrong."""
    told = [fault.at for fault in faults]
    return any(
        fault.by_staff or bisect_left(told, fault.at - REPORTS_WITHIN) < bisect_right(told, fault.at - REPORTS_APART)
        for fault in faults
    )


def outage_minutes(outages: Iterable[Outage], start: datetime, end: datetime) -> int:
    """Count the minutes of outages between two moments; one that has not ended goes on until `end`."""
    total = timedelta()
    for outage in outages:
        begun, ended = max(_minute(outage.began_at), start), min(_minute(outage.ended_at or end), end)
        total += max(ended - begun, timedelta())
    return total // MINUTE


def outage_days(outages: Sequence[Outage], first: date, until: date, now: datetime) -> Mapping[date, int]:
    """Count the minutes of outages by local day, days without any left out; `until` is not one of them."""
    counted: dict[date, int] = {}
    touched = {
        day
        for outage in outages
        for day in _days(max(wib_day(outage.began_at), first), min(wib_day(outage.ended_at or now), until))
    }
    for day in sorted(touched - {until}):
        midnight = wib_midnight(day)
        if minutes := outage_minutes(outages, midnight, min(midnight + timedelta(days=1), _minute(now))):
            counted[day] = minutes
    return counted


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def seen_mistakes(seen: object, water: object, soap: object) -> list[FieldError]:
    """Say whether what was seen and what was measured tell two stories."""
    if not isinstance(water, int) or not isinstance(soap, int):
        return []
    usable = Levels(water, soap).usable
    if seen == Seen.WORKING and not usable:
        return [FieldError("/state", "differs", "Without water or without soap it is dry.")]
    if seen == Seen.DRY and usable:
        return [FieldError("/state", "differs", "There is water and soap: it is not dry.")]
    return []


def level_mistakes(found: Levels, added: Levels, capacity: Levels) -> list[FieldError]:
    """Say what of a visit does not fit into the station."""
    errors = []
    for name in ("water", "soap"):
        before, more, most = (getattr(levels, f"{name}_millilitre") for levels in (found, added, capacity))
        if before > most:
            errors.append(FieldError(f"/{name}_before_millilitre", "above_capacity", f"It holds {most}."))
        elif before + more > most:
            pointer = f"/refill/{name}_millilitre"
            errors.append(FieldError(pointer, "above_capacity", f"It holds {most}, and {before} were in it."))
    return errors
