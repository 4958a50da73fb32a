"""The history: every operation that a client asked for, how often it was sent, and what the client was told of it."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

Body = dict[str, object]


class Outcome(StrEnum):
    """What a client knows of an operation: that it happened, that it did not, or neither."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(slots=True, eq=False)
class Operation:
    """One request, sent once or again under the same key until its outcome is known.

    Shape: `document` stands on whatever it brings about; `after` is what must have happened before it can be sent;
           `told` is the answer that settled it, `ids` every id that an answer has given for it, in order
    """

    kind: str
    service: str
    path: str
    body: Body
    document: str
    key: str
    after: "Operation | None" = None
    headers: dict[str, str] = field(default_factory=dict)
    outcome: Outcome = Outcome.UNKNOWN
    status: int = 0
    told: bytes = b""
    ids: list[UUID] = field(default_factory=list)
    sent: int = 0
    sent_at: float = 0
    settled_at: float = 0
    last_heard: str = ""

    @property
    def lines(self) -> list[tuple[str, int]]:
        """Give what it moves: item and quantity."""
        return [(line["item"], line["quantity"]) for line in self.body.get("lines", ())]  # type: ignore[attr-defined]


@dataclass(slots=True)
class History:
    """All operations of a run, in the order in which they were begun."""

    operations: list[Operation] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    """Answers that no fault excuses: a 500, or a refusal that the order gives no cause for."""
    refused_for_now: Counter[str] = field(default_factory=Counter)

    def counted(self) -> Counter[Outcome]:
        """Count the operations by what is known of them."""
        return Counter(one.outcome for one in self.operations)

    def of(self, outcome: Outcome) -> list[Operation]:
        return [one for one in self.operations if one.outcome is outcome]
