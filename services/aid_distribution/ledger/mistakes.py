"""What may be wrong with an order beside its shape, told all at once and each by its JSON Pointer.

The handlers ask it of every order; the edge asks it of an order of the wrong shape, about the values that are right.
"""

from collections.abc import Mapping
from datetime import date, datetime

from services.aid_distribution.ledger.domain import ISSUE_PLACES, QUANTITY_MAX, when_mistakes
from services.aid_distribution.ledger.known import PLACES, Known, Rule, dated_lots, field_of, known, packed_lines
from services.aid_distribution.ledger.store import LotKey
from shared.caller import Caller
from shared.database import Work
from shared.leaves import Leaves
from shared.person_numbers import is_of_person
from shared.problems import FieldError
from shared.routes import Rules


def order_mistakes(leaves: Leaves, here: Known, caller: Caller, now: datetime) -> list[FieldError]:
    """Say what is wrong with any order: its moment, items and places that there are not for this caller, its paper."""
    errors: list[FieldError] = []
    for pointer, value in leaves.items():
        name = field_of(pointer)
        if name == "occurred_at" and isinstance(value, datetime):
            errors += when_mistakes(value, now, caller.role, here.back_days, pointer)
        elif name == "item" and value not in here.items:
            errors.append(FieldError(pointer, "unknown_item", f"There is no item {value}."))
        elif name in PLACES and not here.has_place(str(value), caller):
            errors.append(FieldError(pointer, "unknown_place", f"There is no place {value}."))
        elif name == "document" and is_of_person(str(value)):
            errors.append(FieldError(pointer, "person_number", "This is the number of a person or of a family card."))
    return errors + pack_mistakes(leaves, here)


def pack_mistakes(leaves: Leaves, here: Known) -> list[FieldError]:
    """Say which lines name a pack that there is not, or more of it than one line may move."""
    errors: list[FieldError] = []
    for line, (item, pack), quantity in packed_lines(leaves):
        per_pack = here.packs.get((item, pack))
        if per_pack is None:
            if item in here.items:
                errors.append(FieldError(f"{line}/pack", "unknown_pack", f"There is no pack {pack} of {item}."))
        elif isinstance(quantity, int) and quantity * per_pack > QUANTITY_MAX:
            detail = f"{quantity} of {per_pack} are more than {QUANTITY_MAX}."
            errors.append(FieldError(f"{line}/quantity", "too_many_units", detail))
    return errors


def receipt_mistakes(leaves: Leaves, here: Known, caller: Caller, now: datetime) -> list[FieldError]:
    """Say what is wrong with a receipt."""
    return [*order_mistakes(leaves, here, caller, now), *lot_mistakes(leaves, here.expiries)]


def lot_mistakes(leaves: Leaves, expiries: Mapping[LotKey, date]) -> list[FieldError]:
    """Say which expiry dates belong to no lot, or differ from what is known: a lot has one, whoever tells it first."""
    errors = []
    for pointer in leaves:
        lot = pointer.removesuffix("expires_on") + "lot"
        if field_of(pointer) == "expires_on" and lot not in leaves:
            errors.append(FieldError(lot, "missing", "An expiry date belongs to a lot; name the lot."))
    told: dict[LotKey, date] = {}
    for line, lot_key, expires_on in dated_lots(leaves):
        before = expiries.get(lot_key) or told.setdefault(lot_key, expires_on)
        if before != expires_on:
            errors.append(FieldError(f"{line}/expires_on", "differs", f"Lot {lot_key[1]} expires on {before}."))
    return errors


def issue_mistakes(leaves: Leaves, here: Known, caller: Caller, now: datetime) -> list[FieldError]:
    """Say what is wrong with an issue."""
    errors = order_mistakes(leaves, here, caller, now)
    if "/reason" in leaves and leaves["/reason"] not in ISSUE_PLACES:
        errors.append(FieldError("/reason", "unknown_value", "Stock that was found comes in; it cannot be issued."))
    return errors


def dispatch_mistakes(leaves: Leaves, here: Known, caller: Caller, now: datetime) -> list[FieldError]:
    """Say what is wrong with the dispatch of a transfer."""
    errors = order_mistakes(leaves, here, caller, now)
    if "/to_place" in leaves and leaves["/to_place"] == leaves.get("/from_place"):
        errors.append(FieldError("/to_place", "same_place", "A transfer goes to another place."))
    return errors


def arrival_mistakes(leaves: Leaves, here: Known, caller: Caller, now: datetime) -> list[FieldError]:
    """Say what is wrong with the receipt of a transfer, whichever it is."""
    errors = order_mistakes(leaves, here, caller, now)
    told: set[tuple[object, object]] = set()
    for pointer, value in leaves.items():
        if field_of(pointer) == "item":
            arrived = (value, leaves.get(pointer.removesuffix("item") + "lot"))
            if arrived in told:
                errors.append(FieldError(pointer, "duplicate", f"{value}: one line for each item or lot sent."))
            told.add(arrived)
        reason = pointer.removesuffix("rejected") + "reason"
        if field_of(pointer) == "rejected" and value and reason not in leaves:
            errors.append(FieldError(reason, "missing", "What is rejected needs a reason."))
    return errors


def count_mistakes(leaves: Leaves, here: Known, caller: Caller, now: datetime) -> list[FieldError]:
    """Say what is wrong with a count: as with any order, and each item and lot is counted once."""
    errors = order_mistakes(leaves, here, caller, now)
    told: set[tuple[object, object]] = set()
    for pointer, item in leaves.items():
        if field_of(pointer) == "item":
            counted = (item, leaves.get(pointer.removesuffix("item") + "lot"))
            if counted in told:
                errors.append(FieldError(pointer, "duplicate", f"{item}: one line for what was counted of it."))
            told.add(counted)
    return errors


async def place_mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with a new place: it lies in a region of the caller's."""
    region = leaves.get("/region")
    if isinstance(region, str) and not work.caller.sees(region):
        return [FieldError("/region", "unknown_region", f"There is no region {region}.")]
    return []


def asked_of_leaves(rule: Rule) -> Rules:
    """Put a rule into the form in which the edge asks it."""

    async def mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
        return rule(leaves, await known(work, [leaves]), work.caller, work.now)

    return mistakes
