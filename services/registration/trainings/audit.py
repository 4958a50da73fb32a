"""How it is seen that the kits, the seats and the certificates of trainings are what the events and the steps say."""

from collections.abc import Iterable, Sequence

from sqlalchemy import TextClause, text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.trainings.domain import KitsState
from shared.contracts.aid_distribution import KitsEvent, KitsRefused, KitsReleased, KitsReserved
from shared.contracts.notifications import ReplyReceived
from shared.contracts.registration import (
    CertificateEvent,
    CertificateIssued,
    CertificateRevoked,
    SeatAccepted,
    SeatDeclined,
    SeatEvent,
    SeatExpired,
    SeatOffered,
    SeatWaitlisted,
    SeatWithdrawn,
    TrainingAttendanceTakenBack,
    TrainingAttended,
)
from shared.effect_audit import Seen, Told, seen_in

KITS = text("SELECT id, kits_state FROM training WHERE id = ANY(CAST(:ids AS uuid[]))")
LEADS_TO = {
    KitsReserved: (KitsState.RESERVED, KitsState.RELEASED),
    KitsRefused: (KitsState.REFUSED,),
    KitsReleased: (KitsState.RELEASED,),
}
"""What the kits of a training can be after each answer."""


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare each answer with the training that it is about."""
    events = [(one, one.event) for one in told if isinstance(one.event, KitsEvent)]
    rows = await session.execute(KITS, {"ids": [event.training_id for _, event in events]})
    found = {row.id: row.kits_state for row in rows}
    return [Seen(one, "kits", _wrong(event, found.get(event.training_id))) for one, event in events]


def _wrong(event: KitsEvent, state: str | None) -> str:
    if state is None:
        return "there is no such training"
    return "" if state in LEADS_TO[type(event)] else f"its kits are {state}"


HEARD_OF_KITS = seen_in(look, KitsReserved, KitsRefused, KitsReleased)

WAITING = text(
    "SELECT id, answer_by, (SELECT max(s.at) FROM enrolment_step s WHERE s.enrolment_id = e.id AND s.state = 'offered')"
    " AS offered_at FROM enrolment e WHERE id = ANY(CAST(:ids AS uuid[])) AND state = 'offered'"
)


async def look_replies(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Look whether an offer still waits for an answer that was written while it could be answered."""
    events = [(one, one.event) for one in told if isinstance(one.event, ReplyReceived)]
    rows = await session.execute(WAITING, {"ids": [event.enrolment_id for _, event in events]})
    waits = {row.id: (row.offered_at, row.answer_by) for row in rows}
    seen = []
    for one, event in events:
        since, until = waits.get(event.enrolment_id, (event.at, event.at))
        seen.append(Seen(one, "reply", "the offer still waits for it" if since <= event.at < until else ""))
    return seen


HEARD_REPLIES = seen_in(look_replies, ReplyReceived)

STEPS = text("SELECT enrolment_id, no, state FROM enrolment_step WHERE enrolment_id = ANY(CAST(:ids AS uuid[]))")
THERE = text(
    "SELECT enrolment_id, session_no FROM attendance WHERE enrolment_id = ANY(CAST(:ids AS uuid[]))"
    " UNION SELECT enrolment_id, session_no FROM attendance_taken_back WHERE enrolment_id = ANY(CAST(:ids AS uuid[]))"
)
TAKEN_BACK = text("SELECT id, enrolment_id, session_no FROM attendance_taken_back WHERE id = ANY(CAST(:ids AS uuid[]))")
GIVEN = text(
    "SELECT id, number, revoked_at IS NOT NULL AS revoked FROM certificate WHERE id = ANY(CAST(:ids AS uuid[]))"
)
SEATS: dict[type[SeatEvent], str] = {
    SeatOffered: "offered",
    SeatAccepted: "accepted",
    SeatDeclined: "declined",
    SeatExpired: "expired",
    SeatWaitlisted: "waitlisted",
    SeatWithdrawn: "withdrawn",
}
"""The step that each fact about a seat tells of."""

CURE = "bring it back from a backup; the event has it: serumpun events show {at}"


