"""The HTTP face of contacts: the office registers its staff and sees whom it can reach."""

from typing import Annotated, Literal

import msgspec

from services.notifications.contacts import handlers, store
from shared import cursor
from shared.roles import Action
from shared.routes import PAGE_ITEMS_DEFAULT, Call, Cursor, Limit, Page, RegionCode, Routes, Text

routes = Routes("/notifications", tag="Staff")

# `$(?!\n)` is the very end in Python too, where `$` alone forgives a line break.
Name = Annotated[Text, msgspec.Meta(examples=["Rina Kusuma"])]
Email = Annotated[str, msgspec.Meta(min_length=3, max_length=254, pattern=r"^[!-;=?A-~]+@[A-Za-z0-9.\-]+$(?!\n)")]
AppriseUrl = Annotated[str, msgspec.Meta(min_length=5, max_length=500, pattern=r"^[!-~]+$(?!\n)")]
"""As Apprise writes addresses, such as tgram://token/chat; without options."""

Subject = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=200, pattern=r"^[!-~]([ -~]*[!-~])?$(?!\n)", examples=["officer-19.71"]),
]
Regions = Annotated[list[RegionCode], msgspec.Meta(min_length=1, max_length=50)]
StaffRole = Literal["regency_officer", "province_staff", "auditor", "operator"]


class RegisterStaff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member of staff, by the subject of their tokens."""

    subject: Subject
    name: Name
    role: StaffRole
    regions: Regions
    email: Email | None = None
    language: Literal["id", "en"] = "id"
    apprise_url: AppriseUrl | None = None
    webhook: bool = False


class StaffView(msgspec.Struct, frozen=True):
    """A member of staff and how to reach them; the address of Apprise holds a token, and is never shown again."""

    id: str
    subject: str
    name: str
    role: StaffRole
    regions: list[str]
    email: str | None
    language: Literal["id", "en"]
    apprise: bool
    webhook: bool


class StaffQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which stretch of the list."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


@routes.post("/staff", allow=Action.REGISTER_STAFF, refusals=[handlers.SubjectTaken])
async def register_staff(call: Call, body: RegisterStaff) -> StaffView:
    """Register a member of staff, so that they are told what concerns them; the same subject again replaces it."""
    told = msgspec.structs.asdict(body)
    apprise = told.pop("apprise_url")
    services = call.settings.apprise_services if call.settings else ()
    row = store.StaffMemberRow(**told)
    return _view(await handlers.register_staff(call.work, call.caller, row, apprise, services=services))


@routes.get("/staff", allow=Action.SEE_CONTACTS)
async def list_staff(call: Call, query: StaffQuery) -> Page[StaffView]:
    """List the staff of the caller's regions, by subject."""
    after = cursor.decode(query.cursor, tuple[str])[0] if query.cursor else ""
    rows = await store.staff_page(call.work.session, call.caller.regions, after, query.limit)
    return cursor.page(rows, query.limit, _view, lambda row: (row.subject,))


def _view(row: store.StaffMemberRow) -> StaffView:
    told = row.model_dump(exclude={"apprise_held"})
    return msgspec.convert({**told, "id": row.subject, "apprise": row.apprise_held is not None}, StaffView)
