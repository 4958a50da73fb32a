"""The HTTP face of personal data: reveal with a reason, who looked, and family cards."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from services.registration.businesses.domain import OwnerErased, OwnerRestricted
from services.registration.businesses.store import OwnerRow
from services.registration.people import handlers, rights
from services.registration.people.domain import (
    KkUnchanged,
    LegalHold,
    NothingToReveal,
    NotRestricted,
    RevealsUsedUp,
    Secret,
)
from services.registration.people.handlers import Card, Revealed
from services.registration.people.store import RevealRow
from shared.clock import shown
from shared.problems import Absent, Forbidden
from shared.roles import Action
from shared.routes import PAGE_ITEMS_DEFAULT, Call, Cursor, Limit, Page, Routes, Text

routes = Routes("/registration", tag="Personal data")

Reason = Annotated[Text, Meta(examples=["The bank asks for the NIK of who is paid"])]
Kk = Annotated[str, Meta(max_length=100, extra_json_schema={"pattern": "^[0-9]{16}$"})]
Actor = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[ -~]+$(?!\n)")]


class Reveal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody needs to see unmasked, and why."""

    field: Secret
    reason: Reason


class ChangeKk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The number of the family card that a person is on, and since which local day; since today when none is told."""

    kk: Kk
    since: date | None = None


class Why(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why this is done: what the person asked for and when, or the ground in law."""

    reason: Annotated[Text, Meta(examples=["Asked for by letter of 14 September 2020"])]


class RevealQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose data was looked at, and by whom."""

    owner_id: UUID | None = None
    actor: Actor | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class OwnRevealsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stretch of a list is asked for."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class SalesView(msgspec.Struct, frozen=True, kw_only=True):
    """The annual sales of a business, and the day that they are of."""

    business_id: UUID
    name: str
    annual_sales_rupiah: int
    annual_sales_on: date | None


class RevealedView(msgspec.Struct, frozen=True, kw_only=True):
    """What was revealed: a number, or the annual sales of each business; and how often you may look again today."""

    id: UUID
    owner_id: UUID
    field: Secret
    number: str | None
    annual_sales: list[SalesView]
    reason: str
    revealed_at: datetime
    left_today: int


class RevealView(msgspec.Struct, frozen=True, kw_only=True):
    """Who looked at what of whom, when and why; never what they saw."""

    id: UUID
    owner_id: UUID
    field: Secret
    actor: str
    role: str
    reason: str
    revealed_at: datetime


class KkView(msgspec.Struct, frozen=True, kw_only=True):
    """A family card with its number masked; `until` is null while it holds.

    Shape:  `same_card` are other owners of your regions who are on it now, of the card that holds
    """

    id: UUID
    owner_id: UUID
    kk: str
    since: date
    until: date | None
    recorded_at: datetime
    recorded_by: str
    same_card: list[UUID]


class PersonView(msgspec.Struct, frozen=True, kw_only=True):
    """A person by their id alone, and since when their data are only stored, if they are."""

    id: UUID
    region: str
    restricted_at: datetime | None


class ErasureView(msgspec.Struct, frozen=True, kw_only=True):
    """The protocol of an erasure: how many rows of which table; it names nobody, and is all that is kept of it."""

    id: UUID
    erased_at: datetime
    reason: str
    counts: dict[str, int]


@routes.post(
    "/owners/{owner_id}/reveal",
    allow=Action.REVEAL,
    refusals=(Absent, Forbidden, NothingToReveal, OwnerErased, OwnerRestricted, RevealsUsedUp),
    private=True,
)
async def reveal(call: Call, owner_id: UUID, body: Reveal) -> RevealedView:
    """Reveal what stands masked of a person; that you looked, at what and why, is on record for them and auditors."""
    return _revealed_view(await handlers.reveal(call.work, owner_id, body.field, body.reason))


@routes.get("/reveals", allow=Action.SEE_REVEALS)
async def list_reveals(call: Call, query: RevealQuery) -> Page[RevealView]:
    """List who looked at what of the people of your regions, the latest first."""
    page = await handlers.reveals(call.work, query.owner_id, query.actor, query.cursor, query.limit)
    return Page([_reveal_view(row) for row in page.items], page.next)


@routes.get("/my/reveals", allow=Action.SEE_OWN_REVEALS)
async def list_own_reveals(call: Call, query: OwnRevealsQuery) -> Page[RevealView]:
    """List who looked at which of your own data, the latest first."""
    page = await handlers.own_reveals(call.work, query.cursor, query.limit)
    return Page([_reveal_view(row) for row in page.items], page.next)


@routes.post(
    "/owners/{owner_id}/kk",
    allow=Action.CHANGE_KK,
    refusals=(Absent, KkUnchanged, OwnerErased, OwnerRestricted),
    rules=handlers.kk_mistakes,
)
async def change_kk(call: Call, owner_id: UUID, body: ChangeKk) -> KkView:
    """Record the family card that a person is on now; the one before is kept with its days."""
    return _kk_view(await handlers.change_kk(call.work, owner_id, body.kk, body.since))


@routes.get("/owners/{owner_id}/kk", allow=Action.SEE_KK, refusals=(Absent, OwnerErased))
async def list_kk(call: Call, owner_id: UUID) -> Page[KkView]:
    """List the family cards of a person with their days, the one that holds now first; their numbers are masked."""
    return Page([_kk_view(card) for card in await handlers.cards(call.work, owner_id)])


@routes.post(
    "/owners/{owner_id}/restriction",
    allow=Action.RESTRICT_PERSON,
    refusals=(Absent, OwnerErased, OwnerRestricted),
)
async def restrict_person(call: Call, owner_id: UUID, body: Why) -> PersonView:
    """Let the data of a person only be stored: nobody is shown them or writes to them, and nothing of them changes."""
    return _person_view(await rights.restrict(call.work, owner_id, body.reason))


@routes.post(
    "/owners/{owner_id}/release",
    allow=Action.RESTRICT_PERSON,
    refusals=(Absent, OwnerErased, NotRestricted),
)
async def release_person(call: Call, owner_id: UUID, body: Why) -> PersonView:
    """Lift the restriction of a person's data."""
    return _person_view(await rights.release(call.work, owner_id, body.reason))


