"""What is known of a station follows from all its visits and reports, each time anew; a change is told once."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any
from uuid import uuid5

from services.aid_distribution.stations import store
from services.aid_distribution.stations.domain import (
    History,
    Levels,
    Report,
    Standing,
    State,
    Visit,
    history,
)
from services.aid_distribution.stations.store import StationRow
from services.aid_distribution.stations.use import next_visit
from shared.contracts.aid_distribution import StationBroken, StationDry, StationEvent, StationReported
from shared.database import Work


async def settle(work: Work, row: StationRow) -> list[StationEvent]:
    """Write down what follows from all visits and reports; gives what is to be told, to be recorded by the caller.

    The station's row must be locked: two that settle at once would each forget what the other has brought.
    """
    visits = [one.visit for one in await store.visits(work.session, row.id)]
    reports = await store.reports(work.session, row.id)
    known = history(row.standing, visits, reports)
    before = row.state
    for name, value in following(row.standing, visits, known, row.people_per_day, row.capacity).items():
        setattr(row, name, value)
    row.version += 1
    await store.write_outages(work.session, row.id, known.outages)
    return [] if before == known.state else await _news(work, row, known, reports)


def following(
    standing: Standing, visits: Sequence[Visit], known: History, people_per_day: int, capacity: Levels
) -> dict[str, Any]:
    """Give the columns of a station that follow from its visits and reports; visits in the order of their time."""
    left = visits[-1].left if visits else standing.first
    due = next_visit(standing, visits, known, people_per_day, capacity)
    return {
        "state": known.state,
        "state_since": known.since,
        "water_left_millilitre": left.water_millilitre,
        "soap_left_millilitre": left.soap_millilitre,
        "last_visit_at": visits[-1].at if visits else None,
        "next_visit_at": due.at,
        "next_visit_because": due.because,
        "water_use_millilitre_per_day": due.water.millilitre_per_day,
        "water_use_measured": due.water.measured,
        "soap_use_millilitre_per_day": due.soap.millilitre_per_day,
        "soap_use_measured": due.soap.measured,
    }


async def _news(work: Work, row: StationRow, known: History, reports: list[Report]) -> list[StationEvent]:
    if known.state not in (State.DRY, State.BROKEN, State.REPORTED_DRY):
        return []
    about = {**await facts(work, row), **out_of_use(row, known)}
    if known.state is State.REPORTED_DRY:
        return [StationReported(**about, problem=reports[-1].problem)]
    return [StationDry(**about) if known.state is State.DRY else StationBroken(**about)]


def out_of_use(row: StationRow, known: History) -> dict[str, Any]:
    """Give since when a station is out of use, and what this time is known by."""
    since = known.since.astimezone(UTC)
    return {"occurred_at": since, "outage_id": uuid5(row.id, since.isoformat())}


async def facts(work: Work, row: StationRow) -> dict[str, Any]:
    """Give what every event about a station tells, but for its moment."""
    names = await store.site_names(work.session, [row.site])
    return {
        "station_id": row.id,
        "code": row.code,
        "name": row.name,
        "site": row.site,
        "site_name": names[row.site],
        "region": row.region,
    }
