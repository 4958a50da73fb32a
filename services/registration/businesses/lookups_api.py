"""The HTTP face of who looked for whom by a NIK."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from services.registration.businesses import lookups
from services.registration.businesses.lookups import NikLookupRow
from shared.clock import shown
from shared.roles import Action
from shared.routes import PAGE_ITEMS_DEFAULT, Call, Cursor, Limit, Page, Routes

routes = Routes("/registration", tag="Personal data")

Actor = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[ -~]+$(?!\n)")]


class NikLookupQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who was found, and who looked."""

    owner_id: UUID | None = None
    actor: Actor | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class OwnNikLookupsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stretch of a list is asked for."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class NikLookupView(msgspec.Struct, frozen=True, kw_only=True):
    """Who looked for somebody by a NIK and when; `owner_id` is who was found, null where nobody was."""

    id: UUID
    owner_id: UUID | None
    actor: str
    role: str
    looked_at: datetime


@routes.get("/nik-lookups", allow=Action.SEE_REVEALS)
async def list_nik_lookups(call: Call, query: NikLookupQuery) -> Page[NikLookupView]:
    """List who looked for whom by a NIK in your regions, the latest first; never the NIK."""
    page = await lookups.lookups(call.work, query.owner_id, query.actor, query.cursor, query.limit)
    return Page([_view(row) for row in page.items], page.next)


@routes.get("/my/nik-lookups", allow=Action.SEE_OWN_REVEALS)
async def list_own_nik_lookups(call: Call, query: OwnNikLookupsQuery) -> Page[NikLookupView]:
    """List who found you by your NIK, the latest first."""
    page = await lookups.own_lookups(call.work, query.cursor, query.limit)
    return Page([_view(row) for row in page.items], page.next)


def _view(row: NikLookupRow) -> NikLookupView:
    return NikLookupView(id=row.id, owner_id=row.owner_id, actor=row.actor, role=row.role, looked_at=shown(row.at))
