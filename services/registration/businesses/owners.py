"""The owner of a business: found by id or by NIK, made when nobody is known, changed."""

from collections.abc import Mapping
from typing import NoReturn
from uuid import UUID

from services.registration.businesses import domain, sealing, store
from services.registration.businesses.domain import NikBelongsToAnother, Notice, OwnerData
from services.registration.businesses.sealing import Purpose
from services.registration.businesses.store import OwnerRow
from services.registration.contact_tasks import handlers as contact_tasks
from shared.contracts.registration import OwnerChanged, OwnerRegistered
from shared.database import Work


async def of_registration(
    work: Work, owner: OwnerData | UUID | None, region: str, new_id: UUID
) -> tuple[OwnerRow, list[Notice]]:
    """Give the owner that a registration names, making a new one with `new_id` when the NIK is not known.

    Raises: NikBelongsToAnother (409), which says nothing of whose it is, nor where
    """
    if isinstance(owner, UUID):
        person = await store.owner_seen(work.session, owner, work.caller.regions)
        return person or _vanished(owner), []
    if owner is None:
        raise LookupError("a registration without an owner was let through")
    notices = domain.nik_notices(owner.nik, region) if owner.nik else []
    known = await _by_nik(work, owner.nik)
    if known is None:
        made = await _register(work, owner, region, new_id)
        if made is not None:
            return made, notices
        # A racing registration of the same NIK was first; it has committed, or we would still wait for it.
        known = await _by_nik(work, owner.nik) or _vanished(new_id)
    if not domain.names_agree(known.name, owner.name):
        detail = "Check both; a name that was written wrongly is corrected where it was registered."
        raise NikBelongsToAnother(detail).of(known.id)
    return known, [*notices, *_kept(known, owner)]


async def _by_nik(work: Work, nik: str | None) -> OwnerRow | None:
    if not nik:
        return None
    # Keys may be rotated meanwhile, and one index does not know of the other: whoever asks for a NIK does so alone.
    await store.lock_value(work.session, work.vault.lock(nik, "nik"))
    return await store.owner_by_nik(work.session, work.vault.indexes(nik))


async def _register(work: Work, owner: OwnerData, region: str, owner_id: UUID) -> OwnerRow | None:
    key = sealing.new_key(work.vault, owner_id, Purpose.IDENTITY)
    person = OwnerRow(
        id=owner_id,
        name=owner.name,
        nik_sealed=sealing.seal_nik(key, owner_id, owner.nik) if owner.nik else None,
        nik_index=work.vault.index(owner.nik) if owner.nik else None,
        phone=domain.e164(owner.phone) if owner.phone else None,
        email=owner.email,
        language=owner.language,
        region=region,
        registered_at=work.now,
    )
    if not await store.add_owner(work.session, person):
        return None
    await sealing.keep(work.session, owner_id, Purpose.IDENTITY, key)
    work.record(_event(OwnerRegistered, person), region=region)
    return person


def _kept(known: OwnerRow, owner: OwnerData) -> list[Notice]:
    """Say that the owner was known, and which contact data was therefore not taken over."""
    told = {"phone": domain.e164(owner.phone) if owner.phone else None, "email": owner.email}
    return [
        Notice("/owner/nik", "owner_known", "This owner is registered already; the business was added to theirs."),
        *(
            Notice(
                f"/owner/{name}", "contact_kept", "Other contact data is known; a change of the business changes it."
            )
            for name, value in told.items()
            if value is not None and value != getattr(known, name)
        ),
    ]


async def change(work: Work, person: OwnerRow, changes: Mapping[str, object], moved_to: str) -> bool:
    """Set what is now known of an owner; tells whether anything is new.

    Shape:  fields of OwnerData by name; `moved_to` is the region of the business by which they are changed
    Raises: NikBelongsToAnother (409)
    """
    if nik := changes.get("nik"):
        await _change_nik(work, person, str(nik))
    for name in ("name", "email", "language"):
        if name in changes:
            setattr(person, name, changes[name])
    if "phone" in changes:
        phone = domain.e164(str(changes["phone"])) if changes["phone"] else None
        if phone != person.phone:
            await contact_tasks.correct(work, person.id)
        person.phone = phone
    # Whose only business moves has moved with it, so that the new region's office can reach them.
    if person.region != moved_to and await store.sole_business(work.session, person.id):
        person.region = moved_to
    return work.session.is_modified(person)


async def _change_nik(work: Work, person: OwnerRow, nik: str) -> None:
    known = await _by_nik(work, nik)
    if known is not None and known.id != person.id:
        raise NikBelongsToAnother
    if known is not None:
        return
    index = work.vault.index(nik)
    key = await sealing.key(work.session, work.vault, person.id, Purpose.IDENTITY)
    person.nik_sealed, person.nik_index = sealing.seal_nik(key, person.id, nik), index


def record_change(work: Work, person: OwnerRow) -> None:
    """Record that the ways to reach an owner are now these."""
    work.record(_event(OwnerChanged, person), region=person.region)


def _event(kind: type[OwnerRegistered] | type[OwnerChanged], person: OwnerRow) -> OwnerRegistered | OwnerChanged:
    return kind(
        owner_id=person.id,
        name=person.name,
        region=person.region,
        language=person.language,
        phone=person.phone,
        email=person.email,
    )


def _vanished(owner_id: UUID) -> NoReturn:
    raise LookupError(f"owner {owner_id} was found a moment ago and is gone")
