"""The HTTP face of merging two businesses, and of undoing it."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from services.registration.businesses import merging
from services.registration.businesses.domain import NibTaken, OwnerErased, OwnerRestricted
from services.registration.businesses.merging import ChangedSinceMerge, MergeUnreadable, SurvivorNotOpen
from services.registration.duplicates.api import CaseView, case_view
from services.registration.duplicates.domain import CaseDecided
from shared.problems import Absent
from shared.roles import Action
from shared.routes import Call, Routes, Text

routes = Routes("/registration", tag="Duplicates")

Field = Literal["name", "sector", "kbli", "nib", "workers", "investment_rupiah", "annual_sales_rupiah", "address"]


class MergeBusinesses(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of the two stays, and which fields it takes over from the other; it keeps its own owner."""

    survivor: UUID
    reason: Annotated[Text, Meta(examples=["The same workshop"])]
    take: Annotated[list[Field], Meta(max_length=8)] = []


class UndoMerge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the two are two after all."""

    reason: Annotated[Text, Meta(examples=["Two workshops of one family"])]


@routes.post(
    "/duplicates/{case_id}/merge",
    allow=Action.MERGE_BUSINESSES,
    refusals=(Absent, CaseDecided, SurvivorNotOpen, NibTaken, OwnerErased, OwnerRestricted),
)
async def merge_businesses(call: Call, case_id: UUID, body: MergeBusinesses) -> CaseView:
    """Make one business of two: the other stays on record, and what it received is shown with the one that stays."""
    return case_view(await merging.merge(call.work, case_id, body.survivor, body.take, body.reason))


@routes.post(
    "/duplicates/{case_id}/undoing",
    allow=Action.MERGE_BUSINESSES,
    refusals=(Absent, CaseDecided, ChangedSinceMerge, MergeUnreadable, NibTaken, OwnerErased, OwnerRestricted),
)
async def undo_merge(call: Call, case_id: UUID, body: UndoMerge) -> CaseView:
    """Make two businesses of one again, both as they were before the merge."""
    return case_view(await merging.undo(call.work, case_id, body.reason))
