"""What may be wrong with the announcement of a market beside its shape, told all at once and each by its pointer."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from services.aid_distribution.businesses import store as businesses
from services.aid_distribution.ledger.known import Known, known
from services.aid_distribution.ledger.mistakes import order_mistakes
from shared.caller import Caller
from shared.database import Work
from shared.leaves import Leaves
from shared.problems import FieldError


async def mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with an announcement, as far as its values have the right shape."""
    errors = announcement_mistakes(leaves, await known(work, [leaves]), work.caller, work.now)
    if isinstance(seller := leaves.get("/seller"), UUID):
        found = (await businesses.by_id(work.session, [seller])).get(seller)
        if found is None or found.state != "open" or not work.caller.sees(found.region):
            errors.append(FieldError("/seller", "unknown_business", f"There is no open business {seller}."))
    return errors


def announcement_mistakes(leaves: Leaves, here: Known, caller: Caller, now: datetime) -> list[FieldError]:
    """Say what is wrong with an announcement, whoever sells."""
    opens, closes = leaves.get("/opens_at"), leaves.get("/closes_at")
    errors = order_mistakes(leaves, here, caller, now)
    if isinstance(opens, datetime) and isinstance(closes, datetime) and closes <= opens:
        errors.append(FieldError("/closes_at", "before_opening", "A market closes after it opens."))
    return [*errors, *_offers(leaves), *_slots(leaves, opens, closes)]


def _offers(leaves: Leaves) -> Iterator[FieldError]:
    told: set[object] = set()
    for pointer, item in leaves.items():
        if not (pointer.startswith("/items/") and pointer.endswith("/item")):
            continue
        line = pointer.removesuffix("/item")
        if item in told:
            yield FieldError(pointer, "duplicate", f"{item}: one line for each item.")
        told.add(item)
        yield from _more(leaves, f"{line}/price_rupiah", f"{line}/market_price_rupiah", "above_market_price")
        yield from _more(leaves, f"{line}/limit_per_family", f"{line}/allotment", "above_allotment")


def _more(leaves: Leaves, pointer: str, bound: str, code: str) -> Iterator[FieldError]:
    value, most = leaves.get(pointer), leaves.get(bound)
    if isinstance(value, int) and isinstance(most, int) and value > most:
        yield FieldError(pointer, code, f"At most {most}.")


def _slots(leaves: Leaves, opens: object, closes: object) -> Iterator[FieldError]:
    for pointer, ends in leaves.items():
        if not (pointer.startswith("/slots/") and pointer.endswith("/to")):
            continue
        slot = pointer.removesuffix("/to")
        # An order has the name of the field, a body at the edge the name in JSON.
        begins = leaves.get(f"{slot}/from", leaves.get(f"{slot}/from_"))
        if not (isinstance(begins, datetime) and isinstance(ends, datetime)):
            continue
        if ends <= begins:
            yield FieldError(pointer, "before_beginning", "A slot ends after it begins.")
        if isinstance(opens, datetime) and begins < opens:
            yield FieldError(f"{slot}/from", "outside_opening_hours", "The market is not open yet.")
        if isinstance(closes, datetime) and ends > closes:
            yield FieldError(pointer, "outside_opening_hours", "The market is closed by then.")
