"""Finishing a training with certificates for who attended enough, and what becomes of these afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from services.registration.trainings import certificate_store, enrolment_store, store
from services.registration.trainings.certificate_store import CertificateRow, Holder
from services.registration.trainings.domain import State as Training
from services.registration.trainings.domain import TrainingCancelled, TrainingNotOver, sessions_needed
from services.registration.trainings.enrolment_rules import How, State
from services.registration.trainings.enrolment_store import EnrolmentRow
from services.registration.trainings.steps import owner_of, take
from services.registration.trainings.store import TrainingRow
from shared import cursor
from shared.caller import Role
from shared.clock import wib_day
from shared.contracts.registration import CertificateIssued, CertificateRevoked, TrainingFinished
from shared.database import Work
from shared.privacy import Vault
from shared.problems import Absent, Refusal
from shared.routes import Page

SERIES = "CT"
PURPOSE = "training certificate"
BETWEEN = "_"
"""Parts a number and its mark; it stands in no number."""

CODE_LENGTH_MAX = 100


class AlreadyRevoked(Refusal):
    """A certificate is revoked once."""

    code = "already_revoked"
    title = "Revoked already"


@dataclass(frozen=True, slots=True)
class Finished:
    """A training that has been held, how many took part, and how many certificates there are of it."""

    training: TrainingRow
    participants: int
    held: int
    needed: int
    certificates: int


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate, with whose it is and for what."""

    row: CertificateRow
    training: TrainingRow
    holder: Holder


class PublicCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """What the public is told of a certificate: for what, and the initials of whose it is, never a name."""

    number: str
    initials: str
    programme: str
    title: str
    region: str
    region_name: str
    starts_on: date
    ends_on: date
    attended: int
    held: int
    issued_on: date
    valid: bool


async def finish(work: Work, training_id: UUID) -> Finished:
    """Close a training on or after the day of its last session, and give certificates to who attended enough.

    Called again, it gives certificates only for what was attended and told late; otherwise the answer is the same.
    Raises: Absent (404), and of 409 TrainingCancelled, TrainingNotOver
    """
    training = await store.locked(work.session, training_id)
    if training is None or not work.caller.sees(training.region):
        raise Absent
    if training.state == Training.CANCELLED:
        raise TrainingCancelled("It was called off.")
    if wib_day(work.now) < training.ends_on:
        raise TrainingNotOver(f"Its last session is on {training.ends_on}.", ends_on=training.ends_on.isoformat())
    for row in await enrolment_store.in_states(work.session, training.id, (State.OFFERED,)):
        take(work, training, row, State.EXPIRED, How.RULE)
    participants = await enrolment_store.in_states(work.session, training.id, (State.ACCEPTED,))
    sessions = (await store.sessions_of(work.session, [training.id]))[training.id]
    held = sum(one.cancelled_at is None for one in sessions)
    needed = sessions_needed(training.attendance_percent, held)
    attended = await enrolment_store.attended(work.session, training.id)
    known = await certificate_store.issued(work.session, training.id)
    due = [row for row in participants if attended.get(row.id, 0) >= needed and row.id not in known]
    await _issue(work, training, due, attended, held)
    certificates = len(known) + len(due)
    if training.state != Training.FINISHED:
        training.state, training.finished_at = Training.FINISHED, work.now
        training.version += 1
        event = TrainingFinished(**_about(training), participants=len(participants), certificates=certificates)
        work.record(event, region=training.region)
    await work.session.flush()
    return Finished(training, len(participants), held, needed, certificates)


def _about(row: TrainingRow) -> dict[str, Any]:
    names = ("programme", "title", "region", "starts_on", "ends_on")
    return {"training_id": row.id, **{name: getattr(row, name) for name in names}}


async def _issue(
    work: Work, training: TrainingRow, due: Sequence[EnrolmentRow], attended: dict[UUID, int], held: int
) -> None:
    if not due:
        return
    year = wib_day(work.now).year
    numbers = await certificate_store.numbers(work.session, training.region, year, len(due))
    for no, enrolment in zip(numbers, due, strict=True):
        row = CertificateRow(
            id=work.new_id(),
            number=f"{year}-{training.region}-{SERIES}-{no:04d}",
            region=training.region,
            year=year,
            no=no,
            training_id=training.id,
            enrolment_id=enrolment.id,
            attended=attended[enrolment.id],
            held=held,
            issued_at=work.now,
            issued_by=work.caller.subject,
        )
        work.session.add(row)
        about = _of_certificate(row, training, enrolment.business_id)
        work.record(CertificateIssued(**about, attended=row.attended, held=held), region=training.region)
    await work.session.flush()


