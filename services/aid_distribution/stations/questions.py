"""Questions about stations: where to go next, what was done, how long one or a region was out of use."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import case, tuple_
from sqlmodel import col, select

from services.aid_distribution.stations import store
from services.aid_distribution.stations.codes import address, qr_svg, report_code
from services.aid_distribution.stations.domain import State, outage_days
from services.aid_distribution.stations.orders import (
    PERIOD_DAYS_DEFAULT,
    PERIOD_DAYS_MAX,
    OutageDayView,
    OutageView,
    RecordQuery,
    RegionMinutesView,
    RegionRecordQuery,
    RegionRecordView,
    StationCodeView,
    StationQuery,
    StationRecordView,
    StationView,
    VisitQuery,
    VisitView,
)
from services.aid_distribution.stations.store import StationRow, StationVisitRow
from services.aid_distribution.stations.views import station_view, visit_view
from shared import cursor
from shared.answers import Content
from shared.caller import Caller
from shared.clock import shown, wib_day, wib_midnight
from shared.database import Work
from shared.problems import Absent, FieldError, Invalid
from shared.routes import Call, Page
from shared.within import within

URGENT = (State.DRY, State.BROKEN, State.REPORTED_DRY)
Period = tuple[date, date]


SVG = "image/svg+xml"


async def viewed(work: Work, row: StationRow) -> StationView:
    """Show a station as it is now, with its minutes out of use in the last thirty days."""
    return (await _views(work, [row], _period(work.now, None, None)))[0]


async def show(work: Work, caller: Caller, station_id: UUID) -> StationView:
    """Show a station; raises Absent (404), also for another region's."""
    return await viewed(work, await found(work, caller, station_id))


async def found(work: Work, caller: Caller, station_id: UUID) -> StationRow:
    """Give a station that the caller may know of; raises Absent (404)."""
    row = await work.session.get(StationRow, station_id)
    if row is None or not caller.sees(row.region):
        raise Absent
    return row


async def page(work: Work, caller: Caller, query: StationQuery) -> Page[StationView]:
    """List the stations of the caller's regions as a round trip goes: out of use first, then by when they are due."""
    period = _period(work.now, query.from_, query.to)
    question = select(StationRow).where(within(col(StationRow.region), caller.regions))
    if query.region is not None:
        question = question.where(within(col(StationRow.region), [query.region]))
    if query.site is not None:
        question = question.where(StationRow.site == query.site)
    wanted = col(StationRow.state) == query.state if query.state else col(StationRow.state) != State.REMOVED
    question = question.where(wanted)
    if query.due_before is not None:
        question = question.where(StationRow.next_visit_at < query.due_before)
    urgency = case((col(StationRow.state).in_(URGENT), 0), else_=1)
    if query.cursor:
        after = cursor.decode(query.cursor, tuple[int, datetime, UUID])
        question = question.where(tuple_(urgency, col(StationRow.next_visit_at), col(StationRow.id)) > after)
    order = (urgency, col(StationRow.next_visit_at), col(StationRow.id))
    rows = (await work.session.exec(question.order_by(*order).limit(query.limit + 1))).all()
    views = dict(zip((row.id for row in rows), await _views(work, rows, period), strict=True))
    return cursor.page(rows, query.limit, lambda row: views[row.id], _key)


def _key(row: StationRow) -> tuple[int, datetime, UUID]:
    return (0 if row.state in URGENT else 1, row.next_visit_at, row.id)


async def _views(work: Work, rows: Sequence[StationRow], period: Period) -> list[StationView]:
    names = await store.site_names(work.session, [row.site for row in rows])
    start, end = _moments(period, work.now)
    regions = {row.region for row in rows}
    counted = await store.minutes(work.session, list(regions), start, end, ids=[row.id for row in rows])
    minutes = {one.station_id: one.outage for one in counted}
    return [station_view(row, names[row.site], minutes.get(row.id, 0), work.now) for row in rows]


