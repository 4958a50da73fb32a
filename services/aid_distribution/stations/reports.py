"""What anybody may do at a station: see how it is, and say what is wrong. Nothing is kept about who said it."""

from datetime import datetime, timedelta

from sqlmodel import col, select

from services.aid_distribution.stations import store
from services.aid_distribution.stations.codes import digest
from services.aid_distribution.stations.domain import State, Trouble
from services.aid_distribution.stations.orders import PublicStationView, ReportReceipt, ReportStation
from services.aid_distribution.stations.settling import settle
from services.aid_distribution.stations.store import StationReportRow, StationRow
from shared.caller import Caller, Role
from shared.clock import shown
from shared.database import Work
from shared.problems import Absent, TooMany

SAME_AGAIN = timedelta(minutes=10)
"""The same problem within this time is one report, however many tell it."""

HOUR = timedelta(hours=1)
REPORTS_PER_HOUR_MAX = 12
"""So many reports of a station are taken in an hour; the public and the staff have a share each."""

BELIEVED = frozenset({Role.REGENCY_OFFICER, Role.PROVINCE_STAFF, Role.OPERATOR})
THANKS = (
    "Terima kasih. Petugas diberi tahu bila beberapa orang melapor."
    " / Thank you. The keepers are told once several people have reported it."
)
KNOWN = "Terima kasih, ini sudah dilaporkan beberapa menit yang lalu. / Thank you, this was reported a few minutes ago."


async def show(work: Work, code: str) -> PublicStationView | None:
    """Say how a station is; None for a code that no station bears any more, or never did."""
    row = await _station(work, code)
    if row is None:
        return None
    names = await store.site_names(work.session, [row.site])
    return PublicStationView(
        name=row.name,
        site_name=names[row.site],
        state=row.state,
        state_since=shown(row.state_since),
        last_visit_at=shown(row.last_visit_at) if row.last_visit_at else None,
        call=f"Hubungi kantor dinas wilayah {row.region}. / Call the office of region {row.region}.",
    )


async def report(work: Work, caller: Caller, code: str, order: ReportStation) -> ReportReceipt:
    """Take in a report; enough of them mark the station, and its keepers are told.

    Raises: Absent (404), TooMany (429) saying when the next one is taken
    """
    row = await _station(work, code, locked=True)
    if row is None:
        raise Absent
    by_staff = caller.role in BELIEVED and caller.sees(row.region)
    recent = [
        one for one in await store.reports_since(work.session, row.id, work.now - HOUR) if one.by_staff == by_staff
    ]
    if len(recent) >= REPORTS_PER_HOUR_MAX:
        raise _too_many(recent[-REPORTS_PER_HOUR_MAX].reported_at, work.now)
    done = StationReportRow(
        id=work.new_id(),
        station_id=row.id,
        reported_at=work.now,
        problem=order.problem,
        by_staff=by_staff,
        counted=not any(_same(one, order.problem, work.now) for one in recent),
    )
    work.session.add(done)
    await work.session.flush()
    if done.counted and order.problem is not Trouble.OTHER:
        for event in await settle(work, row):
            work.record(event, region=row.region)
    return ReportReceipt(
        id=done.id,
        problem=done.problem,
        reported_at=shown(done.reported_at),
        counted=done.counted,
        thanks=THANKS if done.counted else KNOWN,
    )


def _same(one: StationReportRow, problem: Trouble, now: datetime) -> bool:
    return one.counted and one.problem == problem and one.reported_at > now - SAME_AGAIN


def _too_many(first: datetime, now: datetime) -> TooMany:
    seconds = max(1, -((now - first - HOUR) // timedelta(seconds=1)))
    detail = f"At most {REPORTS_PER_HOUR_MAX} reports of a station are taken in an hour."
    return TooMany(detail, headers={"Retry-After": str(seconds)})


async def _station(work: Work, code: str, *, locked: bool = False) -> StationRow | None:
    question = select(StationRow).where(
        col(StationRow.report_code_hash) == digest(code), col(StationRow.state) != State.REMOVED
    )
    return (await work.session.exec(question.with_for_update() if locked else question)).first()
