"""What is stored of nightly audits: one row for each night, and who works on it until when."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, DateTime, Integer, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.self_audit.domain import AGAIN_AFTER, ATTEMPTS_MAX, FINDINGS_MAX, LEASE, Audited


class LedgerAuditRow(SQLModel, table=True):
    """The audit of one night: `attempts` counts who took it, `lease_until` is how long it is theirs alone.

    Shape: `found` is how many figures disagreed, `findings` the first of them, `failed` why the last attempt ended
    """

    __tablename__ = "ledger_audit"
    __table_args__ = (
        CheckConstraint(f"attempts BETWEEN 1 AND {ATTEMPTS_MAX}", name="ledger_audit_attempts"),
        CheckConstraint("lease_until >= started_at", name="ledger_audit_lease"),
        CheckConstraint("ended_at >= started_at", name="ledger_audit_ended_after_started"),
        CheckConstraint(
            "(ended_at IS NULL) = (found IS NULL) AND (ended_at IS NULL) = (checked IS NULL)"
            " AND (ended_at IS NULL) = (findings IS NULL)",
            name="ledger_audit_ended_has_outcome",
        ),
        CheckConstraint(
            f"jsonb_array_length(findings) = least(found, {FINDINGS_MAX}) AND found >= 0", name="ledger_audit_findings"
        ),
    )

    night: date = Field(sa_column=Column(Date, primary_key=True))
    started_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    lease_until: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    attempts: int = Field(sa_column=Column(Integer, nullable=False))
    failed: str | None = None
    ended_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    checked: dict[str, int] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    found: int | None = Field(default=None, sa_column=Column(BigInteger))
    findings: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))


CLAIM = text(
    """
    INSERT INTO ledger_audit (night, started_at, lease_until, attempts)
    VALUES (:night, :now, CAST(:now AS timestamptz) + :lease, 1)
    ON CONFLICT (night) DO UPDATE SET started_at = :now, lease_until = CAST(:now AS timestamptz) + :lease,
                                      attempts = ledger_audit.attempts + 1
    WHERE ledger_audit.ended_at IS NULL AND ledger_audit.lease_until <= :now AND ledger_audit.attempts < :most
    RETURNING attempts
    """
)
LET_GO = text(
    """
    UPDATE ledger_audit SET lease_until = greatest(started_at, :now) + :pause, failed = :failed
    WHERE night = :night AND attempts = :attempt AND ended_at IS NULL
    """
)
WRONG_LAST_NIGHT = """
    SELECT 'audit/' || last.night AS subject, home.region, CAST(NULL AS text) AS place, CAST(NULL AS text) AS item,
           last.found AS figure, CAST(NULL AS text) AS lot, CAST(NULL AS bigint) AS threshold, last.night AS due_on
    FROM (SELECT night, found FROM ledger_audit WHERE ended_at IS NOT NULL ORDER BY night DESC LIMIT 1) last
    CROSS JOIN (SELECT min(split_part(region, '.', 1)) AS region FROM place WHERE kind <> 'virtual') home
    WHERE last.found > 0 AND home.region IS NOT NULL
"""
"""The last night that was audited, when something was wrong, as alerts ask for it: a matter of the province."""


async def claim(session: AsyncSession, night: date, now: datetime) -> int | None:
    """Take a night for oneself; gives which attempt it is, or None when another has it, or enough have tried."""
    values = {"night": night, "now": now, "lease": LEASE, "most": ATTEMPTS_MAX}
    return (await session.execute(CLAIM, values)).scalar_one_or_none()


async def let_go(session: AsyncSession, night: date, attempt: int, now: datetime, failed: str) -> None:
    """Leave a night to whoever comes after a pause."""
    values = {"night": night, "attempt": attempt, "now": now, "failed": failed, "pause": AGAIN_AFTER}
    await session.execute(LET_GO, values)


async def conclude(session: AsyncSession, night: date, attempt: int, now: datetime, audited: Audited) -> bool:
    """Keep what an audit found; tells whether the night was still ours."""
    row = await session.get(LedgerAuditRow, night, with_for_update=True)
    if row is None or row.attempts != attempt or row.ended_at is not None:
        return False
    row.ended_at, row.checked, row.found = max(now, row.started_at), audited.checked, len(audited.findings)
    row.findings = [one._asdict() for one in audited.findings[:FINDINGS_MAX]]
    await session.flush()
    return True


async def last(session: AsyncSession) -> LedgerAuditRow | None:
    """Give the last night that was audited to its end."""
    ended = col(LedgerAuditRow.ended_at).is_not(None)
    question = select(LedgerAuditRow).where(ended).order_by(col(LedgerAuditRow.night).desc()).limit(1)
    return (await session.exec(question)).first()


async def page(session: AsyncSession, before: date | None, whole: bool | None, rows: int) -> Sequence[LedgerAuditRow]:  # noqa: FBT001
    """Give audits, the latest night first; those that found something, or nothing, where that is asked."""
    question = select(LedgerAuditRow).order_by(col(LedgerAuditRow.night).desc()).limit(rows)
    if before is not None:
        question = question.where(col(LedgerAuditRow.night) < before)
    if whole is not None:
        found = col(LedgerAuditRow.found)
        question = question.where(found == 0 if whole else found > 0)
    return (await session.exec(question)).all()