@routes.post("/owners/{owner_id}/erasure", allow=Action.ERASE_PERSON, refusals=(Absent, OwnerErased, LegalHold))
async def erase_person(call: Call, owner_id: UUID, body: Why) -> ErasureView:
    """Erase a person for good: keys, names and ways to reach them; what was received and paid stays without them."""
    act = (await rights.erase(call.work, owner_id, body.reason)).act
    return ErasureView(id=act.id, erased_at=shown(act.at), reason=act.reason, counts=act.counts)


def _person_view(row: OwnerRow) -> PersonView:
    return PersonView(
        id=row.id, region=row.region, restricted_at=shown(row.restricted_at) if row.restricted_at else None
    )


def _revealed_view(found: Revealed) -> RevealedView:
    return RevealedView(
        id=found.row.id,
        owner_id=found.row.owner_id,
        field=Secret(found.row.field),
        number=found.number,
        annual_sales=[
            SalesView(business_id=row.id, name=row.name, annual_sales_rupiah=sales, annual_sales_on=row.annual_sales_on)
            for row, sales in found.sales
        ],
        reason=found.row.reason,
        revealed_at=shown(found.row.at),
        left_today=found.left_today,
    )


def _reveal_view(row: RevealRow) -> RevealView:
    return RevealView(
        id=row.id,
        owner_id=row.owner_id,
        field=Secret(row.field),
        actor=row.actor,
        role=row.role,
        reason=row.reason,
        revealed_at=shown(row.at),
    )


def _kk_view(card: Card) -> KkView:
    row = card.row
    return KkView(
        id=row.id,
        owner_id=row.owner_id,
        kk=card.kk,
        since=row.since,
        until=row.until,
        recorded_at=shown(row.recorded_at),
        recorded_by=row.recorded_by,
        same_card=list(card.same_card),
    )
