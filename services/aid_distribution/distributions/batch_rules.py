"""The clock of a device that was offline: when what it tells really happened.

A telephone whose clock is off says wrong moments, and says with the same clock when it sends them. So the distance
between the two is right, and is counted back from the moment at which the batch arrives. Within some minutes the
device is taken at its word: a message takes its time on the way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.problems import Json, Refusal

SKEW_TOLERATED = timedelta(minutes=5)
CENTURY = timedelta(days=36_500)
"""Further back nothing is counted; what is dated so is refused by the rules for moments."""


class EntryIdReused(Refusal):
    """An id of an entry stands for one entry, whoever sends it again."""

    code = "entry_id_reused"
    title = "This id belongs to another entry"


@dataclass(frozen=True, slots=True)
class DeviceClock:
    """The clock of a device as it stood when a batch was sent, against the moment at which the batch arrived."""

    sent_at: datetime
    arrived_at: datetime

    @property
    def behind_seconds(self) -> int:
        """Give by how much the device's clock is behind; below zero when it is ahead."""
        return round((self.arrived_at - self.sent_at).total_seconds())

    @property
    def off(self) -> bool:
        """Tell whether the clock is further off than a message may be under way."""
        return abs(self.arrived_at - self.sent_at) > SKEW_TOLERATED

    def corrected(self, told: datetime) -> datetime:
        """Give when something happened that the device dates so; never later than now."""
        if not self.off:
            return min(told, self.arrived_at)
        age = min(max(self.sent_at - told, timedelta()), CENTURY)
        return self.arrived_at - age


def problem_of(refusal: Refusal) -> Mapping[str, Json]:
    """Put a refusal into the form of a problem, as one request by itself would be answered (RFC 9457)."""
    return {
        "type": f"urn:serumpun:problem:{refusal.code}",
        "title": refusal.title,
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.detail,
        **refusal.members,
    }


def in_order(moments: Sequence[datetime]) -> list[int]:
    """Give the places of moments from the earliest to the latest; what happened at once stays as it was told."""
    return sorted(range(len(moments)), key=moments.__getitem__)
