"""How it is seen that every alert that was told of is kept, and that what was told to be over is cleared."""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.aid_distribution import (
    AlertCleared,
    AlertRaised,
    StockAlert,
    StockExpiring,
    StockLow,
    StockOut,
    StockRestored,
)
from shared.effect_audit import Seen, Told, compared, seen_in

KEPT = text(
    "SELECT id, kind, subject, place, item, lot, region, figure, threshold, due_on, cleared_at IS NOT NULL AS cleared"
    " FROM alert"
    " WHERE id = ANY(CAST(:ids AS uuid[]))"
)
OVER = (StockRestored, AlertCleared)
KINDS = {StockLow: "low", StockOut: "out", StockExpiring: "expiring"}


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare each event with the alerts that it names."""
    ids = [alert_id for one in told for alert_id in _ids(one)]
    found = {row["id"]: dict(row) for row in (await session.execute(KEPT, {"ids": ids})).mappings()}
    return [
        Seen(one, f"alert {alert_id} {'over' if isinstance(one.event, OVER) else 'raised'}", wrong)
        for one in told
        for alert_id in _ids(one)
        for wrong in [compared(_due(one), found.get(alert_id))]
    ]


def _ids(told: Told) -> Iterator[object]:
    match told.event:
        case StockAlert() | AlertRaised() | AlertCleared() as event:
            yield event.alert_id
        case StockRestored() as event:
            yield from event.alert_ids
        case _:
            raise TypeError(f"{told.event.type} is about no alert")


def _due(told: Told) -> dict[str, object]:
    match told.event:
        case StockRestored() as event:
            return {"place": event.place, "item": event.item, "lot": event.lot, "cleared": True}
        case StockAlert() as event:
            due = {"kind": KINDS[type(event)], "place": event.place, "item": event.item, "region": event.region}
            return due | {"figure": event.on_hand, "lot": getattr(event, "lot", None)}
        case AlertRaised() as event:
            return _about(event) | {"figure": event.figure, "threshold": event.threshold, "due_on": event.due_on}
        case AlertCleared() as event:
            return _about(event) | {"cleared": True}
        case _:
            raise TypeError(f"{told.event.type} is about no alert")


def _about(event: AlertRaised | AlertCleared) -> dict[str, object]:
    return {
        "kind": event.kind,
        "subject": event.about,
        "region": event.region,
        "place": event.place,
        "item": event.item,
        "lot": event.lot,
    }


ALERTS = seen_in(look, StockLow, StockOut, StockExpiring, StockRestored, AlertRaised, AlertCleared)
