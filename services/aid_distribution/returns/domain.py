"""The rules of returns: who gives back to whom, and never more than was moved.

Source: DOMAIN section 1: every posting is double entry, also one that gives back
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from services.aid_distribution.ledger.domain import NO_LOT, Kind, Virtual
from services.aid_distribution.ledger.returned import Left
from services.aid_distribution.ledger.store import LotKey
from shared.problems import FieldError, Json, Refusal


class Direction(StrEnum):
    """Who gives back to whom."""

    FROM_PUBLIC = "from_public"
    TO_SUPPLIER = "to_supplier"
    TO_DONOR = "to_donor"


OUTSIDE = {
    Direction.FROM_PUBLIC: Virtual.PUBLIC,
    Direction.TO_SUPPLIER: Virtual.SUPPLIER,
    Direction.TO_DONOR: Virtual.DONOR,
}
"""The other side of a return that names no posting."""

COMES_BACK_FROM = (Virtual.PUBLIC, Virtual.LOSS, Virtual.ADJUSTMENT)
"""Where a posting took goods that may come back; coupons that were used up do not."""

HANDED_OUT = (Kind.DISTRIBUTION, Kind.ISSUE, Kind.SALE)
GIVES_BACK = {
    Direction.FROM_PUBLIC: HANDED_OUT,
    Direction.TO_SUPPLIER: (Kind.RECEIPT,),
    Direction.TO_DONOR: (Kind.RECEIPT,),
}
"""The kinds of postings whose goods may go back so."""


class MoreThanMoved(Refusal):
    """More would be returned than the posting moved."""

    code = "more_than_moved"
    title = "More is returned than was moved"


def lots_of(
    lines: Sequence[tuple[str, str | None, int]], moved: Mapping[LotKey, Left]
) -> tuple[list[str], list[FieldError]]:
    """Find the lot of each line among those that a posting moved, and what is wrong with lines that have none."""
    lots: list[str] = []
    errors: list[FieldError] = []
    for number, (item, lot, _) in enumerate(lines):
        known = [one for of_item, one in moved if of_item == item]
        lots.append(lot or (known[0] if len(known) == 1 else NO_LOT))
        if not known:
            errors.append(FieldError(f"/lines/{number}/item", "not_moved", f"That posting moved no {item}."))
        elif lots[-1] not in known:
            code = "not_moved" if lot else "missing"
            errors.append(FieldError(f"/lines/{number}/lot", code, f"That posting moved {', '.join(known)}."))
    return lots, errors


def too_much(back: Mapping[LotKey, int], moved: Mapping[LotKey, Left]) -> MoreThanMoved | None:
    """Refuse to return more of an item and lot than is left of what was moved."""
    over: list[dict[str, Json]] = [
        {"item": item, "lot": lot or None, "moved": one.moved, "returned": one.returned, "asked": quantity}
        for (item, lot), quantity in back.items()
        if (one := moved[item, lot]).returned + quantity > one.moved
    ]
    if not over:
        return None
    first = over[0]
    detail = f"{first['item']}: {first['moved']} were moved, {first['returned']} are back already."
    return MoreThanMoved(detail, lines=over)
