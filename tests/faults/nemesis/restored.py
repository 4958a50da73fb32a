"""What was true at the moment at which a database was put back: what the world had seen, and what was lost."""

from dataclasses import dataclass
from uuid import UUID

from tests.faults.oracle import Recorded


@dataclass(frozen=True, slots=True)
class Restored:
    """One restore of a database from a backup.

    Shape: `outbox`: every event that the lost database had, by partition; `published`: the ids of those that stood in
           Redis by then, which are facts; `backed_up_at`: after which acknowledgements are lost and must be repeated
    """

    source: str
    backed_up_at: float
    recalled: int
    outbox: dict[int, list[Recorded]]
    published: frozenset[UUID]