async def look_for_seats(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Find for each fact about a seat, an attendance or a certificate the row that it tells of."""
    steps = {
        (row.enrolment_id, row.no): row.state
        for row in await session.execute(STEPS, {"ids": _ids(told, "enrolment_id", SeatEvent)})
    }
    there = {
        (row.enrolment_id, row.session_no)
        for row in await session.execute(THERE, {"ids": _ids(told, "enrolment_id", TrainingAttended)})
    }
    taken_back = {
        (row.id, row.enrolment_id, row.session_no)
        for row in await session.execute(TAKEN_BACK, {"ids": _ids(told, "taken_back_id", TrainingAttendanceTakenBack)})
    }
    given = {
        row.id: row for row in await session.execute(GIVEN, {"ids": _ids(told, "certificate_id", CertificateEvent)})
    }
    seen = []
    for one in told:
        at = f"{one.source}/{one.partition}/{one.seq}"
        match one.event:
            case SeatEvent() as seat:
                right = steps.get((seat.enrolment_id, seat.step)) == SEATS[type(seat)]
                seen.append(
                    Seen(one, f"step {seat.step}", "" if right else "its step is not there", CURE.format(at=at))
                )
            case TrainingAttended() as was:
                right = (was.enrolment_id, was.session) in there
                seen.append(
                    Seen(one, f"session {was.session}", "" if right else "its attendance is gone", CURE.format(at=at))
                )
            case TrainingAttendanceTakenBack() as was:
                right = (was.taken_back_id, was.enrolment_id, was.session) in taken_back
                seen.append(
                    Seen(one, f"session {was.session}", "" if right else "its record is gone", CURE.format(at=at))
                )
            case CertificateEvent() as told_of:
                row = given.get(told_of.certificate_id)
                right = (
                    row is not None
                    and row.number == told_of.number
                    and (row.revoked or not isinstance(told_of, CertificateRevoked))
                )
                seen.append(Seen(one, "certificate", "" if right else "it is not there so", CURE.format(at=at)))
    return seen


def _ids(told: Sequence[Told], name: str, kind: type[object]) -> list[object]:
    return [getattr(one.event, name) for one in told if isinstance(one.event, kind)]


RECORDED_SEATS = seen_in(
    look_for_seats, *SEATS, TrainingAttended, TrainingAttendanceTakenBack, CertificateIssued, CertificateRevoked
)

SEATS_TAKEN = """
    SELECT t.id, count(e.id) FILTER (WHERE e.state IN ('offered', 'accepted')), t.seats_taken
    FROM training t LEFT JOIN enrolment e ON e.training_id = t.id GROUP BY t.id, t.seats_taken
    HAVING count(e.id) FILTER (WHERE e.state IN ('offered', 'accepted')) <> t.seats_taken ORDER BY 1
"""
APPLICATIONS = """
    SELECT t.id, count(e.id), t.applications FROM training t LEFT JOIN enrolment e ON e.training_id = t.id
    GROUP BY t.id, t.applications HAVING count(e.id) <> t.applications ORDER BY 1
"""
LAST_STEPS = """
    SELECT e.id, concat_ws(' ', count(s.no), max(s.state) FILTER (WHERE s.no = e.step)), concat_ws(' ', e.step, e.state)
    FROM enrolment e LEFT JOIN enrolment_step s ON s.enrolment_id = e.id GROUP BY e.id, e.step, e.state
    HAVING count(s.no) <> e.step OR max(s.state) FILTER (WHERE s.no = e.step) IS DISTINCT FROM e.state ORDER BY 1
"""
NUMBERS = """
    WITH given AS (
        SELECT region, year, count(DISTINCT no) AS given, min(no) AS first, max(no) AS last
        FROM certificate GROUP BY region, year
    )
    SELECT concat_ws(' ', region, year), concat_ws(' ', '1 to', s.last),
           concat_ws(' ', g.given, 'numbers', g.first, 'to', g.last)
    FROM given g FULL JOIN certificate_series s USING (region, year)
    WHERE (1, s.last, s.last) IS DISTINCT FROM (g.first, g.last, g.given) ORDER BY 1
"""
DAYS = """
    SELECT t.id, concat_ws(' ', min(s.held_on), max(s.held_on)), concat_ws(' ', t.starts_on, t.ends_on)
    FROM training t JOIN training_session s ON s.training_id = t.id AND s.cancelled_at IS NULL
    GROUP BY t.id, t.starts_on, t.ends_on
    HAVING (min(s.held_on), max(s.held_on)) <> (t.starts_on, t.ends_on) ORDER BY 1
"""
ATTENDED_ELSEWHERE = """
    SELECT concat_ws(' ', a.enrolment_id, a.session_no), e.training_id, a.training_id
    FROM attendance a JOIN enrolment e ON e.id = a.enrolment_id WHERE e.training_id <> a.training_id ORDER BY 1
"""
UNFINISHED = """
    SELECT c.number, concat_ws(' ', e.training_id, 'finished'), concat_ws(' ', c.training_id, t.state)
    FROM certificate c JOIN enrolment e ON e.id = c.enrolment_id JOIN training t ON t.id = c.training_id
    WHERE e.training_id <> c.training_id OR t.state <> 'finished' ORDER BY 1
"""
UNATTENDED = """
    SELECT c.number, concat_ws(' ', 'at least', c.attended), count(a.session_no)
    FROM certificate c LEFT JOIN attendance a ON a.enrolment_id = c.enrolment_id
    WHERE c.revoked_at IS NULL GROUP BY c.number, c.attended HAVING count(a.session_no) < c.attended ORDER BY 1
"""
CHECKS: dict[str, TextClause] = {
    "seats_taken_is_sum_of_enrolments": text(SEATS_TAKEN),
    "applications_are_counted": text(APPLICATIONS),
    "enrolment_is_its_last_step": text(LAST_STEPS),
    "certificate_numbers_without_gap": text(NUMBERS),
    "training_days_are_those_of_its_sessions": text(DAYS),
    "attendance_is_of_its_training": text(ATTENDED_ELSEWHERE),
    "certificate_is_of_its_finished_training": text(UNFINISHED),
    "certificate_rests_on_attendance": text(UNATTENDED),
}
"""Every figure that is kept beside what it follows from, as a question for those that disagree."""
