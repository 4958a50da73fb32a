"""When the nightly audit is due, and what it says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

from services.aid_distribution.ledger.audit import Discrepancy

LEASE = timedelta(hours=2)
"""Whoever has taken a night has so long: longer than an audit takes, and short enough that another can make it up."""

AGAIN_AFTER = timedelta(minutes=10)
ATTEMPTS_MAX = 3
FINDINGS_MAX = 100
"""So many findings are kept word by word; how many there were is always said."""


class State(StrEnum):
    """What became of the audit of a night."""

    RUNNING = "running"
    WHOLE = "whole"
    WRONG = "wrong"
    BROKEN_OFF = "broken_off"


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit has looked at, by what it is called, and everything that disagrees."""

    checked: dict[str, int]
    findings: Sequence[Discrepancy]


def night_due(now: datetime, hour: int, zone: tzinfo) -> date | None:
    """Give the local day whose audit is due by its hour; one that was missed is made up for later on that day."""
    local = now.astimezone(zone)
    return local.date() if local.hour >= hour else None


def state_of(found: int | None, lease_until: datetime, now: datetime) -> State:
    """Say what became of an audit; one that has not ended when its time is over was broken off."""
    if found is None:
        return State.RUNNING if now < lease_until else State.BROKEN_OFF
    return State.WRONG if found else State.WHOLE
