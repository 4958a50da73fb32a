"""The HTTP face of certificates: finishing a training, showing, printing and revoking, and the page for everybody."""

import asyncio
from uuid import UUID

from services.registration.trainings import certificate_page, certificate_paper, certificate_store, certificates
from services.registration.trainings.certificates import AlreadyRevoked, Certified, PublicCertificate
from services.registration.trainings.domain import TrainingCancelled, TrainingNotOver
from services.registration.trainings.enrolment_orders import (
    CertificateState,
    CertificateView,
    FinishedView,
    OwnCertificateView,
    Reason,
    TrainingListQuery,
)
from shared.answers import Content, saved_as
from shared.clock import shown
from shared.incoming import JSON
from shared.openapi import HTML
from shared.privacy import Vault
from shared.problems import Absent
from shared.public_page import asks_for_page
from shared.roles import Action
from shared.routes import PUBLIC_PAGES_PER_MINUTE, Call, Page, Routes

training_certificates = Routes("/registration", tag="Training certificates")


@training_certificates.post(
    "/trainings/{training_id}/finish",
    Action.ISSUE_CERTIFICATES,
    refusals=(Absent, TrainingCancelled, TrainingNotOver),
)
async def finish_training(call: Call, training_id: UUID) -> FinishedView:
    """Close a training after its last session and give certificates to who attended enough, each once."""
    done = await certificates.finish(call.work, training_id)
    return FinishedView(
        training_id=done.training.id,
        finished_at=shown(done.training.finished_at or call.work.now),
        participants=done.participants,
        sessions_held=done.held,
        sessions_needed=done.needed,
        certificates=done.certificates,
    )


@training_certificates.get("/trainings/{training_id}/certificates", Action.SEE_CERTIFICATES, refusals=(Absent,))
async def list_certificates(call: Call, training_id: UUID, query: TrainingListQuery) -> Page[CertificateView]:
    """List the certificates of a training, in the order in which they were issued."""
    page = await certificates.page(call.work, training_id, query.cursor, query.limit)
    return Page([view(call.work.vault, one) for one in page.items], page.next)


@training_certificates.get("/my/certificates", Action.SEE_OWN_CERTIFICATES)
async def list_own_certificates(call: Call, query: TrainingListQuery) -> Page[OwnCertificateView]:
    """List the certificates of the owner who asks, the latest first; each is printed as `/certificates/{id}/paper`."""
    page = await certificates.own(call.work, query.cursor, query.limit)
    return Page([_own(call.work.vault, one) for one in page.items], page.next)


@training_certificates.get(
    "/certificates/{certificate_id}/paper",
    Action.PRINT_CERTIFICATE,
    refusals=(Absent,),
    media={certificate_paper.PDF: None},
)
async def print_certificate(call: Call, certificate_id: UUID) -> Content:
    """Print a certificate; its QR code leads to a page that says to everybody whether it is true."""
    found = await certificates.show(call.work, certificate_id)
    region = await certificate_store.region_name(call.work.session, found.row.region)
    code = certificates.code_of(call.work.vault, found.row.number)
    address = f"{call.public_url}/registration/certificate-pages/{code}"
    paper = await asyncio.to_thread(certificate_paper.draw, found, region, address, call.work.now)
    return Content(paper, certificate_paper.PDF, saved_as(f"{found.row.number}.pdf", shown_at_once=True))


@training_certificates.post(
    "/certificates/{certificate_id}/revocation",
    Action.ISSUE_CERTIFICATES,
    refusals=(Absent, AlreadyRevoked),
)
async def revoke_certificate(call: Call, certificate_id: UUID, body: Reason) -> CertificateView:
    """Say that a certificate does not count any more; its number stays taken, and its page says so."""
    return view(call.work.vault, await certificates.revoke(call.work, certificate_id, body.reason))


@training_certificates.get(
    "/certificate-pages/{code}",
    Action.VERIFY_CERTIFICATE,
    media={HTML: None, JSON: PublicCertificate},
    per_minute=PUBLIC_PAGES_PER_MINUTE,
)
async def verify_certificate(call: Call, code: str) -> Content | PublicCertificate:
    """Say whether a certificate is true: a page for people, or JSON for who accepts that and no page."""
    found = await certificates.verified(call.work, code)
    if asks_for_page(call.accept):
        return certificate_page.page(found)
    if found is None:
        raise Absent
    return found


def _own(vault: Vault, found: Certified) -> OwnCertificateView:
    row, training = found.row, found.training
    return OwnCertificateView(
        id=row.id,
        number=row.number,
        programme=training.programme,
        title=training.title,
        starts_on=training.starts_on,
        ends_on=training.ends_on,
        business_id=found.holder.business_id,
        business_name=found.holder.business,
        attended=row.attended,
        held=row.held,
        issued_at=shown(row.issued_at),
        state=CertificateState.REVOKED if row.revoked_at else CertificateState.VALID,
        revoked_at=shown(row.revoked_at) if row.revoked_at else None,
        revoke_reason=row.revoke_reason,
        code=certificates.code_of(vault, row.number),
    )


def view(vault: Vault, found: Certified) -> CertificateView:
    """Show a certificate."""
    row = found.row
    return CertificateView(
        id=row.id,
        number=row.number,
        training_id=row.training_id,
        enrolment_id=row.enrolment_id,
        business_id=found.holder.business_id,
        business_name=found.holder.business,
        holder=found.holder.owner,
        attended=row.attended,
        held=row.held,
        issued_at=shown(row.issued_at),
        revoked_at=shown(row.revoked_at) if row.revoked_at else None,
        revoke_reason=row.revoke_reason,
        code=certificates.code_of(vault, row.number),
        version=row.version,
    )
