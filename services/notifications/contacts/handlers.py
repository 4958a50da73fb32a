"""What contacts does: learn people from events, take staff from the office, and say whom a fact concerns."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from services.notifications.contacts import store
from services.notifications.contacts.domain import circles
from services.notifications.people import OWNER_PREFIX, STAFF_PREFIX, Language, Person
from shared.caller import Caller, Role, regions_fault
from shared.consumer import NotYet
from shared.contracts.registration import (
    BusinessChanged,
    BusinessClosed,
    BusinessRegistered,
    OwnerChanged,
    OwnerRegistered,
)
from shared.database import Work
from shared.problems import FieldError, Invalid, Refusal


class SubjectTaken(Refusal):
    """The subject belongs to a member of staff of another region."""

    code = "subject_taken"
    title = "This subject belongs to somebody else"


async def learn_owner(work: Work, event: OwnerRegistered | OwnerChanged) -> None:
    """Keep how an owner can be reached."""
    row = store.ContactRow(
        owner_id=event.owner_id,
        name=event.name,
        phone=event.phone,
        email=event.email,
        language=_spoken(event.language),
        region=event.region,
        changed_at=work.now,
    )
    await store.save_contact(work.session, row)


async def learn_business(work: Work, event: BusinessRegistered | BusinessChanged) -> None:
    """Keep whose a business is."""
    row = store.ContactBusinessRow(
        business_id=event.business_id,
        owner_id=event.owner_id,
        name=event.name,
        region=event.region,
        changed_at=work.now,
    )
    await store.save_business(work.session, row)


async def end_business(work: Work, event: BusinessClosed) -> None:
    """Keep that a business has closed."""
    await store.end_business(work.session, event.business_id, work.now)


async def owners_of(work: Work, business_ids: Sequence[UUID]) -> list[Person]:
    """Give the owner of each business, once, with those of the businesses that are theirs.

    Raises: NotYet while a business or its owner is still unknown here
    """
    if not business_ids:
        return []
    found = await store.businesses(work.session, business_ids)
    if unknown := set(business_ids) - {business.business_id for business in found}:
        raise NotYet(f"business {min(unknown)} is not known yet")
    theirs: dict[UUID, list[str]] = defaultdict(list)
    for business in found:
        theirs[business.owner_id].append(business.name)
    people = await store.owners(work.session, theirs)
    if strangers := theirs.keys() - people.keys():
        raise NotYet(f"owner {min(strangers)} is not known yet")
    return [
        Person(people[owner].key, people[owner].language, people[owner].email, tuple(names))
        for owner, names in theirs.items()
    ]


async def office_of(work: Work, region: str) -> list[Person]:
    """Give the officers of a region and the staff of the province around it."""
    return await store.office(work.session, circles(region))


async def keepers_of(work: Work, region: str) -> list[Person]:
    """Give the staff of the very office whose stock this is."""
    return await store.office(work.session, [region])


async def known(work: Work, keys: Iterable[str]) -> dict[str, Person]:
    """Give the people of these keys as they are now; whoever is not known any more is left out."""
    wanted = list(keys)
    subjects = [key.removeprefix(STAFF_PREFIX) for key in wanted if key.startswith(STAFF_PREFIX)]
    ids = [UUID(key.removeprefix(OWNER_PREFIX)) for key in wanted if key.startswith(OWNER_PREFIX)]
    people = [*(await store.owners(work.session, ids)).values(), *(await store.staff(work.session, subjects)).values()]
    return {person.key: person for person in people}


async def staff_name(work: Work, subject: str) -> str | None:
    """Give the name of a member of staff, or None for a subject that nobody was registered under."""
    row = await store.staff_member(work.session, subject)
    return row.name if row else None


async def register_staff(work: Work, caller: Caller, row: store.StaffMemberRow) -> store.StaffMemberRow:
    """Keep a member of staff; the same subject again replaces what was known.

    Raises: Invalid (422) for regions that are not the caller's or do not fit the role; SubjectTaken (409)
    """
    errors = [
        FieldError(f"/regions/{index}", "unknown_region", "No such region.")
        for index, region in enumerate(row.regions)
        if not caller.sees(region)
    ]
    if not errors and (fault := regions_fault(Role(row.role), row.regions)):
        errors = [FieldError("/regions", "role_mismatch", fault)]
    if errors:
        raise Invalid(errors)
    before = await store.staff_member(work.session, row.subject)
    if before is not None and not any(caller.sees(region) for region in before.regions):
        raise SubjectTaken(f"{row.subject} cannot be registered here.")
    row.changed_at = work.now
    await store.save_staff(work.session, row)
    return row


def _spoken(language: str) -> Language:
    """Give a language that the texts exist in: Indonesian for whatever else registration may know one day."""
    return Language.ENGLISH if language == Language.ENGLISH else Language.INDONESIAN
