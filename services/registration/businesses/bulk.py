"""Many businesses in one go: find what is known of them, and write what was decided (told.py), with its events.

What is recorded is what registering and changing one by one records.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from services.registration.businesses import bulk_store, history, sealing
from services.registration.businesses.handlers import UNIQUE
from services.registration.businesses.sealing import Purpose
from services.registration.businesses.told import (
    BUSINESS_COLUMNS,
    OWNER_COLUMNS,
    Columns,
    Decision,
    Kind,
    Known,
    Told,
)
from services.registration.duplicates import handlers as duplicates
from shared.contracts.registration import BusinessChanged, BusinessRegistered, OwnerChanged, OwnerRegistered
from shared.database import Work
from shared.privacy import PersonKey
from shared.problems import Unavailable


class Overtaken(Unavailable):
    """Somebody else has just registered one of them; nothing was written, and done anew it is known."""

    code = "overtaken"
    title = "Others have registered the same at this moment"


async def known_of(work: Work, told: Sequence[Told], *, lock: bool) -> Known:
    """Give what is known of everything that is told; with `lock` nobody else changes it until the end."""
    known = Known()
    await bulk_store.search_by_index(work.session)
    indexes = {index for one in told for index in one.nik_indexes or (one.nik_index,) if index}
    for row in await bulk_store.owners_by_nik(work.session, indexes):
        known.add_owner(row)
    _settle(told, known)
    rows = await _businesses(work, told, known)
    if lock and (ids := known.owners.keys() | {row["owner_id"] for row in rows}):
        await bulk_store.lock_owners(work.session, ids)
        known.owners.clear()  # read once more: they may have changed while we waited, and their keys been rotated
        known.by_nik.clear()
        for row in await bulk_store.owners_by_nik(work.session, indexes):
            known.add_owner(row)
        _settle(told, known)
        rows = await _businesses(work, told, known)
    for row in rows:
        known.add_business(row)
    owner_ids = {row["owner_id"] for row in rows} | set(known.by_nik.values())
    for row in await bulk_store.owners(work.session, owner_ids - known.owners.keys()):
        known.add_owner(row)
    if rows:
        known.shares = await bulk_store.shares(work.session, {row["owner_id"] for row in rows})
    known.sales = await _sales(work, told, rows)
    return known


def _settle(told: Sequence[Told], known: Known) -> None:
    """Take of the indexes of each NIK the one under which it is known."""
    for one in told:
        one.nik_index = next((index for index in one.nik_indexes if index in known.by_nik), one.nik_index)


async def _businesses(work: Work, told: Sequence[Told], known: Known) -> list[Columns]:
    weak = [one for one in told if not one.strong]
    return await bulk_store.businesses(
        work.session,
        ids={one.values["id"] for one in told if one.values.get("id")},
        nibs={one.values["nib"] for one in told if one.values.get("nib")},
        owners=set(known.by_nik.values()),
        documents={one.values["document"] for one in weak if one.values.get("document")},
        names={one.values["name"] for one in weak if one.values.get("name")},
    )


async def _sales(work: Work, told: Sequence[Told], rows: Sequence[Columns]) -> dict[UUID, int]:
    """Open the annual sales of those that are known, where any are told to hold them against."""
    if not any("annual_sales_rupiah" in one.values for one in told):
        return {}
    given = {row["id"]: row for row in rows if row["annual_sales_sealed"] is not None}
    return await sealing.sales_of(work.session, work.vault, given)


async def write(work: Work, decisions: Sequence[Decision], batch: UUID) -> int:
    """Write what was decided, with its events; gives how many businesses of this batch are to be compared later.

    Raises: Overtaken (503) when another transaction was first with one of them; nothing may then be committed
    """
    new = [one for one in decisions if one.kind is Kind.NEW]
    changed = [one for one in decisions if one.kind is Kind.CHANGED]
    identity = await _sealed_niks(work, decisions)
    turnover = await _sealed_sales(work, [one for one in decisions if one.seals_sales])
    new_owners = [one.owner for one in new if one.owner]
    written = await bulk_store.add(work.session, bulk_store.ADD_OWNERS, OWNER_COLUMNS, new_owners)
    written = written and await bulk_store.add(
        work.session, bulk_store.ADD_KEYS, bulk_store.KEY_COLUMNS, [*identity, *turnover]
    )
    fresh = [one.business for one in new if one.business]
    written = written and await bulk_store.add(work.session, bulk_store.ADD_BUSINESSES, BUSINESS_COLUMNS, fresh)
    if not written:
        raise Overtaken
    # One owner may have been changed by way of several businesses: what was decided last holds all of it.
    owners = {one.owner["id"]: one.owner for one in changed if one.owner}
    businesses = {one.business["id"]: one.business for one in changed if one.business}
    try:
        await bulk_store.change(work.session, bulk_store.CHANGE_OWNERS, OWNER_COLUMNS, list(owners.values()))
        await bulk_store.change(work.session, bulk_store.CHANGE_BUSINESSES, BUSINESS_COLUMNS, list(businesses.values()))
    except IntegrityError as error:
        if any(constraint in str(error.orig) for constraint in UNIQUE):
            raise Overtaken from None
        raise
    if owners:
        await bulk_store.raise_versions(work.session, owners, businesses, work.now)
    _record(work, new, changed, owners)
    return await after_write(work, new, changed, batch)


async def after_write(work: Work, new: Sequence[Decision], changed: Sequence[Decision], batch: UUID) -> int:
    """Do what else belongs to the same transaction once businesses are written in bulk: the one place for it.

    Shape: of `changed`, `before` and `owner_before` are the columns as they were, `business` and `owner` as they are
    """
    await history.write_all(work, [_change(one) for one in changed])
    ids = {one.business["id"] for one in (*new, *changed) if one.business}
    return await duplicates.ask(work, ids, batch) if ids else 0


def _change(one: Decision) -> history.Change:
    before, person = one.before or {}, one.owner_before or {}
    business, owner = one.business or before, one.owner or person
    sales = one.sales_rupiah if one.seals_sales else one.sales_before_rupiah
    return history.Change(
        business_id=business["id"],
        owner_id=owner["id"],
        version=business["version"],
        before=history.values_of(before, person, None, one.sales_before_rupiah),
        after=history.values_of(business, owner, one.nik, sales),
        why=history.Why(reason=business["state_reason"], since=business["state_since"]),
    )


async def _sealed_niks(work: Work, decisions: Sequence[Decision]) -> list[Columns]:
    """Seal the NIKs that are new; gives the keys of persons who are new."""
    made: list[Columns] = []
    sealed: dict[UUID, bytes] = {}
    opened = await _keys(work, [one for one in decisions if one.kind is Kind.CHANGED and one.nik], Purpose.IDENTITY)
    for one in decisions:
        if one.owner is None or (one.kind is not Kind.NEW and not one.nik):
            continue
        owner_id = one.owner["id"]
        key = opened.get(owner_id) or _new_key(work, owner_id, Purpose.IDENTITY, made)
        opened[owner_id] = key
        if one.nik:
            sealed[owner_id] = sealing.seal_nik(key, owner_id, one.nik)
    for one in decisions:  # also in what was decided later about the same owner
        if one.owner and one.owner["id"] in sealed:
            one.owner["nik_sealed"] = sealed[one.owner["id"]]
    return made


async def _sealed_sales(work: Work, decisions: Sequence[Decision]) -> list[Columns]:
    made: list[Columns] = []
    known = [one for one in decisions if one.owner_before is not None and one.sales_rupiah is not None]
    opened = await _keys(work, known, Purpose.TURNOVER)
    for one in decisions:
        if one.business is None or one.sales_rupiah is None:
            continue
        owner_id = one.business["owner_id"]
        key = opened.get(owner_id) or _new_key(work, owner_id, Purpose.TURNOVER, made)
        opened[owner_id] = key
        one.business["annual_sales_sealed"] = sealing.seal_sales(key, one.business["id"], one.sales_rupiah)
    return made


async def _keys(work: Work, decisions: Sequence[Decision], purpose: Purpose) -> dict[UUID, PersonKey]:
    ids = {one.owner_before["id"] for one in decisions if one.owner_before}
    return await sealing.keys(work.session, work.vault, ids, purpose) if ids else {}


def _new_key(work: Work, owner_id: UUID, purpose: Purpose, made: list[Columns]) -> PersonKey:
    key = sealing.new_key(work.vault, owner_id, purpose)
    made.append({"owner_id": owner_id, "purpose": purpose.value, "wrapped": key.wrapped})
    return key


def _record(work: Work, new: Sequence[Decision], changed: Sequence[Decision], owners: Mapping[UUID, Columns]) -> None:
    for one in new:
        if one.owner:
            work.record(OwnerRegistered(**_owner_facts(one.owner)), region=one.owner["region"])
        if one.business:
            work.record(BusinessRegistered(**_business_facts(one.business)), region=one.business["region"])
    for one in changed:
        if one.business and one.before and (one.seals_sales or _differs(one.before, one.business)):
            work.record(BusinessChanged(**_business_facts(one.business)), region=one.business["region"])
    for owner in owners.values():
        work.record(OwnerChanged(**_owner_facts(owner)), region=owner["region"])


def _differs(before: Columns, after: Columns) -> bool:
    return any(before[name] != after[name] for name in BUSINESS_COLUMNS if name not in ("version", "changed_at"))


def _business_facts(row: Columns) -> Columns:
    return {
        "business_id": row["id"],
        "owner_id": row["owner_id"],
        "name": row["name"],
        "sector": row["sector"],
        "region": row["region"],
    }


def _owner_facts(row: Columns) -> Columns:
    facts = {name: row[name] for name in ("name", "region", "language", "phone", "email")}
    return facts | {"owner_id": row["id"]}
