"""The clock of a device that was offline: when what it tells really happened.

A telephone whose clock is off says wrong moments, and says with the same clock when it sends them. So the distance
between the two is right, and is counted back from the moment at which the batch arrives. Within some minutes the
device is taken at its word: a message takes its time on the way. So each try has to say when it is sent itself: what
was said at an earlier one cannot be told from a clock that is behind by the time between the two.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

SKEW_TOLERATED = timedelta(minutes=5)
CENTURY = timedelta(days=36_500)
"""Further back nothing is counted; what is dated so is refused by the rules for moments."""


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
