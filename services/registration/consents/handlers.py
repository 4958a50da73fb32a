"""What is done about consent: record what an owner said, and show what holds."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.registration.businesses.domain import check_open
from services.registration.consents import domain, store
from services.registration.consents.domain import Act
from services.registration.consents.store import ConsentActRow
from shared import cursor
from shared.caller import Role
from shared.contracts.registration import ConsentChanged
from shared.database import Work
from shared.problems import Absent, Invalid
from shared.routes import Page


async def record(work: Work, owner_id: UUID, act: Act) -> ConsentActRow:
    """Record that an owner agreed to a text or took that back, under the owner's lock.

    Raises: Absent (404), Invalid (422) with every mistake, ConsentNotGiven and ConsentOvertaken (409)
    """
    await _check_seen(work, owner_id)
    if errors := domain.mistakes(act, work.now):
        raise Invalid(errors)
    person = await store.lock_owner(work.session, owner_id)
    if person is None:
        raise Absent
    # What was given may always be taken back.
    check_open(person.restricted_at if act.given else None, person.erased_at)
    before = await store.last(work.session, owner_id, act.kind.value)
    domain.follow(None if before is None else (before.given, before.happened_at), act)
    row = ConsentActRow(
        id=work.new_id(),
        owner_id=owner_id,
        kind=act.kind.value,
        no=1 if before is None else before.no + 1,
        given=act.given,
        how=act.how.value,
        proof=act.proof,
        witness=act.witness,
        happened_at=act.happened_at,
        recorded_at=work.now,
        recorded_by=work.caller.subject,
        role=work.caller.role.value,
    )
    if act.text_id is not None and act.text_version is not None and act.language is not None:
        shown = domain.texts()[act.text_id, act.text_version]
        row.text_id, row.text_version, row.text_language = shown.id, shown.version, act.language
        row.text_hash = shown.digest(act.language)
    work.session.add(row)
    await work.session.flush()
    work.record(
        ConsentChanged(
            owner_id=owner_id,
            region=person.region,
            kind=row.kind,
            given=row.given,
            text_id=row.text_id,
            text_version=row.text_version,
            happened_at=row.happened_at,
        ),
        region=person.region,
    )
    return row


async def current(work: Work, owner_id: UUID) -> Sequence[ConsentActRow]:
    """Give what holds of each kind that an owner ever said anything of. Raises: Absent (404)."""
    await _check_seen(work, owner_id)
    return await store.current(work.session, owner_id)


async def history(work: Work, owner_id: UUID, after: str | None, limit: int) -> Page[ConsentActRow]:
    """Give all that an owner has said, the latest first. Raises: Absent (404)."""
    await _check_seen(work, owner_id)
    beyond = cursor.decode(after, tuple[datetime, UUID]) if after else None
    rows = await store.acts(work.session, owner_id, beyond, limit + 1)
    return cursor.page(rows, limit, lambda row: row, lambda row: (row.recorded_at, row.id))


def own_id(work: Work) -> UUID:
    """Give the id of the owner who asks; raises Absent (404) for one who is not registered here."""
    try:
        return UUID(work.caller.subject)
    except ValueError:
        raise Absent from None


async def _check_seen(work: Work, owner_id: UUID) -> None:
    known = await store.regions_of(work.session, owner_id)
    own = work.caller.role is Role.OWNER and work.caller.subject == str(owner_id)
    if not known or not (own or any(work.caller.sees(region) for region in known)):
        raise Absent
