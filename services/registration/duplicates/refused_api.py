"""The HTTP face of registrations that were refused since their NIK or NIB is known."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from services.registration.duplicates import refused
from services.registration.duplicates.refused import RefusalSettled, RefusedState
from shared.clock import shown
from shared.problems import Absent
from shared.roles import Action
from shared.routes import PAGE_ITEMS_DEFAULT, Call, Cursor, Limit, Page, Routes, Text

routes = Routes("/registration", tag="Duplicates")


class RefusedQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which cases are asked for."""

    state: Literal["open", "closed"] | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class CloseRefused(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody has found out."""

    reason: Annotated[Text, Meta(examples=["The card was read wrongly at the counter; both are right now"])]


class RefusedRegistrationView(msgspec.Struct, frozen=True, kw_only=True):
    """An owner with whose NIK, or the NIB of whose business, others were to be registered: how often, last by whom.

    Shape: `last_region` is where the refused business was to be; what else was told of it is not kept
    """

    id: UUID
    owner_id: UUID
    name: str
    region: str
    nik_tries: int
    nib_tries: int
    opened_at: datetime
    last_at: datetime
    last_by: str
    last_region: str
    state: Literal["open", "closed"]
    closed_at: datetime | None
    closed_by: str | None
    reason: str | None


@routes.get("/refused-registrations", allow=Action.SEE_DUPLICATES)
async def list_refused_registrations(call: Call, query: RefusedQuery) -> Page[RefusedRegistrationView]:
    """List the owners of your regions with whose numbers others were to be registered, the newest case first."""
    state = RefusedState(query.state) if query.state else None
    page = await refused.page(call.work, state, query.cursor, query.limit)
    return Page([_view(row) for row in page.items], page.next)


@routes.post(
    "/refused-registrations/{case_id}/closing", allow=Action.DECIDE_DUPLICATE, refusals=(Absent, RefusalSettled)
)
async def close_refused_registration(call: Call, case_id: UUID, body: CloseRefused) -> RefusedRegistrationView:
    """Say what a case was; whoever is refused after that opens another."""
    return _view(await refused.close(call.work, case_id, body.reason))


def _view(row: Any) -> RefusedRegistrationView:
    told = dict(row._mapping)  # noqa: SLF001  the documented way to a row by names
    moments = {name: told[name] and shown(told[name]) for name in ("opened_at", "last_at", "closed_at")}
    state = {"state": "open" if told["closed_at"] is None else "closed"}
    return msgspec.convert(told | moments | state, RefusedRegistrationView)
