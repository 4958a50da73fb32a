"""Carries out many orders of different kinds, each with its own outcome."""

from collections.abc import Iterable, Mapping, Sequence

from services.aid_distribution.bulk.orders import BulkDone, BulkLine
from services.aid_distribution.ledger.known import known
from services.aid_distribution.ledger.mixed import RULES, Moved, Movement, move
from services.aid_distribution.ledger.orders import DispatchTransfer, IssueStock, ReceiveStock
from shared.database import Work
from shared.problems import FieldError, Forbidden, Invalid, Refusal
from shared.roles import Action, allowed
from shared.routes import Asked

NAMES: Mapping[str, type[Movement]] = {
    "receipt": ReceiveStock,
    "issue": IssueStock,
    "transfer": DispatchTransfer,
}
ACTIONS: Mapping[type[Movement], Action] = {
    ReceiveStock: Action.RECEIVE_STOCK,
    IssueStock: Action.ISSUE_STOCK,
    DispatchTransfer: Action.TRANSFER_STOCK,
}
ONE_ORDER = FieldError("", "one_order", f"Exactly one of {', '.join(NAMES)}.")


async def post_lines(work: Work, asked: Sequence[Asked[BulkLine]]) -> list[BulkDone | Refusal]:
    """Carry out the orders of these lines as if one came after the other; outcomes in the order of the lines."""
    plans = [_order(one) for one in asked]
    moved = iter(await move(work, [plan for plan in plans if isinstance(plan, Asked)]))
    outcomes = [next(moved) if isinstance(plan, Asked) else plan for plan in plans]
    return [_outcome(outcome, one) for outcome, one in zip(outcomes, asked, strict=True)]


def _order(one: Asked[BulkLine]) -> Asked[Movement] | Refusal:
    orders = one.body.movements
    if len(orders) != 1:
        return Invalid([ONE_ORDER])
    action = ACTIONS[type(orders[0])]
    if not allowed(action, one.caller.role):
        return Forbidden(f"The role {one.caller.role} may not {action.replace('_', ' ')}.", action=action.value)
    return Asked(orders[0], one.caller)


def _outcome(outcome: Moved | Refusal, one: Asked[BulkLine]) -> BulkDone | Refusal:
    if isinstance(outcome, Moved):
        return BulkDone(id=outcome.id, number=outcome.number)
    if isinstance(outcome, Invalid) and (orders := one.body.movements):
        name = next(name for name, kind in NAMES.items() if isinstance(orders[0], kind))
        return Invalid(_within(name, outcome.errors), outcome.detail) if len(orders) == 1 else outcome
    return outcome


def _within(name: str, errors: Iterable[FieldError]) -> list[FieldError]:
    return [FieldError(f"/{name}{error.pointer}", error.code, error.detail) for error in errors]


async def line_mistakes(work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Say what is wrong with a line of the wrong shape beside its shape, where its values are right."""
    errors: list[FieldError] = []
    for name, kind in NAMES.items():
        if order := _of_order(name, leaves):
            found = RULES[kind](order, await known(work, [order]), work.caller, work.now)
            errors += _within(name, found)
    return errors


def _of_order(name: str, leaves: Mapping[str, object]) -> dict[str, object]:
    begin = f"/{name}/"
    return {pointer[len(begin) - 1 :]: value for pointer, value in leaves.items() if pointer.startswith(begin)}
