"""The HTTP face of the history of a business."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from services.registration.businesses import history
from services.registration.businesses.api import PageQuery
from services.registration.businesses.history import OWNER, Entry
from shared.caller import Caller
from shared.clock import shown
from shared.privacy import MASK, mask_nik, mask_phone
from shared.problems import Absent
from shared.roles import Action, allowed
from shared.routes import Call, Page, Routes

routes = Routes("/registration", tag="Businesses")

HIDDEN = MASK * 8
"""Stands for a value that is there and is not shown, however long it is."""


class HistoryView(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a history: the registration, or one field that changed, with who did it, in which role, and why.

    `before` and `after` are text; a NIK is masked, annual sales are hidden from everybody, ways to reach a person
    from those whose work it is not. What belonged to a person whose key is destroyed is not `readable` any more.
    """

    at: datetime
    by: str | None
    role: str | None
    subject: Literal["business", "owner"]
    field: str
    before: str | None
    after: str | None
    readable: bool
    reason: str | None
    document: str | None
    since: date | None
    version: int


@routes.get("/businesses/{business_id}/history", allow=Action.SEE_BUSINESSES, refusals=(Absent,))
async def show_history(call: Call, business_id: UUID, query: PageQuery) -> Page[HistoryView]:
    """Show everything that has changed about a business and its owner since the registration, which comes first."""
    page = await history.of_business(call.work, business_id, query.cursor, query.limit)
    return Page([_view(call.caller, entry) for entry in page.items], page.next)


def _view(caller: Caller, entry: Entry) -> HistoryView:
    return HistoryView(
        at=shown(entry.at),
        by=entry.by,
        role=entry.role,
        subject="owner" if entry.subject == OWNER else "business",
        field=entry.field,
        before=_masked(caller, entry, entry.before),
        after=_masked(caller, entry, entry.after),
        readable=entry.readable,
        reason=entry.reason,
        document=entry.document,
        since=entry.since,
        version=entry.version,
    )


def _masked(caller: Caller, entry: Entry, value: str | None) -> str | None:
    if value is None:
        return None
    match entry.field:
        case "nik":
            return mask_nik(value)
        case "annual_sales_rupiah":
            return HIDDEN
        case "phone" if not allowed(Action.SEE_CONTACTS, caller.role):
            return mask_phone(value)
        case "email" if not allowed(Action.SEE_CONTACTS, caller.role):
            return HIDDEN
        case _:
            return value
