"""The rules of a survey: when it is open, what an answer must say, and the decline that follows from it.

Units:  money in whole rupiah a month; declines in per mille of what there was before, negative where there is more now;
        days are days in WIB
Source: DOMAIN section 3, surveys; docs/decisions/0044 for what is stored of an answer
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum

from shared.problems import FieldError, Refusal

WAVE_DAYS_MAX = 366
TURNOVER_MAX = 10**13
CAPACITY_MAX = 10**9
WORKERS_MAX = 1_000_000
GONE_PERMILLE = 1_000
"""Nothing is left of what there was."""

GROWTH_PERMILLE_MAX = 10_000
"""Growth beyond eleven times what there was counts as that: it is a slip of the pen more often than a success."""


class Status(StrEnum):
    """What a business says that it is doing."""

    RUNNING = "running"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Channel(StrEnum):
    """How an answer came in."""

    STAFF = "staff"
    LINK = "link"
    IMPORT = "import"


class WaveState(StrEnum):
    """Whether a wave takes answers."""

    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"


class Measure(StrEnum):
    """What is asked of the time before and of now."""

    TURNOVER = "turnover"
    CAPACITY = "capacity"
    WORKERS = "workers"


PAIRS: Mapping[Measure, tuple[str, str]] = {
    Measure.TURNOVER: ("turnover_before_rupiah", "turnover_now_rupiah"),
    Measure.CAPACITY: ("capacity_before", "capacity_now"),
    Measure.WORKERS: ("workers_before", "workers_now"),
}
"""The two figures of each measure; one says nothing without the other."""


class WaveClosed(Refusal):
    """A wave that is closed takes no answer."""

    code = "survey_closed"
    title = "This survey is closed"


class WaveNotOpen(Refusal):
    """A wave takes no answer and invites nobody before it opens."""

    code = "survey_not_open"
    title = "This survey is not open yet"


class LinkUsed(Refusal):
    """A link takes one answer."""

    code = "link_used"
    title = "This link was used already"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """When a wave is open, whether it was closed by hand, and where it asks."""

    region: str
    opens_on: date
    closes_on: date
    closed_by_hand: bool

    def state(self, today: date) -> WaveState:
        """Give its state on a day."""
        if self.closed_by_hand or today > self.closes_on:
            return WaveState.CLOSED
        return WaveState.PLANNED if today < self.opens_on else WaveState.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerData:
    """What a business answers."""

    status: Status
    turnover_before_rupiah: int | None = None
    turnover_now_rupiah: int | None = None
    capacity_before: int | None = None
    capacity_now: int | None = None
    workers_before: int | None = None
    workers_now: int | None = None
    answered_on: date | None = None
    document: str | None = None

    def decline(self, measure: Measure) -> int | None:
        """Give the decline of a measure, or None where it is not known."""
        before, now = (getattr(self, name) for name in PAIRS[measure])
        return decline_permille(before, now)

    def leaves(self) -> dict[str, object]:
        """Give what was said, by JSON Pointers."""
        values = {f"/{field.name}": getattr(self, field.name) for field in fields(self)}
        return {pointer: value for pointer, value in values.items() if value is not None}

    def __repr__(self) -> str:
        return "AnswerData(...)"  # turnover reaches no log by way of a traceback


def decline_permille(before: int | None, now: int | None) -> int | None:
    """Give by how much something has fallen, in per mille of what there was, a half rounded up.

    None where either is not known, and where there was nothing before.
    """
    if not before or now is None:
        return None
    return max(-GROWTH_PERMILLE_MAX, (2 * GONE_PERMILLE * (before - now) + before) // (2 * before))


def wave_mistakes(leaves: Mapping[str, object]) -> list[FieldError]:
    """Say what is wrong with the days and months of a wave."""
    errors: list[FieldError] = []
    opens_on, closes_on = leaves.get("/opens_on"), leaves.get("/closes_on")
    if isinstance(opens_on, date) and isinstance(closes_on, date):
        if closes_on < opens_on:
            errors.append(FieldError("/closes_on", "before_opening", "It closes before it opens."))
        elif (closes_on - opens_on).days > WAVE_DAYS_MAX:
            errors.append(FieldError("/closes_on", "open_too_long", f"At most {WAVE_DAYS_MAX} days."))
    before, now = leaves.get("/before_month"), leaves.get("/now_month")
    if isinstance(before, str) and isinstance(now, str) and now <= before:
        errors.append(FieldError("/now_month", "not_after_before", "Now comes after before."))
    if isinstance(now, str) and isinstance(closes_on, date) and month_day(now) > closes_on:
        errors.append(FieldError("/now_month", "after_the_wave", "It begins after the wave has closed."))
    return errors


def follow_mistakes(leaves: Mapping[str, object], base: Wave, before_month: date, now_month: date) -> list[FieldError]:
    """Say what keeps a wave from following an earlier one: only like figures can be compared.

    Shape: `before_month` and `now_month` are those of the earlier wave
    """
    errors: list[FieldError] = []
    before, now, region = leaves.get("/before_month"), leaves.get("/now_month"), leaves.get("/region")
    if isinstance(before, str) and month_day(before) != before_month:
        detail = f"The wave that it follows asks of {before_month:%Y-%m}; against another month nothing compares."
        errors.append(FieldError("/before_month", "another_month", detail))
    if isinstance(now, str) and month_day(now) <= now_month:
        errors.append(FieldError("/now_month", "not_later", f"The wave that it follows asks of {now_month:%Y-%m}."))
    if isinstance(region, str) and not within(region, base.region):
        errors.append(FieldError("/region", "outside_wave", f"The wave that it follows asks in {base.region}."))
    return errors


def answer_mistakes(leaves: Mapping[str, object], wave: Wave | None, today: date) -> list[FieldError]:
    """Say what is wrong with an answer: one figure of a pair lacks, or its day cannot be."""
    errors = [
        FieldError(f"/{lacking}", "missing", f"It belongs to {given}.")
        for pair in PAIRS.values()
        for given, lacking in (pair, pair[::-1])
        if f"/{given}" in leaves and f"/{lacking}" not in leaves
    ]
    day = leaves.get("/answered_on")
    if isinstance(day, date):
        if day > today:
            errors.append(FieldError("/answered_on", "in_the_future", f"Today is {today}."))
        elif wave and not wave.opens_on <= day <= wave.closes_on:
            detail = f"The survey is open from {wave.opens_on} to {wave.closes_on}."
            errors.append(FieldError("/answered_on", "outside_wave", detail))
    return errors


def refuse(wave: Wave, data: AnswerData, channel: Channel, today: date) -> Refusal | None:
    """Say why a wave does not take an answer at all; None when it does.

    What was written on paper while the wave was open may be recorded later, until somebody closes it by hand.
    """
    state = wave.state(today)
    if state is WaveState.PLANNED:
        return WaveNotOpen(f"It opens on {wave.opens_on}.", opens_on=wave.opens_on.isoformat())
    on_paper = channel is not Channel.LINK and data.answered_on is not None and not wave.closed_by_hand
    if state is WaveState.CLOSED and not on_paper:
        hint = " What was answered before is recorded with answered_on." if not wave.closed_by_hand else ""
        return WaveClosed(f"It was open until {wave.closes_on}.{hint}", closes_on=wave.closes_on.isoformat())
    return None


def within(region: str, outer: str) -> bool:
    """Tell whether a region is another one, or lies inside it."""
    return region == outer or region.startswith(f"{outer}.")


def month_day(month: str) -> date:
    """Give the first day of a month that is written as 2020-04."""
    return date.fromisoformat(f"{month}-01")
