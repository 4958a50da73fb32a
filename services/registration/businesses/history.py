"""The history of a record: every field that changed, when, by whom, before and after.

Nothing is written when a business is registered: the record itself is its first line, and a change its second. What
says something of the person (name, ways to reach them, NIK, address, annual sales) stands sealed under the person's
own keys, each value for its own row, so that erasing the person erases it here too, though no row ever changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, DateTime, Index, LargeBinary, Text, Uuid, tuple_
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.businesses import sealing, store
from services.registration.businesses.domain import State
from services.registration.businesses.sealing import Purpose
from services.registration.businesses.store import BusinessRow, OwnerRow
from shared import cursor
from shared.clock import wib_day
from shared.database import Work
from shared.privacy import Cell, PersonKey, SealedColumn
from shared.problems import Absent
from shared.routes import Page

BUSINESS, OWNER = "business", "owner"
REGISTERED = "registered"
FIRST = UUID(int=0)
"""Sorts the registration before whatever changed at its moment."""

SEALED: Mapping[tuple[str, str], Purpose] = MappingProxyType(
    {
        (OWNER, "name"): Purpose.IDENTITY,
        (OWNER, "nik"): Purpose.IDENTITY,
        (OWNER, "phone"): Purpose.IDENTITY,
        (OWNER, "email"): Purpose.IDENTITY,
        (BUSINESS, "address"): Purpose.IDENTITY,
        (BUSINESS, "annual_sales_rupiah"): Purpose.TURNOVER,
    }
)
"""The fields that say something of a person, with the key that each is sealed under."""

COLUMNS = tuple(
    SealedColumn(table="record_change", column=column, purpose=purpose)
    for purpose in Purpose
    for column in ("before_sealed", "after_sealed")
)
"""Its sealed columns; which purpose a row was sealed under follows from its field."""

Values = Mapping[tuple[str, str], str | None]
"""A record at one moment, as text: by whose field it is, and its name."""
Columns = Mapping[str, Any]
"""A row by the names of its columns."""


class RecordChangeRow(SQLModel, table=True):
    """One field that changed, of a business or of its owner; no row ever changes (a trigger sees to it)."""

    __tablename__ = "record_change"
    __table_args__ = (
        CheckConstraint("subject IN ('business', 'owner')", name="record_change_subject_known"),
        CheckConstraint("field ~ '^[a-z][a-z_]*$'", name="record_change_field_form"),
        CheckConstraint(
            "(before IS NULL OR before_sealed IS NULL) AND (after IS NULL OR after_sealed IS NULL)",
            name="record_change_plain_or_sealed",
        ),
        CheckConstraint(
            "before IS DISTINCT FROM after OR before_sealed IS NOT NULL OR after_sealed IS NOT NULL",
            name="record_change_is_one",
        ),
        CheckConstraint(
            "coalesce(before, after) IS NULL"
            " OR (field NOT IN ('nik', 'phone', 'email', 'address', 'annual_sales_rupiah')"
            " AND (subject, field) <> ('owner', 'name'))",
            name="record_change_personal_is_sealed",
        ),
        CheckConstraint("version > 0", name="record_change_version_positive"),
        Index("record_change_of_subject", "subject_id", "changed_at", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    subject: str = Field(sa_column=Column(Text, nullable=False))
    subject_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    owner_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    field: str = Field(sa_column=Column(Text, nullable=False))
    before: str | None = Field(default=None, sa_column=Column(Text))
    after: str | None = Field(default=None, sa_column=Column(Text))
    before_sealed: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    after_sealed: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    document: str | None = Field(default=None, sa_column=Column(Text))
    since: date | None = Field(default=None, sa_column=Column(Date))
    changed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    changed_by: str = Field(sa_column=Column(Text, nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))
    version: int = Field(sa_column=Column(BigInteger, nullable=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of a history: the registration, or one field that changed.

    Shape:  `by` and `role` are None where it was not kept who registered; `readable` is False for what was sealed
            under a key that is destroyed; `since` and `reason` belong to a change of state
    """

    id: UUID
    at: datetime
    by: str | None
    role: str | None
    subject: str
    field: str
    before: str | None = None
    after: str | None = None
    readable: bool = True
    reason: str | None = None
    document: str | None = None
    since: date | None = None
    version: int

    def __repr__(self) -> str:
        return f"Entry({self.field!r})"  # what it was, and is, may be somebody's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What a request says of the change that it makes."""

    reason: str | None = None
    document: str | None = None
    since: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A record before and after one change, and what was said of it."""

    business_id: UUID
    owner_id: UUID
    version: int
    before: Values
    after: Values
    why: Why


async def taken(work: Work, row: BusinessRow, person: OwnerRow) -> Values:
    """Give a record as it is at this moment, to be held against what it is later."""
    sales = (await sealing.annual_sales(work.session, work.vault, [row])).get(row.id)
    nik = (await sealing.niks(work.session, work.vault, [person])).get(person.id)
    return values_of(_columns(row), _columns(person), nik, sales)


def _columns(row: BusinessRow | OwnerRow) -> Columns:
    return {name: getattr(row, name) for name in type(row).model_fields}


def values_of(business: Columns, owner: Columns, nik: str | None, annual_sales_rupiah: int | None) -> Values:
    """Give a record from its columns and what is opened of them."""
    plain = ("name", "sector", "region", "nib", "workers", "investment_rupiah", "annual_sales_on", "address")
    of_business: dict[str, object] = {name: business[name] for name in (*plain, "document")} | {
        "kbli": _joined(business["kbli_code"], business["kbli_edition"]),
        "annual_sales_rupiah": annual_sales_rupiah,
        "business_scale": _joined(business["business_scale"], business["business_scale_rule"]),
        "industry_scale": _joined(business["industry_scale"], business["industry_scale_rule"]),
        "state": State(business["state"]).value,
        "merged_into": business.get("merged_into"),
    }
    of_owner = {name: owner[name] for name in ("name", "phone", "email", "language", "region")} | {"nik": nik}
    return {(BUSINESS, name): _text(value) for name, value in of_business.items()} | {
        (OWNER, name): _text(value) for name, value in of_owner.items()
    }


async def write(work: Work, row: BusinessRow, person: OwnerRow, before: Values, why: Why) -> None:
    """Write what has become of a record since `before`, in the transaction of the change itself."""
    after = await taken(work, row, person)
    change = Change(business_id=row.id, owner_id=person.id, version=row.version, before=before, after=after, why=why)
    await write_all(work, [change])


async def write_all(work: Work, changes: Sequence[Change]) -> None:
    """Write what has become of many records, in the transaction of the changes themselves."""
    differing = [
        (one, key, purpose)
        for one in changes
        for key, value in one.after.items()
        if value != one.before[key]
        for purpose in [SEALED.get(key)]
    ]
    keys = await _keys(work, {(one.owner_id, purpose) for one, _, purpose in differing if purpose})
    rows = []
    for one, (subject, name), purpose in differing:
        line = RecordChangeRow(
            id=work.new_id(),
            subject=subject,
            subject_id=one.business_id if subject == BUSINESS else one.owner_id,
            owner_id=one.owner_id,
            field=name,
            document=one.why.document,
            changed_at=work.now,
            changed_by=work.caller.subject,
            role=work.caller.role.value,
            version=one.version,
        )
        if (subject, name) == (BUSINESS, "state"):
            line.reason, line.since = one.why.reason, one.why.since
        _put(line, one.before[subject, name], one.after[subject, name], keys.get((one.owner_id, purpose)))
        rows.append(line)
    work.session.add_all(rows)
    await work.session.flush()


async def _keys(work: Work, wanted: set[tuple[UUID, Purpose]]) -> Mapping[tuple[UUID, Purpose | None], PersonKey]:
    """Give these keys, making those that are lacking."""
    found: dict[tuple[UUID, Purpose | None], PersonKey] = {}
    for purpose in Purpose:
        owner_ids = {owner_id for owner_id, of in wanted if of is purpose}
        known = await sealing.keys(work.session, work.vault, owner_ids, purpose) if owner_ids else {}
        for owner_id in sorted(owner_ids):
            found[owner_id, purpose] = known.get(owner_id) or await sealing.key(
                work.session, work.vault, owner_id, purpose
            )
    return found


def _put(line: RecordChangeRow, before: str | None, after: str | None, key: PersonKey | None) -> None:
    if key is None:
        line.before, line.after = before, after
        return
    line.before_sealed = None if before is None else key.seal(_cell("before_sealed", line.id), before)
    line.after_sealed = None if after is None else key.seal(_cell("after_sealed", line.id), after)


async def of_business(work: Work, business_id: UUID, after: str | None, limit: int) -> Page[Entry]:
    """Give the history of a business and, since it was registered, of its owner, the first line first.

    Raises: Absent (404) for a business that is not one of the caller's regions
    """
    row = await store.find(work.session, business_id, work.caller.regions)
    if row is None:
        raise Absent
    beyond = cursor.decode(after, tuple[datetime, UUID]) if after else None
    changes = await _changes(work.session, row, beyond, limit + 1)
    entries = await _opened(work, changes)
    if beyond is None:
        entries.insert(0, _registered(row))
    return cursor.page(entries, limit, lambda entry: entry, lambda entry: (entry.at, entry.id))


async def _changes(
    session: AsyncSession, row: BusinessRow, beyond: tuple[datetime, UUID] | None, limit: int
) -> Sequence[RecordChangeRow]:
    moment = tuple_(col(RecordChangeRow.changed_at), col(RecordChangeRow.id))
    found = select(RecordChangeRow).where(
        col(RecordChangeRow.subject_id).in_([row.id, row.owner_id]),
        # What was changed about the owner before is the history of their other businesses.
        moment > tuple_(*(beyond or (row.registered_at, FIRST))),
    )
    ordered = found.order_by(col(RecordChangeRow.changed_at), col(RecordChangeRow.id)).limit(limit)
    return (await session.exec(ordered)).all()


async def _opened(work: Work, changes: Sequence[RecordChangeRow]) -> list[Entry]:
    keys = {
        purpose: await sealing.keys(work.session, work.vault, owner_ids, purpose)
        for purpose, owner_ids in _sealed_under(changes).items()
    }
    return [_entry(line, keys) for line in changes]


def _sealed_under(changes: Iterable[RecordChangeRow]) -> dict[Purpose, set[UUID]]:
    found: dict[Purpose, set[UUID]] = {}
    for line in changes:
        if purpose := SEALED.get((line.subject, line.field)):
            found.setdefault(purpose, set()).add(line.owner_id)
    return found


def _entry(line: RecordChangeRow, keys: Mapping[Purpose, Mapping[UUID, PersonKey]]) -> Entry:
    before, after, readable = line.before, line.after, True
    if purpose := SEALED.get((line.subject, line.field)):
        key = keys[purpose].get(line.owner_id)
        readable = key is not None
        before = key.open(_cell("before_sealed", line.id), line.before_sealed) if key and line.before_sealed else None
        after = key.open(_cell("after_sealed", line.id), line.after_sealed) if key and line.after_sealed else None
    return Entry(
        id=line.id,
        at=line.changed_at,
        by=line.changed_by,
        role=line.role,
        subject=line.subject,
        field=line.field,
        before=before,
        after=after,
        readable=readable,
        reason=line.reason,
        document=line.document,
        since=line.since,
        version=line.version,
    )


def _registered(row: BusinessRow) -> Entry:
    return Entry(
        id=FIRST,
        at=row.registered_at,
        by=row.registered_by,
        role=row.registered_role,
        subject=BUSINESS,
        field=REGISTERED,
        since=wib_day(row.registered_at),
        version=1,
    )


def _cell(column: str, change_id: UUID) -> Cell:
    return Cell("record_change", column, str(change_id))


def _joined(value: object, of: object) -> str | None:
    """Write a value with what it is read in: a class with its edition, a scale with its rule."""
    return None if value is None else f"{value}/{of}"


def _text(value: object) -> str | None:
    if value is None:
        return None
    return value.isoformat() if isinstance(value, date) else str(value)
