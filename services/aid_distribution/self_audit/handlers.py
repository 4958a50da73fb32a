"""What is done about nightly audits: made by whoever takes the night, kept, and shown."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime

import msgspec

from services.aid_distribution.self_audit import store
from services.aid_distribution.self_audit.domain import Audited, State, state_of
from services.aid_distribution.self_audit.store import LedgerAuditRow
from shared import cursor
from shared.caller import Caller
from shared.clock import shown
from shared.database import Database, Work
from shared.routes import PAGE_ITEMS_DEFAULT, Cursor, Limit, Page
from shared.sweeping import sweeping
from shared.telemetry import log

Look = Callable[[Work], Awaitable[Audited]]
"""Looks through the whole ledger, within one transaction that only reads."""


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which audits to list, the latest night first; `whole` asks for those that found nothing, or something."""

    whole: bool | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class FindingView(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that does not follow from the journal: which check, about what, and the two figures."""

    check: str
    subject: str
    expected: str
    found: str


class LedgerAuditView(msgspec.Struct, frozen=True, kw_only=True):
    """The audit of a night: what was looked at, how long it took, and what was found.

    Shape:  `found` is how many figures disagreed and `findings` the first hundred; all of these are null until it has
            ended; `failed` is why the last attempt broke off
    Units:  `took_ms` in milliseconds
    """

    night: date
    state: State
    attempts: int
    started_at: datetime
    ended_at: datetime | None
    took_ms: int | None
    checked: dict[str, int] | None
    found: int | None
    findings: list[FindingView] | None
    failed: str | None


async def audit_night(database: Database, reader: Database, night: date, look: Look) -> bool:
    """Audit a night unless somebody else does or has; tells whether it was done here.

    Shape:  `reader` is the same store with time-outs for long questions
    Raises: whatever the audit raises, after the night was left to the next attempt
    """
    caller = sweeping(database)
    attempt = await database.run(caller, lambda work: store.claim(work.session, night, work.now))
    if attempt is None:
        return False
    try:
        async with reader.reading(caller) as work:
            audited = await look(work)
    except Exception as fault:
        why = type(fault).__name__
        await database.run(caller, lambda work: store.let_go(work.session, night, attempt, work.now, why))
        raise
    return await database.run(caller, lambda work: _conclude(work, night, attempt, audited))


async def _conclude(work: Work, night: date, attempt: int, audited: Audited) -> bool:
    ours = await store.conclude(work.session, night, attempt, work.now, audited)
    if ours and audited.findings:
        checks = sorted({one.check for one in audited.findings})
        log.error("ledger_audit_found", night=night.isoformat(), found=len(audited.findings), checks=checks)
    return ours


async def audits(work: Work, caller: Caller, query: AuditQuery) -> Page[LedgerAuditView]:
    """List nightly audits; they are about a whole province, so who has a part of it sees none."""
    (before,) = cursor.decode(query.cursor, tuple[date]) if query.cursor else (None,)
    rows = await store.page(work.session, before, query.whole, query.limit + 1) if _province(caller) else ()
    return cursor.page(rows, query.limit, lambda row: _view(row, work.now), lambda row: (row.night,))


def _province(caller: Caller) -> bool:
    return any("." not in region for region in caller.regions)


def _view(row: LedgerAuditRow, now: datetime) -> LedgerAuditView:
    took = row.ended_at - row.started_at if row.ended_at else None
    return LedgerAuditView(
        night=row.night,
        state=state_of(row.found, row.lease_until, now),
        attempts=row.attempts,
        started_at=shown(row.started_at),
        ended_at=shown(row.ended_at) if row.ended_at else None,
        took_ms=round(took.total_seconds() * 1_000) if took is not None else None,
        checked=row.checked,
        found=row.found,
        findings=msgspec.convert(row.findings, list[FindingView]) if row.findings is not None else None,
        failed=row.failed,
    )
