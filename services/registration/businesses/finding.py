"""Finding a business as a clerk does: by what they type, or by the NIK on the card before them."""

from dataclasses import replace
from uuid import UUID

from services.registration.businesses import handlers, lookups, searching, store
from services.registration.businesses.handlers import Found
from services.registration.businesses.store import Wanted
from shared import cursor
from shared.database import Work
from shared.person_numbers import nik_fault
from shared.problems import FieldError, Invalid
from shared.roles import Action, allowed
from shared.routes import Page


async def find(work: Work, typed: str | None, wanted: Wanted, after: str | None, limit: int) -> Page[Found]:
    """Give the businesses of the caller's regions that answer what was typed, the best first; without it, all.

    Raises: Invalid (422) at /query/q, code `nik_in_address`, for what may be a NIK
    """
    if typed is None:
        return await handlers.businesses(work, wanted, after, limit)
    if searching.is_nik(typed):
        detail = "A NIK has no place in an address; POST it to /registration/businesses/search."
        raise Invalid([FieldError("/query/q", "nik_in_address", detail)])
    return await _ranked(work, typed, wanted, after, limit)


async def search(
    work: Work, nik: str | None, typed: str | None, wanted: Wanted, after: str | None, limit: int
) -> Page[Found]:
    """Give the businesses of the person with this NIK, or what `find` gives, for a question that comes in a body.

    The NIK is compared by its keyed index and neither stored, told again, nor written to any log; that the caller
    looked, and who was found, is on record.
    Raises: Invalid (422), NikLookupsUsedUp (429)
    """
    if nik is None:
        if typed is not None and searching.is_nik(typed):
            raise Invalid([FieldError("/q", "nik_in_text", "Give a NIK as `nik`.")])
        return await find(work, typed, wanted, after, limit)
    if fault := nik_fault(nik):
        raise Invalid([FieldError("/nik", "invalid_nik", fault)])
    person = await store.owner_by_nik(work.session, work.vault.indexes(nik))
    await lookups.note(work, person)
    if person is None:
        return Page([])
    return await find(work, typed, replace(wanted, owner_id=person.id), after, limit)


async def _ranked(work: Work, typed: str, wanted: Wanted, after: str | None, limit: int) -> Page[Found]:
    beyond = cursor.decode(after, tuple[int, UUID]) if after else None
    phones = allowed(Action.SEE_CONTACTS, work.caller.role)
    asked = searching.question(typed, await searching.folded(work.session, typed), phones=phones)
    if asked.empty:
        return Page([])
    rows = await searching.matching(work.session, asked, wanted, work.caller.regions, beyond, limit + 1)
    found = await handlers.found_all(work, [row for row, _ in rows])
    pairs = list(zip(found, (rank for _, rank in rows), strict=True))
    return cursor.page(pairs, limit, lambda one: one[0], lambda one: (one[1], one[0].business.id))
