"""What is done about personal data over HTTP: reveal with a reason, say who looked, keep family cards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.registration.businesses import sealing as businesses
from services.registration.businesses.domain import check_open
from services.registration.businesses.store import BusinessRow, OwnerRow, Wanted, lock_owner, owner_seen
from services.registration.businesses.store import businesses as businesses_of
from services.registration.people import domain, sealing, store
from services.registration.people.domain import (
    NEEDS,
    REVEALS_PER_DAY,
    KkUnchanged,
    NothingToReveal,
    RevealsUsedUp,
    Secret,
)
from services.registration.people.store import OwnerKkRow, RevealRow
from shared import cursor
from shared.clock import seconds_until_midnight, wib_day
from shared.database import Work
from shared.privacy import mask_kk
from shared.problems import Absent, FieldError, Invalid
from shared.roles import demand
from shared.routes import Page

BUSINESSES_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealed:
    """What was revealed, the record of it, and how often the caller may look again today."""

    row: RevealRow
    left_today: int
    number: str | None = None
    sales: Sequence[tuple[BusinessRow, int]] = ()

    def __repr__(self) -> str:
        return "Revealed(...)"  # nothing personal reaches a log by way of a traceback


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A family card with its number masked, and who else is on it now."""

    row: OwnerKkRow
    kk: str
    same_card: Sequence[UUID] = field(default_factory=tuple)


async def reveal(work: Work, owner_id: UUID, secret: Secret, reason: str) -> Revealed:
    """Tell what stands behind a mask, once it is on record who asked, for whom and why.

    Raises: Absent (404), Forbidden (403) where the field takes another right, NothingToReveal, OwnerErased and
            OwnerRestricted (409), RevealsUsedUp (429) until midnight in WIB
    """
    demand(work.caller, NEEDS[secret])
    person = await _seen(work, owner_id)
    check_open(person.restricted_at, person.erased_at)
    number, sales = await _opened(work, person, secret)
    if number is None and not sales:
        raise NothingToReveal
    day = wib_day(work.now)
    number_of_today = await store.looks(work.session, work.caller.subject, day) + 1
    if number_of_today > REVEALS_PER_DAY:
        wait = seconds_until_midnight(work.now)
        detail = f"{REVEALS_PER_DAY} a day; the next day begins in {wait} seconds."
        raise RevealsUsedUp(detail, headers={"Retry-After": str(wait)}, limit=REVEALS_PER_DAY)
    row = RevealRow(
        id=work.new_id(),
        owner_id=owner_id,
        region=person.region,
        field=secret,
        actor=work.caller.subject,
        role=work.caller.role,
        reason=reason,
        day=day,
        no=number_of_today,
        at=work.now,
    )
    work.session.add(row)
    await work.session.flush()
    return Revealed(row=row, left_today=REVEALS_PER_DAY - number_of_today, number=number, sales=sales)


async def _opened(work: Work, person: OwnerRow, secret: Secret) -> tuple[str | None, Sequence[tuple[BusinessRow, int]]]:
    match secret:
        case Secret.NIK:
            return (await businesses.niks(work.session, work.vault, [person])).get(person.id), ()
        case Secret.KK:
            current = [card for card in await store.cards(work.session, person.id) if card.until is None]
            numbers = await sealing.kks(work.session, work.vault, current)
            return (numbers[0] or None) if numbers else None, ()
        case Secret.ANNUAL_SALES:
            wanted = Wanted(owner_id=person.id)
            rows = await businesses_of(work.session, wanted, work.caller.regions, None, BUSINESSES_MAX)
            known = await businesses.annual_sales(work.session, work.vault, rows)
            return None, [(row, known[row.id]) for row in rows if row.id in known]


async def _seen(work: Work, owner_id: UUID) -> OwnerRow:
    person = await owner_seen(work.session, owner_id, work.caller.regions)
    if person is None:
        raise Absent
    check_open(None, person.erased_at)
    return person


async def reveals(
    work: Work, owner_id: UUID | None, actor: str | None, after: str | None, limit: int
) -> Page[RevealRow]:
    """List who looked at what of the people of the caller's regions, the latest first."""
    beyond = cursor.decode(after, tuple[UUID])[0] if after else None
    rows = await store.reveals(
        work.session, regions=work.caller.regions, owner_id=owner_id, actor=actor, before=beyond, limit=limit + 1
    )
    return cursor.page(rows, limit, lambda row: row, lambda row: (row.id,))


async def own_reveals(work: Work, after: str | None, limit: int) -> Page[RevealRow]:
    """List who looked at what of the owner who asks, the latest first."""
    try:
        owner_id = UUID(work.caller.subject)
    except ValueError:
        return Page([])
    beyond = cursor.decode(after, tuple[UUID])[0] if after else None
    rows = await store.reveals(work.session, owner_id=owner_id, before=beyond, limit=limit + 1)
    return cursor.page(rows, limit, lambda row: row, lambda row: (row.id,))


async def kk_mistakes(work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Find everything wrong with a new family card beside its shape."""
    return domain.kk_mistakes(leaves, wib_day(work.now))


async def change_kk(work: Work, owner_id: UUID, kk: str, since: date | None) -> Card:
    """Record the family card that a person is on now; the one before is kept, and ends where this begins.

    Raises: Absent (404), Invalid (422), KkUnchanged, OwnerErased and OwnerRestricted (409)
    """
    day = since or wib_day(work.now)
    if errors := domain.kk_mistakes({"/kk": kk, "/since": day}, wib_day(work.now)):
        raise Invalid(errors)
    await _seen(work, owner_id)
    person = await lock_owner(work.session, owner_id)  # cards of a person change one after another
    check_open(person.restricted_at, person.erased_at)
    known = await store.cards(work.session, owner_id)
    current = next((card for card in known if card.until is None), None)
    row_id = work.new_id()
    sealed, index = await sealing.seal_kk(work.session, work.vault, row_id, owner_id, kk)
    if current is not None and (await sealing.kks(work.session, work.vault, [current])) == [kk]:
        raise KkUnchanged
    if errors := domain.follows(day, current.since if current else None):
        raise Invalid(errors)
    if current is not None:
        current.until = day
        await work.session.flush()
    row = OwnerKkRow(
        id=row_id,
        owner_id=owner_id,
        kk_sealed=sealed,
        kk_index=index,
        since=day,
        recorded_at=work.now,
        recorded_by=work.caller.subject,
    )
    work.session.add(row)
    await work.session.flush()
    return Card(row=row, kk=mask_kk(kk), same_card=await _same_card(work, row))


async def cards(work: Work, owner_id: UUID) -> list[Card]:
    """Give the family cards of a person of the caller's regions, the one that holds now first.

    Raises: Absent (404), OwnerErased (409)
    """
    await _seen(work, owner_id)
    rows = await store.cards(work.session, owner_id)
    numbers = await sealing.kks(work.session, work.vault, rows)
    current = next((row for row in rows if row.until is None), None)
    others = await _same_card(work, current) if current else []
    return [
        Card(row=row, kk=mask_kk(number), same_card=others if row is current else ())
        for row, number in zip(rows, numbers, strict=True)
    ]


async def _same_card(work: Work, row: OwnerKkRow) -> list[UUID]:
    (kk,) = await sealing.kks(work.session, work.vault, [row])
    indexes = work.vault.indexes(kk, sealing.KK.kind)
    return await store.same_card(work.session, row.owner_id, indexes, work.caller.regions)
