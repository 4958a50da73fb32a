"""How it is seen that contacts and their businesses are as registration told last, and whom a fact concerned."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import TextClause, text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notifications.contacts.domain import ERASED_NAME, OFFICE_ROLES, spoken
from services.notifications.contacts.handlers import CONTACT
from services.notifications.people import owner_key, staff_key
from shared.contracts.registration import (
    BusinessChanged,
    BusinessClosed,
    BusinessMerged,
    BusinessRegistered,
    ConsentChanged,
    OwnerChanged,
    OwnerRegistered,
    PersonErased,
    PersonEvent,
    PersonReleased,
    PersonRestricted,
)
from shared.effect_audit import SETTLED, Effect, EffectPages, Seen, Told, compared, seen_in

CONTACTS = text(
    "SELECT owner_id, name, phone, email, language, region FROM contact WHERE owner_id = ANY(CAST(:ids AS uuid[]))"
)
BUSINESSES = text(
    "SELECT business_id, owner_id, name, region, sector, trading FROM contact_business"
    " WHERE business_id = ANY(CAST(:ids AS uuid[]))"
)
CONSENTS = text("SELECT owner_id, given FROM contact_consent WHERE owner_id = ANY(CAST(:ids AS uuid[]))")
HOLDS = text("SELECT owner_id, kind FROM contact_hold WHERE owner_id = ANY(CAST(:ids AS uuid[]))")
HELD_AFTER: Mapping[type[PersonEvent], str | None] = {
    PersonRestricted: "restricted",
    PersonReleased: None,
    PersonErased: "erased",
}
CONTACT_PAGE = text("SELECT owner_id FROM contact WHERE owner_id > CAST(:after AS uuid) ORDER BY owner_id LIMIT :rows")
BUSINESS_PAGE = text(
    "SELECT business_id FROM contact_business WHERE business_id > CAST(:after AS uuid) ORDER BY business_id LIMIT :rows"
)
STAFF = text(
    "SELECT subject, s.regions, s.changed_at, k.subject IS NOT NULL AS subscribed FROM staff_member s"
    " LEFT JOIN subscription k USING (subject) WHERE role = ANY(CAST(:roles AS text[]))"
)
BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


async def contacts(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare how each owner can be reached with what was told last."""
    events = [(one, one.event) for one in told if isinstance(one.event, OwnerRegistered | OwnerChanged | PersonErased)]
    rows = await _rows(session, CONTACTS, [event.owner_id for _, event in events], "owner_id")
    return [Seen(one, "contact", compared(_owner(event), rows.get(event.owner_id))) for one, event in events]


def _owner(event: OwnerRegistered | OwnerChanged | PersonErased) -> dict[str, object]:
    if isinstance(event, PersonErased):
        return {"name": ERASED_NAME, "phone": None, "email": None, "region": event.region}
    return {
        "name": event.name,
        "phone": event.phone,
        "email": event.email,
        "language": spoken(event.language),
        "region": event.region,
    }


async def holds(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare to whom nobody writes with what was told last."""
    events = [(one, one.event) for one in told if isinstance(one.event, PersonEvent)]
    rows = await _rows(session, HOLDS, [event.owner_id for _, event in events], "owner_id")
    seen = []
    for one, event in events:
        kind = rows[event.owner_id]["kind"] if event.owner_id in rows else None
        expected = HELD_AFTER[type(event)]
        seen.append(Seen(one, "hold", "" if kind == expected else f"held is {kind}, and not {expected}"))
    return seen


async def businesses(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare whose each business is with what was told last."""
    events = [
        (one, one.event)
        for one in told
        if isinstance(one.event, BusinessRegistered | BusinessChanged | BusinessClosed | BusinessMerged)
    ]
    rows = await _rows(session, BUSINESSES, [event.business_id for _, event in events], "business_id")
    return [Seen(one, "business", _business(event, rows.get(event.business_id))) for one, event in events]


def _business(
    event: BusinessRegistered | BusinessChanged | BusinessClosed | BusinessMerged, row: Mapping[str, object] | None
) -> str:
    if isinstance(event, BusinessClosed | BusinessMerged):
        # A business that was never heard of is not remembered when it closes.
        return compared({"trading": False}, row) if row else ""
    expected = {"owner_id": event.owner_id, "name": event.name, "region": event.region, "trading": True}
    if row is not None and row["sector"] is not None:  # what was heard before sectors were kept has none
        expected["sector"] = event.sector
    return compared(expected, row)


async def _rows(
    session: AsyncSession, question: TextClause, ids: Sequence[object], key: str
) -> dict[object, Mapping[str, Any]]:
    found = await session.execute(question, {"ids": list(ids)})
    return {row[key]: dict(row) for row in found.mappings()}


async def consents(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare whether each owner lets themselves be contacted with what was told last."""
    events = [(one, one.event) for one in told if isinstance(one.event, ConsentChanged) and one.event.kind == CONTACT]
    rows = await _rows(session, CONSENTS, [event.owner_id for _, event in events], "owner_id")
    return [Seen(one, "consent", compared({"given": event.given}, rows.get(event.owner_id))) for one, event in events]


class Office(NamedTuple):
    """The staff that a fact concerned: those who were certainly told, and those who may have been."""

    certain: frozenset[str]
    possible: frozenset[str]


async def office(session: AsyncSession, told: Sequence[tuple[Told, Sequence[str]]]) -> list[Office]:
    """Say for each event and its regions whom of the staff it concerned, as far as can be known now.

    Whoever subscribed may have been told or not: what they had named then is not kept.
    """
    rows = (await session.execute(STAFF, {"roles": [role.value for role in OFFICE_ROLES]})).all()
    return [
        Office(
            certain=frozenset(
                staff_key(row.subject)
                for row in rows
                if not row.subscribed
                and row.changed_at < one.time - SETTLED
                and not set(row.regions).isdisjoint(regions)
            ),
            possible=frozenset(
                staff_key(row.subject)
                for row in rows
                if row.subscribed or row.changed_at >= one.time - SETTLED or not set(row.regions).isdisjoint(regions)
            ),
        )
        for one, regions in told
    ]


async def owners(session: AsyncSession, business_ids: Iterable[object]) -> dict[object, str]:
    """Say whose businesses are, by the key under which the owner is told."""
    rows = await _rows(session, BUSINESSES, list(business_ids), "business_id")
    return {business: owner_key(row["owner_id"]) for business, row in rows.items()}


def _pages(kind: str, question: TextClause, subject: str, types: frozenset[str]) -> EffectPages:
    async def page(session: AsyncSession, after: str, rows: int) -> Sequence[Effect]:
        found = await session.execute(question, {"after": after or BEFORE_ALL, "rows": rows})
        return [Effect(str(key), f"{subject}/{key}", types) for key in found.scalars()]

    return EffectPages(kind, page)


LEARNT_OWNERS = seen_in(contacts, OwnerRegistered, OwnerChanged, PersonErased)
HELD_OWNERS = seen_in(holds, PersonRestricted, PersonReleased, PersonErased)
LEARNT_CONSENTS = seen_in(consents, ConsentChanged)
LEARNT_BUSINESSES = seen_in(businesses, BusinessRegistered, BusinessChanged, BusinessClosed, BusinessMerged)
ALL_CONTACTS = _pages(
    "contact", CONTACT_PAGE, "owner", frozenset({OwnerRegistered.type, OwnerChanged.type, PersonErased.type})
)
ALL_BUSINESSES = _pages(
    "business", BUSINESS_PAGE, "business", frozenset({BusinessRegistered.type, BusinessChanged.type})
)
