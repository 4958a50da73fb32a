"""Nightly audits over HTTP."""

from services.aid_distribution.self_audit import handlers
from services.aid_distribution.self_audit.handlers import AuditQuery, LedgerAuditView
from shared.roles import Action
from shared.routes import Call, Page, Routes

self_audits = Routes("/aid/audits", tag="Nightly audits")


@self_audits.get("", Action.SEE_AUDITS)
async def list_audits(call: Call, query: AuditQuery) -> Page[LedgerAuditView]:
    """List what the ledger found when it looked through itself at night, the latest night first."""
    return await handlers.audits(call.work, call.caller, query)
