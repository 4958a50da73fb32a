"""Parked events of all services: what waits, why, and what an operator does about it."""

from collections.abc import Collection, Sequence

import msgspec

from services.operations.events import decoded, place
from services.operations.installation import Installation
from services.operations.refusals import NotPossible
from shared import parking
from shared.operator_acts import Act, Operator, note
from shared.parked_routes import ParkedEvent, parked_event
from shared.parking import ParkedRow
from shared.settings import SERVICES


class ParkedView(ParkedEvent, frozen=True, kw_only=True):
    """An event that waits in a service.

    Shape: `data` is shown for one event only, with people's data masked; `raw_hex` only when it was asked for
    """

    service: str
    data: object = None
    fault: str | None = None
    raw_hex: str | None = None


class ParkedList(msgspec.Struct, frozen=True, kw_only=True):
    """What waits: how many by service and reason, and the events, which may be fewer."""

    counts: dict[str, dict[str, int]]
    parked: list[ParkedView]


async def listed(there: Installation, services: Collection[str], limit: int) -> ParkedList:
    """List what waits, and count all of it."""
    counts: dict[str, dict[str, int]] = {}
    views: list[ParkedView] = []
    for service in services:
        async with there.reading(service) as session:
            counts[service] = {reason.value: count for reason, count in (await parking.counts(session)).items()}
            after: tuple[str, int, int] | None = None
            while len(views) < limit and (rows := await parking.listed(session, limit - len(views), after)):
                views += [_view(service, row) for row in rows]
                after = (rows[-1].source, rows[-1].partition, rows[-1].seq)
    return ParkedList(counts=counts, parked=views)


async def holder(there: Installation, at: str, service: str | None) -> str:
    """Say in which service an event waits; raises NotPossible when in none, or in several and none is named."""
    source, partition, seq = _number(at)
    holders = []
    for name in [service] if service else SERVICES:
        async with there.reading(name) as session:
            if await parking.shown(session, source, partition, seq):
                holders.append(name)
    if not holders:
        raise NotPossible(f"{at} is not parked{f' in {service}' if service else ''}: see `serumpun parked list`")
    if len(holders) > 1:
        raise NotPossible(f"{at} is parked in {' and '.join(holders)}: say --service")
    return holders[0]


async def shown(there: Installation, service: str, at: str, *, raw: bool) -> ParkedView:
    """Show one event that waits, with what it tells."""
    async with there.reading(service) as session:
        row = await parking.shown(session, *_number(at))
    if row is None:
        raise NotPossible(f"{at} is not parked in {service} any more")
    view = _view(service, row)
    data, fault = decoded(row.type, row.data) if row.id else (None, "it was no event that could be read")
    return msgspec.structs.replace(view, data=data, fault=fault, raw_hex=row.data.hex() if raw else None)


async def replay(there: Installation, service: str, ats: Sequence[str], operator: Operator) -> list[ParkedView]:
    """Make the subjects of parked events due now; gives the events that will run first."""
    firsts = {}
    for at in ats:
        source, partition, seq = _number(at)
        async with there.writing(service) as session:
            first = await parking.replay(session, source, partition, seq, operator.now)
            if first is not None and (source, partition, first.seq) not in firsts:
                numbers = (first.seq, first.seq)
                note(session, operator, Act.RETRY, source, partition, numbers=numbers, subject=first.subject)
                firsts[source, partition, first.seq] = _view(service, first)
    return list(firsts.values())


async def drop(there: Installation, service: str, at: str, operator: Operator) -> ParkedView:
    """Throw an event away for good, on record; the next one of its subject is due at once."""
    async with there.writing(service) as session:
        row = await parking.drop(session, *_number(at), operator)
        if row is None:
            raise NotPossible(f"{at} is not parked in {service} any more")
        return _view(service, row)


def lines(view: ParkedView) -> list[str]:
    """Give one line for an event that waits."""
    when = view.due_at.isoformat("T", "seconds") if view.due_at else "behind an earlier one"
    kind = view.type or "(unreadable)"
    return [f"{view.service} {view.at} {view.reason} {kind} {view.subject}: {view.error or '-'}; next {when}"]


def _view(service: str, row: ParkedRow) -> ParkedView:
    return ParkedView(service=service, **msgspec.structs.asdict(parked_event(row)))


def _number(at: str) -> tuple[str, int, int]:
    if (number := place(at)) is None:
        raise NotPossible(f"{at!r} is not source/partition/number, such as {SERVICES[0]}/0/17")
    return number
