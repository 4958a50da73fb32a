"""Two businesses that are one become one, and become two again where that was a mistake.

Nothing is deleted or moved: the other one stays as it is, in the state `merged`, and whatever refers to it is shown
with the survivor as long as it is (`business_family`). So undoing needs to put back only what the survivor took over,
from an image of both that is sealed under the key of the survivor's owner.
Locks:  the case, then both owners by their ids, then the businesses
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel, col, select

from services.registration.businesses import handlers, history, sealing, store
from services.registration.businesses.domain import State, check_open
from services.registration.businesses.history import Why
from services.registration.businesses.sealing import Purpose
from services.registration.businesses.store import BusinessRow, OwnerRow
from services.registration.duplicates import handlers as cases
from services.registration.duplicates.domain import State as CaseState
from services.registration.duplicates.store import Case
from shared.clock import wib_day
from shared.contracts.registration import BusinessChanged, BusinessMerged
from shared.database import Work
from shared.privacy import Cell, SealedColumn
from shared.problems import FieldError, Invalid, Refusal

TAKEN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "name": ("name",),
        "sector": ("sector",),
        "kbli": ("kbli_code", "kbli_edition"),
        "nib": ("nib",),
        "workers": ("workers",),
        "investment_rupiah": ("investment_rupiah",),
        "annual_sales_rupiah": ("annual_sales_sealed", "annual_sales_on"),
        "address": ("address",),
    }
)
"""What the survivor may take over from the other, with the columns that hold it."""

SCALES = ("business_scale", "industry_scale")
STATE_COLUMNS = ("state", "state_reason", "state_document", "state_since", "nib")
OPEN = frozenset({State.ACTIVE, State.SUSPENDED})


class BusinessMergeRow(SQLModel, table=True):
    """A merge, with an image of what it changed."""

    __tablename__ = "business_merge"
    __table_args__ = (
        CheckConstraint("survivor_id <> merged_id", name="business_merge_of_two"),
        CheckConstraint(
            "(undone_at IS NULL) = (undone_by IS NULL) AND (undone_at IS NULL) = (undone_reason IS NULL)",
            name="business_merge_undone_with_reason",
        ),
        Index("business_merge_one_at_a_time", "merged_id", unique=True, postgresql_where=text("undone_at IS NULL")),
        Index("business_merge_of_case", "case_id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    case_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("duplicate_case.id"), nullable=False))
    survivor_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("business.id"), nullable=False))
    merged_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("business.id"), nullable=False))
    taken: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    image_sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    merged_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    merged_by: str = Field(sa_column=Column(Text, nullable=False))
    undone_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    undone_by: str | None = Field(default=None, sa_column=Column(Text))
    undone_reason: str | None = Field(default=None, sa_column=Column(Text))


COLUMNS = (SealedColumn(table="business_merge", column="image_sealed", purpose=Purpose.IDENTITY, owner="survivor_id"),)
"""Its sealed columns; the key is that of the owner of the business that stayed."""


class SurvivorNotOpen(Refusal):
    """Only a business that is neither closed nor merged can take another in."""

    code = "survivor_not_open"
    title = "The business that is to stay is closed or merged"


class ChangedSinceMerge(Refusal):
    """What the survivor took over has been changed since, so putting back the old would lose the new."""

    code = "changed_since_merge"
    title = "What was taken over has been changed since"


class MergeUnreadable(Refusal):
    """The key of the owner is destroyed, and with it what the business was before."""

    code = "merge_unreadable"
    title = "What was before the merge cannot be read any more"


async def merge(work: Work, case_id: UUID, survivor_id: UUID, take: Sequence[str], reason: str) -> Case:
    """Let one business of a case take the other in, and with it the values of the fields named in `take`.

    Raises: Absent (404), Invalid (422) at /survivor, and of 409 CaseDecided, SurvivorNotOpen, OwnerErased,
            OwnerRestricted
    """
    case = await cases.locked(work, case_id)
    sides = (case.row.low_id, case.row.high_id)
    if survivor_id not in sides:
        raise Invalid([FieldError("/survivor", "not_of_the_pair", "One of the two businesses of the case.")])
    await cases.settle(work, case.row, CaseState.MERGED, reason)
    rows, people = await _locked(work, sides)
    _check_open(people)
    survivor = rows[survivor_id]
    other = rows[sides[0] if survivor_id == sides[1] else sides[1]]
    if State(survivor.state) not in OPEN or State(other.state) is State.MERGED:
        raise SurvivorNotOpen(state=survivor.state)
    before = {row.id: await history.taken(work, row, people[row.owner_id]) for row in (survivor, other)}
    taken = list(dict.fromkeys(take))
    image: dict[str, Any] = {"other": _columns(other, STATE_COLUMNS), "before": _image(survivor)}
    sales = await sealing.annual_sales(work.session, work.vault, [survivor, other])
    news = handlers.data(other, sales.get(other.id))
    other.state, other.merged_into = State.MERGED.value, survivor.id
    other.state_reason, other.state_document, other.state_since = reason, None, wib_day(work.now)
    if "nib" in taken:
        other.nib = None
    await handlers.keep_change(work, other)  # first, so that its NIB is free to be taken
    values = {name: getattr(news, name) for name in taken}
    if "annual_sales_rupiah" in values:
        values["annual_sales_on"] = news.annual_sales_on
    with work.session.no_autoflush:
        changed = await handlers.change_fields(work, survivor, values, State(survivor.state))
    if changed:
        await handlers.keep_change(work, survivor)
    image["after"] = _image(survivor)
    merged = BusinessMergeRow(
        id=work.new_id(),
        case_id=case_id,
        survivor_id=survivor.id,
        merged_id=other.id,
        taken=taken,
        image_sealed=b"",
        reason=reason,
        merged_at=work.now,
        merged_by=work.caller.subject,
    )
    key = await sealing.key(work.session, work.vault, survivor.owner_id, Purpose.IDENTITY)
    merged.image_sealed = key.seal(_cell(merged.id), msgspec.json.encode(image).decode())
    work.session.add(merged)
    for row in (survivor, other):
        why = Why(reason=reason, since=wib_day(work.now))
        await history.write(work, row, people[row.owner_id], before[row.id], why)
    _record_merged(work, survivor, other, changed=changed)
    return case


async def undo(work: Work, case_id: UUID, reason: str) -> Case:
    """Make two businesses of one again, both as they were.

    Raises: Absent (404), and of 409 CaseDecided, ChangedSinceMerge, MergeUnreadable, NibTaken, OwnerErased,
            OwnerRestricted
    """
    case = await cases.locked(work, case_id)
    await cases.settle(work, case.row, CaseState.UNDONE, reason)
    question = select(BusinessMergeRow).where(
        col(BusinessMergeRow.case_id) == case_id, col(BusinessMergeRow.undone_at).is_(None)
    )
    merged = (await work.session.exec(question)).one()
    rows, people = await _locked(work, (case.row.low_id, case.row.high_id))
    _check_open(people)
    survivor, other = rows[merged.survivor_id], rows[merged.merged_id]
    image = await _opened(work, merged, survivor)
    now = _image(survivor)
    if lost := [name for name in merged.taken if any(now[one] != image["after"][one] for one in TAKEN[name])]:
        raise ChangedSinceMerge(f"Changed since: {', '.join(lost)}.", fields=lost)
    before = {row.id: await history.taken(work, row, people[row.owner_id]) for row in (survivor, other)}
    columns = [column for name in merged.taken for column in TAKEN[name]]
    changed = any(image["before"][column] != now[column] for column in columns)
    if changed:
        _restore(survivor, image["before"], columns)
        with work.session.no_autoflush:  # figures and the scales that follow from them are written together
            sales = await sealing.annual_sales(work.session, work.vault, [survivor])
        handlers.derive_scales(work, survivor, handlers.data(survivor, sales.get(survivor.id)))
        for scale in SCALES:
            if getattr(survivor, scale) == image["before"][scale]:
                _restore(survivor, image["before"], [f"{scale}_since"])
        await handlers.keep_change(work, survivor)  # first, so that the NIB is free to go back
    other.merged_into = None
    _restore(other, image["other"], STATE_COLUMNS)
    await handlers.keep_change(work, other)
    merged.undone_at, merged.undone_by, merged.undone_reason = work.now, work.caller.subject, reason
    await work.session.flush()
    for row in (survivor, other):
        await history.write(work, row, people[row.owner_id], before[row.id], Why(reason=reason, since=row.state_since))
    if changed:
        work.record(_changed(survivor), region=survivor.region)
    if State(other.state) is not State.CLOSED:
        work.record(_changed(other), region=other.region)  # to whoever hears it the business is there again
    return case


async def _locked(work: Work, ids: Sequence[UUID]) -> tuple[dict[UUID, BusinessRow], dict[UUID, OwnerRow]]:
    found = [await store.fresh(work.session, one) for one in ids]
    people = {
        owner_id: await store.lock_owner(work.session, owner_id) for owner_id in sorted({row.owner_id for row in found})
    }
    return {one: await store.fresh(work.session, one) for one in ids}, people


def _check_open(people: Mapping[UUID, OwnerRow]) -> None:
    for person in people.values():
        check_open(person.restricted_at, person.erased_at)


def _record_merged(work: Work, survivor: BusinessRow, other: BusinessRow, *, changed: bool) -> None:
    event = BusinessMerged(
        business_id=other.id, into=survivor.id, owner_id=other.owner_id, region=other.region, name=other.name
    )
    work.record(event, region=other.region)
    if changed:
        work.record(_changed(survivor), region=survivor.region)


def _changed(row: BusinessRow) -> BusinessChanged:
    return BusinessChanged(
        business_id=row.id, owner_id=row.owner_id, name=row.name, sector=row.sector, region=row.region
    )


def _image(row: BusinessRow) -> dict[str, Any]:
    scales = [f"{scale}{part}" for scale in SCALES for part in ("", "_rule", "_since")]
    return _columns(row, [*(column for columns in TAKEN.values() for column in columns), *scales])


def _columns(row: BusinessRow, columns: Sequence[str]) -> dict[str, Any]:
    """Give columns as JSON holds them; what is sealed stays sealed, and opens in its own row alone."""
    return {column: msgspec.to_builtins(getattr(row, column)) for column in columns}


def _restore(row: BusinessRow, image: Mapping[str, Any], columns: Sequence[str]) -> None:
    for column in columns:
        kind = bytes if column.endswith("_sealed") else date if column.endswith(("_on", "_since")) else object
        setattr(row, column, None if image[column] is None else msgspec.convert(image[column], kind))


async def _opened(work: Work, merged: BusinessMergeRow, survivor: BusinessRow) -> dict[str, Any]:
    keys = await sealing.keys(work.session, work.vault, [survivor.owner_id], Purpose.IDENTITY)
    if survivor.owner_id not in keys:
        raise MergeUnreadable
    image: dict[str, Any] = msgspec.json.decode(keys[survivor.owner_id].open(_cell(merged.id), merged.image_sealed))
    return image


def _cell(merge_id: UUID) -> Cell:
    return Cell("business_merge", "image_sealed", str(merge_id))
