"""Parking what has happened and a rule stands against, for whichever capability it came to, and settling it.

A capability parks its own kind of order and says in `main` how that kind is entered (`Applier`), so that nothing
here knows any of them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from services.aid_distribution.exceptions import store
from services.aid_distribution.exceptions.domain import (
    Posting,
    ShortCard,
    State,
    causes_named,
    code_of,
    due_at,
    short_cards,
    with_causes,
)
from services.aid_distribution.exceptions.orders import ApplyException
from services.aid_distribution.exceptions.store import ExceptionRow
from services.aid_distribution.ledger.domain import ShortOfStock
from services.aid_distribution.ledger.known import Known, known_by_code
from services.aid_distribution.ledger.orders import Order
from shared.caller import Caller, Role
from shared.contracts.aid_distribution import ExceptionApplied, ExceptionOpened, Goods
from shared.database import Work
from shared.problems import Refusal

O = TypeVar("O", bound=Order)  # noqa: E741 - an order
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """An order that has happened and that a rule stands against, as its capability hands it over.

    Shape:  `entry_id` and `digest` say which entry of a device it was, `context` what entering it needs beside it
    """

    kind: str
    order: Order
    place: str
    occurred_at: datetime
    refusal: Refusal
    entry_id: UUID | None = None
    digest: bytes | None = None
    context: Mapping[str, object] = field(default_factory=dict)
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Applier:
    """How orders of one kind are entered after all.

    Shape:  `enter` has the effects that the order would have had, or gives the refusal and leaves nothing behind;
            `hidden` are the members of the order that say something of a person
    """

    enter: Callable[[Work, Caller, ExceptionRow, ApplyException], Awaitable[Posting | Refusal]]
    hidden: tuple[str, ...] = ()


Appliers = Mapping[str, Applier]
"""How each kind of order is entered."""


async def park(work: Work, caller: Caller, short: Sequence[Short]) -> list[ExceptionRow]:
    """Park orders: whoever told them has to settle them; gives their exceptions in the same order."""
    if not short:
        return []
    cards = await _cards(work, [one.refusal for one in short])
    here = await _names(work, cards, {one.place for one in short})
    rows = [_row(work, caller, one, of_one, here) for one, of_one in zip(short, cards, strict=True)]
    work.session.add_all(rows)
    await work.session.flush()
    for row, of_one in zip(rows, cards, strict=True):
        causes = [why.value for why in causes_named(of_one)]
        event = ExceptionOpened(**_fact(row, of_one, here), causes=causes)
        work.record(event, region=row.region, caller=caller)
    return rows


def _row(work: Work, caller: Caller, one: Short, cards: Sequence[ShortCard], here: Known) -> ExceptionRow:
    return ExceptionRow(
        id=work.new_id(),
        kind=one.kind,
        place=one.place,
        region=here.places[one.place].region,
        occurred_at=one.occurred_at,
        asked=msgspec.to_builtins(one.order),
        context=msgspec.to_builtins(one.context),
        cards=msgspec.to_builtins(cards),
        entry_id=one.entry_id,
        digest=one.digest,
        state=State.OPEN,
        owner=caller.subject,
        opened_at=work.now,
        due_at=due_at(work.now, one.due_at),
        last_attempt_at=work.now,
        last_refusal=code_of(one.refusal),
    )


async def note_refused(work: Work, refused: Sequence[tuple[ExceptionRow, Refusal]]) -> None:
    """Keep of open exceptions that they were tried in vain, and what stood against them this time."""
    short = [(row, refusal) for row, refusal in refused if isinstance(refusal, ShortOfStock)]
    for (row, _), cards in zip(short, await _cards(work, [refusal for _, refusal in short]), strict=True):
        row.cards = msgspec.to_builtins(cards)
    for row, refusal in refused:
        row.attempts += 1
        row.last_attempt_at, row.last_refusal = max(work.now, row.last_attempt_at), code_of(refusal)
        row.version += 1
    await work.session.flush()


async def note_applied(
    work: Work,
    caller: Caller,
    applied: Sequence[tuple[ExceptionRow, Posting]],
    hidden: tuple[str, ...],
    how: ApplyException | None = None,
) -> None:
    """Close open exceptions whose orders have been entered, and tell of it.

    Shape: `how` is what whoever applied them said; None where a device told its entries again
    """
    if not applied:
        return
    cards = [msgspec.convert(row.cards, list[ShortCard]) for row, _ in applied]
    here = await _names(work, cards, {row.place for row, _ in applied})
    for (row, posting), of_one in zip(applied, cards, strict=True):
        close(work, caller, row, State.APPLIED, hidden, how.document if how else None)
        row.posting_id, row.number = posting.id, posting.number
        if posting.breach is not None and how is not None:
            row.breach, row.breach_reason = msgspec.to_builtins(posting.breach), how.breach_accepted
        event = ExceptionApplied(
            **_fact(row, of_one, here),
            posting_id=posting.id,
            number=posting.number,
            breach=posting.breach.code if posting.breach else None,
            breach_reason=row.breach_reason,
        )
        work.record(event, region=row.region, caller=caller)
    await work.session.flush()


def close(
    work: Work, caller: Caller, row: ExceptionRow, state: State, hidden: tuple[str, ...], document: str | None
) -> None:
    """Settle an exception; what its order said of a person is not needed any more."""
    row.state, row.closed_at, row.closed_by, row.document = state, work.now, caller.subject, document
    row.asked = {name: value for name, value in row.asked.items() if name not in hidden}
    row.version += 1


async def fact(work: Work, rows: Sequence[ExceptionRow]) -> list[dict[str, Any]]:
    """Give what every event about these exceptions tells."""
    cards = [msgspec.convert(row.cards, list[ShortCard]) for row in rows]
    here = await _names(work, cards, {row.place for row in rows})
    return [_fact(row, of_one, here) for row, of_one in zip(rows, cards, strict=True)]


def _fact(row: ExceptionRow, cards: Sequence[ShortCard], here: Known) -> dict[str, Any]:
    return {
        "exception_id": row.id,
        "kind": row.kind,
        "region": row.region,
        "place": row.place,
        "place_name": here.places[row.place].name,
        "occurred_at": row.occurred_at,
        "due_at": row.due_at,
        "refusal": row.last_refusal,
        "short": [
            Goods(
                item=card.item,
                item_name=here.items[card.item].name,
                unit=here.items[card.item].unit,
                quantity=card.short,
                lot=card.lot,
            )
            for card in cards
        ],
    }


async def _cards(work: Work, refusals: Sequence[Refusal]) -> list[list[ShortCard]]:
    """Give the short cards of each refusal, with their likely causes."""
    cards = [short_cards(refusal) for refusal in refusals]
    together = [card for of_one in cards for card in of_one]
    if not together:
        return cards
    explained = iter(with_causes(together, await store.causes(work.session, together)))
    return [[next(explained) for _ in of_one] for of_one in cards]


async def _names(work: Work, cards: Sequence[Sequence[ShortCard]], places: set[str]) -> Known:
    return await known_by_code(work, {card.item for of_one in cards for card in of_one}, places)


def asked_of(row: ExceptionRow, kind: type[O], document: str | None) -> O:
    """Give the order that was parked; a document that came later stands on it."""
    order = msgspec.convert(row.asked, kind)
    return msgspec.structs.replace(order, document=document or order.document)


def bare(told: Order, kind: type[O]) -> O:
    """Give the order itself, without what was told beside it."""
    return kind(**{name: getattr(told, name) for name in kind.__struct_fields__})


async def tried(work: Work, task: Callable[[], Awaitable[T]]) -> T | Refusal:
    """Do something, or give the refusal and leave nothing of it behind."""
    recorded = len(work.recorded)
    try:
        async with work.session.begin_nested():
            return await task()
    except Refusal as refusal:
        del work.recorded[recorded:]
        return refusal


def undated(caller: Caller) -> Caller:
    """Give the caller without a limit to dating back, which was kept when the order was parked."""
    return replace(caller, role=Role.SERVICE)
