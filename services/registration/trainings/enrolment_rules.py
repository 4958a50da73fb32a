"""The rules of enrolment: who may take part, which step follows which, and until when an offer may be answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from typing import NamedTuple

from shared.night import after_waking, morning_of, waking_between
from shared.problems import Refusal

ANSWER_TIME = timedelta(hours=24)
"""So long an offer can be answered, not counting the quiet hours."""

ANSWER_TIME_LEAST = timedelta(hours=2)
"""With less waking time left before offers close no seat is offered unasked: it would be lost before anybody saw it."""

APPLICATION_DAYS_MAX = 180
"""An application older than this when a training begins was made for another time."""


class State(StrEnum):
    """How far a business has come on its way to a seat."""

    APPLIED = "applied"
    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WAITLISTED = "waitlisted"
    WITHDRAWN = "withdrawn"


class How(StrEnum):
    """By which way a step came about."""

    ONLINE = "online"
    PHONE = "phone"
    PAPER = "paper"
    REPLY = "reply"
    WALK_IN = "walk_in"
    OFFICE = "office"
    RULE = "rule"


STEPS: Mapping[State, frozenset[State]] = {
    State.APPLIED: frozenset({State.ELIGIBLE, State.INELIGIBLE}),
    State.INELIGIBLE: frozenset({State.ELIGIBLE, State.WITHDRAWN}),
    State.ELIGIBLE: frozenset({State.OFFERED, State.WAITLISTED, State.ACCEPTED, State.WITHDRAWN}),
    State.WAITLISTED: frozenset({State.OFFERED, State.ACCEPTED, State.WITHDRAWN}),
    State.OFFERED: frozenset({State.ACCEPTED, State.DECLINED, State.EXPIRED, State.WITHDRAWN}),
    State.ACCEPTED: frozenset({State.WITHDRAWN}),
    State.DECLINED: frozenset({State.APPLIED}),
    State.EXPIRED: frozenset({State.APPLIED}),
    State.WITHDRAWN: frozenset({State.APPLIED}),
}
"""Every step there is; a seat is taken without an offer only by whoever is let in at the door."""

HOLDS_A_SEAT = frozenset({State.OFFERED, State.ACCEPTED})
CONCERNED = frozenset({State.OFFERED, State.ACCEPTED, State.WAITLISTED})
"""Who is told when a training changes."""

OVER = frozenset({State.DECLINED, State.EXPIRED, State.WITHDRAWN})
"""From where one may apply again."""


class StepNotPossible(Refusal):
    """Such a step does not follow from where the enrolment is."""

    code = "step_not_possible"
    title = "Not possible any more"


class AlreadyEnrolled(Refusal):
    """A business applies for a training once, as long as that goes on."""

    code = "already_enrolled"
    title = "Enrolled already"


class OfferExpired(Refusal):
    """An offer is answered before its deadline."""

    code = "offer_expired"
    title = "The time to answer is over"


class NoTimeToAnswer(Refusal):
    """A seat is offered to whoever has waking hours left in which to answer."""

    code = "no_time_to_answer"
    title = "Too late to be answered"


class NoSeat(Refusal):
    """All seats are given or offered."""

    code = "no_seat"
    title = "No seat is free"


class TrainingFull(Refusal):
    """No more applications are taken than can be told of a change at once."""

    code = "too_many_applications"
    title = "Too many applications"


class Why(StrEnum):
    """Why a business is not eligible."""

    OTHER_SECTOR = "other_sector"
    OTHER_REGION = "other_region"
    NOT_ACTIVE = "not_active"
    TAKEN_BEFORE = "taken_before"
    APPLICATION_TOO_OLD = "application_too_old"


class Words(NamedTuple):
    """A short text in both languages."""

    indonesian: str
    english: str


WHY: Mapping[Why, Words] = {
    Why.OTHER_SECTOR: Words("Pelatihan ini untuk bidang usaha lain.", "This training is for another sector."),
    Why.OTHER_REGION: Words("Pelatihan ini untuk wilayah lain.", "This training is for another region."),
    Why.NOT_ACTIVE: Words("Usaha ini tidak aktif.", "This business is not active."),
    Why.TAKEN_BEFORE: Words("Program ini sudah pernah diikuti.", "This programme was taken before."),
    Why.APPLICATION_TOO_OLD: Words(
        f"Permohonan ini lebih dari {APPLICATION_DAYS_MAX} hari sebelum pelatihan; mohon ajukan lagi.",
        f"The application was made more than {APPLICATION_DAYS_MAX} days before the training; please apply again.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """What eligibility looks at of a business and its application."""

    sector: str
    region: str
    active: bool
    taken_before: bool
    applied_on: date


def reasons(one: Applicant, *, sector: str, region: str, starts_on: date) -> list[Why]:
    """Say everything for which somebody may not take part in a training; nothing where they may."""
    return [
        why
        for why, holds in (
            (Why.OTHER_SECTOR, one.sector != sector),
            (Why.OTHER_REGION, one.region != region and not one.region.startswith(f"{region}.")),
            (Why.NOT_ACTIVE, not one.active),
            (Why.TAKEN_BEFORE, one.taken_before),
            (Why.APPLICATION_TOO_OLD, starts_on - one.applied_on > timedelta(days=APPLICATION_DAYS_MAX)),
        )
        if holds
    ]


def deadline(now: datetime, zone: timezone, waking: timedelta = ANSWER_TIME) -> datetime:
    """Give the moment after so much time in which people of a zone may be asked things: quiet hours do not count.

    An offer made at 10:00 may be answered until 08:00 two days later: ten hours, thirteen, and one.
    """
    return after_waking(now, waking, zone)


def offers_close(starts_on: date, zone: timezone) -> datetime:
    """Give the moment after which no offer can be answered: when people get up on the first day."""
    return morning_of(starts_on, zone)


def time_to_answer(now: datetime, until: datetime, zone: timezone) -> timedelta:
    """Give how long people are awake to answer, counted no further than to `ANSWER_TIME_LEAST`."""
    return waking_between(now, until, zone, ANSWER_TIME_LEAST)


def check_step(before: State, after: State) -> None:
    """Let a step pass that is among `STEPS`; raises StepNotPossible (409) naming both states."""
    if after not in STEPS[before]:
        raise StepNotPossible(f"From {before} one does not come to {after}.", state=before.value, asked=after.value)
