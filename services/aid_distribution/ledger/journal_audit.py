"""How it is seen that the journal still holds what its own events told the others.

The ledger's audit works out everything from the lines of the journal. Whether the lines themselves are all there is
known from outside: an event carries the lines of its posting, and cannot be changed by whoever changes the journal.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.aid_distribution import (
    CouponsIssued,
    DistributionEvent,
    DistributionPosted,
    DistributionVoided,
    Goods,
    KitsAssembled,
    KitsUnpacked,
    LoanOpened,
    LoanReturned,
    LoanReturnVoided,
    LoanVoided,
    MarketSold,
    PostingEvent,
    ProductionDelivered,
    ReturnVoided,
    StationPlaced,
    StationRemoved,
    StationServiced,
    StockCounted,
    StockIssued,
    StockReceived,
    StockReleased,
    StockReserved,
    StockReturned,
    StockReversed,
    TransferDispatched,
    TransferReceived,
    TransferVoided,
)
from shared.effect_audit import Seen, Told, seen_in

LINES = text(
    """
    SELECT p.number, l.item, l.lot, sum(l.quantity)::bigint AS quantity
    FROM posting p JOIN posting_line l ON l.posting_id = p.id
    WHERE p.number = ANY(CAST(:numbers AS text[])) AND l.late_by IS NULL GROUP BY p.number, l.item, l.lot
    """
)
CURE = "bring the lines of {number} back from a backup; the event has them: serumpun events show {at}"


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare the goods that each event names with the lines of its document."""
    found: dict[str, Counter[tuple[str, str]]] = {}
    for row in await session.execute(LINES, {"numbers": [_document(one)[0] for one in told]}):
        found.setdefault(row.number, Counter())[row.item, row.lot] = row.quantity
    return [_seen(one, found) for one in told]


def _seen(told: Told, found: dict[str, Counter[tuple[str, str]]]) -> Seen:
    number, goods = _document(told)
    lines: Counter[tuple[str, str]] = Counter()
    for one in goods:
        lines[one.item, one.lot or ""] += one.quantity
    return Seen(told, f"lines of {number}", _wrong(lines, found.get(number)), _cure(told, number))


def _wrong(expected: Counter[tuple[str, str]], found: Counter[tuple[str, str]] | None) -> str:
    if found is None:  # a delivery of which nothing was accepted has no document, a count that agreed has no line
        return "the journal has no line of it" if expected else ""
    differing = [(key, expected[key], found[key]) for key in expected | found if expected[key] != found[key]]
    if not differing:
        return ""
    (item, lot), due, there = min(differing)
    return f"{item} {lot}".rstrip() + f": the event says {due}, the journal {there}"


def _cure(told: Told, number: str) -> str:
    return CURE.format(number=number, at=f"{told.source}/{told.partition}/{told.seq}")


def _document(told: Told) -> tuple[str, Iterator[Goods]]:
    match told.event:
        case PostingEvent() | DistributionEvent() | TransferDispatched() | TransferVoided() as event:
            return event.number, iter(event.lines)
        case ProductionDelivered() | StationPlaced() | StationServiced() | StationRemoved() as event:
            return event.number or "", iter(event.lines)
        case TransferReceived() as event:
            return event.number, iter([*event.accepted, *event.rejected])
        case _:
            raise TypeError(f"{told.event.type} is about no document")


JOURNAL = seen_in(
    look,
    StockReceived,
    StockIssued,
    StockReversed,
    StockCounted,
    StockReserved,
    StockReleased,
    KitsAssembled,
    KitsUnpacked,
    TransferDispatched,
    TransferReceived,
    TransferVoided,
    DistributionPosted,
    DistributionVoided,
    ProductionDelivered,
    CouponsIssued,
    MarketSold,
    StockReturned,
    ReturnVoided,
    LoanOpened,
    LoanReturned,
    LoanVoided,
    LoanReturnVoided,
)
