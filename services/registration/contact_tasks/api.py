"""The HTTP face of contact tasks: an office sees whose number reaches nobody, and says what it has found out."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from services.registration.contact_tasks import handlers
from services.registration.contact_tasks.domain import State, TaskEnded
from shared.clock import shown
from shared.privacy import mask_phone
from shared.problems import Absent
from shared.roles import Action
from shared.routes import PAGE_ITEMS_DEFAULT, Call, Cursor, Limit, Page, Routes, Text

routes = Routes("/registration", tag="Contact tasks")

StateName = Literal["open", "corrected", "closed"]


class TaskQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which tasks, and which stretch of them."""

    state: StateName | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class CloseTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why nothing more is done about it."""

    reason: Annotated[Text, msgspec.Meta(examples=["Tidak punya telepon lagi, dikunjungi di rumah"])]


class TaskView(msgspec.Struct, frozen=True, kw_only=True):
    """An owner whose number reaches nobody; `phone` is masked, and another one than was tried once it is corrected."""

    id: UUID
    owner_id: UUID
    name: str
    region: str
    phone: str | None
    channel: str
    reason: str
    failed_at: datetime
    state: StateName
    opened_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    ended_reason: str | None


@routes.get("/contact-tasks", allow=Action.SEE_CONTACT_TASKS)
async def list_contact_tasks(call: Call, query: TaskQuery) -> Page[TaskView]:
    """List the owners of the caller's regions whom nothing reaches by telephone, newest first."""
    state = State(query.state) if query.state else None
    page = await handlers.page(call.work, state, query.cursor, query.limit)
    return Page([_view(row) for row in page.items], page.next)


@routes.post("/contact-tasks/{task_id}/closure", Action.CLOSE_CONTACT_TASK, status=200, refusals=[Absent, TaskEnded])
async def close_contact_task(call: Call, task_id: UUID, body: CloseTask) -> TaskView:
    """Close a task for a reason; a correction of the owner's number closes it by itself."""
    return _view(await handlers.close(call.work, task_id, body.reason))


def _view(row: handlers.Task) -> TaskView:
    told = dict(row._mapping)  # noqa: SLF001  the documented way to a row by names
    moments = {name: told[name] and shown(told[name]) for name in ("failed_at", "opened_at", "ended_at")}
    return msgspec.convert(told | moments | {"phone": told["phone"] and mask_phone(told["phone"])}, TaskView)
