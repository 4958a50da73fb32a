"""Who was there: by signed codes that telephones scan offline and tell later, or marked by hand for a reason.

A telephone gives each scan an id, the nonce by which a scan that is told again is known. Which session it was is said
by the telephone; its clock is kept, and decides nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.registration.trainings import certificate_store, enrolment_store, entry_codes, store
from services.registration.trainings.domain import SessionCancelled, TrainingCancelled
from services.registration.trainings.domain import State as Training
from services.registration.trainings.enrolment_rules import State, StepNotPossible
from services.registration.trainings.enrolment_store import AttendanceRow, AttendanceTakenBackRow, EnrolmentRow
from services.registration.trainings.entry_codes import Entry
from services.registration.trainings.store import TrainingRow, TrainingSessionRow
from shared import cursor
from shared.clock import wib_day
from shared.contracts.registration import TrainingAttendanceTakenBack, TrainingAttended
from shared.database import Work
from shared.problems import Absent, Refusal
from shared.routes import Page


class Outcome(StrEnum):
    """What became of a scan; the first three mean that somebody is in the list."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    ALREADY_THERE = "already_there"
    REFUSED = "refused"


class Fault(StrEnum):
    """Why a scan was refused."""

    CODE_INVALID = "code_invalid"
    OTHER_TRAINING = "code_of_another_training"
    NO_PARTICIPANT = "not_a_participant"
    UNKNOWN_SESSION = "unknown_session"
    SESSION_CANCELLED = "session_cancelled"
    SESSION_NOT_YET = "session_not_yet"
    TRAINING_CANCELLED = "training_cancelled"
    ID_TAKEN = "id_taken"
    TAKEN_BACK = "taken_back"


class SessionNotYet(Refusal):
    """Nobody was at a session that is still to come."""

    code = "session_not_yet"
    title = "This session is still to come"


class CertificateStands(Refusal):
    """A certificate says that somebody was there: it is revoked first, then what it rests on may be taken back."""

    code = "certificate_stands"
    title = "A certificate rests on this attendance"


