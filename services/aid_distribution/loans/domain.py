"""The rules of loans: an asset goes out with a day by which it is due, and comes back in parts, or is lost.

Source: DOMAIN section 1: a returnable asset is a lot of one
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from services.aid_distribution.ledger.catalogue import Category
from services.aid_distribution.ledger.domain import LOSSES, NO_LOT
from shared.problems import FieldError, Json, Refusal

Leaves = Mapping[str, object]


class State(StrEnum):
    """How a loan stands; `overdue` is an open one whose day is over, `voided` one that was posted in error."""

    OPEN = "open"
    OVERDUE = "overdue"
    RETURNED = "returned"
    VOIDED = "voided"


class LoanClosed(Refusal):
    """Everything of this loan is back or written off."""

    code = "loan_closed"
    title = "Nothing of this loan is out"


class LoanReturnedInPart(Refusal):
    """A loan of which something came back is not undone before what came back is."""

    code = "loan_returned_in_part"
    title = "Something of this loan is back"


class MoreThanLent(Refusal):
    """More would come back, or be lost, than is out."""

    code = "more_than_lent"
    title = "More than is out"


@dataclass(frozen=True, slots=True)
class Lent:
    """What was lent of an item and lot, and what of it is back or lost."""

    item: str
    lot: str
    quantity: int
    returned: int = 0
    lost: int = 0

    @property
    def out(self) -> int:
        """Give what is out."""
        return self.quantity - self.returned - self.lost


@dataclass(frozen=True, slots=True)
class Back:
    """What a borrower says of an item: so many are here again, so many are lost, and why."""

    item: str
    lot: str | None
    returned: int
    lost: int
    reason: str | None = None


def state_of(kept: State, due_on: date, today: date) -> State:
    """Say how a loan stands on a day, given what is stored of it."""
    if kept is not State.OPEN:
        return kept
    return State.OVERDUE if due_on < today else State.OPEN


def laid_out(lent: Sequence[Lent], back: Sequence[Back]) -> list[tuple[int, Back]] | MoreThanLent:
    """Lay what comes back over the lines of a loan, in their order, each part on the line that is named beside it.

    What names its lot comes first, in whatever order it was told.
    """
    parts: list[tuple[int, Back]] = []
    out = [one.out for one in lent]
    over: list[dict[str, Json]] = []
    for said in sorted(back, key=lambda one: one.lot is None):
        returned, lost = said.returned, said.lost
        for index, line in enumerate(lent):
            if line.item != said.item or said.lot not in (None, line.lot):
                continue
            here = min(returned, out[index])
            gone = min(lost, out[index] - here)
            returned, lost, out[index] = returned - here, lost - gone, out[index] - here - gone
            if here:
                parts.append((index, Back(line.item, line.lot, here, 0)))
            if gone:
                parts.append((index, Back(line.item, line.lot, 0, gone, said.reason)))
        if missing := returned + lost:
            asked = said.returned + said.lost
            over.append({"item": said.item, "lot": said.lot, "out": asked - missing, "asked": asked})
    if over:
        return MoreThanLent(f"{over[0]['item']}: {over[0]['out']} are out, not {over[0]['asked']}.", lines=over)
    return parts


def taken_off(lent: Sequence[Lent], gone: Sequence[Back]) -> list[Lent]:
    """Give the lines of a loan without what a return had laid over them, the last first."""
    lines = list(lent)
    for one in gone:
        returned, lost = one.returned, one.lost
        for index in reversed(range(len(lines))):
            line = lines[index]
            if (line.item, line.lot) == (one.item, one.lot):
                here, there = min(returned, line.returned), min(lost, line.lost)
                returned, lost = returned - here, lost - there
                lines[index] = replace(line, returned=line.returned - here, lost=line.lost - there)
    return lines


def lending_mistakes(leaves: Leaves, categories: Mapping[str, str], open_to_caller: bool) -> list[FieldError]:  # noqa: FBT001
    """Say what is wrong with a loan: who borrows is one of two, only assets are lent, and a lot is one of them."""
    errors: list[FieldError] = []
    who = [name for name in ("/borrower/name", "/borrower/business") if name in leaves]
    if len(who) != 1:
        code = "not_both" if who else "missing"
        errors.append(FieldError("/borrower", code, "Name who borrows, or the business that does."))
    if "/borrower/business" in leaves and not open_to_caller:
        detail = f"There is no open business {leaves['/borrower/business']}."
        errors.append(FieldError("/borrower/business", "unknown_business", detail))
    for pointer, value in leaves.items():
        if pointer.endswith("/item") and categories.get(str(value), Category.ASSET) != Category.ASSET:
            errors.append(FieldError(pointer, "not_an_asset", f"{value} is no asset; only assets are lent."))
        quantity = leaves.get(pointer.removesuffix("lot") + "quantity", 1)
        if pointer.endswith("/lot") and isinstance(quantity, int) and quantity > 1:
            errors.append(FieldError(pointer.removesuffix("lot") + "quantity", "lot_of_one", "A lot is one asset."))
    return errors


def back_mistakes(leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with what comes back: a line says nothing, or what is lost has no reason that is a loss."""
    errors: list[FieldError] = []
    for pointer in leaves:
        if not pointer.endswith("/item"):
            continue
        line = pointer.removesuffix("/item")
        lost, reason = leaves.get(f"{line}/lost", 0), leaves.get(f"{line}/reason")
        if leaves.get(f"{line}/returned", 0) == lost == 0:
            errors.append(FieldError(f"{line}/returned", "missing", "Say how many are back, or lost."))
        if lost and reason is None:
            errors.append(FieldError(f"{line}/reason", "missing", "What is lost needs a reason."))
        elif reason is not None and (not lost or reason not in LOSSES):
            errors.append(FieldError(f"{line}/reason", "not_a_loss", f"One of {', '.join(LOSSES)}, for what is lost."))
    return errors


def lot_shown(lot: str) -> str | None:
    """Show a lot; what has none shows none."""
    return None if lot == NO_LOT else lot
