"""What contacts does: learn people from events, take staff from the office, and say whom a fact concerns."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from services.notifications.addresses import receiver, service_of
from services.notifications.contacts import preference_store, store
from services.notifications.contacts.domain import ERASED_NAME, circles, spoken
from services.notifications.people import OWNER_PREFIX, STAFF_PREFIX, Person, owner_key, staff_key
from shared.caller import Caller, Role, regions_fault
from shared.consumer import Heard, NotYet
from shared.contracts.registration import (
    BusinessChanged,
    BusinessClosed,
    BusinessMerged,
    BusinessRegistered,
    ConsentChanged,
    OwnerChanged,
    OwnerRegistered,
    PersonErased,
    PersonReleased,
    PersonRestricted,
)
from shared.database import Work
from shared.privacy import Vault
from shared.problems import FieldError, Invalid, Refusal

CONTACT = "contact_by_phone"
"""The kind of consent that messages rest on."""

APPRISE: Final = "apprise address"
"""For what the addresses of Apprise are sealed."""


class SubjectTaken(Refusal):
    """The subject belongs to a member of staff of another region."""

    code = "subject_taken"
    title = "This subject belongs to somebody else"


async def learn_owners(work: Work, run: Sequence[Heard[OwnerRegistered | OwnerChanged]]) -> None:
    """Keep how owners can be reached."""
    rows = [
        store.ContactRow(
            owner_id=event.owner_id,
            name=event.name,
            phone=event.phone,
            email=event.email,
            language=spoken(event.language),
            region=event.region,
            changed_at=work.now,
        )
        for event in (one.event for one in run)
    ]
    await store.save_contacts(work.session, rows)


async def learn_businesses(work: Work, run: Sequence[Heard[BusinessRegistered | BusinessChanged]]) -> None:
    """Keep whose businesses are."""
    rows = [
        store.ContactBusinessRow(
            business_id=event.business_id,
            owner_id=event.owner_id,
            name=event.name,
            region=event.region,
            sector=event.sector,
            changed_at=work.now,
        )
        for event in (one.event for one in run)
    ]
    await store.save_businesses(work.session, rows)


async def learn_consents(work: Work, run: Sequence[Heard[ConsentChanged]]) -> None:
    """Keep whether owners let themselves be contacted; what else they agreed to is no matter of messages."""
    rows = [
        store.ContactConsentRow(owner_id=event.owner_id, given=event.given, changed_at=work.now)
        for event in (one.event for one in run)
        if event.kind == CONTACT
    ]
    if rows:
        await store.save_consents(work.session, rows)


async def end_businesses(work: Work, run: Sequence[Heard[BusinessClosed | BusinessMerged]]) -> None:
    """Keep that businesses have closed, or were merged into others."""
    await store.end_businesses(work.session, [one.event.business_id for one in run], work.now)


async def restrict(work: Work, event: PersonRestricted) -> None:
    """Write to an owner no more, until they are released."""
    await store.hold(work.session, event.owner_id, "restricted", work.now)


async def release(work: Work, event: PersonReleased) -> None:
    """Write to an owner again."""
    await store.let_go(work.session, event.owner_id)


async def erase(work: Work, event: PersonErased) -> None:
    """Forget an owner, but for their id: what was told to them is found by it, and nobody writes to them any more."""
    forgotten = store.ContactRow(
        owner_id=event.owner_id,
        name=ERASED_NAME,
        phone=None,
        email=None,
        language=spoken(""),
        region=event.region,
        changed_at=work.now,
    )
    await store.save_contacts(work.session, [forgotten])
    await store.hold(work.session, event.owner_id, "erased", work.now)
    await preference_store.forget(work.session, owner_key(event.owner_id))


async def stop(work: Work, person: str, at: datetime) -> None:
    """Write to a person over no channel from now on, whatever it is; also what is queued is not sent any more."""
    await preference_store.say(work.session, person, work.caller.subject, work.now, stopped_at=at)


async def start(work: Work, person: str, at: datetime) -> None:
    """Write to a person again as they chose before, unless they said STOP after that moment."""
    await preference_store.say(work.session, person, work.caller.subject, work.now, started_at=at)


async def owners_of(work: Work, named: Sequence[Sequence[UUID]]) -> list[list[Person]]:
    """Give for each list of businesses their owners, each once, with those of these businesses that are theirs.

    Raises: NotYet while a business or its owner is still unknown here
    """
    wanted = {business_id for businesses in named for business_id in businesses}
    known = await store.businesses(work.session, wanted) if wanted else {}
    if unknown := wanted - known.keys():
        raise NotYet(f"business {min(unknown)} is not known yet")
    if strangers := {business.owner_id for business in known.values() if business.owner is None}:
        raise NotYet(f"owner {min(strangers)} is not known yet")
    return [_owners({known[business_id] for business_id in businesses}) for businesses in named]


def _owners(businesses: Iterable[store.Named]) -> list[Person]:
    theirs: dict[Person, list[str]] = defaultdict(list)
    for business in sorted(businesses, key=lambda one: (one.name, one.business_id)):
        if business.owner:
            theirs[business.owner].append(business.name)
    return [replace(owner, businesses=tuple(names)) for owner, names in theirs.items()]


async def offices_of(work: Work, regions: Sequence[str], kind: str | None = None) -> list[list[Person]]:
    """Give for each region its officers and the staff of the province around it."""
    return await _serving(work, [circles(region) for region in regions], kind)


async def keepers_of(work: Work, regions: Sequence[str], kind: str | None = None) -> list[list[Person]]:
    """Give for each region the staff of the very office whose stock it is."""
    return await _serving(work, [[region] for region in regions], kind)


async def _serving(work: Work, wanted: Sequence[Sequence[str]], kind: str | None) -> list[list[Person]]:
    clerks = await store.office(work.session, {region for regions in wanted for region in regions}, kind)
    return [[clerk.person for clerk in clerks if _serves(clerk, regions)] for regions in wanted]


def _serves(clerk: store.Clerk, regions: Sequence[str]) -> bool:
    """Tell whether a fact concerns somebody: the last of the regions is the one where it is."""
    return not clerk.regions.isdisjoint(circles(regions[-1]) if clerk.subscribed else regions)


async def known(work: Work, keys: Iterable[str]) -> dict[str, Person]:
    """Give the people of these keys as they are now; whoever is not known any more is left out."""
    wanted = list(keys)
    subjects = [key.removeprefix(STAFF_PREFIX) for key in wanted if key.startswith(STAFF_PREFIX)]
    ids = [UUID(key.removeprefix(OWNER_PREFIX)) for key in wanted if key.startswith(OWNER_PREFIX)]
    owners = await store.owners(work.session, ids) if ids else {}
    staff = await store.staff(work.session, subjects) if subjects else {}
    return {person.key: person for person in (*owners.values(), *staff.values())}


async def owners_with_phone(work: Work, phone: str) -> list[store.Reached]:
    """Give the owners whom a telephone number in E.164 reaches; families share one."""
    return await store.with_phone(work.session, phone)


async def called(work: Work, keys: Iterable[str]) -> dict[str, store.Called]:
    """Give by key what owners are called, to be quoted in this transaction; whoever is not known is left out."""
    ids = [UUID(key.removeprefix(OWNER_PREFIX)) for key in keys if key.startswith(OWNER_PREFIX)]
    return {owner_key(one.owner_id): one for one in await store.called(work.session, ids)} if ids else {}


async def staff_names(work: Work, subjects: Iterable[str]) -> dict[str, str]:
    """Give the names of members of staff by subject; a subject that nobody was registered under is left out."""
    return await store.staff_names(work.session, subjects)


async def register_staff(
    work: Work,
    caller: Caller,
    row: store.StaffMemberRow,
    apprise: str | None = None,
    *,
    services: Sequence[str] = (),
) -> store.StaffMemberRow:
    """Keep a member of staff; the same subject again replaces what was known.

    Shape:  `apprise` is an address of one of the `services` that are allowed; it is kept sealed
    Raises: Invalid (422) for regions that are not the caller's or do not fit the role, or an address that is none;
            SubjectTaken (409)
    """
    errors = [
        FieldError(f"/regions/{index}", "unknown_region", "No such region.")
        for index, region in enumerate(row.regions)
        if not caller.sees(region)
    ]
    if not errors and (fault := regions_fault(Role(row.role), row.regions)):
        errors = [FieldError("/regions", "role_mismatch", fault)]
    if apprise is not None:
        errors += await _apprise_faults(apprise, services)
    if errors:
        raise Invalid(errors)
    before = await store.staff_member(work.session, row.subject)
    if before is not None and not any(caller.sees(region) for region in before.regions):
        raise SubjectTaken(f"{row.subject} cannot be registered here.")
    row.changed_at = work.now
    row.apprise_held = None if apprise is None else work.vault.hold(APPRISE, staff_key(row.subject), apprise)
    await store.save_staff(work.session, row)
    return row


async def _apprise_faults(url: str, services: Sequence[str]) -> list[FieldError]:
    if service_of(url) not in services:
        return [FieldError("/apprise_url", "service_not_set_up", "It names no service that is set up here.")]
    if await asyncio.to_thread(receiver, url, services) is None:
        return [FieldError("/apprise_url", "invalid_address", "This is no address of one receiver without options.")]
    return []


def apprise_url(vault: Vault, person: Person) -> str | None:
    """Open the address under which Apprise reaches a member of staff; None for who has none."""
    return vault.held(APPRISE, person.key, person.apprise_held) if person.apprise_held else None
