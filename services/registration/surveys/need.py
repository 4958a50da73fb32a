"""The need score: how hard a business was hit, in points of a hundred, each with its reason.

It helps to order a list and decides nothing: people do, and may see every point of it. What is not known gives no
points, but for the scale, where not knowing is put in the middle.

Source: docs/decisions/0045; the weights are ours, and another set of them is another version
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from services.registration.surveys.domain import GONE_PERMILLE, Status

RULE = "need-1"
TURNOVER_POINTS = 40
CAPACITY_POINTS = 20
WORKERS_POINTS = 15
SCALE_POINTS = {"micro": 10, "small": 7, "medium": 3, "large": 0}
SCALE_UNKNOWN_POINTS = 5
STATUS_POINTS = {Status.RUNNING: 0, Status.SUSPENDED: 10, Status.CLOSED: 10}
NOT_SERVED_POINTS = 5
POINTS_MAX = 100
HIGH_POINTS, MEDIUM_POINTS = 60, 30


class Band(StrEnum):
    """A need in one word, which may travel where the figures may not."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Part(StrEnum):
    """What points are given for."""

    TURNOVER = "turnover"
    CAPACITY = "capacity"
    WORKERS = "workers"
    STATUS = "status"
    SCALE = "scale"
    SUPPORT = "support"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a score is made of: the declines of the latest answer, and how often the business was supported."""

    status: Status
    turnover_decline_permille: int | None
    capacity_decline_permille: int | None
    workers_decline_permille: int | None
    scale: str | None
    supports: int


@dataclass(frozen=True, slots=True)
class Points:
    """The points of one part, of how many, and why, in Indonesian and in English."""

    part: Part
    points: int
    of: int
    because: str
    because_english: str


@dataclass(frozen=True, slots=True)
class Need:
    """A score with its parts, whose points add up to it."""

    parts: tuple[Points, ...]
    rule: str = RULE

    @property
    def score(self) -> int:
        """Give the score, 0 to 100."""
        return sum(part.points for part in self.parts)

    @property
    def band(self) -> Band:
        """Give the score in one word."""
        if self.score >= HIGH_POINTS:
            return Band.HIGH
        return Band.MEDIUM if self.score >= MEDIUM_POINTS else Band.LOW


STATUSES = {
    Status.RUNNING: ("berjalan", "running"),
    Status.SUSPENDED: ("berhenti sementara", "suspended"),
    Status.CLOSED: ("menyatakan tutup", "said to be closed"),
}
SCALES = {
    "micro": ("usaha mikro", "a micro business"),
    "small": ("usaha kecil", "a small business"),
    "medium": ("usaha menengah", "a medium business"),
    "large": ("usaha besar", "a large business"),
}


def need(facts: Facts) -> Need:
    """Give the need of a business; the same facts always give the same."""
    return Need(tuple(_parts(facts)))


def _parts(facts: Facts) -> Iterator[Points]:
    yield _fallen(Part.TURNOVER, facts.turnover_decline_permille, TURNOVER_POINTS, "Omzet", "Turnover")
    yield _fallen(Part.CAPACITY, facts.capacity_decline_permille, CAPACITY_POINTS, "Kapasitas", "Capacity")
    yield _fallen(
        Part.WORKERS, facts.workers_decline_permille, WORKERS_POINTS, "Jumlah tenaga kerja", "The number of workers"
    )
    told, english = STATUSES[facts.status]
    yield Points(Part.STATUS, STATUS_POINTS[facts.status], max(STATUS_POINTS.values()), told, english)
    of = max(SCALE_POINTS.values())
    if facts.scale is None:
        yield Points(Part.SCALE, SCALE_UNKNOWN_POINTS, of, "skala belum diketahui", "scale not known")
    else:
        yield Points(Part.SCALE, SCALE_POINTS[facts.scale], of, *SCALES[facts.scale])
    if facts.supports:
        told, english = f"sudah didukung {facts.supports} kali", f"supported {facts.supports} times"
        yield Points(Part.SUPPORT, 0, NOT_SERVED_POINTS, told, english)
    else:
        yield Points(Part.SUPPORT, NOT_SERVED_POINTS, NOT_SERVED_POINTS, "belum pernah didukung", "not supported yet")


def _fallen(part: Part, decline_permille: int | None, of: int, name: str, english: str) -> Points:
    """Give points in proportion to a fall; what has grown gives none."""
    if decline_permille is None:
        return Points(part, 0, of, f"{name} tidak diketahui", f"{english} is not known")
    points = of * max(0, decline_permille) // GONE_PERMILLE
    if decline_permille <= 0:
        return Points(part, points, of, f"{name} tidak turun", f"{english} has not fallen")
    whole, tenth = divmod(decline_permille, 10)
    return Points(part, points, of, f"{name} turun {whole},{tenth}%", f"{english} is down {whole}.{tenth}%")
