"""What entries of devices have in common: an id of their own, an order in time, an answer each."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.problems import Json, Refusal


class EntryIdReused(Refusal):
    """An id of an entry stands for one entry, whoever sends it again."""

    code = "entry_id_reused"
    title = "This id belongs to another entry"


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
