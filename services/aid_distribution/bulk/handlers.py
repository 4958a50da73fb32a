"""Carries out many orders of different kinds, each with its own outcome."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import TypeVar, cast

from services.aid_distribution.bulk.orders import BulkDone, BulkLine, BulkOrder
from services.aid_distribution.distributions import handlers as distributions
from services.aid_distribution.distributions.orders import PostDistribution
from services.aid_distribution.exceptions.parking import tried
from services.aid_distribution.ledger import counts
from services.aid_distribution.ledger.known import Rule
from services.aid_distribution.ledger.mistakes import asked_of_leaves, count_mistakes
from services.aid_distribution.ledger.mixed import RULES, Moved, Movement, move
from services.aid_distribution.ledger.orders import CountStock, CountView, DispatchTransfer, IssueStock, ReceiveStock
from services.aid_distribution.ledger.returned import Origins
from services.aid_distribution.returns import handlers as returns
from services.aid_distribution.returns.orders import ReturnStock, ReturnView
from shared.database import Work
from shared.problems import FieldError, Forbidden, Invalid, Refusal
from shared.roles import Action, allowed
from shared.routes import Asked, Rules

O = TypeVar("O", bound=BulkOrder)  # noqa: E741 - an order

NAMES: Mapping[str, type[BulkOrder]] = {
    "receipt": ReceiveStock,
    "issue": IssueStock,
    "transfer": DispatchTransfer,
    "count": CountStock,
    "distribution": PostDistribution,
    "return": ReturnStock,
}
ACTIONS: Mapping[type[BulkOrder], Action] = {
    ReceiveStock: Action.RECEIVE_STOCK,
    IssueStock: Action.ISSUE_STOCK,
    DispatchTransfer: Action.TRANSFER_STOCK,
    CountStock: Action.COUNT_STOCK,
    PostDistribution: Action.POST_DISTRIBUTION,
    ReturnStock: Action.RETURN_STOCK,
}
MISTAKES: Mapping[type[BulkOrder], Rules] = {
    **{kind: asked_of_leaves(rule) for kind, rule in cast("Mapping[type[BulkOrder], Rule]", RULES).items()},
    CountStock: asked_of_leaves(count_mistakes),
    PostDistribution: distributions.mistakes,
    ReturnStock: returns.mistakes,
}
ONE_ORDER = FieldError("", "one_order", f"Exactly one of {', '.join(NAMES)}.")
MOVEMENTS = tuple(RULES)
"""What is carried out together, however these kinds are mixed."""


async def post_lines(work: Work, asked: Sequence[Asked[BulkLine]], origins: Origins) -> list[BulkDone | Refusal]:
    """Carry out the orders of these lines as if one came after the other; outcomes in the order of the lines."""
    plans = [_order(one) for one in asked]
    done: list[BulkDone | Refusal] = []
    for _, run in groupby((plan for plan in plans if isinstance(plan, Asked)), _way):
        done += await _carry_out(work, list(run), origins)
    given = iter(done)
    outcomes = [next(given) if isinstance(plan, Asked) else plan for plan in plans]
    return [_outcome(outcome, one) for outcome, one in zip(outcomes, asked, strict=True)]


def _order(one: Asked[BulkLine]) -> Asked[BulkOrder] | Refusal:
    orders = one.body.orders
    if len(orders) != 1:
        return Invalid([ONE_ORDER])
    action = ACTIONS[type(orders[0])]
    if not allowed(action, one.caller.role):
        return Forbidden(f"The role {one.caller.role} may not {action.replace('_', ' ')}.", action=action.value)
    return Asked(orders[0], one.caller)


def _way(one: Asked[BulkOrder]) -> type[object]:
    """Say which orders in a row are carried out together."""
    return object if isinstance(one.body, MOVEMENTS) else type(one.body)


async def _carry_out(work: Work, run: Sequence[Asked[BulkOrder]], origins: Origins) -> list[BulkDone | Refusal]:
    match run[0].body:
        case PostDistribution():
            posted = await distributions.post_all(work, _of(run, PostDistribution))
            return [one if isinstance(one, Refusal) else BulkDone(id=one.id, number=one.number) for one in posted]
        case CountStock():
            counted = (partial(counts.count, work, one.caller, one.body) for one in _of(run, CountStock))
            return [await _one(work, count) for count in counted]
        case ReturnStock():
            back = (partial(returns.give_back, work, one.caller, one.body, origins) for one in _of(run, ReturnStock))
            return [await _one(work, give_back) for give_back in back]
        case _:
            moved = await move(work, cast("Sequence[Asked[Movement]]", run))
            return [BulkDone(id=one.id, number=one.number) if isinstance(one, Moved) else one for one in moved]


def _of(run: Sequence[Asked[BulkOrder]], kind: type[O]) -> list[Asked[O]]:
    return [Asked(one.body, one.caller) for one in run if isinstance(one.body, kind)]


async def _one(work: Work, task: Callable[[], Awaitable[CountView | ReturnView]]) -> BulkDone | Refusal:
    """Carry out an order that raises its refusal, and leave nothing of it behind when it does."""
    outcome = await tried(work, task)
    return outcome if isinstance(outcome, Refusal) else BulkDone(id=outcome.id, number=outcome.number)


def _outcome(outcome: BulkDone | Refusal, one: Asked[BulkLine]) -> BulkDone | Refusal:
    if isinstance(outcome, Invalid) and len(orders := one.body.orders) == 1:
        name = next(name for name, kind in NAMES.items() if isinstance(orders[0], kind))
        return Invalid(_within(name, outcome.errors), outcome.detail)
    return outcome


def _within(name: str, errors: Iterable[FieldError]) -> list[FieldError]:
    return [FieldError(f"/{name}{error.pointer}", error.code, error.detail) for error in errors]


async def line_mistakes(work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Say what is wrong with a line of the wrong shape beside its shape, where its values are right."""
    errors: list[FieldError] = []
    for name, kind in NAMES.items():
        if order := _of_order(name, leaves):
            errors += _within(name, await MISTAKES[kind](work, order))
    return errors


def _of_order(name: str, leaves: Mapping[str, object]) -> dict[str, object]:
    begin = f"/{name}/"
    return {pointer[len(begin) - 1 :]: value for pointer, value in leaves.items() if pointer.startswith(begin)}
