"""The HTTP face of duplicates."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from services.registration.duplicates import handlers
from services.registration.duplicates.domain import CaseDecided, Kind, State
from services.registration.duplicates.store import Case
from shared.clock import shown
from shared.problems import Absent
from shared.roles import Action
from shared.routes import PAGE_ITEMS_DEFAULT, Call, Cursor, Limit, Page, Routes, Text

routes = Routes("/registration", tag="Duplicates")

SCANNED_MAX = 5_000
StateName = Literal["open", "same", "different", "merged", "undone"]


class ScanDuplicates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The businesses to be held against all others."""

    businesses: Annotated[list[UUID], Meta(min_length=1, max_length=SCANNED_MAX)]


class DecideDuplicate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person has found out about a pair, and how."""

    decision: Literal["same", "different"]
    reason: Annotated[Text, Meta(examples=["Two sisters, I have been to both"])]


class CaseQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which cases are asked for."""

    state: StateName | None = None
    business: UUID | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class DuplicateScanView(msgspec.Struct, frozen=True):
    """How many of the businesses were known and checked, and the cases that this opened."""

    checked: int
    opened: list[UUID]


class SideView(msgspec.Struct, frozen=True):
    """One of two businesses."""

    business_id: UUID
    name: str
    region: str


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """Two businesses that may be one: the score from 0 to 100, the points that make it, and what was decided."""

    id: UUID
    businesses: list[SideView]
    kind: Literal["certain", "possible"]
    score: int
    points: dict[str, int]
    rule: str
    state: StateName
    opened_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None
    version: int


@routes.post("/duplicates/scan", allow=Action.SCAN_DUPLICATES, status=200)
async def scan_duplicates(call: Call, body: ScanDuplicates) -> DuplicateScanView:
    """Hold businesses against all others, and open a case for each pair that is alike and was not decided before."""
    return DuplicateScanView(*await handlers.scan(call.work, set(body.businesses)))


@routes.get("/duplicates", allow=Action.SEE_DUPLICATES)
async def list_duplicates(call: Call, query: CaseQuery) -> Page[CaseView]:
    """List the pairs of the caller's regions that may be one business, the surest first."""
    state = State(query.state) if query.state else None
    page = await handlers.page(call.work, state, query.business, query.cursor, query.limit)
    return Page([case_view(case) for case in page.items], page.next)


@routes.get("/duplicates/{case_id}", allow=Action.SEE_DUPLICATES, refusals=(Absent,))
async def show_duplicate(call: Call, case_id: UUID) -> CaseView:
    """Show a pair with its points, and what was decided about it."""
    return case_view(await handlers.show(call.work, case_id))


@routes.post("/duplicates/{case_id}/decision", allow=Action.DECIDE_DUPLICATE, refusals=(Absent, CaseDecided))
async def decide_duplicate(call: Call, case_id: UUID, body: DecideDuplicate) -> CaseView:
    """Keep that two businesses are the same or are different; who finds them different is not asked again."""
    return case_view(await handlers.decide(call.work, case_id, State(body.decision), body.reason))


def case_view(case: Case) -> CaseView:
    """Show a case."""
    row = case.row
    return CaseView(
        id=row.id,
        businesses=[SideView(side, case.names[side], case.regions[side]) for side in (row.low_id, row.high_id)],
        kind=Kind(row.kind).value,
        score=row.score,
        points=row.points,
        rule=row.rule,
        state=State(row.state).value,
        opened_at=shown(row.opened_at),
        decided_at=shown(row.decided_at) if row.decided_at else None,
        decided_by=row.decided_by,
        reason=row.reason,
        version=row.version,
    )
