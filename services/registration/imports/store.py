"""What is stored of imports: the job, what was sent (sealed), its rows (sealed), and what was found in it.

What was sent holds NIKs: it stands nowhere but sealed with a key of the import, which is destroyed with it. What was
found is shown with long numbers masked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    delete,
    func,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.imports.domain import OVER, WORKING, About, Finding, Mode, State


def _one_of(values: type[State | Mode | About]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class ImportRow(SQLModel, table=True):
    """One file and what becomes of it; whoever works on it holds the lease, and says how far it is with each batch."""

    __tablename__ = "business_import"
    __table_args__ = (
        CheckConstraint(f"state IN ({_one_of(State)})", name="business_import_state_known"),
        CheckConstraint(f"mode IN ({_one_of(Mode)})", name="business_import_mode_known"),
        CheckConstraint("state NOT IN ('importing', 'done') OR mode IS NOT NULL", name="business_import_with_mode"),
        CheckConstraint(
            "position >= 0 AND rows_total >= position AND new >= 0 AND changed >= 0 AND unchanged >= 0"
            " AND refused >= 0 AND new + changed + unchanged + refused = position",
            name="business_import_counts_add_up",
        ),
        CheckConstraint(f"about IN ({_one_of(About)})", name="business_import_about_known"),
        CheckConstraint("(about = 'survey_answers') = (survey_id IS NOT NULL)", name="business_import_of_a_survey"),
        CheckConstraint("to_compare >= 0", name="business_import_to_compare_not_negative"),
        CheckConstraint("(leased_by IS NULL) = (leased_until IS NULL)", name="business_import_lease_whole"),
        CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="business_import_failed_for_a_reason"),
        CheckConstraint("(wrapped IS NULL) = (purged_at IS NOT NULL)", name="business_import_key_until_purged"),
        CheckConstraint("length_bytes > 0", name="business_import_not_empty"),
        CheckConstraint("version > 0", name="business_import_version_positive"),
        Index("business_import_by_subject", "subject", "id"),
        Index(
            "business_import_to_do", "created_at",
            postgresql_where=text("state IN ('uploaded', 'previewing', 'importing')"),
        ),
        Index("business_import_to_purge", "created_at", postgresql_where=text("purged_at IS NULL")),
    )  # fmt: skip

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    length_bytes: int = Field(sa_column=Column(Integer, nullable=False))
    about: str = Field(
        default=About.BUSINESSES.value,
        sa_column=Column(Text, nullable=False, server_default=About.BUSINESSES.value),
    )
    survey_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("survey.id")))
    subject: str = Field(sa_column=Column(Text, nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))
    regions: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    state: str = Field(sa_column=Column(Text, nullable=False))
    mode: str | None = Field(default=None, sa_column=Column(Text))
    kind: str | None = Field(default=None, sa_column=Column(Text))
    read_as: str | None = Field(default=None, sa_column=Column(Text))
    layout: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    rows_total: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    position: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    new: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    changed: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    unchanged: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    refused: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    to_compare: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    failure: str | None = Field(default=None, sa_column=Column(Text))
    failure_detail: str | None = Field(default=None, sa_column=Column(Text))
    wrapped: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    leased_by: UUID | None = Field(default=None, sa_column=Column(Uuid))
    leased_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    purged_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    version: int = Field(default=1, sa_column=Column(BigInteger, nullable=False, server_default="1"))


class ImportChunkRow(SQLModel, table=True):
    """A piece of what was sent, sealed: the file until it was looked through, its rows by the thousand from then on."""

    __tablename__ = "business_import_chunk"
    __table_args__ = (CheckConstraint("kind IN ('file', 'rows')", name="business_import_chunk_kind_known"),)

    import_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("business_import.id"), primary_key=True))
    kind: str = Field(sa_column=Column(Text, primary_key=True))
    no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ImportFindingRow(SQLModel, table=True):
    """Something found in one cell."""

    __tablename__ = "business_import_finding"

    import_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("business_import.id"), primary_key=True))
    no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    row: int = Field(sa_column=Column(Integer, nullable=False))
    column: str = Field(sa_column=Column(Text, nullable=False))
    heading: str = Field(sa_column=Column(Text, nullable=False))
    value: str = Field(sa_column=Column(Text, nullable=False))
    code: str = Field(sa_column=Column(Text, nullable=False))
    detail: str = Field(sa_column=Column(Text, nullable=False))
    refuses: bool = Field(sa_column=Column(Boolean, nullable=False))


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of rows."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0


NEXT = text(
    """
    SELECT id FROM business_import
    WHERE state IN ('uploaded', 'previewing', 'importing') AND (leased_until IS NULL OR leased_until < :now)
    ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    """
)
COMPARED = text(
    """
    UPDATE business_import AS job SET to_compare = job.to_compare - done.number, version = job.version + 1
    FROM unnest(CAST(:ids AS uuid[]), CAST(:numbers AS integer[])) AS done(id, number) WHERE job.id = done.id
    """
)
ADD_FINDINGS = text(
    """
    INSERT INTO business_import_finding (import_id, no, "row", "column", heading, value, code, detail, refuses)
    SELECT :id, :before + n, row_, column_, heading, value, code, detail, refuses
    FROM unnest(CAST(:rows AS integer[]), CAST(:columns AS text[]), CAST(:headings AS text[]), CAST(:values AS text[]),
                CAST(:codes AS text[]), CAST(:details AS text[]), CAST(:refuses AS boolean[]))
         WITH ORDINALITY AS f(row_, column_, heading, value, code, detail, refuses, n)
    """
)


async def find(session: AsyncSession, import_id: UUID) -> ImportRow | None:
    """Give an import as it stands now."""
    found = select(ImportRow).where(col(ImportRow.id) == import_id)
    return (await session.exec(found, execution_options={"populate_existing": True})).one_or_none()


async def locked(session: AsyncSession, import_id: UUID) -> ImportRow | None:
    """Give an import that nobody else changes until the end of the transaction."""
    found = select(ImportRow).where(col(ImportRow.id) == import_id).with_for_update()
    return (await session.exec(found, execution_options={"populate_existing": True})).one_or_none()


async def page(session: AsyncSession, subject: str, after: UUID | None, limit: int) -> Sequence[ImportRow]:
    """Give what somebody has sent, the latest first."""
    found = select(ImportRow).where(col(ImportRow.subject) == subject)
    if after is not None:
        found = found.where(col(ImportRow.id) < after)
    return (await session.exec(found.order_by(col(ImportRow.id).desc()).limit(limit))).all()


async def open_of(session: AsyncSession, subject: str) -> int:
    """Count what of somebody waits or runs."""
    found = (
        select(func.count())
        .select_from(ImportRow)
        .where(col(ImportRow.subject) == subject, col(ImportRow.state).in_([state.value for state in WORKING]))
    )
    return (await session.exec(found)).one()


async def next_to_do(session: AsyncSession, now: datetime) -> ImportRow | None:
    """Give the oldest import on which nobody works, locked."""
    import_id = (await session.execute(NEXT, {"now": now})).scalar_one_or_none()
    return None if import_id is None else await find(session, import_id)


async def free(session: AsyncSession, import_id: UUID, now: datetime) -> ImportRow | None:
    """Give an import that waits and on which nobody works, locked; None where somebody does."""
    job = await locked(session, import_id)
    waits = job is not None and job.state in WORKING and (job.leased_until is None or job.leased_until < now)
    return job if waits else None


async def compared(session: AsyncSession, done: Mapping[UUID, int]) -> None:
    """Say how many businesses of imports were compared with all others."""
    for import_id in sorted(done):  # in one order, and all who change an import lock it
        await locked(session, import_id)
    await session.execute(COMPARED, {"ids": list(done), "numbers": list(done.values())})


async def add_chunks(session: AsyncSession, import_id: UUID, kind: str, first: int, sealed: Sequence[bytes]) -> None:
    """Store pieces; the first has this number."""
    session.add_all(
        ImportChunkRow(import_id=import_id, kind=kind, no=first + place, sealed=piece)
        for place, piece in enumerate(sealed)
    )
    await session.flush()


async def chunk(session: AsyncSession, import_id: UUID, kind: str, no: int) -> bytes | None:
    """Give one piece, None behind the last."""
    row = await session.get(ImportChunkRow, (import_id, kind, no))
    if row is None:
        return None
    session.expunge(row)  # it is large, and not wanted twice
    return row.sealed


async def drop_chunks(session: AsyncSession, import_id: UUID, kind: str | None = None) -> None:
    """Forget what was sent, or one kind of it."""
    gone = delete(ImportChunkRow).where(col(ImportChunkRow.import_id) == import_id)
    await session.execute(gone if kind is None else gone.where(col(ImportChunkRow.kind) == kind))


async def drop_findings(session: AsyncSession, import_id: UUID) -> None:
    """Forget what was found, to look once more."""
    await session.execute(delete(ImportFindingRow).where(col(ImportFindingRow.import_id) == import_id))


async def add_findings(session: AsyncSession, import_id: UUID, found: Sequence[Finding]) -> None:
    """Store what was found, after what was found before."""
    if not found:
        return
    last = select(func.coalesce(func.max(ImportFindingRow.no), 0)).where(col(ImportFindingRow.import_id) == import_id)
    before = (await session.exec(last)).one()
    asked = {
        "id": import_id,
        "before": before,
        "rows": [one.row for one in found],
        "columns": [one.column for one in found],
        "headings": [one.heading for one in found],
        "values": [one.value for one in found],
        "codes": [one.code for one in found],
        "details": [one.detail for one in found],
        "refuses": [one.refuses for one in found],
    }
    await session.execute(ADD_FINDINGS, asked)


async def findings(session: AsyncSession, import_id: UUID, after: int, limit: int) -> Sequence[ImportFindingRow]:
    """Give what was found, in the order of the rows."""
    found = select(ImportFindingRow).where(
        col(ImportFindingRow.import_id) == import_id, col(ImportFindingRow.no) > after
    )
    return (await session.exec(found.order_by(col(ImportFindingRow.no)).limit(limit))).all()


async def release(session: AsyncSession, worker: UUID) -> None:
    """Give back what a worker holds, so that another need not wait for its lease to end."""
    held = update(ImportRow).where(col(ImportRow.leased_by) == worker)
    await session.execute(held.values(leased_by=None, leased_until=None))


async def to_purge(session: AsyncSession, before: datetime) -> Sequence[ImportRow]:
    """Give what has been kept long enough, locked."""
    found = select(ImportRow).where(col(ImportRow.purged_at).is_(None), col(ImportRow.created_at) < before)
    ended = found.where(col(ImportRow.state).in_([*(state.value for state in OVER), State.PREVIEWED.value]))
    return (await session.exec(ended.limit(50).with_for_update(skip_locked=True))).all()