def _of_certificate(row: CertificateRow, training: TrainingRow, business_id: UUID) -> dict[str, Any]:
    return {
        "certificate_id": row.id,
        "number": row.number,
        "enrolment_id": row.enrolment_id,
        "training_id": training.id,
        "business_id": business_id,
        "programme": training.programme,
        "title": training.title,
        "region": training.region,
    }


async def revoke(work: Work, certificate_id: UUID, reason: str) -> Certified:
    """Say that a certificate does not count any more; its number and page stay. Raises Absent (404), AlreadyRevoked."""
    row = await certificate_store.locked(work.session, certificate_id)
    if row is None:
        raise Absent
    found = await _certified(work, row)
    if row.revoked_at is not None:
        raise AlreadyRevoked(row.revoke_reason or "")
    row.revoked_at, row.revoke_reason = work.now, reason
    row.version += 1
    await work.session.flush()
    about = _of_certificate(row, found.training, found.holder.business_id)
    work.record(CertificateRevoked(**about, reason=reason), region=row.region)
    return found


async def show(work: Work, certificate_id: UUID) -> Certified:
    """Show a certificate to staff of its region or to whose it is; raises Absent (404)."""
    row = await work.session.get(CertificateRow, certificate_id)
    if row is None:
        raise Absent
    return await _certified(work, row)


async def _certified(work: Work, row: CertificateRow) -> Certified:
    holder = (await certificate_store.holders(work.session, [row.id]))[row.id]
    caller = work.caller
    if not (caller.subject == str(holder.owner_id) if caller.role is Role.OWNER else caller.sees(row.region)):
        raise Absent
    trainings = await store.by_id(work.session, [row.training_id])
    return Certified(row, trainings[row.training_id], holder)


async def page(work: Work, training_id: UUID, after: str | None, limit: int) -> Page[Certified]:
    """List the certificates of a training of the caller's regions; raises Absent (404)."""
    training = await work.session.get(TrainingRow, training_id)
    if training is None or not work.caller.sees(training.region):
        raise Absent
    beyond = cursor.decode(after, tuple[UUID])[0] if after else None
    rows = await certificate_store.page(work.session, training_id, beyond, limit + 1)
    holders = await certificate_store.holders(work.session, [row.id for row in rows])
    return cursor.page(rows, limit, lambda row: Certified(row, training, holders[row.id]), lambda row: (row.id,))


async def own(work: Work, after: str | None, limit: int) -> Page[Certified]:
    """List the certificates of the businesses of the owner who asks, the latest first."""
    owner = owner_of(work.caller)
    if owner is None:
        return Page([])
    beyond = cursor.decode(after, tuple[UUID])[0] if after else None
    rows = await certificate_store.own(work.session, owner, beyond, limit + 1)
    holders = await certificate_store.holders(work.session, [row.id for row in rows])
    trainings = await store.by_id(work.session, {row.training_id for row in rows})
    return cursor.page(
        rows,
        limit,
        lambda row: Certified(row, trainings[row.training_id], holders[row.id]),
        lambda row: (row.id,),
    )


def code_of(vault: Vault, number: str) -> str:
    """Give what stands in the address of a certificate's page: its number, and a mark that only this place can make."""
    return f"{number}{BETWEEN}{vault.mark(PURPOSE, number)}"


async def verified(work: Work, code: str) -> PublicCertificate | None:
    """Say what is known of the certificate with this code; None for a code that was not made here."""
    number, _, mark = code.rpartition(BETWEEN)
    if len(code) > CODE_LENGTH_MAX or not work.vault.marked(PURPOSE, number, mark):
        return None
    row = await certificate_store.by_number(work.session, number)
    if row is None:
        return None
    training = (await store.by_id(work.session, [row.training_id]))[row.training_id]
    holder = (await certificate_store.holders(work.session, [row.id]))[row.id]
    return PublicCertificate(
        number=row.number,
        initials=initials(holder.owner),
        programme=training.programme,
        title=training.title,
        region=row.region,
        region_name=await certificate_store.region_name(work.session, row.region),
        starts_on=training.starts_on,
        ends_on=training.ends_on,
        attended=row.attended,
        held=row.held,
        issued_on=wib_day(row.issued_at),
        valid=row.revoked_at is None,
    )


def initials(name: str) -> str:
    """Give the first letters of a name: enough to compare with the paper, and no name to somebody else."""
    return " ".join(f"{word[0].upper()}." for word in name.split() if word[0].isalnum())