@dataclass(frozen=True, slots=True)
class Scan:
    """A code that was scanned: `id` is made by the telephone for this scan."""

    id: UUID
    code: str
    session: int
    scanned_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one scan."""

    id: UUID
    outcome: Outcome
    fault: Fault | None = None
    enrolment_id: UUID | None = None


@dataclass(slots=True)
class Register:
    """Everything that is known before scans are judged; `there` grows as they are written."""

    training: TrainingRow
    sessions: Mapping[int, TrainingSessionRow]
    entries: Mapping[str, Entry | None]
    holders: Mapping[UUID, EnrolmentRow]
    scanned: dict[UUID, AttendanceRow]
    taken_back: set[UUID]
    there: dict[tuple[UUID, int], AttendanceRow]
    today: date
    written: list[AttendanceRow] = field(default_factory=list)


async def record(work: Work, training_id: UUID, scans: Sequence[Scan]) -> list[Line]:
    """Take in what a telephone has scanned, in any order and each perhaps twice; every scan has an outcome of its own.

    Raises: Absent (404) for a training that is not of the caller's regions
    """
    register = await _register(work, training_id, scans)
    lines = [_judged(work, register, scan) for scan in scans]
    work.session.add_all(register.written)
    await work.session.flush()
    return lines


async def _register(work: Work, training_id: UUID, scans: Sequence[Scan]) -> Register:
    training = await _training(work, training_id)
    key = work.vault.signer(entry_codes.PURPOSE).public_key()
    entries = {code: entry_codes.read(code, key) for code in {scan.code for scan in scans}}
    tickets = [entry.ticket for entry in entries.values() if entry and entry.training_id == training.id]
    holders = await enrolment_store.by_ticket(work.session, tickets)
    return Register(
        training,
        {one.no: one for one in (await store.sessions_of(work.session, [training.id]))[training.id]},
        entries,
        holders,
        await enrolment_store.scans(work.session, training.id, [scan.id for scan in scans]),
        await enrolment_store.scans_taken_back(work.session, training.id, [scan.id for scan in scans]),
        await enrolment_store.attendances(work.session, training.id, [row.id for row in holders.values()]),
        wib_day(work.now),
    )


async def _training(work: Work, training_id: UUID) -> TrainingRow:
    """Lock a training, finished or not: what comes in late has happened all the same."""
    training = await store.locked(work.session, training_id)
    if training is None or not work.caller.sees(training.region):
        raise Absent
    return training


def _judged(work: Work, register: Register, scan: Scan) -> Line:
    entry = register.entries[scan.code]
    if entry is None:
        return Line(scan.id, Outcome.REFUSED, Fault.CODE_INVALID)
    if entry.training_id != register.training.id:
        return Line(scan.id, Outcome.REFUSED, Fault.OTHER_TRAINING)
    return _of_holder(work, register, scan, register.holders.get(entry.ticket))


def _of_holder(work: Work, register: Register, scan: Scan, holder: EnrolmentRow | None) -> Line:
    if before := register.scanned.get(scan.id):
        if before.session_no != scan.session or (holder is not None and holder.id != before.enrolment_id):
            return Line(scan.id, Outcome.REFUSED, Fault.ID_TAKEN)
        return Line(scan.id, Outcome.REPEATED, enrolment_id=before.enrolment_id)
    if scan.id in register.taken_back:  # told again, it does not come back; another scan may be the true one
        return Line(scan.id, Outcome.REFUSED, Fault.TAKEN_BACK)
    if holder is None:  # a seat that was given back, and its code with it
        return Line(scan.id, Outcome.REFUSED, Fault.NO_PARTICIPANT)
    return _entered(work, register, scan, holder)


def _entered(work: Work, register: Register, scan: Scan, holder: EnrolmentRow) -> Line:
    if (holder.id, scan.session) in register.there:
        return Line(scan.id, Outcome.ALREADY_THERE, enrolment_id=holder.id)
    if fault := _session_fault(register, scan.session):
        return Line(scan.id, Outcome.REFUSED, fault, holder.id)
    row = _attendance(work, holder, scan.session)
    row.scan_id, row.scanned_at = scan.id, scan.scanned_at
    register.written.append(row)
    register.scanned[scan.id] = register.there[holder.id, scan.session] = row
    _tell(work, register.training, holder, register.sessions[scan.session])
    return Line(scan.id, Outcome.RECORDED, enrolment_id=holder.id)


def _session_fault(register: Register, no: int) -> Fault | None:
    session = register.sessions.get(no)
    if session is None:
        return Fault.UNKNOWN_SESSION
    if register.training.state == Training.CANCELLED:
        return Fault.TRAINING_CANCELLED
    if session.cancelled_at is not None:
        return Fault.SESSION_CANCELLED
    return Fault.SESSION_NOT_YET if session.held_on > register.today else None


def _attendance(work: Work, holder: EnrolmentRow, no: int) -> AttendanceRow:
    return AttendanceRow(
        enrolment_id=holder.id,
        session_no=no,
        training_id=holder.training_id,
        recorded_at=work.now,
        actor=work.caller.subject,
    )


def _tell(work: Work, training: TrainingRow, holder: EnrolmentRow, session: TrainingSessionRow) -> None:
    event = TrainingAttended(
        enrolment_id=holder.id,
        training_id=training.id,
        business_id=holder.business_id,
        programme=training.programme,
        region=training.region,
        session=session.no,
        held_on=session.held_on,
    )
    work.record(event, region=training.region)


async def mark(work: Work, training_id: UUID, no: int, enrolment_id: UUID, reason: str) -> AttendanceRow:
    """Write down by hand that a participant was at a session, for a reason that is kept; who is in the list stays.

    Raises: Absent (404), and of 409 TrainingCancelled, SessionCancelled, SessionNotYet, StepNotPossible
    """
    training = await _training(work, training_id)
    sessions = (await store.sessions_of(work.session, [training.id]))[training.id]
    session = next((one for one in sessions if one.no == no), None)
    holder = await enrolment_store.locked(work.session, enrolment_id)
    if session is None or holder is None or holder.training_id != training.id:
        raise Absent
    there = await enrolment_store.attendances(work.session, training.id, [holder.id])
    if before := there.get((holder.id, no)):
        return before
    if training.state == Training.CANCELLED:
        raise TrainingCancelled("It was called off.")
    if session.cancelled_at is not None:
        raise SessionCancelled(session.cancel_reason or "")
    if session.held_on > wib_day(work.now):
        raise SessionNotYet(f"It is held on {session.held_on}.", held_on=session.held_on.isoformat())
    if holder.state != State.ACCEPTED:
        raise StepNotPossible(f"Who takes part has accepted; it is {holder.state}.", state=holder.state, asked="attend")
    row = _attendance(work, holder, no)
    row.reason = reason
    work.session.add(row)
    await work.session.flush()
    _tell(work, training, holder, session)
    return row


async def take_back(work: Work, training_id: UUID, no: int, enrolment_id: UUID, reason: str) -> AttendanceTakenBackRow:
    """Take back that a participant was at a session, which was written down by mistake; what it was is kept.

    Whoever was there all the same is scanned or marked anew. Sessions attended decide about a certificate, so this
    changes who gets one when the training is finished; one that was issued already is revoked first.
    Raises: Absent (404) also where nobody is in the list so, CertificateStands (409) with its id and number
    """
    training = await _training(work, training_id)
    there = (await enrolment_store.attendances(work.session, training.id, [enrolment_id])).get((enrolment_id, no))
    if there is None:
        raise Absent
    if paper := await certificate_store.valid_of(work.session, enrolment_id):
        detail = f"Revoke {paper.number} first."
        raise CertificateStands(detail, certificate_id=str(paper.id), number=paper.number)
    holder = await work.session.get_one(EnrolmentRow, enrolment_id)
    row = AttendanceTakenBackRow(
        **there.model_dump(),
        id=work.new_id(),
        taken_back_at=work.now,
        taken_back_by=work.caller.subject,
        taken_back_reason=reason,
    )
    work.session.add(row)
    await work.session.delete(there)
    await work.session.flush()
    event = TrainingAttendanceTakenBack(
        taken_back_id=row.id,
        enrolment_id=holder.id,
        training_id=training.id,
        business_id=holder.business_id,
        programme=training.programme,
        region=training.region,
        session=no,
        reason=reason,
    )
    work.record(event, region=training.region)
    return row


async def taken_back(
    work: Work, training_id: UUID, no: int, after: str | None, limit: int
) -> Page[AttendanceTakenBackRow]:
    """List what was taken back of a session, the oldest first; raises Absent (404)."""
    await _shown(work, training_id)
    beyond = cursor.decode(after, tuple[UUID])[0] if after else None
    rows = await enrolment_store.taken_back_page(work.session, training_id, no, beyond, limit + 1)
    return cursor.page(rows, limit, lambda row: row, lambda row: (row.id,))


async def page(work: Work, training_id: UUID, no: int, after: str | None, limit: int) -> Page[AttendanceRow]:
    """List who was there at a session; raises Absent (404)."""
    await _shown(work, training_id)
    beyond = cursor.decode(after, tuple[UUID])[0] if after else None
    rows = await enrolment_store.attendance_page(work.session, training_id, no, beyond, limit + 1)
    return cursor.page(rows, limit, lambda row: row, lambda row: (row.enrolment_id,))


async def _shown(work: Work, training_id: UUID) -> None:
    training = await work.session.get(TrainingRow, training_id)
    if training is None or not work.caller.sees(training.region):
        raise Absent
