"""The HTTP face of attendance: the code of a participant, scans that telephones upload, marks by hand."""

from uuid import UUID

from services.registration.trainings import attendance, enrolling, entry_codes
from services.registration.trainings.attendance import CertificateStands, Scan, SessionNotYet
from services.registration.trainings.domain import SessionCancelled, TrainingCancelled
from services.registration.trainings.enrolment_orders import (
    AttendanceTakenBackView,
    AttendanceView,
    EntryCodeView,
    EntryKeyView,
    MarkAttendance,
    RecordScans,
    ScansView,
    ScanView,
    SessionNo,
    TakeBackAttendance,
    TrainingListQuery,
)
from services.registration.trainings.enrolment_rules import StepNotPossible
from services.registration.trainings.enrolment_store import AttendanceRow, AttendanceTakenBackRow
from services.registration.trainings.entry_codes import Entry
from shared import qr_codes
from shared.clock import shown
from shared.problems import Absent
from shared.roles import Action
from shared.routes import Call, Page, Routes

attendances = Routes("/registration", tag="Training attendance")


@attendances.get("/entry-key", Action.RECORD_ATTENDANCE)
async def show_entry_key(call: Call) -> EntryKeyView:
    """Give the key with which a telephone checks entry codes when it has no network."""
    signer = call.work.vault.signer(entry_codes.PURPOSE)
    return EntryKeyView(kty="OKP", crv="Ed25519", alg="Ed25519", x=entry_codes.public_letters(signer))


@attendances.get("/enrolments/{enrolment_id}/code", Action.SEE_ENTRY_CODE, refusals=(Absent,))
async def show_entry_code(call: Call, enrolment_id: UUID) -> EntryCodeView:
    """Give the code of who takes part in a training; without a seat there is none."""
    row = (await enrolling.show(call.work, enrolment_id)).row
    if row.ticket is None:
        raise Absent
    code = entry_codes.write(Entry(row.training_id, row.ticket), call.work.vault.signer(entry_codes.PURPOSE))
    qr = qr_codes.svg_address(code, scale=4)
    return EntryCodeView(enrolment_id=row.id, training_id=row.training_id, code=code, qr=qr)


@attendances.post("/trainings/{training_id}/scans", Action.RECORD_ATTENDANCE, refusals=(Absent,))
async def record_scans(call: Call, training_id: UUID, body: RecordScans) -> ScansView:
    """Take in what a telephone has scanned, in any order, each perhaps twice; every scan has an outcome of its own."""
    scans = [Scan(one.id, one.code, one.session, one.scanned_at) for one in body.scans]
    lines = await attendance.record(call.work, training_id, scans)
    return ScansView(
        scans=[ScanView(id=one.id, outcome=one.outcome, code=one.fault, enrolment_id=one.enrolment_id) for one in lines]
    )


@attendances.post(
    "/trainings/{training_id}/sessions/{session}/attendance",
    Action.RECORD_ATTENDANCE,
    refusals=(Absent, TrainingCancelled, SessionCancelled, SessionNotYet, StepNotPossible),
)
async def mark_attendance(call: Call, training_id: UUID, session: SessionNo, body: MarkAttendance) -> AttendanceView:
    """Write down by hand that a participant was at a session; who is in the list already stays there once."""
    return _view(await attendance.mark(call.work, training_id, session, body.enrolment_id, body.reason))


@attendances.get("/trainings/{training_id}/sessions/{session}/attendance", Action.SEE_ENROLMENTS, refusals=(Absent,))
async def list_attendance(
    call: Call, training_id: UUID, session: SessionNo, query: TrainingListQuery
) -> Page[AttendanceView]:
    """List who was there at a session."""
    page = await attendance.page(call.work, training_id, session, query.cursor, query.limit)
    return Page([_view(row) for row in page.items], page.next)


@attendances.post(
    "/trainings/{training_id}/sessions/{session}/attendance/taking-back",
    Action.RECORD_ATTENDANCE,
    refusals=(Absent, CertificateStands),
)
async def take_back_attendance(
    call: Call, training_id: UUID, session: SessionNo, body: TakeBackAttendance
) -> AttendanceTakenBackView:
    """Take back that a participant was at a session, a mistake; a certificate that rests on it is revoked first."""
    row = await attendance.take_back(call.work, training_id, session, body.enrolment_id, body.reason)
    return _taken_back_view(row)


@attendances.get(
    "/trainings/{training_id}/sessions/{session}/attendance/taken-back", Action.SEE_ENROLMENTS, refusals=(Absent,)
)
async def list_attendance_taken_back(
    call: Call, training_id: UUID, session: SessionNo, query: TrainingListQuery
) -> Page[AttendanceTakenBackView]:
    """List what was taken back of a session, the oldest first: as it was, by whom and why."""
    page = await attendance.taken_back(call.work, training_id, session, query.cursor, query.limit)
    return Page([_taken_back_view(row) for row in page.items], page.next)


def _taken_back_view(row: AttendanceTakenBackRow) -> AttendanceTakenBackView:
    return AttendanceTakenBackView(
        id=row.id,
        enrolment_id=row.enrolment_id,
        session=row.session_no,
        scanned_at=shown(row.scanned_at) if row.scanned_at else None,
        reason=row.reason,
        recorded_at=shown(row.recorded_at),
        recorded_by=row.actor,
        taken_back_at=shown(row.taken_back_at),
        taken_back_by=row.taken_back_by,
        taken_back_reason=row.taken_back_reason,
    )


def _view(row: AttendanceRow) -> AttendanceView:
    return AttendanceView(
        enrolment_id=row.enrolment_id,
        session=row.session_no,
        scanned_at=shown(row.scanned_at) if row.scanned_at else None,
        reason=row.reason,
        recorded_at=shown(row.recorded_at),
    )
