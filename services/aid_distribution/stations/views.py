"""How stations and visits are shown: in local time, and with the reason of the next visit in words."""

from datetime import datetime
from typing import Any

from services.aid_distribution.ledger.orders import line_view
from services.aid_distribution.ledger.store import Posted
from services.aid_distribution.stations.domain import State
from services.aid_distribution.stations.orders import NextVisitView, StationView, VisitReceipt, VisitView
from services.aid_distribution.stations.store import StationRow, StationVisitRow
from services.aid_distribution.stations.use import RESERVE_PERCENT, VISITS_APART_MAX, Because
from shared.clock import shown

OUT_OF_USE = {
    Because.DRY: "It is without water or soap.",
    Because.BROKEN: "It is broken.",
    Because.REPORTED_DRY: "It was reported out of use, and nobody has looked yet.",
    Because.REGULAR: f"{VISITS_APART_MAX.days} days after the last visit at the latest.",
}


def station_view(row: StationRow, site_name: str, outage_minutes: int, now: datetime) -> StationView:
    """Show a station."""
    return StationView(
        id=row.id,
        code=row.code,
        name=row.name,
        site=row.site,
        site_name=site_name,
        region=row.region,
        state=row.state,
        state_since=shown(row.state_since),
        placed_at=shown(row.placed_at),
        removed_at=shown(row.removed_at) if row.removed_at else None,
        outcome=row.outcome,
        crowd_level=row.crowd_level,
        people_per_day=row.people_per_day,
        capacity_water_millilitre=row.water_capacity_millilitre,
        capacity_soap_millilitre=row.soap_capacity_millilitre,
        water_left_millilitre=row.water_left_millilitre,
        soap_left_millilitre=row.soap_left_millilitre,
        last_visit_at=shown(row.last_visit_at) if row.last_visit_at else None,
        next_visit=None if row.state == State.REMOVED else _next_visit(row, now),
        outage_minutes=outage_minutes,
        item=row.item,
        lot=row.lot or None,
        posting_id=row.posting_id,
        removal_posting_id=row.removal_posting_id,
        document=row.document,
        version=row.version,
    )


def _next_visit(row: StationRow, now: datetime) -> NextVisitView:
    because = Because(row.next_visit_because)
    return NextVisitView(
        at=shown(row.next_visit_at),
        overdue=row.next_visit_at < now,
        because=because,
        detail=OUT_OF_USE.get(because) or _by_use(row, because),
        water_use_millilitre_per_day=row.water_use_millilitre_per_day,
        water_use_measured=row.water_use_measured,
        soap_use_millilitre_per_day=row.soap_use_millilitre_per_day,
        soap_use_measured=row.soap_use_measured,
        reserve_percent=RESERVE_PERCENT,
    )


def _by_use(row: StationRow, because: Because) -> str:
    if because is Because.WATER:
        left, use, measured = row.water_left_millilitre, row.water_use_millilitre_per_day, row.water_use_measured
    else:
        left, use, measured = row.soap_left_millilitre, row.soap_use_millilitre_per_day, row.soap_use_measured
    known = "as measured between visits" if measured else f"worked out for {row.people_per_day} people"
    return (
        f"{left} ml of {because} were left, {use} ml go in a day ({known}): {RESERVE_PERCENT} % of what it holds"
        " is then still there."
    )


def visit_view(row: StationVisitRow) -> VisitView:
    """Show a visit."""
    return VisitView(**_visit(row))


def visit_receipt(row: StationVisitRow, posted: Posted | None, station: StationView) -> VisitReceipt:
    """Show a visit that was just recorded."""
    lines = [line_view(line) for line in posted.lines] if posted else []
    return VisitReceipt(**_visit(row), lines=lines, station=station)


def _visit(row: StationVisitRow) -> dict[str, Any]:
    visit = row.visit
    return {
        "id": row.id,
        "station_id": row.station_id,
        "occurred_at": shown(row.occurred_at),
        "recorded_at": shown(row.recorded_at),
        "state": row.seen,
        "left_as": visit.left_as,
        "repaired": row.repaired,
        "water_before_millilitre": row.water_before_millilitre,
        "soap_before_millilitre": row.soap_before_millilitre,
        "water_after_millilitre": visit.left.water_millilitre,
        "soap_after_millilitre": visit.left.soap_millilitre,
        "posting_id": row.posting_id,
        "number": row.number,
        "document": row.document,
        "note": row.note,
    }
