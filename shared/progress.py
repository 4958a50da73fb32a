"""How far consumers are: exact, because numbers are dense, and judged by progress, never by a ping."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from shared.parking import ParkedBecause

STALLED_SECONDS: Final = 15.0
"""How long a partition may be behind without any progress, or unseen, before the service is not ready any more."""


@dataclass(slots=True)
class Lane:
    """One partition of one source, as a running consumer sees it.

    Shape:  `position` is the last number whose effects are committed, `last` the last one in Redis;
            `error` says why it is held up at the moment, empty when it is not; `restarted_at` is when its
            subscriber was last started anew because it stood still
    Units:  moments are seconds of the monotonic clock
    """

    source: str
    partition: int
    position: int = 0
    last: int = 0
    seen_at: float = float("-inf")
    moved_at: float = field(default_factory=monotonic)
    restarted_at: float = float("-inf")
    stalled_seconds: float = STALLED_SECONDS
    failures: int = 0
    error: str = ""

    @property
    def name(self) -> str:
        """Name it as people say it: `registration/0`."""
        return f"{self.source}/{self.partition}"

    @property
    def lag(self) -> int:
        """Give how many events are still to come; below 0 when Redis has lost what we have already handled."""
        return self.last - self.position

    def advance(self, position: int) -> None:
        """Note that effects were committed up to a number."""
        if position != self.position:
            self.position, self.moved_at = position, monotonic()
        self.failures, self.error = 0, ""

    def fail(self, error: Exception) -> None:
        """Note that it is held up."""
        self.failures += 1
        self.error = (
            f"{type(error).__name__}: {error}" if type(error).__module__.startswith("shared.") else type(error).__name__
        )

    def see(self, last: int, now: float) -> None:
        """Note where the stream ends; whoever is not behind counts as moving."""
        self.last, self.seen_at = last, now
        if self.lag <= 0:
            self.moved_at = now

    def behind_seconds(self, now: float) -> float:
        """Give how long it has been behind without any progress, 0 when it is not behind."""
        return max(0.0, now - self.moved_at) if self.lag > 0 else 0.0

    def stalled(self, now: float) -> bool:
        """Tell that it stands still although there is something to do."""
        return self.behind_seconds(now) > self.stalled_seconds

    def wants_restart(self, now: float) -> bool:
        """Tell that it stands still, and was not started anew just now: that takes its time, and is no progress."""
        return self.stalled(now) and now - self.restarted_at > self.stalled_seconds

    def alive(self, now: float) -> bool:
        """Tell that it moves or has nothing to do, and that this was seen lately."""
        return not self.stalled(now) and now - self.seen_at <= self.stalled_seconds


@dataclass(slots=True)
class ConsumerState:
    """What health may know of a service's consumers; `error` is that of the last look, empty when it succeeded."""

    lanes: Sequence[Lane]
    parked: dict[ParkedBecause, int] = field(default_factory=lambda: dict.fromkeys(ParkedBecause, 0))
    error: str = ""

    @property
    def lag(self) -> int:
        """Give how many events are still to come over all partitions."""
        return sum(max(0, lane.lag) for lane in self.lanes)

    def alive(self, now: float) -> bool:
        """Tell that every partition moves or has nothing to do."""
        return all(lane.alive(now) for lane in self.lanes)