async def visits(work: Work, caller: Caller, station_id: UUID, query: VisitQuery) -> Page[VisitView]:
    """List the visits of a station, the latest first."""
    await found(work, caller, station_id)
    question = select(StationVisitRow).where(StationVisitRow.station_id == station_id)
    if query.cursor:
        (before,) = cursor.decode(query.cursor, tuple[datetime])
        question = question.where(StationVisitRow.occurred_at < before)
    latest = question.order_by(col(StationVisitRow.occurred_at).desc()).limit(query.limit + 1)
    rows = (await work.session.exec(latest)).all()
    return cursor.page(rows, query.limit, visit_view, lambda row: (row.occurred_at,))


async def record(work: Work, caller: Caller, station_id: UUID, query: RecordQuery) -> StationRecordView:
    """Say when and how long a station was out of use in a period."""
    row = await found(work, caller, station_id)
    first, until = period = _period(work.now, query.from_, query.to)
    start, end = _moments(period, work.now)
    (counted,) = await store.minutes(work.session, [row.region], start, end, ids=[row.id])
    outages = [
        one
        for one in await store.outages(work.session, row.id)
        if one.began_at < end and (one.ended_at is None or one.ended_at > start)
    ]
    days = outage_days(outages, first, until, min(work.now, end))
    return StationRecordView(
        station_id=row.id,
        code=row.code,
        from_=first,
        to=until,
        standing_minutes=counted.standing,
        outage_minutes=counted.outage,
        days=[OutageDayView(day=day, outage_minutes=minutes) for day, minutes in days.items()],
        outages=[
            OutageView(
                state=one.state,
                began_at=shown(one.began_at),
                ended_at=shown(one.ended_at) if one.ended_at else None,
                reported=one.reported,
            )
            for one in outages
        ],
    )


async def region_record(work: Work, caller: Caller, query: RegionRecordQuery) -> RegionRecordView:
    """Say how long the stations of each region were out of use in a period."""
    first, until = period = _period(work.now, query.from_, query.to)
    start, end = _moments(period, work.now)
    counted = await store.minutes(work.session, caller.regions, start, end, region=query.region)
    stood = [one for one in counted if one.standing]
    stations = Counter(one.region for one in stood)
    return RegionRecordView(
        from_=first,
        to=until,
        items=[
            RegionMinutesView(
                region=region,
                stations=number,
                standing_minutes=sum(one.standing for one in stood if one.region == region),
                outage_minutes=sum(one.outage for one in stood if one.region == region),
            )
            for region, number in stations.items()
        ],
    )


async def code(call: Call, station_id: UUID) -> StationCodeView:
    """Give the code with which anybody may report a station, and the address of its page."""
    row = await found(call.work, call.caller, station_id)
    known = report_code(call.work.vault, row.id)
    return StationCodeView(code=known, address=address(call.public_url, known))


async def qr(call: Call, station_id: UUID) -> Content:
    """Draw the code of a station, as it is stuck on it."""
    return Content(qr_svg(call.public_url, (await code(call, station_id)).code), SVG)


def _period(now: datetime, first: date | None, until: date | None) -> Period:
    """Give the days that are asked for; raises Invalid (422) for none or too many."""
    until = until or max(wib_day(now), first or wib_day(now)) + timedelta(days=1)
    first = first or until - timedelta(days=PERIOD_DAYS_DEFAULT + 1)
    if not timedelta(0) < until - first <= timedelta(days=PERIOD_DAYS_MAX):
        detail = f"`to` is after `from`, by at most {PERIOD_DAYS_MAX} days."
        raise Invalid([FieldError("/query/to", "bad_period", detail)])
    return first, until


def _moments(period: Period, now: datetime) -> tuple[datetime, datetime]:
    """Give the moments between which is counted; what has not come yet does not count."""
    first, until = period
    start, this_minute = wib_midnight(first), now.replace(second=0, microsecond=0)
    return start, max(start, min(wib_midnight(until), this_minute))
