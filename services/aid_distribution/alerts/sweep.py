"""Looking through all shelves for what is not told yet, or is told and not so any more.

A sweep compares what is with what is open, and not what has changed: one that is broken off, or was never made, is
made up for by the next. Posting stock costs nothing for it; what falls and rises again between two sweeps is not told.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from services.aid_distribution.alerts import store
from services.aid_distribution.alerts.domain import AlertKind, Turn, shelf, turn
from services.aid_distribution.alerts.store import (
    ROWS_PER_SWEEP_MAX,
    AlertRow,
    Cleared,
    ExpiringLot,
    Lasting,
    Shelf,
)
from services.aid_distribution.ledger.catalogue import find
from services.aid_distribution.ledger.known import Known, known_by_code
from shared.clock import wib_day
from shared.contracts.aid_distribution import (
    AlertCleared,
    AlertRaised,
    StockAlert,
    StockExpiring,
    StockLow,
    StockOut,
    StockRestored,
)
from shared.database import Work

Watches = Mapping[AlertKind, str]
"""What other capabilities keep that may not be as it should be: for each kind the question that finds it.

Shape: a question gives what store.Lasting names, each `subject` once, and may ask for what is so at :now
"""
NOTHING_ELSE: Watches = MappingProxyType({})


async def sweep(work: Work, watches: Watches = NOTHING_ELSE) -> bool:
    """Raise and clear what is due, with the events that say so; tells whether there may be more.

    Whoever comes while another one sweeps leaves it to them.
    """
    if not await store.alone(work.session):
        return False
    today = wib_day(work.now)
    shelves = await store.crossings(work.session, today)
    lots = await store.expiring(work.session, today)
    over = await store.not_expiring(work.session, today)
    await _raise(work, shelves, lots)
    well = [shelf(one.place, one.item) for one in shelves if _turn(one).cleared]
    await _tell_cleared(work, shelves, await store.clear_shelves(work.session, well, work.now))
    await _tell_cleared(work, (), await store.clear(work.session, over, work.now))
    watched = [await _watch(work, kind, lasting) for kind, lasting in watches.items()]
    return max(len(shelves), len(lots), len(over), *watched) >= ROWS_PER_SWEEP_MAX


async def _watch(work: Work, kind: AlertKind, lasting: str) -> int:
    """Raise and clear the alerts of one kind of another capability; gives how many were looked at of one of both."""
    found = await store.not_open(work.session, kind, lasting, work.now)
    over = await store.not_lasting(work.session, kind, lasting, work.now)
    rows = [_of_watch(work, kind, one) for one in found]
    fresh = await store.raise_all(work.session, rows, work.now)
    told = [row for row in rows if row.id in fresh]
    here = await known_by_code(work, (row.item for row in told if row.item), (row.place for row in told if row.place))
    for row in told:
        work.record(_raised(row, here), region=row.region)
    for gone in await store.clear(work.session, over, work.now):
        event = AlertCleared(
            alert_id=gone.id,
            kind=gone.kind,
            about=gone.subject,
            region=gone.region,
            place=gone.place,
            item=gone.item,
            lot=gone.lot,
        )
        work.record(event, region=gone.region)
    return max(len(found), len(over))


def _of_watch(work: Work, kind: AlertKind, one: Lasting) -> AlertRow:
    return AlertRow(id=work.new_id(), kind=kind.value, raised_at=work.now, **one._asdict())


def _raised(row: AlertRow, here: Known) -> AlertRaised:
    item = here.items[row.item] if row.item else None
    return AlertRaised(
        alert_id=row.id,
        kind=row.kind,
        about=row.subject,
        region=row.region,
        place=row.place,
        place_name=here.places[row.place].name if row.place else None,
        item=row.item,
        item_name=item.name if item else None,
        unit=item.unit if item else None,
        lot=row.lot,
        figure=row.figure,
        threshold=row.threshold,
        due_on=row.due_on,
    )


def _turn(one: Shelf) -> Turn:
    return turn(one.on_hand, one.low_at, one.ok_at, one.open_kinds)


async def _raise(work: Work, shelves: Sequence[Shelf], lots: Sequence[ExpiringLot]) -> None:
    raised: list[tuple[AlertRow, Shelf | ExpiringLot]] = [
        (_of_shelf(work, one, kind), one) for one in shelves if (kind := _turn(one).raised)
    ]
    raised += [(_of_lot(work, lot), lot) for lot in lots]
    fresh = await store.raise_all(work.session, [row for row, _ in raised], work.now)
    told = [(row, cause) for row, cause in raised if row.id in fresh]
    words = await _words(work, [(cause.place, cause.item) for _, cause in told])
    for row, cause in told:
        work.record(_fact(row, cause, words[cause.place, cause.item]), region=row.region)


def _of_shelf(work: Work, one: Shelf, kind: AlertKind) -> AlertRow:
    return AlertRow(
        id=work.new_id(),
        kind=kind.value,
        subject=shelf(one.place, one.item),
        region=one.region,
        place=one.place,
        item=one.item,
        figure=one.on_hand,
        threshold=one.low_at,
        expiring=one.expiring,
        expired=one.expired,
        held=one.held,
        raised_at=work.now,
    )


def _of_lot(work: Work, lot: ExpiringLot) -> AlertRow:
    return AlertRow(
        id=work.new_id(),
        kind=AlertKind.EXPIRING.value,
        subject=shelf(lot.place, lot.item, lot.lot),
        region=lot.region,
        place=lot.place,
        item=lot.item,
        lot=lot.lot,
        figure=lot.on_hand,
        threshold=lot.within_days,
        due_on=lot.expires_on,
        raised_at=work.now,
    )


Words = dict[str, str]
"""The names by which people know a shelf."""


async def _words(work: Work, shelves: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Words]:
    if not shelves:
        return {}
    items, places = await find(work.session, {item for _, item in shelves}, {place for place, _ in shelves})
    return {
        (place, item): {
            "place": place,
            "place_name": places[place].name,
            "region": places[place].region,
            "item": item,
            "item_name": items[item].name,
            "unit": items[item].unit,
        }
        for place, item in shelves
    }


def _fact(row: AlertRow, cause: Shelf | ExpiringLot, words: Words) -> StockAlert:
    if isinstance(cause, ExpiringLot):
        return StockExpiring(
            alert_id=row.id, on_hand=cause.on_hand, lot=cause.lot, expires_on=cause.expires_on, **words
        )
    kind = StockOut if row.kind == AlertKind.OUT else StockLow
    return kind(
        alert_id=row.id,
        on_hand=cause.on_hand,
        low_at=cause.low_at,
        expiring=cause.expiring,
        expired=cause.expired,
        held=cause.held,
        **words,
    )


async def _tell_cleared(work: Work, shelves: Sequence[Shelf], cleared: Sequence[Cleared]) -> None:
    """Tell once for each shelf, or lot, what is over."""
    on_hand = {(one.place, one.item): one.on_hand for one in shelves}
    over: dict[tuple[str, str, str | None], list[Cleared]] = {}
    for one in cleared:
        if one.place is not None and one.item is not None:  # always so for stock
            over.setdefault((one.place, one.item, one.lot), []).append(one)
    words = await _words(work, [(place, item) for place, item, _ in over])
    for (place, item, lot), alerts in over.items():
        event = StockRestored(
            alert_ids=[one.id for one in alerts],
            kinds=sorted(one.kind for one in alerts),
            lot=lot,
            on_hand=on_hand.get((place, item)),
            **words[place, item],
        )
        work.record(event, region=event.region)
